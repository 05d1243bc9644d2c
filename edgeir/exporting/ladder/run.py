"""``edgeir export --precision auto``: the fastest file that passes a gate, among all that a format can be.

Every profile of the format is tried, a checkpoint of quantisation-aware training where there is one, and, if plain
int8 loses too much, plans that keep the layers in float that win most for their time. Each is made, proved on
photographs that calibration did not see, and timed beside the others in one run. The fastest within the gate is
written, and its manifest lists everything that was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

from edgeir.core.claim import sole_writer
from edgeir.core.errors import ConfigError, EdgeIRError, ExportError, MissingExtraError
from edgeir.core.files import atomic_dir, refuse_existing, scratch_dir, write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.core.requires import require
from edgeir.core.trust import honours_trust
from edgeir.exporting.ladder.candidates import (
    Candidate,
    mixed_candidates,
    plain_candidates,
    trained_candidates,
)
from edgeir.exporting.prove.gate import gate_lines
from edgeir.exporting.run import export_network, loaded
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact
from edgeir.manifest.ladder import Ladder, Tried
from edgeir.manifest.parity import Parity
from edgeir.quantize.plan import PLANS
from edgeir.runtime import catalog

__all__ = ["NothingPassed", "Timed", "Timer", "export_auto"]


SAME = 0.05
"""Times that differ by less than this share are the same: so far apart are two runs of one file on a busy machine."""


@dataclass(frozen=True)
class Timed:
    """The time of one file: median and 90th percentile of its runs, in milliseconds."""

    p50_ms: float
    p90_ms: float


Timer = Callable[[Sequence[Path]], tuple[str, list[Timed]]]
"""Times the artifacts in these folders against each other: what they were timed on, and the times in order."""


class NothingPassed(ExportError):
    """No file passes the gate, or none of those is fast enough; `ladder` is what was tried."""

    def __init__(self, what: str, ladder: Ladder, *, where: str, fix: str) -> None:
        self.ladder = ladder
        super().__init__(what, where=where, fix=fix)


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


@honours_trust
def export_auto(
    checkpoint: str | Path,
    *,
    target: str,
    gate_db: float,
    timer: Timer,
    target_latency_ms: float | None = None,
    trained: str | Path | None = None,
    overrides: Sequence[str] = (),
    out: str | Path,
    sigma: float | None = None,
    weights: str | Path | None = None,
    stated: Any = None,
    trust_code: bool = False,
    overwrite: bool = False,
    progress: Progress = no_progress,
    **shared: Any,
) -> Artifact:
    """Write the fastest file of a format that loses at most `gate_db`.

    Args:
        target: a format of `edgeir.runtime.catalog` whose files can be timed here.
        gate_db: mean PSNR that may be lost on the photographs of the proof; the other limits are those of each profile.
        timer: `edgeir.benchmarking.timing.files.timer` times on the runtime at hand.
        target_latency_ms: refuse the fastest one where its median is above this.
        trained: a checkpoint of quantisation-aware training that was fine-tuned from this network.
        overrides: settings that replace those of every profile.
        stated: facts of another author's network (`edgeir.checkpoint.foreign.adopt.Stated`).
        shared: `sizes`, `io`, `statistics`, `calibration`, `proof` and `golden` of `edgeir.exporting.run.export`.

    Raises:
        NothingPassed: with the table of everything tried; nothing is written.
        ConfigError: the format is not timed here, or `trained` is of another network.
        EdgeIRError: as for `export`.
    """
    out = Path(out)
    refuse_existing(out, overwrite=overwrite, marker=ARTIFACT_NAME, owned=("model*", "golden", "proof"))
    _check(target, gate_db)
    require("torch", "exporting")
    network, card = loaded(checkpoint, weights, stated, sigma)
    with scratch_dir("ladder") as scratch:
        work = Work(scratch, gate_db, overrides, shared, progress)
        candidates = [
            *plain_candidates(target, network, card, overrides),
            *trained_candidates(target, network, trained, overrides),
        ]
        work.expect(len(candidates))
        for candidate in candidates:
            work.run(candidate)
        plain = next(
            (one for one in work.results if one.candidate.profile.target.precision == PLANS["int8"]), None
        )
        if plain is not None and plain.artifact is not None and not plain.passed:
            for candidate in mixed_candidates(plain.candidate, shared.get("calibration")):
                work.run(candidate)
                if work.results[-1].passed:
                    break
        made = [result for result in work.results if result.folder is not None]
        timed_on, times = timer([result.folder for result in made if result.folder is not None])
        for result, time in zip(made, times, strict=True):
            result.timed = time
        best = _best([result for result in made if result.passed])
        fast = best if target_latency_ms is None or best is None or _p50(best) <= target_latency_ms else None
        ladder = _ladder(work.results, fast, gate_db, target_latency_ms, timed_on)
        best = _accepted(best, ladder, card.name)
        assert best.folder is not None
        assert best.artifact is not None
        with sole_writer(out), atomic_dir(out) as temporary:
            copytree(best.folder, temporary, dirs_exist_ok=True)
            artifact = best.artifact.model_copy(update={"ladder": ladder})
            write_json(temporary / ARTIFACT_NAME, artifact.model_dump(mode="json"))
    return artifact


def _check(target: str, gate_db: float) -> None:
    entry = catalog.target_entry(target) if target in catalog.target_names() else None
    if entry is None:
        raise ConfigError(
            [f"there is no target `{target}`"], fix=f"targets: {', '.join(catalog.target_names())}"
        )
    runtime = None if entry.runtime is None else catalog.runtime_entry(entry.runtime)
    if runtime is None or not runtime.timed or not runtime.runs_here:
        raise ConfigError(
            [f"--precision auto chooses by time, and {entry.title} files are not timed here"],
            fix="choose a --precision",
        )
    if not 0 <= gate_db <= 100:
        raise ConfigError([f"--gate-db must be 0 to 100, not {gate_db}"])


class Work:
    """Makes and proves candidates, one after the other."""

    def __init__(
        self,
        scratch: Path,
        gate_db: float,
        overrides: Sequence[str],
        shared: dict[str, Any],
        progress: Progress,
    ) -> None:
        self.results: list[Result] = []
        self._scratch, self._gate_db, self._shared, self._progress = scratch, gate_db, shared, progress
        self._overrides, self._expected = overrides, 0

    def expect(self, count: int) -> None:
        """How many are to come, for the progress bar."""
        self._expected = count

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
        result.problem = "; ".join(
            _beyond(file.parity) for file in result.artifact.files if _beyond(file.parity)
        )


def _beyond(parity: Any) -> str:
    """The limits that a file is beyond, in words; empty: none."""
    if not isinstance(parity, Parity):
        return f"not proved: {parity.reason}"
    return "; ".join(f"{what} {figure}" for what, figure, within in gate_lines(parity) if not within)


def _best(passed: Sequence[Result]) -> Result | None:
    """The fastest; of those that take the same time, the one that loses least."""
    if not passed:
        return None
    limit = min(_p50(result) for result in passed) * (1 + SAME)
    return min((result for result in passed if _p50(result) <= limit), key=_lost)


def _lost(result: Result) -> float:
    parity = None if result.artifact is None else result.artifact.main.parity
    return parity.psnr_drop_db if isinstance(parity, Parity) else float("inf")


def _p50(result: Result) -> float:
    return result.timed.p50_ms if result.timed is not None else float("inf")


def _ladder(
    results: Sequence[Result],
    best: Result | None,
    gate_db: float,
    target_latency_ms: float | None,
    timed_on: str,
) -> Ladder:
    tried = tuple(_row(result, chosen=result is best) for result in sorted(results, key=_p50))
    return Ladder(gate_db=gate_db, target_latency_ms=target_latency_ms, timed_on=timed_on, tried=tried)


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
        **figures,
        passed=result.passed,
        reason=result.problem,
        chosen=chosen,
    )


def _accepted(best: Result | None, ladder: Ladder, where: str) -> Result:
    """The fastest that passed, if there is one and it is fast enough."""
    if best is None:
        raise NothingPassed(
            f"none of {len(ladder.tried)} ways to make the file loses at most {ladder.gate_db} dB and is within the "
            "other limits",
            ladder,
            where=where,
            fix="allow more with --gate-db, calibrate on more photographs, or fine-tune with quant=int8",
        )
    wanted = ladder.target_latency_ms
    if wanted is not None and _p50(best) > wanted:
        raise NothingPassed(
            f"the fastest file within the gate, {best.candidate.name}, takes {_p50(best):.2f} ms, not {wanted:g}",
            ladder,
            where=where,
            fix="allow more with --gate-db, or choose a smaller network",
        )
    return best
