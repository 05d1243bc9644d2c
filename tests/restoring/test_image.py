"""A photo in memory: what goes into the network, what comes out, and how much memory that takes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeir.core.errors import ArtifactError, ConfigError
from edgeir.data.degrade.bicubic import upscale
from edgeir.imaging.files import Photo
from edgeir.restoring.image import plan_photo, restore_photo


def samples(*shape: int, bits: int = 8, seed: int = 0) -> np.ndarray:
    dtype = np.uint8 if bits == 8 else np.uint16
    return np.random.default_rng(seed).integers(0, 2**bits, shape).astype(dtype)


def rounded(values: np.ndarray, top: int = 255) -> np.ndarray:
    """To the nearest level, half up, in the network's own precision."""
    return np.floor(np.clip(values * np.float32(top), 0, top) + np.float32(0.5))


@settings(max_examples=40)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    tile=st.integers(5, 30),
    bits=st.sampled_from([8, 16]),
)
def test_tiled_output_equals_whole_image_output(fake, height, width, tile, bits) -> None:  # type: ignore[no-untyped-def]
    session = fake(scale=3)
    photo = Photo(samples(height, width, 3, bits=bits), bits=bits)
    found = restore_photo(photo, session, tile=tile)
    assert all(rows * columns <= tile**2 for rows, columns in session.sizes)
    whole = session.whole(photo.pixels.astype(np.float32) / np.float32(2**bits - 1), mirrored=True)
    assert found.pixels.dtype == photo.pixels.dtype
    np.testing.assert_array_equal(found.pixels, rounded(whole, 2**bits - 1))
    exact = np.clip(whole.astype(np.float64), 0, 1) * (2**bits - 1)
    assert np.abs(found.pixels - exact).max() <= 0.51


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (2, 3), (31, 17)])
@pytest.mark.parametrize("fixed", [None, (16, 16), (20, 12)])
def test_any_size(fake, size, fixed) -> None:  # type: ignore[no-untyped-def]
    photo = restore_photo(Photo(samples(*size, 3)), fake(scale=4, fixed=fixed))
    assert photo.pixels.shape == (size[0] * 4, size[1] * 4, 3)
    assert photo.pixels.std() > 0


@settings(max_examples=30)
@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    rows=st.integers(0, 20),
    columns=st.integers(0, 20),
    multiple=st.integers(1, 3),
)
def test_an_artifact_of_any_size_gives_the_mirrored_whole(
    fake, height, width, rows, columns, multiple
) -> None:  # type: ignore[no-untyped-def]
    """Larger or smaller than the photo, and where the photo is no multiple of what the network needs."""
    session = fake(scale=2, multiple=multiple)
    least = 2 * session.facts.receptive_radius // multiple + 2
    session.fixed_size = ((least + rows) * multiple, (least + columns) * multiple)
    photo = Photo(samples(height, width, 3))
    whole = session.whole(photo.pixels.astype(np.float32) / np.float32(255), mirrored=True)
    np.testing.assert_array_equal(restore_photo(photo, session).pixels, rounded(whole))


@pytest.mark.parametrize("fixed", [None, (16, 12), (40, 64)])
@pytest.mark.parametrize(("kind", "multiple"), [("lr", 1), ("lr", 4), ("bicubic", 1)])
def test_a_flat_photo_has_one_colour_up_to_its_border(fake, fixed, kind, multiple) -> None:  # type: ignore[no-untyped-def]
    if fixed == (16, 12) and multiple == 4:
        fixed = (28, 32)
    session = fake(scale=2, layers=3, fixed=fixed, input_kind=kind, multiple=multiple)
    photo = Photo(np.full((21, 34, 3), (30, 160, 80), np.uint8))
    found = restore_photo(photo, session).pixels
    blocks = found.reshape(21, 2, 34, 2, 3).swapaxes(
        1, 2
    )  # an enlarging network may give each position its own
    assert np.ptp(blocks, axis=(0, 1)).max() == 0
    unpadded = session.whole(np.full((42, 68, 3), 0.4, np.float32))
    assert np.abs(unpadded[0, 0] - unpadded[21, 34]).max() > 0.01  # the network does see its own zeros


def test_an_artifact_too_small_for_its_radius_runs_a_photo_that_fits(fake) -> None:  # type: ignore[no-untyped-def]
    session = fake(layers=5, fixed=(8, 8))
    photo = Photo(samples(6, 7, 3))
    found = restore_photo(photo, session).pixels
    assert found.shape == (12, 14, 3)
    assert session.sizes == [(8, 8)]
    with pytest.raises(ArtifactError, match="a window of 8 pixels is too small"):
        restore_photo(Photo(samples(9, 7, 3)), session)


