"""Tiled output equals whole-image output, for any size, window, radius, stride and scale.

The network of these tests computes every output pixel by the same sums wherever it lies, so equal means bit-exact.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.core.errors import ArtifactError
from edgeir.manifest.facts import NetworkFacts
from edgeir.restoring.tiling import Window, plan, reflected, run_tiled

sides = st.integers(1, 45)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


@given(
    length=st.integers(1, 400),
    largest=st.integers(1, 80),
    radius=st.integers(0, 12),
    multiple=st.integers(1, 8),
    mirrored=st.booleans(),
)
def test_windows(length: int, largest: int, radius: int, multiple: int, mirrored: bool) -> None:
    facts = NetworkFacts(receptive_radius=radius, size_multiple=multiple)
    margin = radius if mirrored else 0
    begin, end = -margin // multiple * multiple, -(-(length + margin) // multiple) * multiple
    usable = largest - largest % multiple
    across = largest + 400  # wide enough for windows to be no longer than `largest`
    try:
        axis = plan(length, across, facts, fixed=None, largest=largest, mirrored=mirrored).rows
    except ArtifactError:
        assert (usable - 2 * radius) // multiple < 1
        return
    assert (axis.begin, axis.end) == (begin, end)
    place = 0
    for window in axis.windows:
        assert window.first == place  # the windows give every pixel once, in order
        place = window.last
        assert window.start % multiple == 0
        assert (window.stop - window.start) % multiple == 0
        assert begin <= window.start < window.stop <= end
        assert window.stop - window.start <= max(largest, end - begin if len(axis.windows) == 1 else 0)
        assert window.first < window.last
        assert window.first - window.start >= radius or (window.start == 0 and not mirrored)
        assert window.stop - window.last >= radius or (window.stop == end and not mirrored)
    assert place == length
    assert len({window.stop - window.start for window in axis.windows}) == 1
    step = (usable - 2 * radius) // multiple * multiple
    if len(axis.windows) > 1:  # no more windows than needed
        assert usable + (len(axis.windows) - 2) * step < end - begin


@given(size=st.integers(1, 9), start=st.integers(-40, 5), length=st.integers(1, 60))
def test_reflected_pixels_are_those_of_repeated_mirroring(size: int, start: int, length: int) -> None:
    mirrored = np.pad(np.arange(size), (40, 80), mode="symmetric")
    found = reflected(Window(start, start + length, 0, 0), size)
    np.testing.assert_array_equal(found, mirrored[40 + start : 40 + start + length])


@given(
    height=sides,
    width=sides,
    spare=st.tuples(st.integers(0, 12), st.integers(0, 12)),
    layers=st.integers(1, 3),
    radius=st.integers(0, 2),
    multiple=st.integers(1, 2),
    scale=st.integers(1, 4),
)
def test_a_fixed_size_network_gives_the_whole_image(  # type: ignore[no-untyped-def]
    fake, height, width, spare, layers, radius, multiple, scale
) -> None:
    session = fake(scale=scale, layers=layers, radius=radius, multiple=multiple)
    reach = session.facts.receptive_radius
    tile = tuple((2 * reach // multiple + 2 + extra) * multiple for extra in spare)
    session.fixed_size = tile
    image = noise(height, width)
    expected = session.whole(image)
    found = run_tiled(session.run, image, session.facts, tile)
    assert found.dtype == np.float32
    # Where the image is smaller than the network's only size, its lower or right side is not the network's border.
    padded = [-(-side // multiple) * multiple for side in (height, width)]
    good = [
        (size if have >= want else max(0, size - reach)) * scale
        for size, have, want in zip((height, width), padded, tile, strict=True)
    ]
    np.testing.assert_array_equal(found[: good[0], : good[1]], expected[: good[0], : good[1]])
    assert found.shape == expected.shape
    assert np.isfinite(found).all()
    assert set(session.sizes) == {tile}


@given(height=sides, width=sides, multiple=st.integers(1, 4))
def test_a_network_of_any_size_runs_once(fake, height, width, multiple) -> None:  # type: ignore[no-untyped-def]
    session = fake(multiple=multiple)
    image = noise(height, width)
    expected = session.whole(image)
    np.testing.assert_array_equal(run_tiled(session.run, image, session.facts), expected)
    assert len(session.sizes) == 1


def test_a_radius_that_is_stated_too_small_shows(fake) -> None:  # type: ignore[no-untyped-def]
    """The comparison can fail: with the overlap of a smaller radius tiled output differs."""
    session = fake(layers=3, radius=2)
    image = noise(60, 60)
    wrong = session.facts.model_copy(update={"receptive_radius": 1})
    session.fixed_size = (20, 20)
    found = run_tiled(session.run, image, wrong, (20, 20))
    assert np.abs(found - session.whole(image)).max() > 1e-3


def test_overlap_is_spread_so_that_little_is_computed_twice() -> None:
    facts = NetworkFacts(receptive_radius=12)
    windows = plan(750, 1000, facts, fixed=None, largest=384)
    assert len(windows) == 9
    assert max(windows.size) <= 384
    computed = len(windows) * windows.size[0] * windows.size[1]
    assert computed < 1.12 * 750 * 1000


@given(side=st.integers(1, 63), length=st.integers(64, 5000))
def test_windows_along_a_narrow_image_are_longer(side: int, length: int) -> None:
    windows = plan(side, length, NetworkFacts(receptive_radius=4), fixed=None, largest=64)
    rows, columns = windows.size
    assert rows == side
    assert columns == length if side * length <= 64**2 else columns >= 32
    assert rows * columns <= 64**2
    turned = plan(length, side, NetworkFacts(receptive_radius=4), fixed=None, largest=64)
    assert turned.size == (columns, rows)


def test_a_window_below_the_receptive_field_is_refused() -> None:
    facts = NetworkFacts(receptive_radius=12, size_multiple=4)
    with pytest.raises(
        ArtifactError,
        match="a window of 24 pixels is too small .* receptive radius is 12 pixels .*at least 28",
    ):
        plan(100, 100, facts, fixed=None, largest=24)
    assert len(plan(100, 100, facts, fixed=None, largest=28)) > 1
    assert len(plan(20, 28, facts, fixed=None, largest=24)) == 1


def test_a_network_that_reads_the_whole_image_is_not_tiled(fake) -> None:  # type: ignore[no-untyped-def]
    session = fake(subtract_mean=True, fixed=(20, 20))
    with pytest.raises(ArtifactError, match=r"reads the whole image \(image mean\), so a 30x20 image"):
        run_tiled(session.run, noise(30, 20), session.facts, (20, 20))
    with pytest.raises(ArtifactError, match="reads the whole image"):
        run_tiled(session.run, noise(10, 20), session.facts, (20, 20))
    image = noise(20, 20)
    expected = session.whole(image)
    np.testing.assert_array_equal(run_tiled(session.run, image, session.facts, (20, 20)), expected)
    session.fixed_size = None
    np.testing.assert_array_equal(
        run_tiled(session.run, noise(30, 21), session.facts), session.whole(noise(30, 21))
    )


@pytest.mark.parametrize(
    ("operations", "fix"),
    [(("channel attention",), "--statistics constant"), (("deformable sampling",), "that takes this size")],
)
def test_the_remedy_for_global_operations_is_one_that_exists(operations, fix):
    facts = NetworkFacts(global_operations=operations)
    with pytest.raises(ArtifactError, match=fix):
        plan(90, 70, facts, fixed=(64, 64), largest=None)
