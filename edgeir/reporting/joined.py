"""One row per file and device of any number of results: what a device computed, and what it cost there.

Rows are compared only where that means something: a front is that of one device, for one size of image, on one set of
images, in milliseconds or in instructions. PSNR counts in thousandths of a decibel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgeir.benchmarking.result import Result, Row, SetQuality
from edgeir.devices.catalog import DEVICES
from edgeir.runtime import catalog

__all__ = ["Joined", "joined_rows"]

SUSTAINED = "sustained_last_ms"
"""The detail of a device that ran a file for minutes: its last median."""
UNKNOWN = "–"


@dataclass(frozen=True)
class Joined:
    """A row with what tells where it comes from.

    Attributes:
        source: name of the result file, without its suffix.
        device: where it ran, for people; `emulated`: nothing was timed there.
        runtime: with its version where that is known.
        quality: of the set with the most images.
        size: of the output that was timed or counted, ``1280x720``; empty where it was not recorded.
        on_front: nothing measured on its device is both cheaper and better.
    """

    source: str
    row: Row
    device: str
    emulated: bool
    runtime: str
    target: str
    quality: SetQuality | None
    size: str
    on_front: bool = False

    @property
    def sustained_ms(self) -> float | None:
        """The median after minutes of running, where a device said it."""
        value = self.row.details.get(SUSTAINED)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def instructions(self) -> int | None:
        """Of one inference."""
        return (self.row.instructions or {}).get("total")

    @property
    def cost(self) -> float | None:
        """Milliseconds, or instructions where there are none."""
        if self.row.latency is not None:
            return self.row.latency.p50_ms
        return None if self.instructions is None else float(self.instructions)

    @property
    def plane(self) -> tuple[str, ...]:
        """What must be equal for two rows to be compared."""
        unit = "ms" if self.row.latency is not None else "instructions"
        images = "" if self.quality is None else f"{self.quality.name} {self.quality.images}"
        return self.device, self.size, images, unit


def joined_rows(results: Sequence[Result], names: Sequence[str]) -> list[Joined]:
    """Every row that was timed, counted or made by a device; by device, then model, then precision.

    Args:
        names: of the result files, without suffix.
    """
    rows = [
        _joined(row, result, name)
        for result, name in zip(results, names, strict=True)
        for row in result.rows
        if row.latency is not None or row.instructions is not None or row.device is not None
    ]
    ordered = sorted(rows, key=lambda one: (one.device, one.row.model, one.row.precision, one.source))
    return _with_fronts(ordered)


def _joined(row: Row, result: Result, name: str) -> Joined:
    facts = row.device
    quality = None
    if row.quality is not None:
        quality = max(row.quality.sets, key=lambda entry: entry.images)
    if facts is None:
        device = f"here: {result.environment.machine.get('cpu', 'unknown processor')}"
        runtime = _runtime(row.runtime, result)
    else:
        device, runtime = f"{facts.device}: {facts.title}", facts.runtime
    return Joined(
        source=name,
        row=row,
        device=device,
        emulated=facts is not None and facts.emulated,
        runtime=runtime,
        target=row.target or _target(row),
        quality=quality,
        size=_size(row),
    )


def _size(row: Row) -> str:
    if row.output_size is not None:
        height, width = row.output_size
        return f"{width}x{height}"
    return "" if row.latency is None else f"{row.latency.width}x{row.latency.height}"


def _runtime(name: str, result: Result) -> str:
    """Title and version of a runtime of this machine."""
    entry = next((entry for entry in catalog.RUNTIMES if entry.name == name), None)
    if entry is None:
        return name
    version = result.environment.versions.get(entry.distribution)
    return entry.title if version is None else f"{entry.title} {version}"


def _target(row: Row) -> str:
    """The format of a row of before it was recorded: the only one that its runtime or device runs."""
    if row.device is not None:
        kind = row.device.device.partition(":")[0]
        targets = next((entry.targets for entry in DEVICES if entry.name == kind), ())
        named = [target for target in targets if f" {target} " in f" {row.name} "]
        return named[0] if named else targets[0] if len(targets) == 1 else UNKNOWN
    if row.runtime == catalog.CHECKPOINT_RUNTIME:
        return "checkpoint"
    targets = tuple(entry.name for entry in catalog.TARGETS if entry.runtime == row.runtime)
    return targets[0] if targets else UNKNOWN


def _with_fronts(rows: Sequence[Joined]) -> list[Joined]:
    """The same rows, those on the front of their plane marked."""
    return [replace(row, on_front=_on_front(row, rows)) for row in rows]


def _on_front(row: Joined, rows: Sequence[Joined]) -> bool:
    if not _comparable(row):
        return False
    return not any(_beats(other, row) for other in rows if _comparable(other) and other.plane == row.plane)


def _comparable(row: Joined) -> bool:
    return row.cost is not None and row.quality is not None and row.row.role == "candidate"


def _beats(other: Joined, row: Joined) -> bool:
    """As good in both, and better in one."""
    gains = (_cost(row) - _cost(other), _psnr(other) - _psnr(row))
    return min(gains) >= 0 and max(gains) > 0


def _cost(row: Joined) -> float:
    return float("inf") if row.cost is None else row.cost


def _psnr(row: Joined) -> float:
    return float("-inf") if row.quality is None else round(row.quality.psnr_db, 3)