def test_an_artifact_that_reads_the_whole_image_gets_a_photo_of_its_size_as_it_is(fake) -> None:  # type: ignore[no-untyped-def]
    session = fake(subtract_mean=True, fixed=(20, 24))
    photo = Photo(samples(20, 24, 3))
    whole = session.whole(photo.pixels.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(restore_photo(photo, session).pixels, rounded(whole))
    with pytest.raises(ArtifactError, match="reads the whole image"):
        restore_photo(Photo(samples(19, 24, 3)), session)


def test_gray_goes_through_as_gray(fake) -> None:  # type: ignore[no-untyped-def]
    session = fake()
    photo = Photo(samples(12, 15, 1), samples(12, 15) | 1, icc=b"profile", exif=b"Exif\0\0")
    found = restore_photo(photo, session, tile=10)
    whole = session.whole(
        np.repeat(photo.pixels, 3, axis=2).astype(np.float32) / np.float32(255), mirrored=True
    )
    expected = rounded(whole @ np.array([0.299, 0.587, 0.114], np.float32))
    assert found.pixels.shape == (24, 30, 1)
    assert np.abs(found.pixels[:, :, 0] - expected).max() <= 1
    assert (found.pixels[:, :, 0] == expected).mean() > 0.99
    assert (found.icc, found.exif, found.bits, found.format) == (b"profile", b"Exif\0\0", 8, "PNG")


@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_is_enlarged_by_itself(fake, bits: int) -> None:  # type: ignore[no-untyped-def]
    alpha = samples(70, 33, bits=bits)
    found = restore_photo(Photo(samples(70, 33, 3, bits=bits), alpha, bits=bits), fake(scale=2), tile=20)
    assert found.alpha is not None
    assert found.alpha.dtype == alpha.dtype
    reference = upscale((alpha >> (bits - 8)).astype(np.uint8), 2, "matlab")
    assert np.abs((found.alpha >> (bits - 8)).astype(int) - reference).max() <= 2
    if bits == 8:
        np.testing.assert_array_equal(found.alpha, reference)
    opaque = restore_photo(Photo(samples(9, 9, 3), np.full((9, 9), 255, np.uint8)), fake(scale=2))
    assert opaque.alpha is not None
    assert (opaque.alpha == 255).all()


@given(height=st.integers(1, 20), width=st.integers(1, 20), tile=st.integers(4, 12), gray=st.booleans())
def test_networks_of_the_enlarged_image(fake, height, width, tile, gray) -> None:  # type: ignore[no-untyped-def]
    session = fake(scale=3, input_kind="bicubic")
    photo = Photo(samples(height, width, 1 if gray else 3))
    found = restore_photo(photo, session, tile=tile)
    assert found.pixels.shape == (height * 3, width * 3, photo.pixels.shape[2])
    assert all(rows * columns <= (tile * 3) ** 2 for rows, columns in session.sizes)
    large = upscale(np.repeat(photo.pixels, 3, axis=2) if gray else photo.pixels, 3, "matlab")
    whole = session.whole(large.astype(np.float32) / np.float32(255), mirrored=True)
    if gray:
        assert found.pixels.shape[2] == 1
    else:
        np.testing.assert_array_equal(found.pixels, rounded(whole))


def test_a_fixed_size_network_of_the_enlarged_image(fake) -> None:  # type: ignore[no-untyped-def]
    session = fake(scale=2, input_kind="bicubic", fixed=(20, 20))
    photo = Photo(samples(15, 31, 3))
    whole = session.whole(
        upscale(photo.pixels, 2, "matlab").astype(np.float32) / np.float32(255), mirrored=True
    )
    np.testing.assert_array_equal(restore_photo(photo, session).pixels, rounded(whole))
    assert restore_photo(Photo(samples(3, 4, 3)), session).pixels.shape == (6, 8, 3)


def test_a_network_that_reads_the_whole_image(fake, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    session = fake(subtract_mean=True)
    photo = Photo(samples(30, 40, 3))
    found = restore_photo(photo, session, tile=10)  # one piece, whatever the tile
    assert session.sizes == [(30 + 2 * 2, 40 + 2 * 2)]
    whole = session.whole(photo.pixels.astype(np.float32) / np.float32(255), mirrored=True)
    np.testing.assert_array_equal(found.pixels, rounded(whole))
    monkeypatch.setattr("edgeir.restoring.image.WHOLE_LIMIT", 1000)
    with pytest.raises(
        ArtifactError, match=r"reads the whole image \(image mean\), so it cannot run in tiles, and"
    ):
        restore_photo(photo, session)


def test_wrong_tiles_and_outputs_are_said(fake) -> None:  # type: ignore[no-untyped-def]
    photo = Photo(samples(30, 40, 3))
    with pytest.raises(ConfigError, match="the artifact takes 20x12 only .*--size"):
        restore_photo(photo, fake(fixed=(20, 12)), tile=16)
    with pytest.raises(ArtifactError, match="a window of 4 pixels is too small"):
        restore_photo(photo, fake(), tile=4)
    with pytest.raises(ArtifactError, match="not finite"):
        restore_photo(photo, fake(spoil=True))
    lying = fake(scale=2)
    lying.facts = lying.facts.model_copy(update={"scale": 4})
    lying.run = lambda x: np.zeros((*x.shape[:2], 3), np.float32)
    with pytest.raises(ArtifactError, match="the output has the shape"):
        restore_photo(photo, lying)


def test_progress_counts_the_tiles(fake) -> None:  # type: ignore[no-untyped-def]
    calls: list[tuple[float, float]] = []
    session = fake()
    restore_photo(
        Photo(samples(30, 40, 3)),
        session,
        tile=20,
        progress=lambda done, total, _: calls.append((done, total)),
    )
    count = len(plan_photo(30, 40, session, 20))
    assert count > 4
    assert calls == [(done, count) for done in range(count + 1)]


@pytest.mark.parametrize("kind", ["lr", "bicubic"])
def test_memory_beyond_the_images_is_that_of_a_tile(fake, kind: str) -> None:  # type: ignore[no-untyped-def]
    session = fake(scale=4, layers=1, input_kind=kind)
    enlarged = 4 if kind == "bicubic" else 1
    session.run = lambda x: np.zeros((x.shape[0] * 4 // enlarged, x.shape[1] * 4 // enlarged, 3), np.float32)
    photo = Photo(samples(500, 700, 3), samples(500, 700))
    tracemalloc.start()
    result = restore_photo(photo, session, tile=64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.alpha is not None
    extra = peak - result.pixels.nbytes - result.alpha.nbytes
    assert extra < 12 * 2**20  # in floating point the whole result would take 67 MiB
