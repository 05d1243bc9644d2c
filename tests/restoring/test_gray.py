"""Photos through a network of one channel: gray as it is, luma of a colour photo, planes for a denoiser."""

import numpy as np
import pytest

from edgeir.imaging.files import Photo
from edgeir.imaging.luma import luma_of, with_luma
from edgeir.imaging.resize import enlarge
from edgeir.manifest.artifact import TensorSpec
from edgeir.manifest.facts import NetworkFacts
from edgeir.restoring.image import restore_photo


class Gray:
    """Doubles the contrast around one half, or enlarges by repetition."""

    name, runtime, artifact, source_sha256, fixed_size = "gray", "numpy", None, "", None
    input = TensorSpec(name="image", shape=(1, None, None, 1), layout="NHWC", dtype="float32")

    def __init__(self, **facts):
        self.facts = NetworkFacts(colour="y", **facts)

    def run(self, x):
        assert x.shape[2] == 1
        x = np.repeat(np.repeat(x, self.facts.net_scale, axis=0), self.facts.net_scale, axis=1)
        return (x - np.float32(0.5)) * 2 + np.float32(0.5)


def levels(x):
    return np.floor(np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(100, 150, (21, 17, 3), dtype=np.uint8)


def contrast(x):
    return (x - np.float32(0.5)) * 2 + np.float32(0.5)


def test_a_gray_photo_goes_through_as_it_is(pixels):
    photo = Photo(pixels[:, :, :1])
    found = restore_photo(photo, Gray(task="jpeg"), tile=8).pixels
    assert np.array_equal(found, levels(contrast(photo.pixels / np.float32(255))))


def test_a_colour_photos_luma_is_restored_and_its_colour_stays(pixels):
    image = pixels / np.float32(255)
    found = restore_photo(Photo(pixels), Gray(task="jpeg"), tile=8).pixels
    assert np.abs(found.astype(int) - levels(with_luma(image, contrast(luma_of(image))))).max() <= 1
    assert (found != pixels).any()


def test_a_denoiser_runs_on_every_plane(pixels):
    found = restore_photo(Photo(pixels), Gray(task="denoising"), tile=8).pixels
    assert np.array_equal(found, levels(contrast(pixels / np.float32(255))))


@pytest.mark.parametrize("kind", ["lr", "bicubic"])
def test_an_enlarging_network_gets_bicubic_colour(pixels, kind):
    session = Gray(scale=2, input_kind=kind)
    found = restore_photo(Photo(pixels), session, tile=8).pixels
    large = enlarge(pixels, 2) / np.float32(255)
    given = (
        luma_of(large) if kind == "bicubic" else luma_of(pixels / np.float32(255)).repeat(2, 0).repeat(2, 1)
    )
    assert found.shape == (42, 34, 3)
    assert np.abs(found.astype(int) - levels(with_luma(large, contrast(given)))).max() <= 1
