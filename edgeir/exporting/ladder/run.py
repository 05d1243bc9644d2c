"""``edgeir export --precision auto``: the fastest file that passes a gate, among all that a format can be.

Every profile of the format is tried, a checkpoint of quantisation-aware training where there is one, and, if plain
int8 loses too much, plans that keep the layers in float that win most for their time. Each is made, proved on
photographs that calibration did not see, and timed beside the others in one run. The fastest within the gate is
written, and its manifest lists everything that was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import copytree
from typing import Any

from edgeir.core.claim import sole_writer
from edgeir.core.errors import ConfigError, ExportError
from edgeir.core.files import atomic_dir, refuse_existing, scratch_dir, write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.core.requires import require
from edgeir.core.trust import honours_trust
from edgeir.exporting.given import check_target, loaded
from edgeir.exporting.ladder.candidates import (
    mixed_candidates,
    plain_candidates,
    trained_candidates,
)
from edgeir.exporting.ladder.work import Result, Timed, Work, cost, rows
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact
from edgeir.manifest.ladder import Ladder
from edgeir.manifest.parity import Parity
from edgeir.quantize.plan import PLANS
from edgeir.runtime import catalog

__all__ = ["NothingPassed", "Timer", "export_auto"]

Timer = Callable[[Sequence[Path]], tuple[str, list[Timed]]]
"""Times the artifacts in these folders against each other, or counts their instructions: what on, and the costs in
order."""


SAME = 0.05
"""Times that differ by less than this share count as the same: who uses the file does not notice the difference."""


class NothingPassed(ExportError):
    """No file passes the gate, or none of those is fast enough; `ladder` is what was tried."""

    def __init__(self, what: str, ladder: Ladder, *, where: str, fix: str) -> None:
        self.ladder = ladder
        super().__init__(what, where=where, fix=fix)


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
        trained: a checkpoint of quantisation-aware training that was fine-tuned from this network; None: that of the
            zoo, if it has one.
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
        candidates = [
            *plain_candidates(target, network, card, overrides),
            *trained_candidates(target, network, trained, overrides),
        ]
        work = Work(scratch, gate_db, overrides, shared, len(candidates), progress)
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
        slow = best is not None and target_latency_ms is not None and cost(best) > target_latency_ms
        ladder = Ladder(
            gate_db=gate_db,
            target_latency_ms=target_latency_ms,
            timed_on=timed_on,
            tried=rows(work.results, chosen=None if slow else best),
        )
        best = _accepted(best, ladder, card.name)
        assert best.folder is not None
        assert best.artifact is not None
        with sole_writer(out), atomic_dir(out) as temporary:
            copytree(best.folder, temporary, dirs_exist_ok=True)
            artifact = best.artifact.model_copy(update={"ladder": ladder})
            write_json(temporary / ARTIFACT_NAME, artifact.model_dump(mode="json"))
    return artifact


def _check(target: str, gate_db: float) -> None:
    check_target(target)
    entry = catalog.target_entry(target)
    runtime = None if entry.runtime is None else catalog.runtime_entry(entry.runtime)
    if runtime is None or not runtime.timed or not runtime.runs_here:
        raise ConfigError(
            [f"--precision auto chooses by time, and {entry.title} files are not timed here"],
            fix="choose a --precision",
        )
    if not 0 <= gate_db <= 100:
        raise ConfigError([f"--gate-db must be 0 to 100, not {gate_db}"])


def _best(passed: Sequence[Result]) -> Result | None:
    """The fastest; of those that take the same time, the one that loses least."""
    if not passed:
        return None
    limit = min(cost(result) for result in passed) * (1 + SAME)
    return min((result for result in passed if cost(result) <= limit), key=_lost)


def _lost(result: Result) -> float:
    parity = None if result.artifact is None else result.artifact.main.parity
    return parity.psnr_drop_db if isinstance(parity, Parity) else float("inf")


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
    if not any(tried.chosen for tried in ladder.tried):
        raise NothingPassed(
            f"the fastest file within the gate, {best.candidate.name}, takes {cost(best):.2f} ms, not "
            f"{ladder.target_latency_ms:g}",
            ladder,
            where=where,
            fix="allow more with --gate-db, or choose a smaller network",
        )
    return best
