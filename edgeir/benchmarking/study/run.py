"""`study`: train every variant with every seed, measure each run, write the differences.

Unattended and resumable: a finished run is kept, an interrupted one resumes from its checkpoint, and measurements of
the same weights by the same suites are not repeated.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.benchmarking.result import environment, timestamp
from edgeir.benchmarking.study.config import Study, load_study, recipes_of, suites_of
from edgeir.benchmarking.study.result import StudyResult, rows_of, variant_result
from edgeir.benchmarking.suite import Suite
from edgeir.checkpoint.resolve import resolve_checkpoint
from edgeir.core.errors import TrainingError
from edgeir.core.files import refuse_existing, write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.manifest.card import read_card
from edgeir.training.recipe import load_recipe
from edgeir.training.run import distill, train

__all__ = ["StudyOutcome", "StudyStopped", "finish", "study"]

RUNS = Path("runs") / "studies"
Figures = dict[str, float]
"""PSNR in dB by image set."""


class StudyStopped(TrainingError):
    """A training of the study was stopped (Ctrl-C); the study goes on from there when it is called again."""


@dataclass(frozen=True)
class StudyOutcome:
    """The outcome of one call."""

    path: Path | None
    """The result file; None where the study was stopped before it was complete."""
    result: StudyResult | None
    finished: int
    """Runs trained and measured so far, earlier calls included."""
    runs: int
    """Runs in all: variants x seeds."""

    @property
    def stopped(self) -> bool:
        """The study was interrupted and goes on when it is called again."""
        return self.path is None


def study(
    file: str | Path,
    *,
    out: str | Path,
    runs: str | Path = RUNS,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> StudyOutcome:
    """Train and measure every variant of a study file with every seed; see `edgeir.benchmarking.study.config`.

    Args:
        file: the study, YAML.
        out: a ``.json`` file, or a folder for ``study-<name>.json``.
        runs: where the runs are kept, ``<runs>/<study>/<variant>-<seed>``. Recipes that the study needs go to
            ``runs/<name>``, where its recipe looks for them.
        overwrite: replace an existing result; runs are never trained anew.

    Raises:
        ConfigError: the study, a recipe or a suite is wrong, or the variants do not have equal steps.
        DataError, CheckpointError, TrainingError: a run cannot be trained or measured.
        OutputError: the result exists already or cannot be written.
    """
    settings = load_study(file)
    path = Path(out)
    path = path if path.suffix == ".json" else path / f"study-{settings.name}.json"
    refuse_existing(path, overwrite=overwrite)
    suites = suites_of(settings)
    recipes_of(settings)
    folder = Path(runs) / settings.name
    work = [(seed, name) for seed in settings.seeds for name in settings.variants]
    figures: dict[str, dict[int, Figures]] = {name: {} for name in settings.variants}
    notes: dict[str, None] = {}
    try:
        for recipe in settings.needs:
            finish(recipe, [], Path("runs") / load_recipe(recipe).name, _labelled(progress, recipe))
        for done, (seed, name) in enumerate(work):
            label = f"run {done + 1} of {len(work)}, {name} seed {seed}"
            overrides = [*settings.overrides(name), f"train.seed={seed}"]
            run = folder / f"{name}-{seed}"
            checkpoint = finish(settings.recipe, overrides, run, _labelled(progress, label))
            kept = folder / "measured" / f"{name}-{seed}.json"
            figures[name][seed], remarks = _measured(checkpoint, suites, kept, _labelled(progress, label))
            notes |= dict.fromkeys(remarks)
    except StudyStopped:
        return StudyOutcome(None, None, sum(map(len, figures.values())), len(work))
    result = _result(settings, suites, figures, tuple(notes))
    write_json(path, result.model_dump(mode="json"))
    return StudyOutcome(path, result, len(work), len(work))


def finish(recipe: str, overrides: Sequence[str], out: Path, progress: Progress = no_progress) -> Path:
    """Train a recipe to its end in the run folder `out`, resuming a run that is there.

    Returns:
        The folder of its last checkpoint.

    Raises:
        StudyStopped: the training was interrupted.
    """
    run = train if load_recipe(recipe, overrides).objective.distillation is None else distill
    resume = (out / "checkpoints" / "last" / "state.json").is_file()
    result = run(recipe, overrides=overrides, out=out, resume=resume, overwrite=True, progress=progress)
    if result.stopped:
        raise StudyStopped("stopped", where=out, fix="the same command goes on")
    return result.run_dir / "checkpoints" / "last"


def _labelled(progress: Progress, head: str) -> Progress:
    def report(done: float, total: float, label: str) -> None:
        progress(done, total, f"{head}: {label}" if label else head)

    return report


def _measured(
    checkpoint: Path, suites: Sequence[Suite], kept: Path, progress: Progress
) -> tuple[Figures, list[str]]:
    """PSNR per set, and remarks; taken from the file `kept` where that is of these weights and suites."""
    key = {
        "weights_sha256": read_card(checkpoint).weights_sha256,
        "suites": [suite.model_dump(mode="json") for suite in suites],
        "protocols": _protocols(suites),
    }
    try:
        earlier = json.loads(kept.read_text(encoding="utf-8"))
        if {name: earlier[name] for name in key} == key:
            return dict(earlier["psnr_db"]), list(earlier["notes"])
    except (OSError, ValueError, LookupError, TypeError):
        pass  # not measured yet, or by another version
    figures: Figures = {}
    notes: list[str] = []
    for suite in suites:
        value = evaluate(checkpoint, suite, runtime="torch", threads=1, progress=progress)
        figures |= {entry["name"]: entry["psnr_db"] for entry in value["rows"][0]["quality"]["sets"]}
        notes += value["notes"]
    write_json(kept, {**key, "psnr_db": figures, "notes": notes})
    return figures, notes


def _protocols(suites: Sequence[Suite]) -> dict[str, dict[str, Any]]:
    return {suite.name: suite.resolved_protocol().model_dump(mode="json") for suite in suites}


def _result(
    settings: Study,
    suites: Sequence[Suite],
    figures: dict[str, dict[int, Figures]],
    notes: tuple[str, ...],
) -> StudyResult:
    variants = {}
    for name, variant in settings.variants.items():
        against = settings.against(name)
        reference = None if against is None else figures[against]
        variants[name] = variant_result(
            variant.about, settings.overrides(name), figures[name], against, reference
        )
    return StudyResult(
        name=settings.name,
        about=settings.about,
        created=timestamp(),
        recipe=settings.recipe,
        teacher=_teacher(settings),
        seeds=settings.seeds,
        protocols=_protocols(suites),
        notes=notes,
        environment=environment(),
        variants=variants,
        rows=tuple(rows_of(variants)),
    )


def _teacher(settings: Study) -> dict[str, Any] | None:
    """The teacher's weights by their hash: a zoo name may stand for other weights later."""
    distillation = load_recipe(settings.recipe, settings.common).objective.distillation
    if distillation is None or distillation.teacher is None:  # trained beside the student, or none at all
        return None
    card = read_card(resolve_checkpoint(distillation.teacher))
    return {
        "name": distillation.teacher,
        "parameters": card.parameters,
        "weights_sha256": card.weights_sha256,
    }
