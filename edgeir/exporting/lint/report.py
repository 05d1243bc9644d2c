"""What `edgeir lint` says of a file: residency of each delegate, and its findings with their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edgeir.exporting.inspect.graph import GraphDescription
from edgeir.exporting.lint.judge import Finding, judged, pieces
from edgeir.exporting.lint.origins import Origins
from edgeir.exporting.lint.rules import Delegate

__all__ = ["DelegateReport", "FileLint", "LintReport", "Place", "Problem", "reported"]


@dataclass(frozen=True)
class Place:
    """An operator, and where it comes from.

    Attributes:
        operator: its position in the file.
        output: the tensor that it makes.
        origin: layer, module or line of the network; None where it is not known.
    """

    operator: int
    output: str
    origin: str | None


@dataclass(frozen=True)
class Problem:
    """Operators that a delegate refuses, or warns of, for one reason.

    Attributes:
        kinds: number of operators of each kind.
        rule: name of the rule; None: the delegate's list does not have the operator.
        macs: their share of the file's multiply-accumulates, from 0 to 1; None where sizes are open.
    """

    kinds: dict[str, int]
    rule: str | None
    reason: str
    remedy: str
    evidence: str
    source: str
    macs: float | None
    places: tuple[Place, ...]


@dataclass(frozen=True)
class DelegateReport:
    """What a delegate says of a file.

    Attributes:
        delegate, title, version, checked, evidence, source, fallback, notes: see
            `edgeir.exporting.lint.rules.Delegate`.
        taken, operators: how many of how many operators it takes; those that only unpack constants are not counted.
        macs: share of the multiply-accumulates that it takes; None where sizes are open.
        pieces: in how many pieces it computes them.
    """

    delegate: str
    title: str
    version: str
    checked: str
    evidence: str
    source: str
    fallback: str
    notes: tuple[str, ...]
    taken: int
    operators: int
    macs: float | None
    pieces: int
    refused: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True)
class FileLint:
    """A model file before its delegates.

    Attributes:
        network: what the names of layers are from; None: from the file alone.
    """

    path: str
    target: str
    format: str
    operators: int
    macs: int | None
    network: str | None
    delegates: tuple[DelegateReport, ...]


@dataclass(frozen=True)
class LintReport:
    """The model files of an artifact or bundle, or a single one."""

    files: tuple[FileLint, ...]

    @property
    def falls_back(self) -> bool:
        """Whether a delegate refuses an operator of a file."""
        return any(report.refused for file in self.files for report in file.delegates)


def reported(
    delegate: Delegate,
    graph: GraphDescription,
    origins: Origins,
    counts: Sequence[int | None],
    total: int | None,
) -> DelegateReport:
    """What a delegate says of a graph.

    Args:
        counts: multiply-accumulates of each operator.
        total: of all; None where one is not known.
    """
    found = judged(delegate, graph)
    taken = found.taken
    return DelegateReport(
        delegate=delegate.name,
        title=delegate.title,
        version=delegate.version,
        checked=delegate.checked.isoformat(),
        evidence=delegate.evidence,
        source=delegate.source,
        fallback=delegate.fallback,
        notes=delegate.notes,
        taken=len(taken),
        operators=len(found.counted),
        macs=_share(taken, counts, total),
        pieces=pieces(graph, found.counted, taken),
        refused=_problems(found.refused, graph, origins, counts, total),
        warnings=_problems(found.warnings, graph, origins, counts, total),
    )


def _share(positions: Sequence[int], counts: Sequence[int | None], total: int | None) -> float | None:
    if not total:
        return None
    return sum(counts[position] or 0 for position in positions) / total


def _problems(
    findings: Sequence[Finding],
    graph: GraphDescription,
    origins: Origins,
    counts: Sequence[int | None],
    total: int | None,
) -> tuple[Problem, ...]:
    """Findings of one reason together, those of most operators first."""
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        alike.setdefault(finding.reason, []).append(finding)
    made = []
    for group in sorted(alike.values(), key=len, reverse=True):
        first = group[0]
        operators = [graph.operators[finding.operator] for finding in group]
        places = tuple(
            Place(finding.operator, operator.outputs[0] if operator.outputs else "", origins.of(operator))
            for finding, operator in zip(group, operators, strict=True)
        )
        share = _share([finding.operator for finding in group], counts, total)
        kinds = dict(Counter(finding.kind for finding in group).most_common())
        told = (first.rule, first.reason, first.remedy, first.evidence, first.source)
        made.append(Problem(kinds, *told, share, places))
    return tuple(made)
