"""The photograph on which a file loses most, as one picture to look at: truth, network, file and their difference.

Four panels side by side, each the same part of the image: that in which file and network differ most. The difference is
file minus network around gray, amplified by a power of two until it shows; its factor stands above it. The letters are
Pillow's built-in bitmap font, so that the picture depends on no installed font.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgeir.core.files import atomic_file
from edgeir.data.degrade.base import to_bytes
from edgeir.imaging.png import write_png

__all__ = ["PROOF_FOLDER", "SIDE", "Worst", "side_by_side", "write_worst"]

PROOF_FOLDER = "proof"
"""Folder of an artifact or bundle that holds the pictures."""
SIDE = 160
"""Largest side of a panel, in pixels of the output."""
_BAR, _GAP = 14, 2
"""Height of the labels, and the distance between panels."""
_LEAST_SIDE = 120
"""Smaller panels are enlarged by a whole number up to here, so that their labels fit."""
_LARGEST_FACTOR = 64
_SHOWN = 100
"""8-bit levels from gray that the 99.9th percentile of the difference reaches at most."""

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Worst:
    """What was seen of one photograph: HWC images in [0, 1], of 3 channels or 1.

    Attributes:
        name: of the photograph.
        truth: what the network should restore.
        network, file: what they made.
    """

    name: str
    truth: Pixels
    network: Pixels
    file: Pixels


def side_by_side(worst: Worst) -> NDArray[np.uint8]:
    """(H, W, 3) picture with the four panels."""
    difference = worst.file.astype(np.float64) - worst.network
    top, left, height, width = _window(np.abs(difference).mean(2))
    part = (slice(top, top + height), slice(left, left + width))
    factor = _factor(difference)
    shown = 0.5 + difference[part] * factor
    panels = [worst.truth[part], worst.network[part], worst.file[part], shown.astype(np.float32)]
    labels = ["truth", "network", "file", f"(file - network) x{factor}"]
    return _joined([_enlarged(to_bytes(panel)) for panel in panels], labels)


def write_worst(path: Path, worst: Worst) -> None:
    """Write the picture as a PNG; its folder is made where there is none."""
    path.parent.mkdir(exist_ok=True)
    with atomic_file(path) as temporary, temporary.open("wb") as stream:
        write_png(stream, side_by_side(worst))


def _window(error: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """Top, left, height and width of the part with the largest mean error."""
    height, width = (min(SIDE, side) for side in error.shape)
    sums = np.pad(error, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    means = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(int(means.argmax()), means.shape)
    return int(top), int(left), height, width


def _factor(difference: NDArray[np.float64]) -> int:
    """The power of two that makes the difference visible."""
    largest = 255 * float(np.percentile(np.abs(difference), 99.9))
    factor = 1
    while factor < _LARGEST_FACTOR and 2 * factor * largest <= _SHOWN:
        factor *= 2
    return factor


def _enlarged(panel: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An RGB panel at least `_LEAST_SIDE` wide."""
    times = -(-_LEAST_SIDE // panel.shape[1])
    return np.broadcast_to(panel, (*panel.shape[:2], 3)).repeat(times, 0).repeat(times, 1)


def _joined(panels: list[NDArray[np.uint8]], labels: list[str]) -> NDArray[np.uint8]:
    height, width = panels[0].shape[:2]
    canvas = np.full((height + _BAR, len(panels) * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for index, panel in enumerate(panels):
        left = index * (width + _GAP)
        canvas[_BAR:, left : left + width] = panel
    image = Image.fromarray(canvas)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default_imagefont()
    for index, label in enumerate(labels):
        draw.text((index * (width + _GAP) + 2, 1), label, fill=(0, 0, 0), font=font)
    return np.asarray(image)
