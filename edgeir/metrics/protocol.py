"""Named sets of conventions, so that a published figure and ours are measured alike.

The names: ``sr`` is ``sr-x4``; ``sr-x2/3/4`` are the super-resolution benchmarks (Set5, Set14, B100, Urban100), Y
and a border of the scale; ``div2k-x2/3/4`` is DIV2K's validation, RGB and a border of scale + 6; ``pirm-a`` and
``pirm-b`` are the tracks of PIRM 2018, whose images were not rounded; ``pirm-b-ms-ssim`` is the second track's
MS-SSIM, which saw the network's output unclipped; ``colour-denoising``, ``gray-denoising`` and ``jpeg`` have no
border; ``none`` compares files as they are. ``sr-x4-whole-y`` is ``sr-x4`` with Y in whole levels, as
SRCNN's and FSRCNN's scripts measure it.
"""

from __future__ import annotations

from pydantic import Field

from edgeir.core.config import Config
from edgeir.metrics.conventions import Channel

__all__ = ["PROTOCOLS", "Protocol", "sr"]


class Protocol(Config):
    """The arguments that `psnr`, `ssim` and `ms_ssim` share; see `edgeir.metrics.conventions`."""

    channel: Channel = "rgb"
    crop: int = Field(0, ge=0)
    """Pixels cut off each side."""
    rounding: bool = True
    clip: bool = True
    round_y: bool = False
    """Y in whole levels, as MATLAB's `rgb2ycbcr` gives it for a uint8 image; only for the channel `y`. Results whose
    protocol does not have this key measured colour networks without it, and networks of one channel with it."""


def sr(scale: int) -> Protocol:
    """The convention of the super-resolution papers at a scale."""
    return Protocol(channel="y", crop=scale)


PROTOCOLS: dict[str, Protocol] = {
    "sr": sr(4),
    **{f"sr-x{scale}": sr(scale) for scale in (2, 3, 4)},
    **{f"sr-x{scale}-whole-y": Protocol(channel="y", crop=scale, round_y=True) for scale in (2, 3, 4)},
    **{f"div2k-x{scale}": Protocol(channel="rgb", crop=scale + 6) for scale in (2, 3, 4)},
    "pirm-a": Protocol(channel="rgb", crop=16, rounding=False),
    "pirm-b": Protocol(channel="rgb", rounding=False),
    "pirm-b-ms-ssim": Protocol(channel="rgb", rounding=False, clip=False),
    "colour-denoising": Protocol(channel="rgb"),
    "gray-denoising": Protocol(channel="gray"),
    "jpeg": Protocol(channel="y"),
    "none": Protocol(channel="rgb"),
}
