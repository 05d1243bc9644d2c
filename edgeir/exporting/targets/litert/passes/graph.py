"""A ``.tflite`` flatbuffer as an editable graph.

A thin layer over the schema's own object API (`ModelT`, `SubGraphT`, …): operators by name, constants as
arrays, who makes and who uses a tensor. One subgraph, as edgeir's networks have. Tensors are named by index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.core.requires import require
from edgeir.exporting.targets.litert.passes.stamps import (
    MIN_RUNTIME_ENTRY,
    min_runtime_version,
    version_needed,
)

__all__ = ["Graph"]

_DTYPES = {"FLOAT32": "float32", "FLOAT16": "float16", "INT32": "int32", "INT64": "int64", "INT8": "int8"}
_DTYPES |= {"UINT8": "uint8", "INT16": "int16", "BOOL": "bool"}
_ALIGNMENT = 16
"""Bytes; the schema asks for it at the start of every constant."""


class Graph:
    """The first subgraph of a LiteRT model, editable in place.

    `metadata` maps names to bytes that `to_bytes` writes beside the graph; what the converter left there is dropped.

    Args:
        data: the bytes of a ``.tflite`` file.

    Raises:
        ExportError: the bytes are no LiteRT model, or it has several subgraphs.
    """

    def __init__(self, data: bytes) -> None:
        self._schema: Any = require("ai_edge_litert.schema_py_generated", "exporting to LiteRT")
        if data[4:8] != b"TFL3":
            raise ExportError("the bytes are no LiteRT flatbuffer")
        self.model: Any = self._schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
        if len(self.model.subgraphs) != 1:
            raise ExportError(f"a graph with {len(self.model.subgraphs)} subgraphs cannot be rewritten")
        for buffer in self.model.buffers:
            if buffer.data is None and buffer.offset > 1:  # a large constant, appended behind the flatbuffer
                buffer.data = np.frombuffer(data[buffer.offset : buffer.offset + buffer.size], np.uint8)
                buffer.offset = buffer.size = 0
        self.metadata: dict[str, bytes] = {}
        self._body: Any = self.model.subgraphs[0]
        self._operator_names = _names_of(self._schema.BuiltinOperator)
        self._type_names = _names_of(self._schema.TensorType)

    # -- reading ---------------------------------------------------------------------------------------------

    @property
    def operators(self) -> list[Any]:
        """The operators, in execution order."""
        operators: list[Any] = self._body.operators
        return operators

    @property
    def inputs(self) -> list[int]:
        """Tensor indices of the graph's inputs."""
        return [int(index) for index in self._body.inputs]

    @property
    def outputs(self) -> list[int]:
        """Tensor indices of the graph's outputs."""
        return [int(index) for index in self._body.outputs]

    def tensor(self, index: int) -> Any:
        """The schema's `TensorT`."""
        return self._body.tensors[index]

    def kind(self, operator: Any) -> str:
        """The builtin operator's name, such as ``CONV_2D``."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        return self._operator_names[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def version(self, operator: Any) -> int:
        """The operator's version (see `stamps`), which `to_bytes` sets."""
        return int(self.model.operatorCodes[operator.opcodeIndex].version)

    def kinds(self) -> list[str]:
        """Names of all operators, in execution order."""
        return [self.kind(operator) for operator in self.operators]

    def shape(self, index: int) -> tuple[int, ...]:
        """A tensor's shape; () is a scalar."""
        shape = self.tensor(index).shape
        return () if shape is None else tuple(int(size) for size in shape)

    def dtype(self, index: int) -> str:
        """The schema's name of a tensor's type, such as ``FLOAT32``."""
        return self._type_names[self.tensor(index).type]

    def constant(self, index: int) -> NDArray[Any] | None:
        """A copy of a constant tensor's values, None for a computed tensor."""
        data = self.model.buffers[self.tensor(index).buffer].data if index >= 0 else None
        if data is None or index in self.inputs:
            return None
        raw = np.asarray(data, dtype=np.uint8).tobytes()
        return np.frombuffer(raw, dtype=_DTYPES[self.dtype(index)]).reshape(self.shape(index)).copy()

    def quantisation(self, index: int) -> tuple[float, int]:
        """Scale and zero point of a tensor that is quantised as a whole."""
        parameters = self.tensor(index).quantization
        return float(parameters.scale[0]), int(parameters.zeroPoint[0])

    def producer(self, index: int) -> Any | None:
        """The operator that computes a tensor; None for inputs and constants."""
        return next((op for op in self.operators if index in _indices(op.outputs)), None)

    def consumers(self, index: int) -> list[Any]:
        """The operators that read a tensor."""
        return [op for op in self.operators if index in _indices(op.inputs)]

    def only_used_by(self, index: int, operator: Any) -> bool:
        """No other operator reads the tensor, and it is no output of the graph."""
        return index not in self.outputs and all(user is operator for user in self.consumers(index))

    # -- editing ---------------------------------------------------------------------------------------------

    def add_tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str = "FLOAT32",
        *,
        quantised: tuple[float, int] | None = None,
    ) -> int:
        """Append a computed tensor, per-tensor `quantised` by (scale, zero point) when given; its index."""
        tensor = self._schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, [int(size) for size in shape], 0
        tensor.type = getattr(self._schema.TensorType, dtype)
        if quantised is not None:
            tensor.quantization = self._schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [quantised[0]], [quantised[1]]
        self._body.tensors.append(tensor)
        return len(self._body.tensors) - 1

    def add_constant(
        self, name: str, value: NDArray[Any], *, quantised: tuple[float, int] | None = None
    ) -> int:
        """Append a constant tensor; its index."""
        dtype = next(key for key, numpy_name in _DTYPES.items() if numpy_name == value.dtype.name)
        index = self.add_tensor(name, value.shape, dtype, quantised=quantised)
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(value.tobytes(), dtype=np.uint8)
        self.model.buffers.append(buffer)
        self.tensor(index).buffer = len(self.model.buffers) - 1
        return index

    def set_integers(self, index: int, value: NDArray[Any], scales: NDArray[np.float32]) -> None:
        """Give a quantised constant other numbers, of the same shape and type, and other scales."""
        tensor = self.tensor(index)
        self.model.buffers[tensor.buffer].data = np.frombuffer(value.tobytes(), np.uint8)
        tensor.quantization.scale = scales.tolist()

    def add_operator(self, kind: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any) -> Any:
        """Append a builtin operator; `options` are fields of its schema options (``blockSize=4``).

        The order does not matter: `to_bytes` sorts the operators by their dependences.
        """
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._opcode(kind, 1)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        stem = {"CONV_2D": "Conv2D", "MEAN": "Reducer", "LEAKY_RELU": "LeakyRelu"}.get(
            kind, kind.title().replace("_", "")
        )
        if hasattr(self._schema, f"{stem}OptionsT"):
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, f"{stem}Options")
            operator.builtinOptions = getattr(self._schema, f"{stem}OptionsT")()
            for field, value in options.items():
                setattr(operator.builtinOptions, field, value)
        self.operators.append(operator)
        return operator

    def activation(self, name: str) -> int:
        """The schema's number of a fused activation, such as ``RELU``."""
        return int(getattr(self._schema.ActivationFunctionType, name))

    def activation_name(self, number: int) -> str:
        """The schema's name of a fused activation."""
        return _names_of(self._schema.ActivationFunctionType)[number]

    def replace_uses(self, old: int, new: int) -> None:
        """Let every operator, and the graph's outputs, read `new` instead of `old`."""
        for operator in self.operators:
            operator.inputs = [new if index == old else index for index in _indices(operator.inputs)]
        self._body.outputs = [new if index == old else index for index in self.outputs]
        for signature in self.model.signatureDefs or []:
            for entry in signature.outputs:
                entry.tensorIndex = new if entry.tensorIndex == old else entry.tensorIndex

    def set_io(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Make these tensors the graph's inputs and outputs."""
        self._body.inputs, self._body.outputs = list(inputs), list(outputs)

    def remove(self, operator: Any) -> None:
        """Drop one operator; its output tensors go at `to_bytes`."""
        self._body.operators = [other for other in self.operators if other is not operator]

    def prune(self) -> None:
        """Drop the operators that nothing needs, and put the others in an order in which they can run."""
        self._body.operators = self._live_operators()

    # -- writing ---------------------------------------------------------------------------------------------

    def to_bytes(self, *, description: str = "edgeir") -> bytes:
        """Sort the operators, drop what nothing needs, and pack the flatbuffer."""
        flatbuffers: Any = require("flatbuffers", "exporting to LiteRT")
        self.prune()
        self._stamp()
        self._compact()
        self._rename()
        self.model.description = description
        self._sign()
        self._attach()
        builder = _aligning(flatbuffers.Builder)(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _live_operators(self) -> list[Any]:
        ordered: list[Any] = []
        visited: set[int] = set()
        maker = {index: op for op in self.operators for index in _indices(op.outputs)}

        def sources(operator: Any) -> list[Any]:
            return [maker[index] for index in reversed(_indices(operator.inputs)) if index in maker]

        # Depth first, with a stack of our own: a deep network is deeper than Python's recursion limit.
        waiting = [maker[index] for index in reversed(self.outputs) if index in maker]
        while waiting:
            operator = waiting[-1]
            if id(operator) in visited:
                waiting.pop()
                continue
            missing = [source for source in sources(operator) if id(source) not in visited]
            if missing:
                waiting += missing
                continue
            visited.add(id(operator))
            ordered.append(waiting.pop())
        return ordered

    def _compact(self) -> None:
        """Renumber tensors, buffers and operator codes so that only used ones remain."""
        touched = [
            i for op in self.operators for i in (*_indices(op.inputs), *_indices(op.outputs)) if i >= 0
        ]
        used = sorted({*self.inputs, *self.outputs, *touched})
        new_index = {old: new for new, old in enumerate(used)} | {-1: -1}
        for op in self.operators:
            op.inputs = [new_index[i] for i in _indices(op.inputs)]
            op.outputs = [new_index[i] for i in _indices(op.outputs)]
            op.intermediates = None
        self.set_io([new_index[i] for i in self.inputs], [new_index[i] for i in self.outputs])
        self._body.tensors = [self._body.tensors[old] for old in used]
        buffers = [self._schema.BufferT()]  # the schema reserves the first buffer: empty
        for tensor in self._body.tensors:
            buffer = self.model.buffers[tensor.buffer]
            if buffer.data is None:
                tensor.buffer = 0
            else:
                buffers.append(buffer)
                tensor.buffer = len(buffers) - 1
        self.model.buffers, self.model.metadata, self.model.metadataBuffer = buffers, None, None
        codes = sorted({op.opcodeIndex for op in self.operators})
        for op in self.operators:
            op.opcodeIndex = codes.index(op.opcodeIndex)
        self.model.operatorCodes = [self.model.operatorCodes[old] for old in codes]

    def _rename(self) -> None:
        """Short unique names by operator (the converter's repeat the module path and outgrow small weights)."""
        for position, op in enumerate(self.operators):
            stem = f"{self.kind(op).lower()}_{position}"
            for role, index in enumerate(i for i in _indices(op.inputs) if i >= 0):
                if self.constant(index) is not None:
                    self.tensor(index).name = f"{stem}_constant_{role}"
            for role, index in enumerate(_indices(op.outputs)):
                self.tensor(index).name = stem if role == 0 else f"{stem}_{role}"

    def name(self, index: int) -> str:
        """A tensor's name."""
        name = self.tensor(index).name
        return name.decode() if isinstance(name, bytes) else str(name)

    def _sign(self) -> None:
        """One signature with the plain names ``image`` and ``restored``."""
        signature = self._schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        for name, index, entries in (
            ("image", self.inputs[0], "inputs"),
            ("restored", self.outputs[0], "outputs"),
        ):
            self.tensor(index).name = name
            entry = self._schema.TensorMapT()
            entry.name, entry.tensorIndex = name, index
            setattr(signature, entries, [entry])
        self.model.signatureDefs = [signature]

    def _stamp(self) -> None:
        """Give every operator the lowest version that has its types and options."""
        for operator in self.operators:
            version = version_needed(self, operator)
            if version is not None:
                operator.opcodeIndex = self._opcode(self.kind(operator), version)

    def _attach(self) -> None:
        """Write `metadata` and the oldest runtime, each entry into a buffer of its own."""
        oldest = min_runtime_version(self)
        entries = {} if oldest is None else {MIN_RUNTIME_ENTRY: oldest.encode().ljust(16, b"\0")}
        entries |= self.metadata
        self.model.metadata = [] if entries else None
        for name, content in entries.items():
            entry, buffer = self._schema.MetadataT(), self._schema.BufferT()
            entry.name, entry.buffer = name, len(self.model.buffers)
            buffer.data = np.frombuffer(content, dtype=np.uint8)
            self.model.buffers.append(buffer)
            self.model.metadata.append(entry)

    def _opcode(self, kind: str, version: int) -> int:
        number = int(getattr(self._schema.BuiltinOperator, kind))
        for index, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number and code.version == version:
                return index
        code = self._schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1


def _aligning(builder: Any) -> Any:
    """The flatbuffer builder, with byte arrays that start at a multiple of `_ALIGNMENT`."""

    class Aligning(builder):  # type: ignore[misc]
        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:
            return super().StartVector(elemSize, numElems, _ALIGNMENT if elemSize == 1 else alignment)

    return Aligning


def _indices(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]


def _names_of(enumeration: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}
