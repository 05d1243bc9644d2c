"""The same bytes for the same graph in ONNX Runtime's own format.

ONNX Runtime writes the table of the types that each operator takes out of a hash map, whose order is another one in
every process; all else in the file is in order. The table is the last thing that is written but the root, and
flatbuffers are written from the end to the beginning, so it lies between the root and the model. Here the beginning of
the file, up to the model, is written anew with the table sorted; the rest keeps its bytes.
"""

from __future__ import annotations

import struct
from typing import Any

from edgeir.core.requires import require

__all__ = ["format_version", "same_bytes"]

_READERS = "onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs"
_IDENTIFIER = b"ORTM"
_ALIGNMENT = 16
"""Of the largest element that a flatbuffer of this schema has, and more."""


def format_version(data: bytes) -> str:
    """The version of the format that a file is written in."""
    return str(_root(data).OrtVersion().decode())


def same_bytes(data: bytes) -> bytes:
    """The file with its table of types sorted."""
    session = _root(data)
    model = session.Model()._tab.Pos
    vtable = model - struct.unpack_from("<i", data, model)[0]
    start = min(model, vtable) if vtable < model else model
    rest = data[start:]
    types = _types(session.KernelTypeStrResolver())
    version = session.OrtVersion().decode()
    # The front is as long as it is, whatever its references say: written once to learn its length.
    front = _front(types, version, 0)
    front = _front(types, version, len(front) + _padding(len(front), start) + model - start)
    result = front + bytes(_padding(len(front), start)) + rest
    again = _root(result)
    if _types(again.KernelTypeStrResolver()) != types or again.Model()._tab.Pos != model + len(result) - len(
        data
    ):
        raise ValueError("the file is not laid out as ONNX Runtime lays it out")
    return result


def _padding(front: int, start: int) -> int:
    """Bytes that keep what follows as aligned as it was."""
    return (start - front) % _ALIGNMENT


def _root(data: bytes) -> Any:
    reader = require(f"{_READERS}.InferenceSession", "exporting to ORT")
    return reader.InferenceSession.GetRootAs(data, 0)


def _types(resolver: Any) -> list[tuple[str, list[tuple[str, list[tuple[int, int]]]]]]:
    """Operator to (type, its inputs and outputs), all sorted."""
    found = []
    for at in range(resolver.OpKernelTypeStrArgsLength()):
        operator = resolver.OpKernelTypeStrArgs(at)
        entries = []
        for inner in range(operator.KernelTypeStrArgsLength()):
            entry = operator.KernelTypeStrArgs(inner)
            ends = [(entry.Args(i).ArgType(), entry.Args(i).Index()) for i in range(entry.ArgsLength())]
            entries.append((entry.KernelTypeStr().decode(), ends))
        found.append((operator.OpId().decode(), sorted(entries)))
    return sorted(found)


def _front(
    types: list[tuple[str, list[tuple[str, list[tuple[int, int]]]]]], version: str, model: int
) -> bytes:
    """The root and the table of types; `model` is where the model's table will lie, counted from the beginning."""
    builder = require("flatbuffers", "exporting to ORT").Builder(1024)
    operators = []
    for operator, entries in types:
        written = []
        for name, ends in entries:
            arguments = _vector(
                builder, [_table(builder, (("int8", kind), ("uint32", at))) for kind, at in ends]
            )
            written.append(_table(builder, (("offset", builder.CreateString(name)), ("offset", arguments))))
        inner = _vector(builder, written)
        operators.append(_table(builder, (("offset", builder.CreateString(operator)), ("offset", inner))))
    resolver = _table(builder, (("offset", _vector(builder, operators)),))
    said = builder.CreateString(version)
    # The model lies behind the end: a number takes the place of its reference, which is relative to itself.
    root = _table(builder, (("offset", said), ("uint32", 1), None, ("offset", resolver)))
    builder.Finish(root, file_identifier=_IDENTIFIER)
    data = bytearray(builder.Output())
    position = struct.unpack_from("<I", data)[0]
    vtable = position - struct.unpack_from("<i", data, position)[0]
    field = position + struct.unpack_from("<H", data, vtable + 6)[0]
    struct.pack_into("<I", data, field, max(model - field, 0))
    return bytes(data)


def _table(builder: Any, fields: tuple[tuple[str, int] | None, ...]) -> int:
    """A table with these fields in the order of the schema."""
    builder.StartObject(len(fields))
    for slot, field in enumerate(fields):
        if field is None:
            continue
        kind, value = field
        if kind == "offset":
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        elif kind == "int8":
            builder.PrependInt8Slot(slot, value, 0)
        else:
            builder.PrependUint32Slot(slot, value, 0)
    return int(builder.EndObject())


def _vector(builder: Any, tables: list[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
