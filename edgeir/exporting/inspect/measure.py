"""Figures that follow from a described graph: parameters, multiplications, memory, receptive field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from edgeir.exporting.inspect.graph import GraphDescription, OperatorEntry, TensorEntry, Window

__all__ = [
    "Activations",
    "ReceptiveField",
    "activations",
    "largest_constants",
    "macs",
    "macs_of_operators",
    "parameters",
    "receptive_field",
]


@dataclass(frozen=True)
class Activations:
    """What is in memory at once.

    Attributes:
        bytes: of all tensors alive at the worst operator, its output included, the weights not.
        operator: its position.
        kind: its kind.
    """

    bytes: int
    operator: int
    kind: str


@dataclass(frozen=True)
class ReceptiveField:
    """How far an output pixel reads.

    Attributes:
        radius: input pixels on each side beyond its own, at most; None: the whole image, or not known.
        reason: why it is None.
    """

    radius: int | None
    reason: str | None = None


def parameters(graph: GraphDescription) -> int | None:
    """Number of weights, biases and slopes in the file; None where a shape is not known."""
    counts = [graph.tensors[name].count for name in graph.parameters]
    return None if None in counts else sum(count or 0 for count in counts)


def macs(graph: GraphDescription, size: tuple[int, int] | None = None) -> int | None:
    """Multiply-accumulates of convolutions and matrix products for one run.

    Args:
        size: height and width of the input, for a format that does not say the shapes of its tensors: the number of
            pixels is then followed through strides and enlargements, as if every border were padded.

    Returns:
        None where a shape is not known and cannot be followed.
    """
    counts = macs_of_operators(graph, size)
    return None if None in counts else sum(count or 0 for count in counts)


def macs_of_operators(graph: GraphDescription, size: tuple[int, int] | None = None) -> list[int | None]:
    """The same for each operator; 0 for one that multiplies nothing by weights, None where it is not known."""
    pixels = _pixels(graph, size)
    counts: list[int | None] = []
    for operator in graph.operators:
        if operator.products is None:
            counts.append(0)
            continue
        name = operator.inputs[0] if operator.per_input else operator.outputs[0]
        values = graph.tensors[name].count
        if values is not None:
            counts.append(values * operator.products)
            continue
        weights = None if operator.weights is None else graph.tensors[operator.weights].count
        counts.append(None if weights is None or name not in pixels else round(weights * pixels[name]))
    return counts


def _pixels(graph: GraphDescription, size: tuple[int, int] | None) -> dict[str, Fraction]:
    """Number of pixels of the tensors that depend on the input, as far as that can be followed."""
    if size is None:
        return {}
    found = dict.fromkeys(graph.inputs, Fraction(size[0] * size[1]))
    for operator in graph.operators:
        sources = [found[name] for name in operator.inputs if name in found]
        if not sources or operator.reach in ("global", "unknown"):
            continue
        change = Fraction(1)
        if isinstance(operator.reach, Window):
            change = Fraction(operator.reach.enlarge, operator.reach.stride) ** 2
        found |= dict.fromkeys(operator.outputs, max(sources) * change)
    return found


def largest_constants(graph: GraphDescription, count: int = 5) -> list[TensorEntry]:
    """The constants that take most bytes, largest first."""
    constants = [tensor for tensor in graph.tensors.values() if tensor.constant and tensor.bytes is not None]
    return sorted(constants, key=lambda tensor: (-(tensor.bytes or 0), tensor.name))[:count]


def activations(graph: GraphDescription) -> Activations | None:
    """The most memory that tensors take at once when operators run one by one, in the file's order, none in place.

    A runtime that computes in place or in strips needs less, one that repacks its tensors more. None where the
    shapes are not known.
    """
    last = {name: len(graph.operators) for name in graph.outputs}
    for position, operator in enumerate(graph.operators):
        for name in operator.inputs:
            last[name] = max(last.get(name, position), position)
    alive: dict[str, int] = {}
    worst: Activations | None = None
    for name in graph.inputs:
        if (size := graph.tensors[name].bytes) is None:
            return None
        alive[name] = size
    for position, operator in enumerate(graph.operators):
        for name in operator.outputs:
            tensor = graph.tensors[name]
            if tensor.constant:
                continue
            if (size := tensor.bytes) is None:
                return None
            alive[name] = size
        total = sum(alive.values())
        if worst is None or total > worst.bytes:
            worst = Activations(total, position, operator.kind)
        for name in [name for name in alive if last.get(name, position) <= position]:
            del alive[name]
    return worst


def receptive_field(graph: GraphDescription) -> ReceptiveField:
    """Input pixels around its own that an output pixel depends on, at most, followed through the graph.

    Paddings, crops and slices count as keeping pixels in their place: the bound holds for graphs whose crops undo what
    they padded, as networks that keep an image in its place do.

    An operator that reads the whole image, or that the file does not describe far enough, ends the search by name.
    """
    states = {name: (Fraction(0), Fraction(1)) for name in graph.inputs}  # radius; input pixels per pixel
    for position, operator in enumerate(graph.operators):
        sources = [states[name] for name in operator.inputs if name in states]
        if not sources or operator.kind == "Shape":
            continue
        if operator.reach in ("global", "unknown"):
            said = "reads the whole image" if operator.reach == "global" else "may read any pixel"
            return ReceptiveField(None, f"operator {position}, {operator.kind}, {said}")
        state = _through(operator, max(radius for radius, _ in sources), max(step for _, step in sources))
        states |= dict.fromkeys(operator.outputs, state)
    radii = [states[name][0] for name in graph.outputs if name in states]
    return ReceptiveField(math.ceil(max(radii, default=Fraction(0))))


def _through(operator: OperatorEntry, radius: Fraction, step: Fraction) -> tuple[Fraction, Fraction]:
    window = operator.reach if isinstance(operator.reach, Window) else Window()
    extent = max(window.extent)
    # An even window, or one that is strided over, lies to one side of the pixel that it stands for.
    beyond = extent // 2 if window.stride == 1 else max(extent - 1, window.stride - 1)
    radius += beyond * step
    step *= window.stride
    finer = step / window.enlarge
    if step > 1:  # fine pixels share a coarse one, which lies up to this far from theirs
        radius += step - max(finer, Fraction(1))
    return radius, finer
