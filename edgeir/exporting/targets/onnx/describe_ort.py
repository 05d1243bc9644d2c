"""The graph of any ``.ort`` file, for `edgeir inspect`, by ONNX Runtime's own readers."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require
from edgeir.exporting.inspect.graph import GraphDescription, TensorEntry
from edgeir.exporting.targets.onnx.describe import DTYPES, operator_entry, parameters_of
from edgeir.exporting.targets.onnx.details import with_quantisation

__all__ = ["describe"]

_READERS = "onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs"
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7
"""ONNX's numbers of attribute types."""


def describe(path: Path, size: tuple[int, int] | None = None) -> GraphDescription:
    """Read an ``.ort`` file, whoever made it.

    Args:
        size: not used: sizes that the file leaves open stay so, as nothing here infers those of fused operators.

    Raises:
        ArtifactError: it is damaged.
        MissingExtraError: onnxruntime is not installed.
    """
    del size
    reader = require(f"{_READERS}.InferenceSession", "inspecting an .ort file")
    data = path.read_bytes()
    try:
        if data[4:8] != b"ORTM":
            raise ValueError("its first bytes are not those of the format")
        session = reader.InferenceSession.GetRootAs(data, 0)
        return _described(session.Model(), session.OrtVersion().decode())
    except Exception as error:  # a damaged flatbuffer leads anywhere
        raise ArtifactError(
            f"the .ort file is damaged: {str(error)[:120] or type(error).__name__}", where=path
        ) from error


def _described(model: Any, version: str) -> GraphDescription:
    graph = model.Graph()
    tensors: dict[str, TensorEntry] = {}
    constants: dict[str, Any] = {}
    for at in range(graph.InitializersLength()):
        constant = graph.Initializers(at)
        name = constant.Name().decode()
        constants[name] = constant
        shape = tuple(int(constant.Dims(i)) for i in range(constant.DimsLength()))
        tensors[name] = TensorEntry(name, shape, DTYPES.get(constant.DataType(), "unknown"), constant=True)
    for at in range(graph.NodeArgsLength()):
        entry = _value(graph.NodeArgs(at))
        tensors.setdefault(entry.name, entry)
    nodes = sorted((graph.Nodes(at) for at in range(graph.NodesLength())), key=lambda node: int(node.Index()))
    operators = []
    for node in _in_order(
        nodes, set(tensors), [graph.Inputs(at).decode() for at in range(graph.InputsLength())]
    ):
        inputs, outputs = _ends(node)
        for name in (*inputs, *outputs):
            tensors.setdefault(name, TensorEntry(name, None, "unknown"))
        operator = operator_entry(node.OpType().decode(), inputs, outputs, _attributes(node), tensors)
        name = node.Name().decode() if node.Name() else ""
        operators.append(replace(operator, name=name or None))

    def values(name: str) -> NDArray[Any] | None:
        constant, tensor = constants.get(name), tensors.get(name)
        raw = None if constant is None else constant.RawDataAsNumpy()
        if tensor is None or tensor.shape is None or not isinstance(raw, np.ndarray):
            return None
        found: NDArray[Any] = np.frombuffer(raw.tobytes(), tensor.dtype)
        return found.reshape([side or 0 for side in tensor.shape])

    with_quantisation(operators, tensors, values)
    opsets = [model.OpsetImport(at) for at in range(model.OpsetImportLength())]
    main = next((entry.Version() for entry in opsets if not entry.Domain()), "?")
    return GraphDescription(
        f"ORT format {version}, opset {main}",
        tuple(graph.Inputs(at).decode() for at in range(graph.InputsLength())),
        tuple(graph.Outputs(at).decode() for at in range(graph.OutputsLength())),
        tuple(operators),
        tensors,
        parameters_of(operators, tensors),
        values,
    )


def _value(value: Any) -> TensorEntry:
    from importlib import import_module

    name = value.Name().decode()
    kind = value.Type()
    if kind is None or kind.Value() is None:
        return TensorEntry(name, None, "unknown")
    tensor = import_module(f"{_READERS}.TensorTypeAndShape").TensorTypeAndShape()
    tensor.Init(kind.Value().Bytes, kind.Value().Pos)
    dtype = DTYPES.get(tensor.ElemType(), "unknown")
    if tensor.Shape() is None:
        return TensorEntry(name, None, dtype)
    sides: list[int | None] = []
    for at in range(tensor.Shape().DimLength()):
        side = tensor.Shape().Dim(at).Value()
        sides.append(int(side.DimValue()) if side is not None and side.DimType() == 1 else None)
    return TensorEntry(name, tuple(sides), dtype)


def _ends(node: Any) -> tuple[list[str], list[str]]:
    inputs = [node.Inputs(at).decode() for at in range(node.InputsLength())]
    outputs = [node.Outputs(at).decode() for at in range(node.OutputsLength())]
    return [name for name in inputs if name], [name for name in outputs if name]


def _in_order(nodes: list[Any], known: set[str], inputs: list[str]) -> list[Any]:
    """The nodes so that each comes after what it reads; the file holds them by number."""
    made = {name for node in nodes for name in _ends(node)[1]}
    ready = (known | set(inputs)) - made
    waiting, ordered = list(nodes), []
    while waiting:
        runnable = [
            node for node in waiting if all(name in ready or name not in made for name in _ends(node)[0])
        ]
        if not runnable:
            raise ValueError("its operators depend on each other")
        ordered += runnable
        ready |= {name for node in runnable for name in _ends(node)[1]}
        waiting = [node for node in waiting if node not in runnable]
    return ordered


def _attributes(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for at in range(node.AttributesLength()):
        attribute = node.Attributes(at)
        name, kind = attribute.Name().decode(), attribute.Type()
        if kind == _INT:
            found[name] = int(attribute.I())
        elif kind == _INTS:
            found[name] = [int(attribute.Ints(i)) for i in range(attribute.IntsLength())]
        elif kind == _FLOAT and math.isfinite(attribute.F()):
            found[name] = float(attribute.F())
        elif kind == _STRING and attribute.S() is not None:
            found[name] = attribute.S().decode()
    return found
