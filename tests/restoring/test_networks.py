"""Real networks on torch: tiled output equals whole-image output, to the precision of float32.

A convolution of another size may be computed by another kernel, and which one depends on the processor. So two sizes
agree to 1e-5 of the range and not to the last bit. The same windows give the same bits.
"""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgeir.imaging.files import Photo  # noqa: E402
from edgeir.imaging.resize import enlarge  # noqa: E402
from edgeir.models import PlainSRConfig, SRCNNConfig  # noqa: E402
from edgeir.restoring.image import restore_photo  # noqa: E402
from edgeir.restoring.tiling import run_tiled  # noqa: E402
from edgeir.runtime.torch import TorchSession  # noqa: E402

from .conftest import assert_same_levels, mirrored_whole  # noqa: E402

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
@pytest.mark.parametrize("bits", [8, 16])
def test_tiled_output_equals_whole_image_output(
    session: TorchSession, size: tuple[int, int], bits: int
) -> None:
    enlarged = session.facts.scale // session.facts.net_scale
    top = 2**bits - 1
    pixels = texture(*(-(-side // enlarged) for side in size)).astype(np.uint8 if bits == 8 else np.uint16)
    photo = Photo(pixels * pixels.dtype.type(top // 255), bits=bits)  # type: ignore[arg-type]
    given = enlarge(photo.pixels, enlarged)
    whole = mirrored_whole(session, given.astype(np.float32) / np.float32(top))
    assert whole.std() > 0.005
    tiled = restore_photo(photo, session, tile=110 // enlarged).pixels
    assert_same_levels(tiled, whole)
    np.testing.assert_array_equal(restore_photo(photo, session, tile=110 // enlarged).pixels, tiled)


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
