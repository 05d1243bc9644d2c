"""Where in the network the operators of a file come from.

A converter renames layers, and so does edgeir. What stays are the numbers: a layer is found by its weights, in any
order, rounded to 16 or 8 bits or not. An operator without weights lies behind the last layer that it depends on. Of
another author's network the line of code is found as well, by recording the network once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.inspect.graph import GraphDescription, OperatorEntry, Quantisation
from edgeir.exporting.lint.surroundings import Surroundings

if TYPE_CHECKING:
    from edgeir.models.base import Network

__all__ = ["Layer", "Origins", "layers_of"]

_NEAR = 0.02
"""Mean difference of sorted weights, in their standard deviation, up to which they are the same: 8 bits cause 0.01."""
_FEWEST = 4
"""Weights of fewer values look like others."""


_SAME = {
    "depthtospace": "pixelshuffle",
    "resize": "upsample",
    "logistic": "sigmoid",
    "erf": "gelu",
    "square": "pow",
}
"""Beginning of an operator's name in a file to what PyTorch calls it, where one is not part of the other."""


@dataclass(frozen=True)
class Layer:
    """A parameter of the network.

    Attributes:
        name: of its layer, as in ``network.deploy().named_modules()``.
        numbers: its values, sorted.
        lines: of another author's network, the operators that read it and follow it, with their lines of code.
    """

    name: str
    numbers: NDArray[np.float32]
    lines: tuple[tuple[str, str], ...] = ()

    def at(self, kind: str | None = None) -> str:
        """Its name, with the line that reads it, or of the first operator behind it that is called like `kind`."""
        lines = self.lines[:1] if kind is None else [each for each in self.lines if _alike(kind, each[0])][:1]
        return f"{self.name} ({lines[0][1]})" if lines else self.name


def _alike(kind: str, called: str) -> bool:
    """Whether a file's operator may be what PyTorch calls so."""
    plain = kind.lower().replace("_", "")
    theirs = called.lower().replace("_", "")
    plain = next((same for start, same in _SAME.items() if plain.startswith(start)), plain)
    return plain in theirs or theirs in plain


def layers_of(network: Network) -> list[Layer]:
    """Every weight of a network; for another author's with the lines that read it."""
    from edgeir.models.stated import WrappedNetwork

    deployed = network.deploy()
    lines = _lines(network, deployed) if isinstance(network, WrappedNetwork) else {}
    found = []
    for name, parameter in deployed.named_parameters():
        numbers = np.sort(parameter.detach().numpy().astype(np.float32), axis=None)
        if numbers.size >= _FEWEST:
            found.append(Layer(name.rpartition(".")[0] or name, numbers, tuple(lines.get(name, ()))))
    return found


def _lines(network: Network, deployed: Any) -> dict[str, list[tuple[str, str]]]:
    """Parameter to the lines of code behind it; none where the network cannot be recorded."""
    import torch

    from edgeir.core.errors import EdgeIRError
    from edgeir.exporting.recording import lines_of_parameters, recorded

    facts = network.facts
    side = max(facts.size_multiple, 16 // facts.size_multiple * facts.size_multiple)
    try:
        program = recorded(deployed, torch.rand(1, facts.channels, side, side))
    except EdgeIRError:
        return {}
    return lines_of_parameters(program)


class Origins:
    """Finds the origin of operators.

    Args:
        layers: of the network that the file was made of; none: what the file itself says.
    """

    def __init__(self, graph: GraphDescription, layers: Sequence[Layer] = ()) -> None:
        self._around = Surroundings(graph)
        self._layers = layers
        self._found: dict[int, Layer | None] = {}

    def of(self, operator: OperatorEntry) -> str | None:
        """Layer, module or line; ``after`` such a one for an operator without weights; None: the file does not say."""
        own = self._layer(operator)
        if own is not None:
            return own.at()
        said = operator.origin or _module_in(operator)
        if said is not None:
            return said
        seen: set[int] = set()
        waiting = [operator]
        while waiting:
            for name in waiting.pop(0).inputs:
                maker = self._around.maker(name)
                if maker is None or id(maker) in seen or name in self._around.stored:
                    continue
                seen.add(id(maker))
                layer = self._layer(maker)
                if layer is not None:
                    return f"after {layer.at(operator.kind)}"
                if (said := maker.origin or _module_in(maker)) is not None:
                    return f"after {said}"
                waiting.append(maker)
        return None

    def _layer(self, operator: OperatorEntry) -> Layer | None:
        """The layer whose weights an operator has."""
        if id(operator) not in self._found:
            self._found[id(operator)] = self._by_weights(operator)
        return self._found[id(operator)]

    def _by_weights(self, operator: OperatorEntry) -> Layer | None:
        for name in operator.inputs:
            if not self._layers or name not in self._around.stored:
                continue
            numbers = self._numbers(name)
            layer = None if numbers is None else _nearest(numbers, self._layers)
            if layer is not None:
                return layer
        return None

    def _numbers(self, name: str) -> NDArray[np.float32] | None:
        """The values of a constant, or of the one that it is unpacked from, as real numbers and sorted."""
        maker = self._around.maker(name)
        if maker is not None and maker.inputs:
            name = maker.inputs[0]
        tensor, values = self._around.tensor(name), self._around.graph.values(name)
        if tensor is None or values is None or values.size < _FEWEST:
            return None
        if tensor.quantised is not None:
            values = _scaled(values, tensor.quantised)
        elif values.dtype.kind in "iub":
            return None
        return np.sort(np.asarray(values, np.float32), axis=None)


def _scaled(values: NDArray[Any], quantised: Quantisation) -> NDArray[Any]:
    """Integers times their scales, along the axis that has as many channels as there are scales."""
    scales = np.asarray(quantised.scales, np.float32)
    if scales.size <= 1:
        return values * (scales[0] if scales.size else 1)
    axes = [axis for axis, side in enumerate(values.shape) if side == scales.size]
    if not axes:
        return values
    shape = [1] * values.ndim
    shape[axes[0] if values.shape[0] != 1 else axes[-1]] = scales.size
    return values * scales.reshape(shape)


def _nearest(numbers: NDArray[np.float32], layers: Sequence[Layer]) -> Layer | None:
    best: Layer | None = None
    least = _NEAR
    for layer in layers:
        if layer.numbers.size != numbers.size:
            continue
        spread = float(layer.numbers.std()) or float(np.abs(layer.numbers).max()) or 1.0
        difference = float(np.abs(layer.numbers - numbers).mean()) / spread
        if difference < least:
            best, least = layer, difference
    return best


def _module_in(operator: OperatorEntry) -> str | None:
    """The path of modules that some converters leave in names, such as ``/body/body.0/Conv``."""
    for text in (operator.name, *operator.outputs):
        if text and ("/" in text or ";" in text):
            parts = [part for part in text.replace(";", "/").split("/") if part]
            return "/".join(parts[-3:]) if len(parts) > 1 else None
    return None
