"""Where a deployed network is rounded to 8 bits: which operators round their result, and which results share a range.

As integer runtimes do it: a convolution is rounded behind the activation that follows it; what only moves values
(shuffles, slices, a maximum over a window) keeps the range of its input; a concatenation copies bytes, so its inputs
share one; the image has the scale 1/255 at both ends, which is also the clip to [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from edgeir.quantize.ranges import IMAGE
from edgeir.quantize.recording import Recording, operator_name

__all__ = ["ACTIVATIONS", "WEIGHTED", "Points", "find_points"]

WEIGHTED = frozenset({"conv2d", "conv_transpose2d"})
ACTIVATIONS = frozenset({"relu", "relu6", "hardtanh", "clamp", "clamp_min", "clamp_max"})
"""Computed together with the operator in front, where nothing else reads that one's result."""
_FUSING = WEIGHTED | {"add", "sub", "mul"}
_MOVES = frozenset(
    {"pixel_shuffle", "pixel_unshuffle", "slice", "select", "view", "reshape", "permute", "transpose", "squeeze",
     "unsqueeze", "expand", "flip", "clone", "alias", "contiguous", "max_pool2d", "upsample_nearest2d", "pad",
     "constant_pad_nd", "repeat", "getitem", "split", "split_with_sizes", "chunk"}
)  # fmt: skip
_BOUNDED = {"sigmoid": (1 / 256, -128), "tanh": (1 / 128, 0)}
"""Scale and zero point that integer runtimes give these."""


@dataclass(frozen=True)
class Points:
    """The rounded results of a recording.

    Attributes:
        group: the range of a node's value, by number; nodes that are not here are constants, numbers, or rounded behind
            the activation that follows them.
        rounds: nodes whose value is rounded to the range of their group; the others in `group` move rounded values.
        fused: a node that is rounded behind an activation, to that activation.
        fixed: number of a range to its scale and zero point, where it is not to be chosen.
    """

    group: dict[str, int]
    rounds: frozenset[str]
    fused: dict[str, str]
    fixed: dict[int, tuple[float, int]]

    @property
    def ranges(self) -> int:
        """How many ranges there are."""
        return 1 + max(self.group.values())

    def place(self, node: torch.fx.Node) -> int | None:
        """The range that the result of an operator is rounded to, by itself or behind its activation."""
        return self.group.get(self.fused.get(node.name, node.name))


def find_points(recording: Recording) -> Points:
    """The points of a recorded network."""
    computed = _computed(recording)
    fused = _fused(recording, computed)
    roots: dict[str, str] = {recording.image: recording.image}
    bounded: dict[str, tuple[float, int]] = {}
    for node in computed:
        name = operator_name(node)
        if node.name in fused:
            continue
        roots[node.name] = node.name
        source = _first_computed(node, roots)
        if name in _MOVES and source is not None:
            roots[node.name] = _root(roots, source)
        elif name == "cat":
            for given in node.all_input_nodes:
                if given.name in roots:
                    roots[_root(roots, given.name)] = node.name
        elif name in _BOUNDED:
            bounded[node.name] = _BOUNDED[name]
    *walked, maker = _end(recording, roots, fused)
    for name in walked:
        roots[name] = _root(roots, maker)
    numbers: dict[str, int] = {}
    group = {name: numbers.setdefault(_root(roots, name), len(numbers)) for name in roots}
    moves = {node.name for node in computed if operator_name(node) in _MOVES or operator_name(node) == "cat"}
    moves |= set(walked)
    fixed = {group[name]: value for name, value in bounded.items()}
    if (
        list(group.values()).count(group[recording.image]) == 1
    ):  # not joined to features, whose range is wider
        fixed[group[recording.image]] = IMAGE
    fixed[group[maker]] = IMAGE
    return Points(group, frozenset(roots) - moves, fused, fixed)


def _computed(recording: Recording) -> list[torch.fx.Node]:
    """The operators whose result is a float tensor that depends on the image."""
    depends = {recording.image}
    found = []
    for node in recording.calls:
        if any(given.name in depends for given in node.all_input_nodes):
            value = node.meta.get("val")
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                depends.add(node.name)
                found.append(node)
            elif isinstance(value, (tuple, list)):
                depends.add(node.name)
    return found


def _fused(recording: Recording, computed: list[torch.fx.Node]) -> dict[str, str]:
    names = {node.name for node in computed}
    return {
        node.name: user.name
        for node in computed
        if operator_name(node) in _FUSING and len(node.users) == 1
        for user in node.users
        if user.name in names and operator_name(user) in ACTIVATIONS and node is not recording.result
    }


def _first_computed(node: torch.fx.Node, roots: dict[str, str]) -> str | None:
    return next((given.name for given in node.all_input_nodes if given.name in roots), None)


def _root(roots: dict[str, str], name: str) -> str:
    while roots[name] != name:
        name = roots[name]
    return name


def _end(recording: Recording, roots: dict[str, str], fused: dict[str, str]) -> list[str]:
    """From the restored image back to the node that makes it: over the clip, and what only moves pixels."""
    node, found = recording.result, [recording.result.name]
    while operator_name(node) in ACTIVATIONS | _MOVES:
        before = next(given for given in node.all_input_nodes if given.name in roots or given.name in fused)
        if before.name in fused or before.op != "call_function":
            break
        node = before
        found.append(node.name)
    return found
