"""Untrained networks, for timing, which depends on the graph alone: SRCNN, or an untrained student."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeir.core.requires import require
from edgeir.imaging.files import write_rgb

if TYPE_CHECKING:
    from edgeir.models import AnyModel

__all__ = ["TIME_ONLY_GATE", "save_network", "write_noise"]

TIME_ONLY_GATE = {"max_abs_error": 0.25, "psnr_drop_db": 3.0, "colour_shift": 25.0}
"""Wide enough for untrained weights, which quantise badly, and for fp32 means over a megapixel (error 1e-4)."""

NOISE_SIZE = (720, 1280)


def save_network(config: AnyModel, name: str, folder: Path) -> Path:
    """Write an untrained network as a checkpoint, for timing; returns `folder`.

    Raises:
        MissingExtraError: torch is not installed.
    """
    torch = require("torch", f"building {name}")
    from edgeir.checkpoint.save import save_checkpoint

    torch.manual_seed(0)
    network = config.build()
    provenance = {"note": "untrained: made for timing"}
    save_checkpoint(folder, network, network.state_dict(), name=name, metrics={}, provenance=provenance)
    return folder


def write_noise(folder: Path) -> Path:
    """A folder with one image of noise, to compare and calibrate with where the weights are untrained."""
    if folder.is_dir():
        return folder
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (*NOISE_SIZE, 3), dtype=np.uint8)
    write_rgb(pixels, folder / "noise.png")
    return folder
