"""A network written in plain numpy, whose every output pixel is computed by the same sums wherever it lies.

So a tiled run and a whole-image run can be compared bit for bit; no library decides about the order of additions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeir.manifest.artifact import TensorSpec
from edgeir.manifest.facts import NetworkFacts


def convolve(x: np.ndarray, radius: int, out: int, random: np.random.Generator) -> np.ndarray:
    """(h, w, c) to (h, w, out): a convolution with zero padding and a bias."""
    height, width, channels = x.shape
    padded = np.pad(x, ((radius, radius), (radius, radius), (0, 0)))
    side = 2 * radius + 1
    weights = random.normal(0, 1 / side, (side, side, channels, out)).astype(np.float32)
    result = np.tile(random.normal(0, 0.3, out).astype(np.float32), (height, width, 1))
    for row in range(side):
        for column in range(side):
            for channel in range(channels):
                part = padded[row : row + height, column : column + width, channel, None]
                result += part * weights[row, column, channel]
    return result


class FakeSession:
    """`layers` convolutions with ReLU, then depth to space; with a `multiple`, one of them on a coarser grid."""

    runtime = "numpy"
    artifact = None
    source_sha256 = ""
    name = "fake"
    input = TensorSpec(name="image", shape=(1, None, None, 3), layout="NHWC", dtype="float32")

    def __init__(
        self,
        *,
        scale: int = 2,
        layers: int = 2,
        radius: int = 1,
        multiple: int = 1,
        fixed: tuple[int, int] | None = None,
        input_kind: str = "lr",
        subtract_mean: bool = False,
        spoil: bool = False,
    ) -> None:
        self.layers, self.radius, self.multiple = layers, radius, multiple
        self.subtract_mean, self.spoil = subtract_mean, spoil
        coarse = multiple * radius + multiple - 1 if multiple > 1 else 0
        self.facts = NetworkFacts(
            scale=scale,
            input_kind=input_kind,
            size_multiple=multiple,
            receptive_radius=radius * layers + coarse,
            global_operations=("image mean",) if subtract_mean else (),
        )
        self.fixed_size = fixed
        self.sizes: list[tuple[int, int]] = []
        self.closed = False

    def run(self, x: np.ndarray) -> np.ndarray:
        assert x.dtype == np.float32
        assert x.shape[2] == 3
        assert self.fixed_size in (None, x.shape[:2])
        assert x.shape[0] % self.multiple == 0
        assert x.shape[1] % self.multiple == 0
        self.sizes.append(x.shape[:2])
        random = np.random.default_rng(7)
        scale, m = self.facts.net_scale, self.multiple
        if self.subtract_mean:
            x = x - x.mean()
        for _ in range(self.layers - 1):
            x = np.maximum(convolve(x, self.radius, 4, random), 0)
        if m > 1:
            blocks = [x[row::m, column::m] for row in range(m) for column in range(m)]
            coarse = np.maximum(convolve(sum(blocks[1:], start=blocks[0]), self.radius, 4, random), 0)
            x = x[:, :, :1] + np.repeat(np.repeat(coarse, m, axis=0), m, axis=1)
        x = convolve(x, self.radius, 3 * scale**2, random)
        height, width, _ = x.shape
        x = x.reshape(height, width, scale, scale, 3).transpose(0, 2, 1, 3, 4)
        if self.spoil:
            x = x * np.float32(np.nan)
        return np.ascontiguousarray(x.reshape(height * scale, width * scale, 3)) * np.float32(
            0.2
        ) + np.float32(0.4)

    def run_raw(self, tensor: np.ndarray) -> np.ndarray:
        return self.run(tensor[0])[None]

    def close(self) -> None:
        self.closed = True

    def whole(self, image: np.ndarray, *, mirrored: bool = False) -> np.ndarray:
        """The oracle: one run over all of `image`, mirrored up to a multiple, or beyond every side by the radius."""
        height, width, _ = image.shape
        radius = self.facts.receptive_radius if mirrored else 0
        before = -(-radius // self.multiple) * self.multiple
        pads = [(before, radius + -(side + radius) % self.multiple) for side in (height, width)]
        fixed, self.fixed_size = self.fixed_size, None
        output = self.run(np.pad(image, (*pads, (0, 0)), mode="symmetric"))
        self.fixed_size = fixed
        self.sizes.clear()
        scale = self.facts.net_scale
        first = before * scale
        return output[first : first + height * scale, first : first + width * scale]


def mirrored_whole(session: Any, image: np.ndarray) -> np.ndarray:
    """The oracle for any session that takes any size: one run over `image` mirrored by the receptive radius."""
    assert session.facts.size_multiple == 1
    radius, scale = session.facts.receptive_radius, session.facts.net_scale
    height, width = (side * scale for side in image.shape[:2])
    output = session.run(np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric"))
    first = radius * scale
    return output[first : first + height, first : first + width]


def assert_same_levels(found: np.ndarray, whole: np.ndarray, *, within: float = 1e-5) -> None:
    """Integer samples are those of `whole`, float in [0, 1], where that was computed with an error of up to `within`.

    Convolutions in float32 add up in another order for another size, so that a value close to the middle between two
    levels may become either.
    """
    top = np.iinfo(found.dtype).max
    exact = np.clip(whole.astype(np.float64), 0, 1) * top
    assert found.shape == whole.shape
    assert (
        np.abs(found - exact).max() <= 0.5 + (within + 1e-7) * top
    )  # 1e-7: the product itself is in float32


@pytest.fixture(scope="session")
def fake() -> Any:
    """The class."""
    return FakeSession
