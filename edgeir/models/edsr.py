"""EDSR (Lim et al., CVPR-W 2017), the baseline size: 16 residual blocks of 64 channels, 1.52 M parameters at x4.

The first backbone of STFT (section 3.2). Without batch normalisation, and without the mean shift of the authors'
code, which only moves a constant.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.blocks.residual import ResidualBlock
from edgeir.models.blocks.upscaler import FRAME_REACH, ResidualUpscaler
from edgeir.models.config import Depth, NetworkConfig, Width

__all__ = ["EDSR"]


class EDSRConfig(NetworkConfig):
    """Configuration of `EDSR`."""

    kind: Literal["edsr"] = "edsr"
    scale: Literal[1, 2, 3, 4] = 4
    """1 leaves the size as it is (STFT's extractor)."""
    channels: Width = 64
    blocks: Depth = 16
    residual_scale: float = Field(1.0, gt=0, le=10)
    """Factor on each residual branch; 0.1 in the authors' large network."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(scale=self.scale, receptive_radius=2 * self.blocks + FRAME_REACH)

    def build(self) -> EDSR:
        return EDSR(self)


class EDSR(ResidualUpscaler):
    """(N, 3, h, w) -> (N, 3, s·h, s·w), not clipped."""

    def __init__(self, config: EDSRConfig) -> None:
        blocks = [ResidualBlock(config.channels, config.residual_scale) for _ in range(config.blocks)]
        super().__init__(config.channels, config.scale, blocks, unit="block")
        self.config: EDSRConfig = config
