"""The device ``phone[:SERIAL]``: a phone or a board on adb."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, ConfigError, DeviceError, EdgeIRError
from edgeir.core.files import scratch_dir
from edgeir.core.progress import Progress, no_progress
from edgeir.devices.device import Detail, DeviceFacts, DeviceRun
from edgeir.devices.phone.adb import Adb, choose, client
from edgeir.devices.phone.benchmark_model import FLAGS, read_output
from edgeir.devices.phone.facts import read_facts
from edgeir.devices.phone.heat import Warmth, cool_down, warmth
from edgeir.devices.phone.kit import build_kit, runner_words
from edgeir.devices.phone.store import PIDS, Store
from edgeir.devices.phone.sustained import sustained
from edgeir.devices.runner.process import run_once
from edgeir.devices.runner.session import RunnerSession, placed
from edgeir.manifest.artifact import Artifact, ModelFile

__all__ = ["Phone", "PhoneDevice"]

LEAST_RUNS = 6
"""The first one included."""
LIMIT_S, SLOWEST_MACS_S, MOST_MACS = 120.0, 2e7, 10**11
"""A run may take this long, and a second more for so many multiply-accumulates: a stand-in's processor is emulated."""
NO_CORES = 77
"""The exit code of our own where the phone refuses the cores."""
BROKEN = {0, 1, 255}
"""adb's exit codes where the connection broke; the runner's own are 0 after an answer, and 2."""
KILLED = {128 + 1, 128 + 9, 128 + 15, -9}
CORES = r"\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?)*"


class Phone(Config):
    """A phone or board; `argument` is its serial number, as ``adb devices`` lists it."""

    argument: str | None = None
    cores: (
        Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)] | None
    ) = Field(None, pattern=rf"^{CORES}$")
    """The only cores that it may run on: ``4-7``, ``0,2``."""
    accelerator: Literal["cpu", "gpu", "npu"] = "cpu"
    """``gpu`` and ``npu`` need `benchmark_model`."""
    benchmark_model: Path | None = None
    """LiteRT's program of this name, built for the phone."""
    cool_down_s: float = Field(0.0, ge=0, le=3600)
    """Wait at most so long before each file until the phone is as cool as at first."""
    sustained_min: float = Field(0.0, ge=0, le=240)
    """Minutes to run each file after the timed runs."""

    def connect(self) -> PhoneDevice:
        """Find the phone, and send the runner to it.

        Raises:
            ConfigError: an accelerator needs a program that was not given.
            DeviceError: no such phone, it does not answer or is full, or something is not installed here.
        """
        if self.accelerator != "cpu" and self.benchmark_model is None:
            raise ConfigError(
                [f"edgeir's runner has no delegate for the {self.accelerator.upper()}"],
                where="phone",
                fix="give LiteRT's own program for the phone: --device-set benchmark_model=PATH",
            )
        if self.benchmark_model is not None and not self.benchmark_model.is_file():
            raise ConfigError(
                ["there is no such file"],
                where=self.benchmark_model,
                fix="LiteRT's documentation has builds of benchmark_model for android_arm64",
            )
        program = client()
        return PhoneDevice(self, Adb(program, choose(program, self.argument)))


