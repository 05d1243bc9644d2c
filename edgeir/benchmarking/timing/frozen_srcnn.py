"""SRCNN as a frozen TensorFlow graph, like the PIRM challenge's own: the baseline beside a ``.pb`` file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.runtime.frozen_graph import FLOAT, message_class

__all__ = ["write_frozen_srcnn"]


def write_frozen_srcnn(network: Any, path: Path) -> Path:
    """Write an `edgeir.models.srcnn.SRCNN` to `path`: input `input` [1, h, w, 3], output `output`; returns `path`.

    Raises:
        MissingExtraError: protobuf is not installed.
    """
    graph = message_class("Graph")()
    entry = _node(graph, "input", "Placeholder", [])
    entry.attr.add(key="dtype").value.type = FLOAT
    _shape(entry.attr.add(key="shape").value.shape, (1, -1, -1, 3))
    last = "input"
    convolutions = (network.conv1, network.conv2, network.conv3)
    biases = (network.conv1.bias, network.conv2.bias, network.bias3)
    for number, (convolution, bias) in enumerate(zip(convolutions, biases, strict=True), start=1):
        weights = _constant(graph, f"w{number}", _array(convolution.weight).transpose(2, 3, 1, 0))
        convolved = _operator(graph, f"conv{number}", "Conv2D", [last, weights])
        settings = next(node for node in graph.node if node.name == convolved).attr
        settings.add(key="strides").value.list.i.extend([1, 1, 1, 1])
        settings.add(key="padding").value.s = b"SAME"
        settings.add(key="data_format").value.s = b"NHWC"
        last = _operator(
            graph, f"add{number}", "Add", [convolved, _constant(graph, f"b{number}", _array(bias))]
        )
        last = _operator(graph, f"relu{number}", "Relu", [last]) if number < 3 else last
    last = _operator(graph, "tanh", "Tanh", [last])
    for name, kind, value in (("mul", "Mul", 0.58), ("shift", "Add", 0.5)):
        last = _operator(graph, name, kind, [last, _constant(graph, f"{name}_by", np.float32(value))])
    _operator(graph, "output", "Identity", [last])
    path.write_bytes(graph.SerializeToString())
    return path


def _array(parameter: Any) -> NDArray[np.float32]:
    values: NDArray[np.float32] = parameter.detach().numpy()
    return values


def _node(graph: Any, name: str, kind: str, inputs: Sequence[str]) -> Any:
    return graph.node.add(name=name, op=kind, input=list(inputs))


def _operator(graph: Any, name: str, kind: str, inputs: Sequence[str]) -> str:
    _node(graph, name, kind, inputs).attr.add(key="T").value.type = FLOAT
    return name


def _constant(graph: Any, name: str, value: Any) -> str:
    array = np.asarray(value, "<f4")
    node = _node(graph, name, "Const", [])
    node.attr.add(key="dtype").value.type = FLOAT
    tensor = node.attr.add(key="value").value.tensor
    tensor.dtype, tensor.tensor_content = FLOAT, array.tobytes()
    _shape(tensor.tensor_shape, array.shape)
    return name


def _shape(message: Any, sides: Sequence[int]) -> None:
    for side in sides:
        message.dim.add(size=side)
