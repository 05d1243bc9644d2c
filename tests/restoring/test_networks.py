"""Real networks on torch: the tiled picture is the whole-image picture.

Below some 20,000 input values torch computes convolutions in another order, so windows of under 83 x 83 pixels may
differ from the whole image in the last digit of a float, and one 8-bit sample in a hundred thousand by one level. The
default windows are larger.
"""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgeir.data.degrade.bicubic import upscale  # noqa: E402
from edgeir.imaging.files import Photo  # noqa: E402
from edgeir.models import PlainSRConfig, SRCNNConfig  # noqa: E402
from edgeir.restoring.image import restore_photo  # noqa: E402
from edgeir.restoring.tiling import run_tiled  # noqa: E402
from edgeir.runtime.torch import TorchSession  # noqa: E402

CONFIGS = [
    PlainSRConfig(channels=8, blocks=3),
    PlainSRConfig(scale=2, channels=4, blocks=7),
    SRCNNConfig(scale=2),
]


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda config: f"{config.kind}-x{config.scale}")
def session(request: pytest.FixtureRequest) -> TorchSession:
    torch.manual_seed(0)
    network = request.param.build()
    if request.param.kind == "plainsr":
        network.tail.conv.weight.data.mul_(10)  # at the start of training the deep path is nearly silent
    return TorchSession(network.deploy(), network.facts, name=request.param.kind)


def texture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(197, 183), (60, 401), (1, 40), (3, 3)])
def test_tiles_give_the_same_file(session: TorchSession, size: tuple[int, int]) -> None:
    enlarged = session.facts.scale // session.facts.net_scale
    photo = Photo(texture(*(-(-side // enlarged) for side in size)))
    given = photo.pixels if enlarged == 1 else upscale(photo.pixels, enlarged, "matlab")
    whole = session.run(given.astype(np.float32) / np.float32(255))
    assert whole.std() > 0.005
    expected = np.floor(np.clip(whole, 0, 1) * np.float32(255) + np.float32(0.5))
    np.testing.assert_array_equal(restore_photo(photo, session, tile=110 // enlarged).pixels, expected)


def test_tiles_of_one_size_agree_to_float_precision(session: TorchSession) -> None:
    image = np.random.default_rng(0).random((97, 83, 3), dtype=np.float32)
    whole = session.run(image)
    tiled = run_tiled(session.run, image, session.facts, (48, 40))
    assert np.abs(tiled - whole).max() <= 1e-5


def test_the_stated_receptive_radius_is_exact(session: TorchSession) -> None:
    """One pixel changed: the output changes as far as the radius, and no farther."""
    reach, scale = session.facts.receptive_radius, session.facts.net_scale
    side = 2 * reach + 9
    image = np.random.default_rng(0).random((side, side, 3), dtype=np.float32)
    middle = side // 2
    changed = image.copy()
    changed[middle, middle] = 1 - changed[middle, middle] + 0.3
    difference = np.abs(session.run(changed) - session.run(image)).max(axis=2)
    rows = np.flatnonzero(difference.max(axis=1) > 1e-7) // scale
    assert rows.min() >= middle - reach
    assert rows.max() <= middle + reach
