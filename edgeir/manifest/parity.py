"""The difference between a written file and its network: measured by running it, or the reason why it was not run.

The images are photographs that calibration never saw, and synthetic extremes (`edgeir.exporting.prove`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgeir.core.config import Config

__all__ = ["AnyParity", "Change", "Gate", "NativeRun", "NotRun", "Parity"]

Shift = tuple[float, float, float]
"""Mean of (file - network) per channel R, G, B, in 8-bit levels; three times the same for one channel."""


class Gate(Config):
    """Largest allowed differences between file and network; part of an export profile."""

    max_abs_error: float = Field(gt=0)
    """Largest absolute difference of any pixel of a photograph, on the [0, 1] scale."""
    p99_abs_error: float = Field(gt=0)
    """99th percentile of the absolute differences, over the pixels of one photograph; of the worst of them."""
    psnr_drop_db: float = Field(ge=0)
    """Mean PSNR (RGB, against the ground truth) that may be lost."""
    worst_psnr_drop_db: float = Field(ge=0)
    """PSNR that any one photograph may lose."""
    colour_shift: float = Field(gt=0)
    """Largest mean difference of any channel over all photographs, in 8-bit levels."""
    extreme_shift: float = Field(gt=0)
    """Largest mean difference of any channel of one synthetic extreme, in 8-bit levels."""
    saturated_psnr_drop_db: float | None = Field(None, ge=0)
    """PSNR against the truth that any one synthetic image of saturated colours may lose; None: any."""


class Change(Config):
    """The difference between two networks, or a network and a file, on photographs."""

    images: int = Field(ge=0)
    """How many were compared."""
    max_abs_error: float
    """Largest absolute difference, on the [0, 1] scale."""
    p99_abs_error: float
    """99th percentile of the absolute differences of the worst photograph."""
    psnr_drop_db: float
    """Mean PSNR of the network minus that of the file, both against the ground truth, RGB."""
    worst_psnr_drop_db: float
    """The same of the photograph that loses most."""
    worst_image: str
    """Its name."""
    mean_abs_error: float | None = None
    """Mean of the absolute differences over all photographs, on the [0, 1] scale; None in older manifests."""
    p999_abs_error: float | None = None
    """99.9th percentile of the absolute differences of the worst photograph; None in older manifests."""
    ssim_drop: float | None = None
    """Mean SSIM of the network minus that of the file, both against the ground truth, on luma; None in older manifests,
    and where an image is too small for SSIM."""
    colour_shift: Shift
    """Mean difference of each channel over all photographs."""


class Parity(Change):
    """A file against the torch network."""

    status: Literal["measured"] = "measured"
    """Tells it from `NotRun`."""
    engine: str
    """What ran the file: a runtime and its version."""
    extremes: int = Field(ge=0)
    """How many synthetic extremes were compared."""
    extreme_shift: float
    """Of the channel and the extreme that differ most, in 8-bit levels."""
    worst_extreme: str
    """Its name."""
    saturated_psnr_drop_db: float | None = None
    """PSNR against the truth lost on the synthetic image of saturated colours that loses most, high values cut off
    (`edgeir.exporting.prove.saturated`); None in older manifests, and where the network's degradation is not known."""
    worst_saturated: str | None = None
    """Its name."""
    gate: Gate
    """The gate that the figures are compared with."""


class NativeRun(Config):
    """A run of the golden input on the runtime and the system that the file is for."""

    engine: str
    """The runtime and its version."""
    system: str
    """The operating system and its version, and the processor."""
    max_abs_error: float
    """Largest difference from the network's output, on the [0, 1] scale."""
    drift: float
    """Largest difference from the output at the time of the export, on the [0, 1] scale."""


class NotRun(Config):
    """The file was not run."""

    status: Literal["not run"] = "not run"
    """Tells it from `Parity`."""
    reason: str
    """Why it could not be."""
    command: str
    """The command that runs it elsewhere."""


AnyParity = Annotated[Parity | NotRun, Field(discriminator="status")]
"""The proof of a file, or why there is none."""
