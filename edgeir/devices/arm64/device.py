"""The devices ``android-arm64[:CORE]`` and ``android-armv7``: an emulated phone with TensorFlow Lite's own library."""

from __future__ import annotations

from pathlib import Path

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, ConfigError, DeviceError
from edgeir.core.progress import Progress
from edgeir.devices.arm64.cores import ARM64_CORES, ARMV7, DEFAULT_CORE, Core
from edgeir.devices.arm64.counting import counted
from edgeir.devices.arm64.emulator import Emulator
from edgeir.devices.device import DeviceFacts, DeviceRun
from edgeir.devices.runner.process import run_once
from edgeir.devices.runner.session import RunnerSession, placed
from edgeir.manifest.artifact import Artifact, ModelFile

__all__ = ["AndroidArm64", "AndroidArmv7", "EmulatedPhone"]

LIMIT_S, SLOWEST_MACS_S, MOST_MACS = 180.0, 5e6, 10**11
"""A run may take this long, and a second more for so many multiply-accumulates (as the manifest says)."""


class AndroidArm64(Config):
    """A 64-bit phone, emulated; `argument` is its core."""

    argument: str | None = None

    def connect(self) -> EmulatedPhone:
        """Find or build what is needed, and start the library once.

        Raises:
            ConfigError: there is no such core.
            DeviceError: the emulator, the compiler or the library is missing or does not start.
        """
        wanted = self.argument or DEFAULT_CORE
        core = next((core for core in ARM64_CORES if core.name == wanted), None)
        if core is None:
            known = ", ".join(core.name for core in ARM64_CORES)
            raise ConfigError([f"there is no core `{wanted}`"], where="android-arm64", fix=f"cores: {known}")
        return EmulatedPhone(f"android-arm64:{core.name}", core)


class AndroidArmv7(Config):
    """A 32-bit phone, emulated."""

    argument: None = None

    def connect(self) -> EmulatedPhone:
        """See `AndroidArm64.connect`."""
        return EmulatedPhone("android-armv7", ARMV7)


class EmulatedPhone:
    """A `Device` whose processor is emulated: it computes what the phone computes, and has no clock.

    Args:
        library: TensorFlow Lite's library for the core, as an app has it; by default that of `read_library`.

    Raises:
        DeviceError: see `AndroidArm64.connect`.
    """

    def __init__(self, name: str, core: Core, *, library: Path | None = None) -> None:
        self._emulator = Emulator.of(core, library)
        self._title = f"the emulated phone ({core.title})"
        origin = self._emulator.origin
        try:
            about = run_once(self._emulator.words("--about"), origin, title=self._title, limit_s=60)
        except ArtifactError as error:
            raise DeviceError(f"the library does not start: {error.what}", where=origin) from error
        self.facts = DeviceFacts(
            device=name,
            title=f"Emulated Android phone, {core.title}",
            runtime=f"TensorFlow Lite {about['version']} ({core.abi})",
            system=f"{self._emulator.qemu.name} {self._emulator.version()}",
            chip=core.title,
            emulated=True,
        )

    def open(self, path: Path, artifact: Artifact, file: ModelFile, *, threads: int = 1) -> RunnerSession:
        """See `Device.open`."""
        self._check_threads(threads)
        return RunnerSession(
            self._emulator.words("--model", str(path), "--threads", str(threads), "--serve"),
            path,
            artifact,
            file,
            device=self.facts.device,
            title=self._title,
            limit_s=_limit(file),
            measured=False,
        )

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
        """Count instead: see `Device.time`. Instructions are those of one thread, whatever `threads` says."""
        del artifact, size, runs, budget_s
        self._check_threads(threads)
        progress(0, 1, f"counting the instructions of {path.name}")
        instructions, said = counted(self._emulator, path, title=self._title, limit_s=2 * _limit(file))
        progress(1, 1, f"counted {path.name}")
        return DeviceRun(placed=placed(said), instructions=instructions)

    def close(self) -> None:
        """See `Device.close`: what was built stays in the cache."""

    def _check_threads(self, threads: int) -> None:
        most = self._emulator.core.threads
        if not 1 <= threads <= most:
            raise ConfigError([f"runs with 1 to {most} threads, not {threads}"], where=self.facts.device)


def _limit(file: ModelFile) -> float:
    return LIMIT_S + min(file.macs, MOST_MACS) / SLOWEST_MACS_S
