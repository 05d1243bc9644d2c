"""Make and prove candidates, and tell what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeir.core.errors import EdgeIRError, MissingExtraError
from edgeir.core.progress import Progress
from edgeir.exporting.ladder.candidates import Candidate
from edgeir.exporting.prove.gate import beyond_gate
from edgeir.exporting.run import export_network
from edgeir.manifest.artifact import Artifact
from edgeir.manifest.ladder import Tried
from edgeir.manifest.parity import AnyParity, Parity

__all__ = ["Result", "Timed", "Work", "cost", "rows"]


@dataclass(frozen=True)
class Timed:
    """What a file costs: the median and 90th percentile of its runs in milliseconds, or its instructions where the time
    is not known."""

    p50_ms: float | None = None
    p90_ms: float | None = None
    instructions: int | None = None


@dataclass
class Result:
    """A candidate, and what became of it."""

    candidate: Candidate
    folder: Path | None = None
    artifact: Artifact | None = None
    problem: str = ""
    timed: Timed | None = None

    @property
    def passed(self) -> bool:
        return self.artifact is not None and not self.problem


class Work:
    """Makes and proves candidates, one after the other."""

    def __init__(
        self,
        scratch: Path,
        gate_db: float,
        overrides: Sequence[str],
        shared: dict[str, Any],
        expected: int,
        progress: Progress,
    ) -> None:
        """
        Args:
            gate_db: mean PSNR that may be lost, in place of each profile's.
            overrides: settings that were applied to every profile, for the manifest.
            shared: what all candidates are exported with.
            expected: how many candidates there will be at least, for the progress bar.
        """
        self.results: list[Result] = []
        self._scratch, self._gate_db, self._shared, self._progress = scratch, gate_db, shared, progress
        self._overrides, self._expected = overrides, expected

    def run(self, candidate: Candidate) -> None:
        """Make and prove one; what prevents it is its result."""
        number = len(self.results)
        whole = max(self._expected + 1, number + 2)  # with the timing
        folder = self._scratch / str(number)
        gate = candidate.profile.gate.model_copy(update={"psnr_drop_db": self._gate_db})
        profile = candidate.profile.model_copy(update={"gate": gate})
        result = Result(candidate)
        self.results.append(result)

        def progress(done: float, total: float, label: str) -> None:
            self._progress(number + done / max(total, 1), whole, f"{candidate.name}: {label}")

        try:
            result.artifact = export_network(
                candidate.network, candidate.card, profile, out=folder,
                name=" ".join([candidate.profile_name, *self._overrides]),
                refuse=False, progress=progress, **self._shared,
            )  # fmt: skip
        except MissingExtraError:
            raise
        except EdgeIRError as error:
            result.problem = error.what
            return
        result.folder = folder
        result.problem = "; ".join(what for file in result.artifact.files for what in _problems(file.parity))


def _problems(parity: AnyParity) -> list[str]:
    """The limits that a file is beyond, in words."""
    return beyond_gate(parity) if isinstance(parity, Parity) else [f"not proved: {parity.reason}"]


def cost(result: Result) -> float:
    """Median time in milliseconds, or instructions; infinite where neither is known. All results have the same unit."""
    timed = result.timed
    if timed is None:
        return float("inf")
    known = timed.p50_ms if timed.p50_ms is not None else timed.instructions
    return float("inf") if known is None else known


def rows(results: Sequence[Result], *, chosen: Result | None) -> tuple[Tried, ...]:
    """What became of each candidate, cheapest first."""
    return tuple(_row(result, chosen=result is chosen) for result in sorted(results, key=cost))


def _row(result: Result, *, chosen: bool) -> Tried:
    candidate, plan = result.candidate, result.candidate.profile.target.precision
    parity = None if result.artifact is None else result.artifact.main.parity
    figures: dict[str, Any] = {}
    if isinstance(parity, Parity):
        figures = {
            "psnr_drop_db": parity.psnr_drop_db,
            "worst_psnr_drop_db": parity.worst_psnr_drop_db,
            "colour_shift": max(abs(value) for value in parity.colour_shift),
            "extreme_shift": parity.extreme_shift,
        }
    return Tried(
        name=candidate.name,
        precision=plan.name,
        profile=candidate.profile_name,
        float_layers=tuple(plan.layers),
        checkpoint_sha256=candidate.card.weights_sha256,
        bytes=None if result.artifact is None else result.artifact.main.bytes,
        latency_ms=None if result.timed is None else result.timed.p50_ms,
        latency_p90_ms=None if result.timed is None else result.timed.p90_ms,
        instructions=None if result.timed is None else result.timed.instructions,
        **figures,
        passed=result.passed,
        reason=result.problem,
        chosen=chosen,
    )
