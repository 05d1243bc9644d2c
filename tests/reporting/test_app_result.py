"""A benchmark of the Android app: ``tests/vectors/app-result.json`` is what the app's tests wrote (BenchmarkTest.java).

That test fails when the app writes other fields; this one, when edgeir no longer reads them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeir.benchmarking.result import Result, read_result
from edgeir.reporting.joined import joined_rows
from edgeir.reporting.joined_table import joined_markdown
from edgeir.reporting.run import report

PATH = Path(__file__).parents[1] / "vectors" / "app-result.json"


@pytest.fixture
def result() -> Result:
    return read_result(PATH)


def test_the_apps_result_is_one_row_of_a_device(result: Result) -> None:
    (row,) = joined_rows([result], ["phone"])
    written = json.loads(PATH.read_text(encoding="utf-8"))["rows"][0]
    assert (row.device, row.emulated) == ("app: Maker Made-up Phone", False)
    assert row.runtime == "TensorFlow Lite 2.16.1, CPU (XNNPACK)"
    assert (row.target, row.size) == ("tflite", "256x256")
    assert row.cost == written["latency"]["p50_ms"]
    assert row.sustained_ms == written["details"]["sustained_last_ms"]
    assert row.row.golden is not None
    assert row.row.golden.right


def test_what_is_said_of_another_accelerator_is_kept(result: Result) -> None:
    """The GPU was asked for, and is not there."""
    row = result.rows[0]
    assert row.device is not None
    assert row.device.accelerator == "cpu"
    assert row.details["fell_back"] is True
    assert "The CPU is used." in row.note


def test_the_percentiles_are_those_of_the_samples(result: Result) -> None:
    from edgeir.benchmarking.timing.measure import percentile

    latency = result.rows[0].latency
    assert latency is not None
    for share, value in ((0.5, latency.p50_ms), (0.9, latency.p90_ms), (0.99, latency.p99_ms)):
        assert percentile(latency.samples_ms, share) == pytest.approx(value, abs=2e-4)


def test_the_report_shows_it(result: Result, tmp_path: Path) -> None:
    assert "Made-up Phone" in joined_markdown(joined_rows([result], ["phone"]))
    report([PATH], tmp_path / "report")
    assert "Made-up Phone" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
