"""What lies under an alpha of zero: it takes the colour of what can be seen, and changes nothing that can be seen."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeir.imaging.files import Photo
from edgeir.restoring.image import restore_photo
from edgeir.restoring.transparency import bleed


def disk(side: int, colour: tuple[int, ...], hidden: object = 0) -> Photo:
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    inside = rows**2 + columns**2 < (side / 3) ** 2
    pixels = np.where(inside[:, :, None], np.array(colour, np.uint8), np.asarray(hidden, np.uint8))
    return Photo(np.ascontiguousarray(pixels), np.where(inside, 255, 0).astype(np.uint8))


@pytest.mark.parametrize("kind", ["lr", "bicubic"])
@pytest.mark.parametrize("colour", [(250, 200, 60), (180,)])
def test_a_hard_edged_sprite_has_no_rim(fake, kind, colour) -> None:  # type: ignore[no-untyped-def]
    session = fake(scale=2, layers=3, input_kind=kind)
    found = restore_photo(disk(48, colour), session, tile=24)
    assert found.alpha is not None
    expected = restore_photo(Photo(np.full((48, 48, len(colour)), colour, np.uint8)), session).pixels
    visible = found.alpha > 0
    assert 0.2 < visible.mean() < 0.5
    np.testing.assert_array_equal(found.pixels[visible], expected[visible])


@settings(max_examples=30)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    share=st.sampled_from([0.02, 0.5, 0.98]),
    scale=st.integers(1, 3),
    kind=st.sampled_from(["lr", "bicubic"]),
    subtract_mean=st.booleans(),
    bits=st.sampled_from([8, 16]),
)
def test_hidden_colours_change_nothing_that_can_be_seen(  # type: ignore[no-untyped-def]
    fake, height, width, share, scale, kind, subtract_mean, bits
) -> None:
    """Whatever the network reads, the whole image's mean included."""
    random = np.random.default_rng(0)
    dtype = np.uint8 if bits == 8 else np.uint16
    alpha = (random.random((height, width)) < share) * random.integers(1, 2**bits, (height, width))
    alpha[height // 2, width // 2] = 9
    pixels = random.integers(0, 2**bits, (height, width, 3)).astype(dtype)
    other = np.where(alpha[:, :, None] > 0, pixels, random.integers(0, 2**bits, pixels.shape)).astype(dtype)
    session = fake(scale=scale, input_kind=kind, subtract_mean=subtract_mean)
    first, second = (
        restore_photo(Photo(p, alpha.astype(dtype), bits=bits), session) for p in (pixels, other)
    )
    assert first.alpha is not None
    assert second.alpha is not None
    np.testing.assert_array_equal(first.alpha, second.alpha)
    np.testing.assert_array_equal(first.pixels, second.pixels)


@settings(max_examples=40)
@given(
    height=st.integers(1, 200), width=st.integers(1, 30), seen=st.integers(1, 12), radius=st.integers(0, 20)
)
def test_the_colour_is_that_of_the_nearest_visible_pixel(height, width, seen, radius) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(height * width + seen)
    alpha = np.zeros((height, width), np.uint8)
    alpha[random.integers(0, height, seen), random.integers(0, width, seen)] = 1
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = bleed(Photo(pixels, alpha), radius)
    where = np.argwhere(alpha)
    distances = np.sqrt(((np.indices(alpha.shape).transpose(1, 2, 0)[:, :, None] - where) ** 2).sum(-1))
    near = distances.min(axis=2) <= np.sqrt(2) * (radius + 2)
    candidates = pixels[where[:, 0], where[:, 1]]
    nearest = distances <= distances.min(axis=2, keepdims=True) + 1e-9
    same = (found[:, :, None] == candidates).all(-1)
    assert (same & nearest).any(axis=2)[near].all()
    far = distances.min(axis=2) > np.sqrt(2) * (radius + 2) + 1
    assert (found[far] == np.rint(candidates[np.unique(where, axis=0, return_index=True)[1]].mean(0))).all()


def test_without_hidden_or_without_visible_pixels_nothing_is_copied() -> None:
    pixels = np.zeros((5, 6, 3), np.uint8)
    for alpha in (None, np.full((5, 6), 1, np.uint8), np.zeros((5, 6), np.uint8)):
        assert bleed(Photo(pixels, alpha), 3) is pixels


def test_memory_is_that_of_a_copy_and_a_strip() -> None:
    alpha = np.zeros((3000, 500), np.uint8)
    alpha[::7, ::9] = 255
    photo = Photo(np.ones((3000, 500, 3), np.uint8), alpha)
    tracemalloc.start()
    result = bleed(photo, 8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - result.nbytes < 8 * 2**20  # indices of the whole image take 12 MiB, distances as much again
