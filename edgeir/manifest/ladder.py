"""What was tried to find the fastest file that passes a gate, as its manifest keeps it."""

from __future__ import annotations

from pydantic import Field

from edgeir.core.config import Config

__all__ = ["Ladder", "Tried"]


class Tried(Config):
    """One way to make the file."""

    name: str
    """For a person: the profile, and what is special about it."""
    precision: str
    """Short name of the quantisation plan."""
    profile: str
    """Name of the export profile."""
    float_layers: tuple[str, ...] = ()
    """Layers that an int8 plan keeps in float."""
    checkpoint_sha256: str
    """Of the weights; of a checkpoint of quantisation-aware training its own."""
    bytes: int | None = None
    """Of the file; None: it could not be made."""
    latency_ms: float | None = None
    """Median time of one run; None: not timed."""
    latency_p90_ms: float | None = None
    instructions: int | None = None
    """Of one run; None: not counted. They are not time."""
    psnr_drop_db: float | None = None
    """Mean PSNR lost on photographs that calibration did not see."""
    worst_psnr_drop_db: float | None = None
    """Of the photograph that loses most."""
    colour_shift: float | None = None
    """Largest mean difference of a channel, in 8-bit levels."""
    extreme_shift: float | None = None
    """Largest of a synthetic extreme, in 8-bit levels."""
    passed: bool
    """It was made, and is within every limit."""
    reason: str = ""
    """Why not, in words."""
    chosen: bool = False


class Ladder(Config):
    """Everything that was tried, and what decided."""

    gate_db: float = Field(ge=0)
    """Mean PSNR that could be lost."""
    target_latency_ms: float | None = None
    """The time that was asked for."""
    timed_on: str
    """Runtime, version, threads, size of input and processor."""
    tried: tuple[Tried, ...]
