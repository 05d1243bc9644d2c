"""``edgeir fit``: choose depth, width and precision of a recipe's network for a device, then train what was chosen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeir.core.errors import ConfigError
from edgeir.core.files import scratch_dir
from edgeir.core.progress import Progress, no_progress
from edgeir.core.requires import require
from edgeir.core.trust import honours_trust
from edgeir.devices.catalog import device_entry
from edgeir.exporting.given import check_target
from edgeir.exporting.profile import refuse_unmade
from edgeir.fitting.budget import HERE, Budget, check_unit, parse_budget
from edgeir.fitting.choose import choose
from edgeir.fitting.measuring import Measurer, measurer_for
from edgeir.fitting.members import family_of, lines_of
from edgeir.fitting.table import Table
from edgeir.fitting.work import Work, described
from edgeir.manifest.fitted import Fitted
from edgeir.runtime import catalog
from edgeir.training.fitted import read_fitted
from edgeir.training.preflight import check_ahead
from edgeir.training.recipe import Recipe, load_recipe
from edgeir.training.record import RunFolder
from edgeir.training.result import TrainResult
from edgeir.training.run import distill, train

__all__ = ["Fit", "NothingFits", "fit"]

DEFAULT_SIZE = (180, 320)


@dataclass(frozen=True)
class Fit:
    """What was chosen, and the run that trained it.

    Attributes:
        settings: the choice as settings of the recipe, ``model.blocks=9`` and so on.
        trained: None where only the choice was asked for.
    """

    fitted: Fitted
    settings: tuple[str, ...]
    trained: TrainResult | None


class NothingFits(ConfigError):
    """No member of the family is within the budget; `fitted` has what was measured."""

    def __init__(self, problem: str, fitted: Fitted, *, where: str, fix: str) -> None:
        self.fitted = fitted
        super().__init__([problem], where=where, fix=fix)


@honours_trust
def fit(
    recipe: str | Path,
    *,
    budget: str,
    on: str = HERE[0],
    size: tuple[int, int] = DEFAULT_SIZE,
    target: str | None = None,
    precisions: Sequence[str] = ("int8",),
    overrides: Sequence[str] = (),
    table: str | Path | None = None,
    threads: int = 1,
    seconds: float = 2.0,
    plan_only: bool = False,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    trust_code: bool = False,
    measurer: Measurer | None = None,
    progress: Progress = no_progress,
) -> Fit:
    """Measure members of the recipe's family on a device, choose the largest within `budget`, and train it.

    The files that are measured have random weights, which cost as much as any: what a precision loses in quality shows
    only when the trained network is exported. Training is `edgeir.distill`, or `edgeir.train` for a recipe without
    distillation; the cards of its checkpoints keep the choice (`fitted`).

    Args:
        recipe: a path or a name; its network states a family (`edgeir.models.family`).
        budget: ``8ms``, or ``0.6G`` instructions on an emulated device.
        on: ``here`` or ``cpu`` for this machine, or a device of `edgeir.devices.catalog`.
        size: height and width of the network's input that the budget is for.
        target: the format; None: the first that the device runs.
        precisions: what may be chosen.
        overrides: ``a.b=value`` settings of the recipe.
        table: a JSON file whose figures are used and which gets the new ones; None: all is measured.
        threads: of the runtime.
        seconds: timing of each file, about.
        plan_only: choose, and do not train.
        out, resume, overwrite: of the run, as for `edgeir.distill`; a resumed run keeps its choice.
        measurer: measures in place of the device.

    Raises:
        NothingFits: no member is within the budget.
        ConfigError: the recipe has no family, the budget's unit does not suit the device, or there is no such device.
        DeviceError: the device does not answer or goes away.
        EdgeIRError: as for `edgeir.export` and `edgeir.distill`.
    """
    require("torch", "choosing a network")
    limit = parse_budget(budget)
    loaded = load_recipe(recipe, overrides)
    check_unit(limit, on)
    kind = target or (catalog.target_names()[0] if on in HERE else device_entry(on).targets[0])
    folder = Path(out) if out is not None else Path("runs") / loaded.name
    if resume:
        fitted = _begun(folder, limit, on, kind, precisions, size)
    else:
        _check(loaded, kind, precisions, size)
        if not plan_only:
            _check_run(loaded, folder, overwrite=overwrite)
        fitted = _chosen(
            loaded, limit, on, size, kind, precisions, table,
            measurer or measurer_for(on, kind, threads=threads, seconds=seconds), progress,
        )  # fmt: skip
    settings = _settings(fitted)
    if plan_only:
        return Fit(fitted, settings, None)
    run = train if loaded.objective.distillation is None else distill
    trained = run(
        recipe,
        overrides=[*overrides, *settings],
        out=folder,
        resume=resume,
        overwrite=overwrite,
        fitted=fitted,
        progress=progress,
    )
    return Fit(fitted, settings, trained)


def _chosen(
    recipe: Recipe,
    budget: Budget,
    on: str,
    size: tuple[int, int],
    target: str,
    precisions: Sequence[str],
    table: str | Path | None,
    measurer: Measurer,
    progress: Progress,
) -> Fitted:
    family = family_of(recipe)
    lines = lines_of(recipe, family, size, target, precisions)
    kept = Table(None if table is None else Path(table), measurer.where, target, size)
    with scratch_dir("fit", libraries=True) as scratch:
        work = Work(recipe, family, size, target, budget.unit, kept, measurer, scratch, progress)
        best = choose(lines, budget.value, work)
    fitted = described(
        lines, best, family, budget=budget, on=on, where=measurer.where, target=target, size=size,
        precisions=precisions, doubtful=work.doubtful,
    )  # fmt: skip
    if best is None:
        problems = sorted({line.problem for line in lines if line.problem})
        what = f"no member of the family runs within {budget.text} on {on} at {size[0]}x{size[1]}"
        raise NothingFits(
            f"{what}; {problems[0]}" if problems else what,
            fitted,
            where=recipe.name,
            fix="a larger --budget, a smaller --size, or a network of a smaller family",
        )
    return fitted


def _check(recipe: Recipe, target: str, precisions: Sequence[str], size: tuple[int, int]) -> None:
    """What can be wrong before anything is measured."""
    check_target(target)
    for precision in precisions:
        refuse_unmade(target, precision)
    family_of(recipe)
    multiple = recipe.model.facts.size_multiple
    if min(size) < 1 or size[0] % multiple or size[1] % multiple:
        raise ConfigError(
            [f"the size is {size[0]}x{size[1]}, and the network takes positive multiples of {multiple}"],
            where="--size",
        )


def _check_run(recipe: Recipe, folder: Path, *, overwrite: bool) -> None:
    """What would stop the training, before minutes are spent on measuring."""
    run = RunFolder(folder, recipe)
    with run.claimed():
        run.refuse_existing(overwrite=overwrite)
    check_ahead(recipe)


def _begun(
    folder: Path, budget: Budget, on: str, target: str, precisions: Sequence[str], size: tuple[int, int]
) -> Fitted:
    """The choice of a run that is resumed.

    Raises:
        ConfigError: it was begun by another command, or for another budget.
    """
    fitted = read_fitted(folder)
    if fitted is None:
        raise ConfigError(
            ["the run was not begun by edgeir fit"],
            where=folder,
            fix="resume it with edgeir distill or train, or run without --resume",
        )
    then = (fitted.budget, fitted.unit, fitted.device, fitted.target, fitted.precisions, fitted.size)
    if then != (budget.value, budget.unit, on, target, tuple(precisions), tuple(size)):
        was = f"{fitted.budget:g} {fitted.unit} on {fitted.device}, {fitted.target} {'/'.join(fitted.precisions)}"
        raise ConfigError(
            [f"the run was begun for {was} at {fitted.size[0]}x{fitted.size[1]}"],
            where=folder,
            fix="resume with the same options, or choose another --out",
        )
    return fitted


def _settings(fitted: Fitted) -> tuple[str, ...]:
    """The chosen network as settings of a recipe."""
    chosen = fitted.chosen
    assert chosen is not None
    return tuple(f"model.{key}={json.dumps(value)}" for key, value in chosen.network.items())
