"""``edgeir export --precision auto``: its options, and the table of what was tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeir.cli.options import AUTO
from edgeir.cli.output import Output, table
from edgeir.cli.streams import say
from edgeir.core.errors import ConfigError

if TYPE_CHECKING:
    from edgeir.core.progress import Progress
    from edgeir.manifest.artifact import Artifact
    from edgeir.manifest.ladder import Ladder, Tried

__all__ = ["Choice", "chosen_file", "ladder_lines", "refuse_unused_choice"]

GATE_DB = 0.1


@dataclass(frozen=True)
class Choice:
    """The options that choose a precision."""

    gate_db: float | None
    target_latency_ms: float | None
    trained: str | None
    threads: int
    on: str | None = None


def refuse_unused_choice(choice: Choice, precisions: Sequence[str], *, bundle: bool) -> None:
    """Raise `ConfigError` for options that would do nothing, and for what auto cannot make."""
    if AUTO not in precisions:
        given = {
            "--gate-db": choice.gate_db is not None,
            "--target-latency": choice.target_latency_ms is not None,
            "--trained": choice.trained is not None,
            "--on": choice.on is not None,
        }
        for option, there in given.items():
            if there:
                raise ConfigError(
                    [f"{option} is for --precision auto"], fix="add --precision auto, or leave it out"
                )
    elif bundle or len(precisions) > 1:
        raise ConfigError(
            ["--precision auto writes one file"], fix="choose first, then pass its precision with --bundle"
        )


def chosen_file(
    checkpoint: str,
    files: dict[str, Any],
    shared: dict[str, Any],
    choice: Choice,
    output: Output,
    progress: Progress,
) -> Artifact:
    """The fastest file within the gate; prints what was tried where there is none."""
    if len(files["targets"]) != 1 or files["profiles"]:
        raise ConfigError(["--precision auto tries all profiles of one format"], fix="pass one --target")
    from edgeir.benchmarking.timing.device_files import device_timer
    from edgeir.benchmarking.timing.files import timer
    from edgeir.checkpoint.foreign.adopt import Stated
    from edgeir.exporting.ladder.run import NothingPassed, export_auto

    facts = {name: shared.pop(name) for name in ("scale", "size_multiple", "receptive_radius")}
    size = next(iter(shared["sizes"]), None)
    timing = (
        timer(threads=choice.threads, size=size)
        if choice.on is None
        else device_timer(
            choice.on,
            target=files["targets"][0],
            threads=choice.threads,
            size=size,
            milliseconds=choice.target_latency_ms is not None,
        )
    )
    try:
        return export_auto(
            checkpoint,
            target=files["targets"][0],
            gate_db=GATE_DB if choice.gate_db is None else choice.gate_db,
            target_latency_ms=choice.target_latency_ms,
            trained=choice.trained,
            timer=timing,
            stated=Stated(**facts),
            **shared,
            progress=progress,
        )
    except NothingPassed as error:
        if output.json:
            output.emit(error.ladder, ())
        for line in () if output.json else ladder_lines(error.ladder):
            say(line)
        raise


def ladder_lines(ladder: Ladder) -> list[str]:
    """The table of what was tried, fastest first."""
    counted = any(tried.instructions is not None for tried in ladder.tried)
    unit = "M instructions" if counted else "ms"
    head = ("tried", unit, "KiB", "PSNR lost", "worst", "colour", "extremes", "")
    rows = [_row(tried) for tried in ladder.tried]
    limit = f"at most {ladder.gate_db:g} dB"
    if ladder.target_latency_ms is not None:
        limit += f" and {ladder.target_latency_ms:g} ms"
    how = "counted" if counted else "timed"
    return [f"tried {len(rows)} ways, {limit}; {how} on {ladder.timed_on}", *table([head, *rows])]


def _row(tried: Tried) -> tuple[str, ...]:
    verdict = "chosen" if tried.chosen else "passes" if tried.passed else f"refused: {_short(tried.reason)}"
    return (
        tried.name,
        _figure(tried.latency_ms if tried.instructions is None else tried.instructions / 1e6, ".2f"),
        "-" if tried.bytes is None else f"{tried.bytes / 1024:.1f}",
        _figure(tried.psnr_drop_db, "+.3f", " dB"),
        _figure(tried.worst_psnr_drop_db, "+.2f", " dB"),
        _figure(tried.colour_shift, ".2f"),
        _figure(tried.extreme_shift, ".2f"),
        verdict,
    )


def _figure(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"


def _short(reason: str) -> str:
    """The first problem; all of them are in the manifest."""
    first, _, rest = reason.partition("; ")
    return f"{first} ..." if rest else first
