"""Prove that the written file is still the network: run it, compare, and refuse past a gate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.errors import ParityError
from edgeir.exporting.prove.images import Patch
from edgeir.manifest.artifact import Parity

__all__ = ["Gate", "check_gate", "compare"]

Image = NDArray[np.float32]


class Gate(Config):
    """How far the file may be from the network."""

    max_abs_error: float = Field(gt=0)
    """Largest absolute difference of any pixel, on the [0, 1] scale."""
    psnr_drop_db: float = Field(ge=0)
    """Mean PSNR (RGB, against the ground truth) that may be lost."""
    colour_shift: float = Field(gt=0)
    """Largest mean difference of any channel, in 8-bit levels."""


def compare(
    file: Callable[[Image], Image], network: Callable[[Image], Image], patches: Iterable[Patch]
) -> Parity:
    """Run both on every patch.

    Args:
        file: the session of the written file.
        network: the deployed torch network.
        patches: at least one.
    """
    worst, drops, shifts = 0.0, [], []
    for patch in patches:
        got, wanted = file(patch.input), network(patch.input)
        difference = got.astype(np.float64) - wanted
        if not np.isfinite(difference).all():
            raise ParityError("the exported file computes NaN or infinity on a real picture")
        worst = max(worst, float(np.abs(difference).max()))
        drops.append(_psnr(wanted, patch.truth) - _psnr(got, patch.truth))
        shifts.append(difference.mean((0, 1)) * 255)
    red, green, blue = np.broadcast_to(np.mean(shifts, axis=0), 3)
    return Parity(
        patches=len(drops),
        max_abs_error=worst,
        psnr_drop_db=float(np.mean(drops)),
        colour_shift=(float(red), float(green), float(blue)),
    )


BYTE_ROUNDING = 0.5 / 255
"""What rounding to bytes alone may change."""
BYTE_ROUNDING_DB = 0.02
"""What it may cost in PSNR: a noise of 1/12 squared level, seen at up to 34 dB."""


def check_gate(parity: Parity, gate: Gate, *, io: Literal["float", "uint8"] = "float", where: str) -> None:
    """Raise `ParityError` naming every figure beyond the gate and by how much.

    The gate speaks of float output; a file that gives bytes may differ by their rounding on top of it.
    """
    if io == "uint8":
        gate = gate.model_copy(
            update={
                "max_abs_error": gate.max_abs_error + BYTE_ROUNDING,
                "psnr_drop_db": gate.psnr_drop_db + BYTE_ROUNDING_DB,
            }
        )
    shift = max(parity.colour_shift, key=abs)
    channel = "RGB"[parity.colour_shift.index(shift)]
    problems = []
    if parity.max_abs_error > gate.max_abs_error:
        problems.append(f"largest error {parity.max_abs_error:.2e} is above {gate.max_abs_error:.2e}")
    if parity.psnr_drop_db > gate.psnr_drop_db:
        problems.append(f"PSNR falls by {parity.psnr_drop_db:.3f} dB, {gate.psnr_drop_db:.3f} are allowed")
    if abs(shift) > gate.colour_shift:
        problems.append(
            f"{channel} shifts by {shift:+.2f} levels of 255, {gate.colour_shift:.2f} are allowed"
        )
    if problems:
        raise ParityError(
            f"the file differs too much from the network: {'; '.join(problems)}",
            where=where,
            fix="calibrate on pictures like the real ones, choose a higher precision, or loosen the profile's gate",
        )


def _psnr(image: Image, truth: Image) -> float:
    """RGB on the [0, 1] scale, unrounded: what is compared is two networks, not two 8-bit files."""
    error = float(np.mean((image.astype(np.float64) - truth) ** 2))
    return 10 * math.log10(1 / max(error, 1e-20))
