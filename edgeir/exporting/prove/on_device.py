"""Prove files on a device: their golden inputs go through it, and what it computes is compared with the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeir.core.errors import ArtifactError, ParityError
from edgeir.devices.catalog import check_runs, connect, device_entry
from edgeir.devices.device import Device, DeviceFacts, PlacedSession
from edgeir.exporting.prove.golden import golden_problem, run_golden
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.manifest.parity import NativeRun

__all__ = ["check_devices", "prove_files_on", "proved_on", "with_run"]


def check_devices(names: Sequence[str], target: str, where: str) -> None:
    """Connect to every device once, so that what is missing is said before the work.

    Raises:
        ConfigError: there is no such device, or it does not run the format.
        DeviceError: it does not answer.
    """
    for name in names:
        check_runs(name, target, where)
        connect(name).close()


def proved_on(
    names: Sequence[str], folder: Path, artifact: Artifact, file: ModelFile
) -> tuple[NativeRun, ...]:
    """Run a file that has golden arrays on each of these devices.

    Raises:
        ParityError: a device computes something else than the network.
        ArtifactError: it cannot run the file, or runs a part of it on the processor in place of its accelerator.
        ConfigError, DeviceError: as for `check_devices`.
    """
    runs = []
    for name in names:
        device = connect(name)
        try:
            runs.append(_run(device, folder, artifact, file))
        finally:
            device.close()
    return tuple(runs)


def prove_files_on(name: str, folder: Path, artifact: Artifact) -> dict[str, NativeRun]:
    """Run every file of an export that the device runs and that has golden arrays; paths and runs.

    Raises:
        ArtifactError: none has golden arrays, or the device cannot run one.
        ConfigError: the device runs none of the formats.
        ParityError, DeviceError: as for `proved_on`.
    """
    entry = device_entry(name)
    fitting = [file for file in artifact.files if file.target in entry.targets]
    if not fitting:
        check_runs(name, artifact.main.target, artifact.source)
    files = [file for file in fitting if file.golden is not None]
    if not files:
        raise ArtifactError("has no golden arrays to run there", where=folder, fix="export it again")
    device = connect(name)
    try:
        return {file.path: _run(device, folder, artifact, file) for file in files}
    finally:
        device.close()


def with_run(file: ModelFile, run: NativeRun) -> ModelFile:
    """The manifest's entry with this run, in place of an older one on the same engine and system."""
    others = [old for old in file.native_runs if (old.engine, old.system) != (run.engine, run.system)]
    return file.model_copy(update={"native_runs": (*others, run)})


def _run(device: Device, folder: Path, artifact: Artifact, file: ModelFile) -> NativeRun:
    assert file.golden is not None
    facts = device.facts
    session = device.open(folder / file.path, artifact, file)
    try:
        if isinstance(session, PlacedSession) and not session.whole:
            raise ArtifactError(
                f"runs {session.placed} on {facts.device}: that proves nothing of the accelerator",
                where=folder / file.path,
                fix="edgeir lint says which operators it refuses",
            )
        found = run_golden(folder, artifact, file, file.golden, session=session, engine=facts.runtime)
    finally:
        session.close()
    if (problem := golden_problem(found, file.golden)) is not None:
        raise ParityError(
            f"{problem}, on {facts.device}", where=folder / file.path, fix="choose a higher precision"
        )
    return NativeRun(
        engine=facts.runtime,
        system=_system(facts),
        max_abs_error=found.max_abs_error,
        drift=found.drift,
    )


def _system(facts: DeviceFacts) -> str:
    return facts.title if facts.system is None else f"{facts.title}, {facts.system}"
