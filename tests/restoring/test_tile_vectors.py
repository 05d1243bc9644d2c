"""``tests/vectors/tiles.json``, against which tilers in other languages are tested, is what edgeir's own tiler does."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edgeir.core.errors import ArtifactError
from edgeir.restoring.tiling import plan

ROOT = Path(__file__).resolve().parent.parent.parent
CASES: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/tiles.json").read_text(encoding="utf-8"))[
    "cases"
]


@pytest.fixture(scope="module")
def vectors() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tile_vectors", ROOT / "tools/tile_vectors.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_case_of_the_file_is_what_the_tiler_plans_and_stitches(vectors: ModuleType) -> None:
    assert len(CASES) == 500
    for number, case in enumerate(CASES):
        assert vectors.answered({key: value for key, value in case.items() if key in _ASKED}) == case, number


def test_stitched_bytes_of_mirrored_cases_are_one_run_over_the_mirrored_image(vectors: ModuleType) -> None:
    """The hashes are right by another way than the tiler's: numpy mirrors, the network runs once, the border goes."""
    checked = 0
    for case in CASES:
        radius, scale = case["receptive_radius"], case["scale"]
        if case["refused"] or not case["mirrored"] or _narrowed(case):
            continue
        padded = np.pad(vectors.image(case["height"], case["width"]), radius, mode="symmetric")
        whole = vectors.network(padded, radius, scale)
        end = [radius * scale + case[side] * scale for side in ("height", "width")]
        inner = whole[radius * scale : end[0], radius * scale : end[1]]
        assert hashlib.sha256(np.ascontiguousarray(inner).tobytes()).hexdigest() == case["sha256"], case
        checked += 1
    assert checked > 150


def test_refused_cases_raise(vectors: ModuleType) -> None:
    refused = [case for case in CASES if case["refused"]]
    assert refused
    for case in refused:
        with pytest.raises(ArtifactError):
            plan(**vectors.arguments(case))


def test_the_file_is_small_enough_to_ship_in_an_app_test() -> None:
    assert (ROOT / "tests/vectors/tiles.json").stat().st_size < 1_000_000


_ASKED = (
    "height", "width", "scale", "size_multiple", "tile_multiple", "receptive_radius", "global", "fixed", "largest",
    "mirrored",
)  # fmt: skip


def _narrowed(case: dict[str, Any]) -> bool:
    """An artifact of one size holds less than the whole mirrored border, or takes exactly this image (see `plan`)."""
    if case["fixed"] is None:
        return False
    exact = case["global"] and case["fixed"] == [case["height"], case["width"]]
    axes = zip((case["rows"], case["columns"]), (case["height"], case["width"]), strict=True)
    radius = case["receptive_radius"]
    return exact or any(axis[0][0] > -radius or axis[-1][1] < length + radius for axis, length in axes)
