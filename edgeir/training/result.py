"""What a training call left behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["TrainResult"]


@dataclass(frozen=True)
class TrainResult:
    """What a training call left behind."""

    run_dir: Path
    steps: int
    """Steps done in all."""
    stopped: bool
    """The run was stopped by Ctrl-C or SIGTERM; `resume` continues it."""
    metrics: dict[str, Any]
    """Last validation and best PSNR in dB; `best_psnr_db` is None until there was a validation."""
    images: int
    """Images (copies of other sizes counted) in the recipe's sources."""
    too_small: int
    """How many of them are smaller than a patch, and therefore were not used."""
    unreadable: tuple[str, ...] = ()
    """What was wrong with the images that could not be read and were left out (`data.on_error: skip`)."""
    backbones: tuple[dict[str, Any], ...] = ()
    """The files of frozen networks, the perceptual backbones of losses and the judges of distillation methods: loss,
    network, file, sha256."""
    restores: bool = True
    """False for an auto-encoder of clean images, which others start from."""
