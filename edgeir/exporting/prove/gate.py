"""Refuse a file that differs from its network by more than the profile allows."""

from __future__ import annotations

from edgeir.core.errors import ParityError
from edgeir.exporting.target import Io
from edgeir.manifest.parity import Gate, Parity

__all__ = ["applied_gate", "beyond_gate", "check_gate", "figures", "gate_lines"]

BYTE_ROUNDING = 0.5 / 255
"""Largest change by rounding to bytes."""
BYTE_ROUNDING_DB = 0.02
"""Largest loss of PSNR by rounding to bytes: noise of variance 1/12 squared level, at up to 34 dB."""
BYTE_ROUNDING_SATURATED_DB = 0.04
"""The same at 36.7 dB, where a PSNR of such an image is cut off, with a margin."""
BYTE_ROUNDING_SHIFT = 0.5
"""Largest shift of the mean of a flat image by rounding to bytes, in levels."""


def applied_gate(gate: Gate, io: Io) -> Gate:
    """The gate for files of this input and output type: a profile's is for float, and rounding to bytes is added."""
    if io == "float":
        return gate
    return gate.model_copy(
        update={
            "max_abs_error": gate.max_abs_error + BYTE_ROUNDING,
            "p99_abs_error": gate.p99_abs_error + BYTE_ROUNDING,
            "psnr_drop_db": gate.psnr_drop_db + BYTE_ROUNDING_DB,
            "worst_psnr_drop_db": gate.worst_psnr_drop_db + BYTE_ROUNDING_DB,
            "extreme_shift": gate.extreme_shift + BYTE_ROUNDING_SHIFT,
            "saturated_psnr_drop_db": None
            if gate.saturated_psnr_drop_db is None
            else gate.saturated_psnr_drop_db + BYTE_ROUNDING_SATURATED_DB,
        }
    )


def gate_lines(parity: Parity) -> list[tuple[str, str, bool]]:
    """The measured figures, as (name, figure and limit, within the limit)."""
    gate = parity.gate
    shift = max(parity.colour_shift, key=abs)
    channel = "RGB"[parity.colour_shift.index(shift)]
    lines = [
        (
            "largest error",
            f"{parity.max_abs_error:.2e} on [0, 1] (at most {gate.max_abs_error:.2e})",
            parity.max_abs_error <= gate.max_abs_error,
        ),
        (
            "99th percentile",
            f"{parity.p99_abs_error:.2e} on [0, 1] (at most {gate.p99_abs_error:.2e})",
            parity.p99_abs_error <= gate.p99_abs_error,
        ),
        (
            "PSNR lost",
            f"{parity.psnr_drop_db:+.3f} dB on average (at most {gate.psnr_drop_db:.3f})",
            parity.psnr_drop_db <= gate.psnr_drop_db,
        ),
        (
            "worst image",
            f"{parity.worst_psnr_drop_db:+.3f} dB on {parity.worst_image} (at most {gate.worst_psnr_drop_db:.3f})",
            parity.worst_psnr_drop_db <= gate.worst_psnr_drop_db,
        ),
        (
            "colour shift",
            f"{channel} by {shift:+.2f} of 255 levels (at most {gate.colour_shift:.2f})",
            abs(shift) <= gate.colour_shift,
        ),
        (
            "extremes",
            f"{parity.extreme_shift:.2f} of 255 levels on {parity.worst_extreme} (at most {gate.extreme_shift:.2f})",
            parity.extreme_shift <= gate.extreme_shift,
        ),
    ]
    lost, limit = parity.saturated_psnr_drop_db, gate.saturated_psnr_drop_db
    if lost is not None and limit is not None:
        figure = f"{lost:+.3f} dB on {parity.worst_saturated} (at most {limit:.3f})"
        lines.append(("saturated colours", figure, lost <= limit))
    return lines


def figures(parity: Parity) -> list[tuple[str, str]]:
    """The measured figures that no gate has, as (name, figure)."""
    found = []
    if parity.mean_abs_error is not None:
        found.append(("  mean error", f"{parity.mean_abs_error:.2e} on [0, 1]"))
    if parity.ssim_drop is not None:
        found.append(("  SSIM lost", f"{parity.ssim_drop:+.5f} on average"))
    return found


def beyond_gate(parity: Parity) -> list[str]:
    """Every figure beyond the gate and its limit, in words."""
    return [f"{what} {figure}" for what, figure, passed in gate_lines(parity) if not passed]


def check_gate(parity: Parity, *, where: str) -> None:
    """Raise `ParityError` naming every figure beyond the gate and the limit."""
    if problems := beyond_gate(parity):
        raise ParityError(
            f"the file differs too much from the network: {'; '.join(problems)}",
            where=where,
            fix="calibrate on images of every brightness and colour, choose a higher precision, or set another gate "
            "in a profile of your own",
        )
