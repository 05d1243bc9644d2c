"""The report of a restore run, image by image; the JSON of `edgeir restore --json`."""

from __future__ import annotations

from pathlib import Path

from edgeir.core.config import Config

__all__ = ["FailedPhoto", "RestoreReport", "RestoredPhoto", "SkippedPhoto"]


class RestoredPhoto(Config):
    """One photo that was restored."""

    input: Path
    output: Path
    width: int
    """Of the result, in pixels."""
    height: int
    tiles: int
    seconds: float
    """Reading, restoring and writing."""
    remarks: tuple[str, ...] = ()
    """Repairs in reading, losses in writing, changes of format; one line each."""


class FailedPhoto(Config):
    """One photo that was not."""

    input: Path
    error: str
    """One line: where, what, what to do."""


class SkippedPhoto(Config):
    """An image that cannot be read here: its decoder is not installed, or its format is not read."""

    input: Path
    reason: str
    """What stands in the way and what to do, without the file's name."""


class RestoreReport(Config):
    """What `edgeir.restore` did."""

    model: str
    runtime: str
    restored: tuple[RestoredPhoto, ...] = ()
    failed: tuple[FailedPhoto, ...] = ()
    skipped: tuple[SkippedPhoto, ...] = ()
    existing: tuple[Path, ...] = ()
    """Images whose results exist already, left alone as asked for (`skip_existing`)."""
    stopped: str | None = None
    """Why the rest was not done (an error that concerns all, an interruption); None where all was tried."""
    pending: tuple[Path, ...] = ()
    """What was not tried."""

    @property
    def complete(self) -> bool:
        """Every image has its result."""
        return not (self.failed or self.skipped or self.pending)
