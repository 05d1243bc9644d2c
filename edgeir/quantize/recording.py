"""A deployed network as a list of ATen operators, whatever its size of image.

`torch.export` records the network once; `Recording.run` then computes every operator with the weights that the module
has at that moment, so that they can be trained, and hands each result to a function that may round it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from edgeir.core.errors import ConfigError
from edgeir.manifest.facts import NetworkFacts

__all__ = ["Recording", "operator_name", "record"]

Compute = Callable[[torch.fx.Node, tuple[Any, ...], dict[str, Any]], Any]
"""Node, arguments and keyword arguments (values) to the value of the node."""


@dataclass(frozen=True)
class Recording:
    """The operators of a deployed network in order.

    Attributes:
        graph: placeholders for image, weights and constants; calls of ATen operators; the output.
        image: name of the image's placeholder.
        weights: placeholder to the name of a parameter or buffer of the module.
        constants: placeholder to a tensor that the module does not name.
        channels, unit: of the images that it takes: how many, and what their sides are multiples of.
    """

    graph: torch.fx.Graph
    image: str
    weights: dict[str, str]
    constants: dict[str, torch.Tensor]
    channels: int
    unit: int

    def __deepcopy__(self, memo: dict[int, Any]) -> Recording:
        return self  # nothing in it changes

    @property
    def calls(self) -> list[torch.fx.Node]:
        """The operators."""
        return [node for node in self.graph.nodes if node.op == "call_function"]

    @property
    def result(self) -> torch.fx.Node:
        """The node that computes the restored image."""
        output = next(node for node in self.graph.nodes if node.op == "output")
        values = output.args[0]
        last = values[0] if isinstance(values, (tuple, list)) else values
        assert isinstance(last, torch.fx.Node)
        return last

    def run(self, module: nn.Module, image: torch.Tensor, compute: Compute) -> torch.Tensor:
        """The restored image, (N, C, H, W), with every operator computed by `compute`.

        Args:
            module: the module that was recorded, or one with the same names of weights.
        """
        named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        values: dict[torch.fx.Node, Any] = {}
        for node in self.graph.nodes:
            if node.op == "placeholder":
                if node.name == self.image:
                    values[node] = image
                elif node.name in self.weights:
                    values[node] = named[self.weights[node.name]]
                else:
                    values[node] = self.constants[node.name].to(image.device)
            elif node.op == "call_function":
                args = torch.fx.map_arg(node.args, values.__getitem__)
                kwargs = torch.fx.map_arg(node.kwargs, values.__getitem__)
                values[node] = compute(node, args, kwargs)
        result: torch.Tensor = values[self.result]
        return result


def record(module: nn.Module, facts: NetworkFacts) -> Recording:
    """Record a deployed network for images of any size that it takes.

    Raises:
        ConfigError: it cannot be recorded, such as one that branches on the values of an image.
    """
    unit = facts.size_multiple
    height, width = (
        torch.export.Dim(name, min=1) if unit == 1 else unit * torch.export.Dim(f"{name}_units", min=1)
        for name in ("height", "width")
    )
    example = torch.zeros(1, facts.channels, 8 * unit, 6 * unit)  # unequal, so that no symbol is shared
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.export's own, about its next release
            program = torch.export.export(module, (example,), dynamic_shapes=({2: height, 3: width},))
            program = program.run_decompositions({})
    except Exception as error:  # the exporter raises whatever it likes
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            [f"the network cannot be recorded for quantisation-aware training: {reason[:200]}"],
            fix="quantise it after training (edgeir export --precision int8)",
        ) from error
    signature = program.graph_signature
    weights = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    constants = {
        name: program.constants[target]
        for name, target in signature.inputs_to_lifted_tensor_constants.items()
    }
    constants |= {name: program.constants[target] for name, target in weights.items() if target not in named}
    (image,) = signature.user_inputs
    return Recording(
        graph=program.graph,
        image=str(image),
        weights={name: target for name, target in weights.items() if target in named},
        constants=constants,
        channels=facts.channels,
        unit=unit,
    )


def operator_name(node: torch.fx.Node) -> str:
    """The ATen name of what a node calls, such as ``conv2d``, or that of a Python function."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload):
        return str(target.overloadpacket.__name__)
    return str(getattr(target, "__name__", target))
