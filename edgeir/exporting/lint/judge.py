"""What a delegate says of every operator of a graph, and in how many pieces it computes the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeir.exporting.inspect.graph import GraphDescription, OperatorEntry
from edgeir.exporting.lint.hold import dtype_of, holds
from edgeir.exporting.lint.rules import Delegate, Evidence, Rule
from edgeir.exporting.lint.surroundings import Surroundings

__all__ = ["Finding", "Judgement", "judged", "pieces"]


@dataclass(frozen=True)
class Finding:
    """What a delegate has against an operator.

    Attributes:
        operator: its position in the file.
        kind: as the format calls it.
        rule: name of the rule; None: the delegate's list does not have the operator.
        evidence, source: what the rule is from.
    """

    operator: int
    kind: str
    rule: str | None
    reason: str
    remedy: str
    evidence: Evidence
    source: str


@dataclass(frozen=True)
class Judgement:
    """What a delegate says of a graph.

    Attributes:
        counted: positions of the operators that compute something; those on constants alone are done before.
        refused: one finding for each operator that falls back.
        warnings: of operators that are taken, any number for each.
    """

    counted: tuple[int, ...]
    refused: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def taken(self) -> tuple[int, ...]:
        """Positions of the operators that the delegate takes."""
        fallen = {finding.operator for finding in self.refused}
        return tuple(position for position in self.counted if position not in fallen)


def judged(delegate: Delegate, graph: GraphDescription) -> Judgement:
    """Apply the rules of `delegate` to every operator."""
    around = Surroundings(graph)
    counted, refused, warnings = [], [], []
    for position, operator in enumerate(graph.operators):
        if operator.inputs and all(name in around.stored for name in operator.inputs):
            continue
        counted.append(position)
        refusal = _refusal(delegate, position, operator, around)
        if refusal is not None:
            refused.append(refusal)
            continue
        for rule in delegate.rules:
            if rule.verdict == "warning" and _applies(rule, operator, around):
                warnings.append(_finding(delegate, rule, position, operator))
    return Judgement(tuple(counted), tuple(refused), tuple(warnings))


def _refusal(
    delegate: Delegate, position: int, operator: OperatorEntry, around: Surroundings
) -> Finding | None:
    for rule in delegate.rules:
        if rule.verdict == "refused" and _applies(rule, operator, around):
            return _finding(delegate, rule, position, operator)
    dtype = dtype_of(operator, around)
    lists = [taken for taken in delegate.takes if operator.kind in taken.operators]
    if any(taken.dtypes is None or dtype in taken.dtypes for taken in lists):
        return None
    types = dict.fromkeys(name for taken in lists for name in taken.dtypes or ())
    reason = f"its list has no {operator.kind}"
    if types:
        reason = f"{operator.kind} is taken in {', '.join(types)} only, not in {dtype}"
    return Finding(position, operator.kind, None, reason, delegate.remedy, delegate.evidence, delegate.source)


def _applies(rule: Rule, operator: OperatorEntry, around: Surroundings) -> bool:
    if rule.operators is not None and operator.kind not in rule.operators:
        return False
    if rule.when is not None and not holds(rule.when, operator, around):
        return False
    return rule.unless is None or not holds(rule.unless, operator, around)


def _finding(delegate: Delegate, rule: Rule, position: int, operator: OperatorEntry) -> Finding:
    return Finding(
        position,
        operator.kind,
        rule.name,
        rule.reason,
        rule.remedy,
        rule.evidence or delegate.evidence,
        rule.source or delegate.source,
    )


def pieces(graph: GraphDescription, counted: Sequence[int], taken: Sequence[int]) -> int:
    """In how many pieces the delegate computes what it takes: between two of them the fallback has its turn.

    Operators are gathered greedily: all that can run with what is there go into the piece at hand, as TensorFlow
    Lite's `PartitionGraphIntoIndependentNodeSubsets` does.
    """
    mine, waiting = set(taken), list(counted)
    missing = {name for position in waiting for name in graph.operators[position].outputs}
    found = 0
    while waiting:
        ready = [p for p in waiting if not missing & set(graph.operators[p].inputs)]
        if not ready:
            break  # a damaged graph: the rest waits for itself
        kind = ready[0] in mine
        found += kind
        while ready := [
            p for p in waiting if (p in mine) == kind and not missing & set(graph.operators[p].inputs)
        ]:
            missing -= {name for p in ready for name in graph.operators[p].outputs}
            waiting = [p for p in waiting if p not in ready]
    return found
