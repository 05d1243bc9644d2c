"""The study of bad calibration sets: its sets are what they are called, and what passed is right on photographs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeir.exporting.calibration import gather
from edgeir.manifest.facts import NetworkFacts

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from calibration_sets import SETS, calibration_set  # noqa: E402


def inputs(name: str, folder: Path) -> np.ndarray:
    return gather(calibration_set(name, folder), NetworkFacts(), None, size=32, count=6).inputs


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("dark", lambda x: x.max() <= 0.16),
        ("black", lambda x: x.max() <= 3 / 255),
        ("bright", lambda x: x.min() >= 0.84),
        ("gray", lambda x: np.ptp(x, axis=3).max() == 0),
        ("saturated", lambda x: set(np.unique(x)) == {0.0, 1.0}),
        ("flat", lambda x: np.ptp(x, axis=(1, 2)).max() == 0),
        ("noise only", lambda x: x.std((1, 2)).min() > 0.25),
        ("8x8 inputs", lambda x: x.shape == (48, 8, 8, 3)),
    ],
)
def test_a_set_is_what_it_is_called(name, holds, tmp_path: Path) -> None:
    assert holds(inputs(name, tmp_path))


@pytest.mark.parametrize("name", list(SETS))
def test_every_set_can_calibrate(name, tmp_path: Path) -> None:
    found = inputs(name, tmp_path)
    assert found.ndim == 4
    assert found.min() >= 0
    assert found.max() <= 1


def test_no_file_that_passed_is_wrong_on_photographs() -> None:
    """More than 0.3 dB are lost on gratings and fine checkers alone, which no photograph has over its whole area."""
    result = json.loads((BENCHMARKS / "results" / "calibration-study.json").read_text())
    assert {row["calibration"] for row in result["rows"]} == set(SETS)
    for row in result["rows"]:
        if row["outcome"] == "refused":
            assert row["why"]
            continue
        assert max(row["embedded_db"], row["others_db"]) <= result["limit_db"] == 0.3
        assert (row["extremes_worst_db"] <= 0.3) == (row["outcome"] == "right")
        assert row["extremes_worst_db"] < 0.8
        if row["outcome"] == "wrong":
            assert row["worst_extreme"].startswith(("grating", "checkers"))
