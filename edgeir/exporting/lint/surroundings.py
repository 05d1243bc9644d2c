"""What a graph says of its operators beyond their own entries: who makes and who reads their tensors."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from edgeir.exporting.inspect.graph import GraphDescription, OperatorEntry, Quantisation, TensorEntry

__all__ = ["Surroundings"]


class Surroundings:
    """A graph with its edges; the methods take an operator of it."""

    def __init__(self, graph: GraphDescription) -> None:
        self.graph = graph

    @cached_property
    def _readers(self) -> dict[str, list[OperatorEntry]]:
        found: dict[str, list[OperatorEntry]] = defaultdict(list)
        for operator in self.graph.operators:
            for name in dict.fromkeys(operator.inputs):
                found[name].append(operator)
        return found

    @cached_property
    def _makers(self) -> dict[str, OperatorEntry]:
        return {name: operator for operator in self.graph.operators for name in operator.outputs}

    @cached_property
    def stored(self) -> frozenset[str]:
        """Names of the tensors that follow from constants alone."""
        found = {name for name, tensor in self.graph.tensors.items() if tensor.constant}
        for operator in self.graph.operators:
            if operator.inputs and all(name in found for name in operator.inputs):
                found |= set(operator.outputs)
        return frozenset(found)

    def tensor(self, name: str) -> TensorEntry | None:
        """The entry of a tensor."""
        return self.graph.tensors.get(name)

    def computed(self, operator: OperatorEntry) -> list[TensorEntry]:
        """The inputs that depend on the image."""
        names = [name for name in operator.inputs if name not in self.stored and name != operator.weights]
        return [self.graph.tensors[name] for name in names if name in self.graph.tensors]

    def outputs(self, operator: OperatorEntry) -> list[TensorEntry]:
        """The outputs."""
        return [self.graph.tensors[name] for name in operator.outputs if name in self.graph.tensors]

    def weights(self, operator: OperatorEntry) -> TensorEntry | None:
        """The weights, or the integers that they are unpacked from."""
        name = operator.weights or self._first_constant(operator)
        if name is None:
            return None
        maker = self._makers.get(name)
        if maker is not None and name in self.stored and maker.inputs:
            name = maker.inputs[0]
        return self.graph.tensors.get(name)

    def _first_constant(self, operator: OperatorEntry) -> str | None:
        """For an operator that multiplies by something that the description does not name."""
        if operator.products is None:
            return None
        return next((name for name in operator.inputs if name in self.stored), None)

    def quantisation(self, name: str) -> Quantisation | None:
        """Of a tensor."""
        tensor = self.graph.tensors.get(name)
        return None if tensor is None else tensor.quantised

    def maker(self, name: str) -> OperatorEntry | None:
        """The operator that makes a tensor; None for inputs and constants."""
        return self._makers.get(name)

    def readers(self, name: str) -> list[OperatorEntry]:
        """The operators that read a tensor."""
        return self._readers.get(name, [])
