"""Choose the member with the largest capacity within a budget, measuring few.

Cost is monotone in depth and nearly a line, so that a shape is measured at two depths and the others are predicted. The
best by prediction is then measured: where it misses, its shape is predicted anew through the new point, until the best
of all is one that was measured and is within the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["EXACTNESS", "Line", "Measured", "choose", "rank"]

EXACTNESS = ("fp32", "fp16", "int16x8", "w8", "dynamic", "int8", "int8-tensor")
"""Precisions from the most exact one on."""
STEP = 6
"""Layers between the two depths that every shape is measured at: the error of a time is divided by it."""


@dataclass(eq=False)
class Line:
    """One shape in one precision, over its depths.

    Attributes:
        macs: depth to the multiply-accumulates of the repeated layers, and of the whole network.
        near: the depth to be near to among equals.
        costs: what was measured, by depth.
        problem: why it cannot be used at all.
    """

    shape: Mapping[str, Any]
    precision: str
    least: int
    most: int
    macs: Callable[[int], tuple[int, int]]
    near: int = 0
    costs: dict[int, float] = field(default_factory=dict)
    problem: str = ""

    def predict(self, depth: int) -> float:
        """The measured cost, or that of the line through the two measured depths that are nearest."""
        if depth in self.costs:
            return self.costs[depth]
        known = sorted(self.costs)
        if len(known) < 2:
            return self.costs[known[0]] if known else float("inf")
        above = next((index for index, at in enumerate(known) if at > depth), len(known))
        first = min(max(above - 1, 0), len(known) - 2)
        low, high = known[first], known[first + 1]
        slope = max(0.0, (self.costs[high] - self.costs[low]) / (high - low))
        return max(0.0, self.costs[low] + slope * (depth - low))

    def deepest(self, budget: float) -> int | None:
        """The largest depth that is within `budget` as far as is known; None: the smallest is not."""
        missed = [depth for depth, cost in self.costs.items() if cost > budget]
        most = min([*missed, self.most + 1]) - 1
        fits = [depth for depth, cost in self.costs.items() if cost <= budget and depth <= most]
        reached = max(fits, default=self.least - 1)
        depth = next((at for at in range(most, reached, -1) if self.predict(at) <= budget), reached)
        return depth if depth >= self.least else None


Measured = Callable[[Sequence[tuple[Line, int]]], None]
"""Measures members and enters their costs, or the problem of their line."""


def choose(lines: Sequence[Line], budget: float, measure: Measured) -> tuple[Line, int] | None:
    """The best member within `budget`, which was measured; None: there is none.

    Args:
        lines: with nothing measured, or what an earlier choice did.
    """
    measure([(line, line.least) for line in lines])
    usable = [line for line in lines if not line.problem and line.costs[line.least] <= budget]
    measure([(line, min(line.most, line.least + STEP)) for line in usable])
    while True:
        reached = [
            (line, depth)
            for line in usable
            if not line.problem and (depth := line.deepest(budget)) is not None
        ]
        if not reached:
            return None
        line, depth = max(reached, key=lambda member: rank(*member))
        if depth in line.costs:
            return line, depth
        measure([(line, depth)])


def rank(line: Line, depth: int) -> tuple[int, int, int, int]:
    """What decides: capacity; of equals the depth nearest to the recipe's, then the multiply-accumulates in all, then
    the more exact precision."""
    capacity, macs = line.macs(depth)
    return capacity, -abs(depth - line.near), macs, -EXACTNESS.index(line.precision)