class PhoneDevice:
    """A `Device` on adb. Everything that it sends is in one folder there, which goes at the end (see `Store`)."""

    def __init__(self, settings: Phone, adb: Adb) -> None:
        self._settings, self._adb = settings, adb
        found = read_facts(adb)
        kit = build_kit(found.abi)
        self._title = f"the phone ({found.title})"
        self._mask = None if settings.cores is None else f"{_mask(settings.cores):x}"
        self._store = Store(adb)
        try:
            with scratch_dir("phone") as scratch:
                kit.send(self._store, scratch)
            self._runner = runner_words(f"{self._store.folder}/runner", kit.linker)
            self._cool = warmth(adb)
            try:
                about = run_once(
                    self._words("--about"), kit.origin, title=self._title, limit_s=60, blame=self._blame
                )
            except ArtifactError as error:
                raise DeviceError(f"the library does not start: {error.what}", where=kit.origin) from error
        except BaseException:
            self.close()
            raise
        details = dict(found.details)
        if self._mask is not None:
            details["core_mask"] = self._mask
        self.facts = DeviceFacts(
            device="phone" if settings.argument is None else f"phone:{settings.argument}",
            title=found.title,
            runtime=f"TensorFlow Lite {about['version']} ({found.abi})",
            system=found.system,
            chip=found.chip,
            accelerator=settings.accelerator,
            emulated=found.emulated,
            details=details,
        )

    def open(self, path: Path, artifact: Artifact, file: ModelFile, *, threads: int = 1) -> RunnerSession:
        """See `Device.open`: on the phone's CPU, whatever the accelerator."""
        words = self._words("--model", self._store.send(path), "--threads", str(threads), "--serve")
        return RunnerSession(
            words,
            path,
            artifact,
            file,
            device=self.facts.device,
            title=self._title,
            limit_s=_limit(file),
            measured=not self.facts.emulated,
            blame=self._blame,
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
        progress: Progress = no_progress,
    ) -> DeviceRun:
        """See `Device.time`."""
        del artifact, size  # files of this format have one size
        remote = self._store.send(path)
        details: dict[str, Detail] = {}
        if self._settings.cool_down_s:
            progress(0, 1, f"{path.name}: waiting for the phone to cool")
            details["cool_down_s"] = cool_down(self._adb, self._settings.cool_down_s, self._cool)
        before = warmth(self._adb)
        progress(0, 1, f"{path.name} on the phone")
        least, budget = (LEAST_RUNS, budget_s) if runs is None else (runs + 1, 0.0)
        said = self._run(path, remote, file, threads, least, budget)
        times = tuple(said["runs_ms"])
        where, fell_back = placed(said), False
        details["cores"] = self._cores()
        if self._settings.sustained_min:
            details |= sustained(
                self._settings.sustained_min,
                lambda seconds: self._run(path, remote, file, threads, 1, seconds)["runs_ms"],
                lambda: warmth(self._adb),
                progress,
            )
        if self._settings.benchmark_model is not None and self._settings.accelerator != "cpu":
            found = self._benchmark_model(remote, threads, least, budget_s)
            details |= {"cpu": where, **found.details}
            if times:
                details["cpu_median_ms"] = sorted(times)[len(times) // 2]
            where, fell_back, times = found.placed, found.fell_back, ()
        details |= _warmths(before, warmth(self._adb))
        return DeviceRun(
            init_ms=None if self.facts.emulated else said["init_ms"],
            runs_ms=() if self.facts.emulated else times,
            peak_mib=None if self.facts.emulated else said["peak_kib"] / 1024,
            placed=where,
            fell_back=fell_back,
            details=details,
        )

    def close(self) -> None:
        """See `Device.close`."""
        self._store.close()

    def _run(
        self, path: Path, remote: str, file: ModelFile, threads: int, least: int, budget_s: float
    ) -> dict[str, Any]:
        """Timed runs in one process; the first run is one of them."""
        words = self._words(
            *("--model", remote, "--threads", str(threads), "--warmup", "0"),
            *("--runs", str(least), "--budget", f"{budget_s:.3f}"),
        )
        limit = budget_s + _limit(file, least)
        return run_once(words, path, title=self._title, limit_s=limit, blame=self._blame)

    def _words(self, *arguments: str) -> list[str]:
        """The command line here that starts the runner there; it notes the process and its cores in the folder."""
        folder = self._store.folder
        steps = [f"echo $$ >> {folder}/{PIDS}"]
        if self._mask is not None:
            steps.append(f"taskset -p {self._mask} $$ > /dev/null || exit {NO_CORES}")
        steps.append(f"grep Cpus_allowed_list /proc/$$/status > {folder}/cores")
        return self._adb.shell_words(f"{'; '.join(steps)}; exec {self._runner} {' '.join(arguments)}")

    def _cores(self) -> str:
        """The cores that the last runner could run on, as the kernel says."""
        said = self._adb.shell(f"cat {self._store.folder}/cores").strip()
        return said.partition(":")[2].strip() or "unknown"

    def _benchmark_model(self, remote: str, threads: int, least: int, budget_s: float) -> Any:
        assert self._settings.benchmark_model is not None
        accelerator = self._settings.accelerator
        program = self._store.send(self._settings.benchmark_model, program=True)
        command = (
            f"cd {self._store.folder}; {program} --graph={remote} --num_threads={threads} --num_runs={least} "
            f"--max_secs={budget_s:.0f} {FLAGS[accelerator]} 2>&1 & echo $! >> {PIDS}; wait $!"
        )
        text = self._adb.shell(command, limit_s=LIMIT_S + 2 * budget_s)
        return read_output(text, accelerator, where=self._adb.serial)

    def _blame(self, code: int | None) -> EdgeIRError | None:
        """See `Blame`."""
        if code in BROKEN:
            return self._adb.broken()
        problem = self._adb.lost()
        if problem is not None:
            return problem
        if code == NO_CORES:
            return DeviceError(
                f"the phone does not let it run on the cores {self._settings.cores}", where=self._adb.serial,
                fix="leave --device-set cores out, or name others",
            )  # fmt: skip
        if code in KILLED:
            return DeviceError(
                "the phone ended the runner: something killed it, for want of memory perhaps", where=self._adb.serial,
                fix="close what runs on the phone, or export a smaller --size",
            )  # fmt: skip
        return None


def _limit(file: ModelFile, runs: int = 1) -> float:
    return LIMIT_S + runs * min(file.macs, MOST_MACS) / SLOWEST_MACS_S


def _mask(cores: str) -> int:
    """``4-7`` as bits."""
    mask = 0
    for part in re.split(",", cores):
        first, _, last = part.partition("-")
        if int(last or first) < int(first) or int(last or first) > 63:
            raise ConfigError([f"there are no cores `{part}`"], where="phone", fix="like cores=4-7")
        for core in range(int(first), int(last or first) + 1):
            mask |= 1 << core
    return mask


def _warmths(before: Warmth | None, after: Warmth | None) -> dict[str, Detail]:
    details: dict[str, Detail] = {}
    if before is not None:
        details |= {"temperature_before_c": before.celsius, "temperature_of": before.sensor}
    if after is not None:
        details["temperature_after_c"] = after.celsius
    return details
