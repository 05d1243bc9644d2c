"""Instruction counts: the table and the budget, and the recorded figures against those counted by hand before."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "benchmarks" / "results" / "instructions.json"
PUBLISHED = {
    "sr-x4/int8/android-arm64:a76": 11_048,
    "sr-x4/int8/android-arm64:a53": 40_742,
    "sr-x4/fp32/android-arm64:a76": 37_671,
    "sr-x4-xs/int8/android-arm64:a76": 2_619,
    "sr-x4-xs/int8/android-arm64:a53": 7_388,
    "sr-x4-xs/fp32/android-arm64:a76": 6_870,
}
"""Per input pixel, counted with another program, on networks of these shapes with random weights."""


@pytest.fixture
def instructions(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("instructions", ROOT / "benchmarks" / "instructions.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "instructions", module)
    spec.loader.exec_module(module)
    return module


def cell(device, counts, file="int8"):
    return {
        "network": "net",
        "file": file,
        "device": device,
        "size": [2, 5],
        "instructions": counts,
        "per_pixel": counts["total"] / 10,
    }


def test_a_network_in_integers_has_its_own_file_alone(instructions, tmp_path):
    found = list(instructions.files("sr-x4-xs-int8", ("fp32", "fp16"), tmp_path))
    assert [file for _, _, file in found] == ["packaged int8"]


def test_the_table_has_a_row_per_file_and_the_budget_refuses_what_is_dearer(instructions):
    kinds = dict.fromkeys(
        ("dot_product", "matrix_product", "widening_multiply", "multiply", "float_multiply"), 40
    )
    counts = {**kinds, "load": 30, "store": 20, "branch": 50, "scalar": 700, "total": 1000}
    cells = [cell("android-arm64:a53", counts), cell("android-armv7", {"total": 3000})]
    [row] = instructions.table(cells)
    assert row == {
        "network": "net",
        "file": "int8",
        "input": "2x5",
        "a53": 100,
        "a53 multiply %": 20,
        "a53 memory %": 5,
        "a53 branch %": 5,
        "armv7": 300,
    }
    assert instructions.over_budget(cells, {"net/int8/android-armv7": 300.0}) == []
    assert instructions.over_budget(cells, {"net/int8/android-arm64:a53": 99.9}) == [
        "net/int8/android-arm64:a53: 100.0 instructions per pixel, 99.9 are allowed"
    ]


def test_what_is_recorded_is_within_the_budget_and_the_budget_is_tight(instructions):
    cells = {
        instructions.key_of(cell): cell for cell in json.loads(RESULT.read_text(encoding="utf-8"))["cells"]
    }
    budget = json.loads(instructions.BUDGET.read_text(encoding="utf-8"))
    assert set(budget) == set(cells)
    assert instructions.over_budget(list(cells.values()), budget) == []
    assert all(budget[key] <= cell["per_pixel"] * 1.01 for key, cell in cells.items())


def test_the_recorded_counts_are_those_that_were_counted_by_hand(instructions):
    cells = {
        instructions.key_of(cell): cell for cell in json.loads(RESULT.read_text(encoding="utf-8"))["cells"]
    }
    for key, published in PUBLISHED.items():
        assert cells[key]["per_pixel"] == pytest.approx(published, rel=0.003), key
    for found in cells.values():
        counts = dict(found["instructions"])
        total = counts.pop("total")
        assert sum(counts.values()) in (0, total)
