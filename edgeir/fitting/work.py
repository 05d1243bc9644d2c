"""Make and measure the members that a choice asks for, and say what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeir.core.errors import ConfigError, DeviceError, EdgeIRError, MissingExtraError
from edgeir.core.progress import Progress
from edgeir.fitting.budget import Budget
from edgeir.fitting.choose import Line, rank
from edgeir.fitting.measuring import Measurer
from edgeir.fitting.members import export_member
from edgeir.fitting.table import Key, Table, cost_of
from edgeir.manifest.fitted import Fitted, Member
from edgeir.models.family import Family
from edgeir.training.recipe import Recipe

__all__ = ["Work", "described"]

RULE = (
    "the most multiply-accumulates in the repeated layers; of equals the depth nearest to the recipe's, then the most "
    "in all, then the most exact precision"
)
REMARK = "Measured with random weights: what a precision loses in quality shows when the trained network is exported."
BUSY = "Other processes kept this machine busy while times were taken: they may be too long."
NOT_SUSTAINED = "Times are medians of a cool device, not of one that has run for minutes."


class Work:
    """Measures members: from the table where it has them, else their files are made and run.

    Called with lines and depths (`edgeir.fitting.choose.Measured`); enters costs, or the problem of a line.
    """

    def __init__(
        self,
        recipe: Recipe,
        family: Family,
        size: tuple[int, int],
        target: str,
        unit: str,
        table: Table,
        measurer: Measurer,
        scratch: Path,
        progress: Progress,
    ) -> None:
        self._recipe, self._family, self._size, self._target, self._unit = recipe, family, size, target, unit
        self._table, self._measurer, self._scratch, self._progress = table, measurer, scratch, progress
        self._made = 0
        self.doubtful = False
        """A figure that was used may be wrong: its row has a note."""

    def __call__(self, members: Sequence[tuple[Line, int]]) -> None:
        """Measure these."""
        asked = {member: self._key(*member) for member in members if member[1] not in member[0].costs}
        files: dict[Key, Path] = {}
        for step, ((line, depth), key) in enumerate(asked.items()):
            if self._table.get(key) is None and key not in files and not line.problem:
                self._progress(step, 2 * len(asked), f"making {_shown(self._named(line, depth))}")
                try:
                    files[key] = self._export(line, depth)
                except MissingExtraError:
                    raise
                except EdgeIRError as error:
                    line.problem = f"cannot be made: {error.what}"

        def measuring(done: float, total: float, label: str) -> None:
            self._progress(len(asked) * (1 + done / max(total, 1e-9)), 2 * len(asked), label)

        if files:
            self._measure(asked, files, measuring)
        for (line, depth), key in asked.items():
            row = self._table.get(key)
            cost = None if row is None else cost_of(row, self._unit)
            if row is not None and cost is not None:
                line.costs[depth] = cost
                self.doubtful |= bool(row.note)
            elif not line.problem:
                raise DeviceError(f"gave no {self._unit}", where=self._measurer.where)

    def _measure(
        self, asked: dict[tuple[Line, int], Key], files: dict[Key, Path], progress: Progress
    ) -> None:
        """Measure all at once, so that they share the machine's moods; where one cannot run, each by itself."""
        try:
            rows = self._measurer(list(files.values()), progress)
            self._table.add(dict(zip(files, rows, strict=True)))
            return
        except (ConfigError, DeviceError, MissingExtraError):
            raise
        except EdgeIRError:
            pass
        for key, folder in files.items():
            try:
                self._table.add({key: self._measurer([folder], progress)[0]})
            except (ConfigError, DeviceError, MissingExtraError):
                raise
            except EdgeIRError as error:
                for (line, _), other in asked.items():
                    if other == key:
                        line.problem = f"cannot run: {error.what}"

    def _export(self, line: Line, depth: int) -> Path:
        self._made += 1
        folder = self._scratch / str(self._made)
        folder.mkdir()
        config = self._family.deployed(self._family.member(self._recipe.model, line.shape, depth))
        name = f"{config.kind} {_shown(self._named(line, depth))}"
        return export_member(config, name, self._target, line.precision, self._size, folder)

    def _named(self, line: Line, depth: int) -> dict[str, Any]:
        return {**line.shape, self._family.depth: depth}

    def _key(self, line: Line, depth: int) -> Key:
        config = self._family.deployed(self._family.member(self._recipe.model, line.shape, depth))
        return self._table.key(config.model_dump(mode="json"), line.precision)


def _shown(values: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in values.items() if value is not None)


def described(
    lines: Sequence[Line],
    best: tuple[Line, int] | None,
    family: Family,
    *,
    budget: Budget,
    on: str,
    where: str,
    target: str,
    size: tuple[int, int],
    precisions: Sequence[str],
    doubtful: bool,
) -> Fitted:
    """The choice with everything that was measured, and the deepest member of each shape that is predicted to fit."""
    members = []
    for line in lines:
        depths = set(line.costs)
        if line.costs and not line.problem:
            depths |= {at for at in (line.deepest(budget.value),) if at is not None}
        for depth in depths or {line.least}:
            cost = line.predict(depth) if line.costs else None
            is_best = best is not None and best[0] is line and best[1] == depth
            capacity, macs = line.macs(depth)
            member = Member(
                network={**line.shape, family.depth: depth},
                precision=line.precision,
                capacity_macs=capacity,
                macs=macs,
                cost=cost,
                measured=depth in line.costs,
                chosen=is_best,
                reason="" if is_best else _reason(line, cost, budget.value),
            )
            members.append((rank(line, depth), member))
    remarks = [REMARK]
    if budget.unit == "ms":
        remarks.append(NOT_SUSTAINED)
    if doubtful:
        remarks.append(BUSY)
    members.sort(key=lambda entry: entry[0], reverse=True)
    return Fitted(
        budget=budget.value,
        unit=budget.unit,
        device=on,
        measured_on=where,
        target=target,
        precisions=tuple(precisions),
        size=size,
        rule=RULE,
        remark=" ".join(remarks),
        members=tuple(member for _, member in members),
    )


def _reason(line: Line, cost: float | None, budget: float) -> str:
    if line.problem or cost is None:
        return line.problem or "not measured"
    return "over the budget" if cost > budget else "fits, with less capacity"
