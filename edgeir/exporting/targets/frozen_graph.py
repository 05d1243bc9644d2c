"""The graph of a frozen TensorFlow graph (``.pb``), for `edgeir inspect`; edgeir runs such files and writes none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeir.exporting.inspect.graph import (
    GraphDescription,
    OperatorEntry,
    Reach,
    TensorEntry,
    Window,
    reach_of,
)
from edgeir.runtime.frozen_graph import Node, read_frozen_graph

__all__ = ["describe"]

_DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    6: "int8",
    9: "int64",
    10: "bool",
    19: "float16",
}
_COPIES = ("Identity", "CheckNumerics")


def describe(path: Path, size: tuple[int, int] | None = None) -> GraphDescription:
    """Read a frozen graph; it says the sizes of its constants only.

    Args:
        size: not used.

    Raises:
        ArtifactError: it is damaged, or has not one input and one output.
        MissingExtraError: protobuf is not installed.
    """
    del size
    graph = read_frozen_graph(path)
    constants: dict[str, Node] = {}
    for node in graph.nodes:  # a frozen variable is a constant and a copy of it
        if node.kind == "Const":
            constants[node.name] = node
        elif node.kind in _COPIES and len(node.inputs) == 1 and node.inputs[0] in constants:
            constants[node.name] = constants[node.inputs[0]]
    tensors = {
        node.name: TensorEntry(node.name, node.shape, _DTYPES.get(node.dtype, "unknown"), constant=True)
        for node in constants.values()
    }
    operators = []
    for node in graph.nodes:
        if node.name in constants:
            continue
        shape = node.shape if node.kind.startswith("Placeholder") else None
        tensors[node.name] = TensorEntry(node.name, shape, "float32")
        if not node.kind.startswith("Placeholder"):
            inputs = tuple(constants[name].name if name in constants else name for name in node.inputs)
            operators.append(OperatorEntry(node.kind, inputs, (node.name,), **_work(node, constants)))
    used = {name for operator in operators for name in operator.inputs}
    weights = [name for name, tensor in tensors.items() if tensor.constant and name in used]
    return GraphDescription(
        "TensorFlow GraphDef",
        (graph.input,),
        (graph.output,),
        tuple(operators),
        {name: tensor for name, tensor in tensors.items() if not tensor.constant or name in used},
        tuple(name for name in weights if tensors[name].dtype.startswith("float") and tensors[name].shape),
    )


def _work(node: Node, constants: dict[str, Node]) -> dict[str, Any]:
    if node.kind in ("Conv2D", "DepthwiseConv2dNative") and node.inputs[1] in constants:
        shape = [side or 0 for side in constants[node.inputs[1]].shape or ()]
        dilations = node.settings.get("dilations", [1, 1, 1, 1])
        extent = ((shape[0] - 1) * dilations[1] + 1, (shape[1] - 1) * dilations[2] + 1)
        depth = shape[2] if node.kind == "Conv2D" else 1
        products = shape[0] * shape[1] * depth
        stride = node.settings.get("strides", [1, 1, 1, 1])[1]
        return {
            "weights": constants[node.inputs[1]].name,
            "products": products,
            "reach": Window(extent, stride),
        }
    return {"reach": _reach(node)}


def _reach(node: Node) -> Reach:
    if node.kind == "DepthToSpace":
        return Window(enlarge=node.settings.get("block_size", 1))
    if node.kind == "SpaceToDepth":
        block = node.settings.get("block_size", 1)
        return Window((block, block), stride=block)
    if node.kind in ("AvgPool", "MaxPool"):
        extent = node.settings.get("ksize", [1, 1, 1, 1])
        return Window((extent[1], extent[2]), stride=node.settings.get("strides", [1, 1, 1, 1])[1])
    return reach_of({"AddV2": "Add", "BiasAdd": "Add"}.get(node.kind, node.kind))
