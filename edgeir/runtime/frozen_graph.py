"""Read a frozen TensorFlow graph (``.pb``) without TensorFlow: its nodes, its ends, the shapes of its constants.

Only the fields below are described to protobuf, which skips the others; names and numbers are those of TensorFlow's
``graph.proto``, ``node_def.proto``, ``attr_value.proto``, ``tensor.proto`` and ``tensor_shape.proto``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require

__all__ = ["FLOAT", "FrozenGraph", "Node", "message_class", "read_frozen_graph"]

MAX_BYTES = 1 << 30
FLOAT = 1
"""TensorFlow's number of float32."""
_PACKAGE = "edgeir_frozen"
_INT64, _FLOAT, _BOOL, _BYTES, _STRING, _MESSAGE, _INT32 = 3, 2, 8, 12, 9, 11, 5
"""Protobuf's numbers of field types; an enumeration travels as an int32."""
_FIELDS: dict[str, list[tuple[str, int, int, bool, str | None]]] = {
    "Dim": [("size", 1, _INT64, False, None)],
    "Shape": [("dim", 2, _MESSAGE, True, "Dim"), ("unknown_rank", 3, _BOOL, False, None)],
    "Tensor": [
        ("dtype", 1, _INT32, False, None),
        ("tensor_shape", 2, _MESSAGE, False, "Shape"),
        ("tensor_content", 4, _BYTES, False, None),
    ],
    "List": [("i", 3, _INT64, True, None)],
    "Attribute": [
        ("list", 1, _MESSAGE, False, "List"),
        ("s", 2, _BYTES, False, None),
        ("i", 3, _INT64, False, None),
        ("type", 6, _INT32, False, None),
        ("shape", 7, _MESSAGE, False, "Shape"),
        ("tensor", 8, _MESSAGE, False, "Tensor"),
    ],
    "Entry": [("key", 1, _STRING, False, None), ("value", 2, _MESSAGE, False, "Attribute")],
    "NodeDef": [
        ("name", 1, _STRING, False, None),
        ("op", 2, _STRING, False, None),
        ("input", 3, _STRING, True, None),
        ("attr", 5, _MESSAGE, True, "Entry"),
    ],
    "Graph": [("node", 1, _MESSAGE, True, "NodeDef")],
}
"""Message to its fields: name, number, type, repeated, message type."""


@dataclass(frozen=True)
class Node:
    """A node of the graph.

    Attributes:
        inputs: names of nodes, without output numbers and control inputs.
        strides, padding: of convolutions and pools.
        shape: of a constant or a placeholder, None where it is open; () for others.
        dtype: TensorFlow's number of the type of a constant or a placeholder.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int | None, ...] | None = ()
    dtype: int = 0


@dataclass(frozen=True)
class FrozenGraph:
    """A graph with one image in and one out.

    Attributes:
        nodes: in execution order.
        input, output: names of nodes.
    """

    nodes: tuple[Node, ...]
    input: str
    output: str


def read_frozen_graph(path: Path) -> FrozenGraph:
    """Read the graph at `path`.

    The output is the node that is called `output` where there is one, as the PIRM challenge asked, else the only one
    that no other reads.

    Raises:
        ArtifactError: it is damaged, or has not one placeholder and one output.
        MissingExtraError: protobuf is not installed.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ArtifactError("the graph has more than 1 GiB", where=path)
    try:
        graph = message_class("Graph").FromString(path.read_bytes())
    except Exception as error:  # protobuf's DecodeError has no stable place
        if error.__class__.__name__ != "DecodeError":
            raise
        raise ArtifactError("is no frozen TensorFlow graph, or a damaged one", where=path) from error
    nodes = {node.name: _node(node) for node in graph.node}
    if not nodes or any(name not in nodes for node in nodes.values() for name in node.inputs):
        raise ArtifactError("is no frozen TensorFlow graph, or a damaged one", where=path)
    ordered = _in_order(nodes, path)
    return FrozenGraph(tuple(ordered), *_ends(ordered, path))


def _ends(nodes: list[Node], path: Path) -> tuple[str, str]:
    entries = [node.name for node in nodes if node.kind.startswith("Placeholder")]
    read = {name for node in nodes for name in node.inputs}
    exits = [node.name for node in nodes if node.name not in read and node.kind not in ("Const", "NoOp")]
    exits = ["output"] if any(node.name == "output" for node in nodes) else exits
    for what, names in (("input", entries), ("output", exits)):
        if len(names) != 1:
            shown = ", ".join(names[:5]) or "none"
            raise ArtifactError(f"the graph has {len(names)} {what}s instead of one: {shown}", where=path)
    return entries[0], exits[0]


def _in_order(nodes: dict[str, Node], path: Path) -> list[Node]:
    ordered: dict[str, Node] = {}
    for start in nodes.values():
        waiting, open_nodes = [start], set()
        while waiting:
            node = waiting[-1]
            if node.name in ordered:
                waiting.pop()
                continue
            missing = [name for name in node.inputs if name not in ordered]
            if not missing:
                ordered[node.name] = waiting.pop()
                continue
            if node.name in open_nodes:
                raise ArtifactError("the graph has a loop", where=path)
            open_nodes.add(node.name)
            waiting += [nodes[name] for name in missing]
    return list(ordered.values())


def _node(node: Any) -> Node:
    settings: dict[str, Any] = {}
    shape: tuple[int | None, ...] | None = ()
    dtype = 0
    for entry in node.attr:
        value = entry.value
        if entry.key in ("strides", "ksize", "dilations"):
            settings[entry.key] = [int(number) for number in value.list.i]
        elif entry.key in ("padding", "data_format"):
            settings[entry.key] = value.s.decode(errors="replace")
        elif entry.key == "block_size":
            settings[entry.key] = int(value.i)
        elif entry.key == "shape" and node.op.startswith("Placeholder"):
            shape = _shape(value.shape)
        elif entry.key == "value" and node.op == "Const":
            shape, dtype = _shape(value.tensor.tensor_shape), int(value.tensor.dtype)
        elif entry.key == "dtype":
            dtype = int(value.type)
    inputs = tuple(name.partition(":")[0] for name in node.input if not name.startswith("^"))
    return Node(node.name, node.op, inputs, settings, shape, dtype)


def _shape(shape: Any) -> tuple[int | None, ...] | None:
    if shape.unknown_rank:
        return None
    return tuple(None if dimension.size < 0 else int(dimension.size) for dimension in shape.dim)


@cache
def message_class(name: str) -> Any:
    """Protobuf's class of a message: ``Graph``, ``NodeDef``, ….

    Raises:
        MissingExtraError: protobuf is not installed.
    """
    descriptors = require("google.protobuf.descriptor_pb2", "reading a .pb graph")
    pools = require("google.protobuf.descriptor_pool", "reading a .pb graph")
    factory = require("google.protobuf.message_factory", "reading a .pb graph")
    file = descriptors.FileDescriptorProto(name="edgeir_frozen.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for field_name, number, kind, repeated, of in fields:
            entry = described.field.add(name=field_name, number=number, type=kind, label=3 if repeated else 1)
            if of is not None:
                entry.type_name = f".{_PACKAGE}.{of}"
    pool = pools.DescriptorPool()
    pool.Add(file)
    return factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
