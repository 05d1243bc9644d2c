"""Result on stdout, the rest on stderr; progress with rate and time left; plain JSON."""

from __future__ import annotations

import dataclasses
import json
import logging
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.cli import output as module
from edgeir.cli.options import parse_size
from edgeir.cli.output import Output, jsonable, table
from edgeir.core.errors import ConfigError
from edgeir.core.progress import no_progress
from edgeir.manifest.facts import NetworkFacts


@dataclasses.dataclass
class Report:
    path: Path
    psnr_db: float
    facts: NetworkFacts


def test_results_become_plain_json() -> None:
    report = Report(Path("a/b"), float("nan"), NetworkFacts(scale=4))
    value = jsonable({"report": report, "n": np.int64(3), "x": (np.float32(0.5), {"y": float("inf")})})
    assert json.loads(json.dumps(value, allow_nan=False)) == {
        "report": {"path": "a/b", "psnr_db": None, "facts": NetworkFacts(scale=4).model_dump(mode="json")},
        "n": 3,
        "x": [0.5, {"y": None}],
    }


def test_text_for_a_person_and_json_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    with Output() as output:
        output.emit({"a": 1}, ["one", "two"])
    assert capsys.readouterr().out == "one\ntwo\n"
    with Output(json=True) as output:
        output.emit({"a": 1}, ["one", "two"])
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_quiet_keeps_the_result_and_drops_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("edgeir.test")
    for quiet in (False, True):
        with Output(quiet=quiet) as output:
            output.note("a remark")
            log.info("some news")
            log.error("trouble")
            with output.progress() as progress:
                assert (progress is no_progress) == quiet
            output.emit(None, ["result"])
        captured = capsys.readouterr()
        assert captured.out == "result\n"
        assert captured.err == (
            "edgeir: trouble\n" if quiet else "a remark\nedgeir: some news\nedgeir: trouble\n"
        )


def test_whatever_others_print_goes_to_stderr() -> None:
    code = """
import os, subprocess, sys
from edgeir.cli.output import Output
print("before")
with Output(json=True) as output:
    print("python chatter")
    os.write(1, b"native chatter\\n")
    subprocess.run([sys.executable, "-c", "print('child chatter')"])
    output.emit([1], [])
print("after")
os.write(1, b"native after\\n")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert sorted(done.stdout.split()) == ["1", "[", "]", "after", "after", "before", "native"]
    assert done.stdout.splitlines()[0] == "before"
    for who in ("python", "native", "child"):
        assert f"{who} chatter" in done.stderr


def test_lines_tell_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    lines = module._Lines()
    # A resumed job: what was done before must not count into the rate.
    for done in range(500, 531):
        lines(done, 1000, "step")
        clock[0] += 0.5
    printed = capsys.readouterr().err.splitlines()
    assert printed == ["edgeir: 520/1000 · 2/s · 4:00 left · step"]


def test_a_new_phase_starts_a_new_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    meter = module._Meter()
    meter.read(0, 10)
    clock[0] = 100.0
    assert meter.read(5, 10) == "5/10 · 20 s each · 1:40 left"
    assert meter.read(0, 3) == "0/3"
    clock[0] = 101.0
    assert meter.read(1.5, 3) == "1.5/3 · 1.5/s · 0:01 left"


def test_progress_for_several_processes_can_be_sent_to_them() -> None:
    with Output() as output, output.progress(processes=2) as progress:
        pickle.loads(pickle.dumps(progress))(1, 2, "x")  # noqa: S301 - our own object


def test_a_bar_draws_on_stderr_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the captured stream for a terminal
    monkeypatch.setenv("TERM", "xterm")
    with module._bar() as progress:
        progress(1, 4, "tile [bold]3")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1/4" in captured.err
    assert "tile [bold]3" in captured.err


@given(st.integers(1, 99999), st.integers(1, 99999))
def test_a_size_is_height_by_width(height: int, width: int) -> None:
    assert parse_size(f"{height}x{width}") == (height, width)


@pytest.mark.parametrize("text", ["", "x", "10", "0x5", "-1x5", "1x2x3", "1.5x2", "axb", "999999x1"])
def test_a_size_that_is_none_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ConfigError, match="HEIGHTxWIDTH like 180x320"):
        parse_size(text)


def test_columns_are_aligned() -> None:
    assert table([("a", "bb"), ("ccc", "d")]) == ["a    bb", "ccc  d"]
    assert table([]) == []
