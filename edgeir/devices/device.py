"""What a device is to edgeir: something that runs a model file, says what it is, and times it by its own clock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Protocol, runtime_checkable

from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.progress import Progress
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.session import Session

__all__ = ["Detail", "Device", "DeviceFacts", "DeviceRun", "PlacedSession"]

Milliseconds = Annotated[float, Field(ge=0, le=1e9)]
Detail = str | float | int | bool


class DeviceFacts(Config):
    """What a device is, for the row of a result."""

    device: str
    """As `edgeir bench --device` names it, with its argument: ``android-arm64:a76``."""
    title: str
    """For people: model or core."""
    runtime: str
    """What runs files there, with its version."""
    system: str | None = None
    """Operating system, with its version; None: not known."""
    chip: str | None = None
    accelerator: str = "cpu"
    """What was asked for."""
    emulated: bool = False
    """Its processor is emulated: its times say nothing about a device, and are not recorded."""
    details: dict[str, Detail] = {}
    """What else is worth recording: core mask, browser, driver."""


class DeviceRun(Config):
    """A model file run several times on a device, timed there."""

    init_ms: Milliseconds | None = None
    """Loading the file up to an interpreter that can run; None on an emulated device."""
    runs_ms: tuple[Milliseconds, ...] = ()
    """Every run in order, the first one included; none on an emulated device."""
    peak_mib: float | None = Field(None, gt=0)
    """Largest resident memory of the process that ran it."""
    placed: str | None = None
    """Where its operators really ran, in words; None: the runtime does not say."""
    fell_back: bool = False
    """It ran, in part or as a whole, elsewhere than on the accelerator asked for."""
    instructions: dict[str, int] | None = None
    """Instructions of one inference by kind, and ``total``; None where they are not counted."""
    details: dict[str, Detail] = {}
    """What else was seen: temperature before and after, frequency."""


@runtime_checkable
class PlacedSession(Session, Protocol):
    """A session on an accelerator that may leave operators to the processor."""

    placed: str
    """Where the operators run, in words."""
    whole: bool
    """All of them run on the accelerator."""


class Device(Protocol):
    """A connected device. Use it from one thread; `close` leaves nothing on it."""

    facts: DeviceFacts

    def open(self, path: Path, artifact: Artifact, file: ModelFile, *, threads: int = 1) -> Session:
        """Load the model file at `path` there; every image of the session goes through the device.

        Raises:
            DeviceError: the device is gone or out of space.
            ArtifactError: its runtime cannot run the file.
        """
        ...

    def time(
        self,
        path: Path,
        artifact: Artifact,
        file: ModelFile,
        *,
        size: tuple[int, int],
        threads: int = 1,
        runs: int | None = None,
        budget_s: float = 30.0,
        progress: Progress,
    ) -> DeviceRun:
        """Run the file there on noise of `size` (height and width of the network's input).

        Args:
            size: the file's own, where it is fixed.
            runs: exactly this many after the first; None: as many as `budget_s` seconds allow, at least five.

        Raises:
            DeviceError, ArtifactError: as for `open`.
        """
        ...

    def close(self) -> None:
        """Remove what was sent and let go of the device."""
        ...
