"""A network of any size that pools over cells: its tiles are exact where they start at multiples of the cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.core.errors import ArtifactError
from edgeir.manifest.facts import NetworkFacts
from edgeir.restoring.tiling import cut, plan, read_window, run_tiled


def gate(cell: int):  # type: ignore[no-untyped-def]
    """Every pixel times the largest value of its cell, whatever the size; cells at the far borders are cut off."""

    def run(x: np.ndarray) -> np.ndarray:
        height, width, _ = x.shape
        wide = np.pad(x, ((0, -height % cell), (0, -width % cell), (0, 0)))
        split = wide.reshape(wide.shape[0] // cell, cell, wide.shape[1] // cell, cell, 3)
        largest = split.max((1, 3)).repeat(cell, 0).repeat(cell, 1)
        return x * largest[:height, :width]

    return run, NetworkFacts(tile_multiple=cell, receptive_radius=cell - 1)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).random((height, width, 3), dtype=np.float32)


def tiled(run, image, facts, largest):  # type: ignore[no-untyped-def]
    """As `restore` does it: windows of any size up to `largest`."""
    result, count = np.full_like(image, np.nan), 0
    windows = plan(*image.shape[:2], facts, fixed=None, largest=largest)
    for row, column in windows:
        out = run(read_window(image, row, column))
        result[row.first : row.last, column.first : column.last] = out[cut(row, 1), cut(column, 1)]
        count += 1
    return result, count


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([2, 3, 8]), st.integers(0, 20))
def test_tiles_equal_the_whole_for_every_size(height: int, width: int, cell: int, spare: int) -> None:
    run, facts = gate(cell)
    image = noise(height, width)
    result, _ = tiled(run, image, facts, 4 * cell + spare)
    np.testing.assert_array_equal(result, run(image))


def test_without_the_fact_they_do_not() -> None:
    run, facts = gate(8)
    image = noise(70, 61)
    result, count = tiled(run, image, facts, 32)
    assert count > 1
    np.testing.assert_array_equal(result, run(image))
    silent = facts.model_copy(update={"tile_multiple": 1})
    assert np.abs(tiled(run, image, silent, 32)[0] - run(image)).max() > 0.01


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([2, 3, 8]), st.integers(0, 9))
def test_in_windows_of_one_size_only_the_far_borders_differ(
    height: int, width: int, cell: int, spare: int
) -> None:
    run, facts = gate(cell)
    image, side = noise(height, width), 4 * cell + spare
    found = run_tiled(run, image, facts, (side, side))
    inner = tuple(slice(None, max(0, length - facts.receptive_radius)) for length in (height, width))
    np.testing.assert_array_equal(found[inner], run(image)[inner])
    assert found.shape == image.shape
    aligned = tuple(-(-max(0, length - side) // cell) * cell + side for length in (height, width))
    mirrored = np.pad(image, [(0, a - b) for a, b in zip(aligned, (height, width), strict=True)] + [(0, 0)],
                      mode="symmetric")  # fmt: skip
    np.testing.assert_array_equal(found, run(mirrored)[:height, :width])


@pytest.mark.parametrize("length", [100, 101, 107])
def test_a_tile_that_is_too_small_says_what_is_enough(length: int) -> None:
    facts = NetworkFacts(tile_multiple=8, receptive_radius=10)
    with pytest.raises(ArtifactError, match="use at least") as caught:
        plan(length, length, facts, fixed=None, largest=27)
    enough = int(str(caught.value).rpartition("at least ")[2].split()[0])
    assert len(plan(length, length, facts, fixed=None, largest=enough)) > 1
    with pytest.raises(ArtifactError):
        plan(length, length, facts, fixed=None, largest=enough - 1)


def test_the_two_multiples_act_together() -> None:
    facts = NetworkFacts(size_multiple=4, tile_multiple=6, receptive_radius=3)
    assert facts.tile_step == 12
    rows = plan(101, 400, facts, fixed=None, largest=40).rows
    assert (rows.begin, rows.end) == (0, 104)
    assert all(window.start % 12 == 0 and (window.stop - window.start) % 4 == 0 for window in rows.windows)
    assert rows.windows[-1].stop == 104
