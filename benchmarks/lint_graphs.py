"""LiteRT files of one operator each, to ask a delegate what it takes: for `lint_check.py`.

Every operator that restoration networks need is there in float32 and, where the format has it, in int8, and again in
the forms that some delegate refuses: another rank, a broadcast, scales far apart, a large window, a second reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from flatbuffers import Builder  # type: ignore[import-untyped]

__all__ = ["Case", "Tensor", "cases", "written"]

SIDE = 16
PLAIN = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
IMAGE = (1, SIDE, SIDE, 16)
FLOAT, BYTES, SHORT = "FLOAT32", "INT8", "INT16"


@dataclass(frozen=True)
class Tensor:
    """An input, a constant or an output of the operator."""

    shape: tuple[int, ...]
    dtype: str = FLOAT
    values: Any = None
    scale: float | None = None
    channels: int | None = None
    """Axis along which each channel has its scale."""


@dataclass(frozen=True)
class Case:
    """One operator with its tensors; `readers` more operators read its first input."""

    name: str
    kind: str
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    options: dict[str, Any] = field(default_factory=dict)
    second_reader: bool = False


def cases() -> Iterator[Case]:
    """All of them."""
    for dtype in (FLOAT, BYTES, SHORT):
        yield from _windows(dtype)
        yield from _pointwise(dtype)
        yield from _shapes(dtype)
        yield from _reductions(dtype)
    yield from _ends()
    yield from _far_apart()


def _image(dtype: str, shape: tuple[int, ...] = IMAGE, scale: float | None = None) -> Tensor:
    return Tensor(shape, dtype, scale=None if dtype == FLOAT else scale or 0.02)


def _numbers(values: Any) -> Tensor:
    array = np.asarray(values, np.int32)
    return Tensor(array.shape, "INT32", array)


def _weights(dtype: str, shape: tuple[int, ...], axis: int, channels: bool = True) -> Tensor:
    rng = np.random.default_rng(0)
    if dtype == FLOAT:
        return Tensor(shape, FLOAT, rng.standard_normal(shape).astype(np.float32))
    return Tensor(shape, "INT8", rng.integers(-127, 128, shape, np.int8), 0.01, axis if channels else None)


def _bias(dtype: str, count: int, channels: bool = True) -> Tensor:
    if dtype == FLOAT:
        return Tensor((count,), FLOAT, np.zeros(count, np.float32))
    wide = "INT64" if dtype == SHORT else "INT32"
    zeros = np.zeros(count, np.int64 if dtype == SHORT else np.int32)
    return Tensor((count,), wide, zeros, 0.02 * 0.01, 0 if channels else None)


def _windows(dtype: str) -> Iterator[Case]:
    tag = dtype.lower()
    same = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    for side in (1, 3, 7):
        out = [_image(dtype, (1, SIDE, SIDE, 8))]
        for channels in (True, False) if dtype == BYTES else (True,):
            inputs = [
                _image(dtype),
                _weights(dtype, (8, side, side, 16), 0, channels),
                _bias(dtype, 8, channels),
            ]
            name = f"conv-{side}x{side}-{tag}{'' if channels else '-per-tensor'}"
            yield Case(name, "CONV_2D", inputs, out, same)
    dilated = {**same, "dilationHFactor": 2, "dilationWFactor": 2}
    inputs = [_image(dtype), _weights(dtype, (8, 3, 3, 16), 0), _bias(dtype, 8)]
    yield Case(f"conv-dilated-{tag}", "CONV_2D", inputs, [_image(dtype, (1, SIDE, SIDE, 8))], dilated)
    strided = {**same, "strideH": 2, "strideW": 2}
    yield Case(
        f"conv-strided-{tag}", "CONV_2D", inputs, [_image(dtype, (1, SIDE // 2, SIDE // 2, 8))], strided
    )
    grouped = [_image(dtype), _weights(dtype, (8, 3, 3, 8), 0), _bias(dtype, 8)]
    yield Case(f"conv-grouped-{tag}", "CONV_2D", grouped, [_image(dtype, (1, SIDE, SIDE, 8))], same)
    for side in (3, 5, 7):
        inputs = [_image(dtype), _weights(dtype, (1, side, side, 16), 3), _bias(dtype, 16)]
        yield Case(f"depthwise-{side}x{side}-{tag}", "DEPTHWISE_CONV_2D", inputs, [_image(dtype)],
                   {**same, "depthMultiplier": 1})  # fmt: skip
    inputs = [_image(dtype), _weights(dtype, (1, 3, 3, 16), 3), _bias(dtype, 16)]
    yield Case(f"depthwise-dilated-{tag}", "DEPTHWISE_CONV_2D", inputs, [_image(dtype)],
               {**dilated, "depthMultiplier": 1})  # fmt: skip
    large = (1, 2 * SIDE, 2 * SIDE, 8)
    inputs = [_numbers(large), _weights(dtype, (8, 4, 4, 16), 0), _image(dtype), _bias(dtype, 8)]
    yield Case(f"transpose-conv-{tag}", "TRANSPOSE_CONV", inputs, [_image(dtype, large)],
               {"padding": 0, "strideH": 2, "strideW": 2})  # fmt: skip
    for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        pool = {"padding": 0, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
        yield Case(
            f"{kind.lower()}-{tag}",
            kind,
            [_image(dtype)],
            [_image(dtype, (1, SIDE // 2, SIDE // 2, 16))],
            pool,
        )
    flat = [
        _image(dtype, (1, 16)),
        _weights(dtype, (8, 16), 0, dtype == FLOAT),
        _bias(dtype, 8, dtype == FLOAT),
    ]
    yield Case(f"fully-connected-{tag}", "FULLY_CONNECTED", flat, [_image(dtype, (1, 8))], {})


UNARY = ("ABS", "NEG", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "ELU", "LEAKY_RELU", "LOGISTIC", "TANH",
         "HARD_SWISH", "GELU", "EXP", "LOG", "SQRT", "RSQRT", "SQUARE", "SIN", "COS", "FLOOR", "CEIL", "ROUND",
         "SOFTMAX", "L2_NORMALIZATION")  # fmt: skip
FIXED = {"LOGISTIC": 1 / 256, "TANH": 1 / 128, "SOFTMAX": 1 / 256, "L2_NORMALIZATION": 1 / 128}
"""Scales that the format lays down."""
BINARY = ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW", "PRELU")
OPTIONS: dict[str, dict[str, Any]] = {
    "LEAKY_RELU": {"alpha": 0.2},
    "SOFTMAX": {"beta": 1.0},
    "GELU": {"approximate": False},
}


def _pointwise(dtype: str) -> Iterator[Case]:
    tag = dtype.lower()
    for kind in UNARY:
        out = _image(dtype, scale=FIXED.get(kind))
        yield Case(f"{kind.lower()}-{tag}", kind, [_image(dtype)], [out], OPTIONS.get(kind, {}))
    slope = (1, 1, 16)
    for kind in BINARY:
        if kind != "PRELU":
            yield Case(f"{kind.lower()}-{tag}", kind, [_image(dtype), _image(dtype)], [_image(dtype)])
            few = [_image(dtype), _image(dtype, (1, 1, 1, 16))]
            yield Case(f"{kind.lower()}-broadcast-{tag}", kind, few, [_image(dtype)])
        factors = _weights(dtype, slope, 2, False)
        if dtype != SHORT:
            yield Case(f"{kind.lower()}-constant-{tag}", kind, [_image(dtype), factors], [_image(dtype)])
    yield Case(f"relu-two-readers-{tag}", "RELU", [_image(dtype)], [_image(dtype)], second_reader=True)
    five = _image(dtype, (1, 4, 4, 4, 4))
    yield Case(f"add-rank-5-{tag}", "ADD", [five, five], [five])
    seven = _image(dtype, (1, 2, 2, 2, 2, 2, 2))
    yield Case(f"logistic-rank-7-{tag}", "LOGISTIC", [seven], [_image(dtype, seven.shape, 1 / 256)])


def _shapes(dtype: str) -> Iterator[Case]:
    tag = dtype.lower()
    image, other = _image(dtype), _image(dtype)
    two = _image(dtype, (1, SIDE, SIDE, 32))
    yield Case(f"concatenation-{tag}", "CONCATENATION", [image, other], [two], {"axis": 3})
    for count in (5, 6):
        many = [_image(dtype) for _ in range(count)]
        joined = [_image(dtype, (1, SIDE, SIDE, 16 * count))]
        yield Case(f"concatenation-{count}-{tag}", "CONCATENATION", many, joined, {"axis": 3})
    half = _image(dtype, (1, SIDE, SIDE, 8))
    yield Case(f"split-{tag}", "SPLIT", [_numbers(3), image], [half, half], {"numSplits": 2})
    for count in (4, 8):
        parts = [_image(dtype, (1, SIDE, SIDE, 16 // count)) for _ in range(count)]
        yield Case(f"split-{count}-{tag}", "SPLIT", [_numbers(3), image], parts, {"numSplits": count})
    yield Case(f"slice-{tag}", "SLICE", [image, _numbers([0, 0, 0, 8]), _numbers([1, SIDE, SIDE, 8])], [half])
    corners = [_numbers([0, 0, 0, 0]), _numbers([1, SIDE, SIDE, 8]), _numbers([1, 1, 1, 1])]
    yield Case(f"strided-slice-{tag}", "STRIDED_SLICE", [image, *corners], [half], {"beginMask": 0})
    corners[2] = _numbers([1, 2, 2, 1])
    corners[1] = _numbers([1, SIDE, SIDE, 16])
    yield Case(f"strided-slice-2-{tag}", "STRIDED_SLICE", [image, *corners],
               [_image(dtype, (1, SIDE // 2, SIDE // 2, 16))], {"beginMask": 0})  # fmt: skip
    flat = _image(dtype, (1, SIDE * SIDE, 16))
    yield Case(
        f"reshape-{tag}", "RESHAPE", [image, _numbers(flat.shape)], [flat], {"newShape": list(flat.shape)}
    )
    six = _image(dtype, (1, SIDE, SIDE, 2, 2, 4))
    yield Case(
        f"reshape-rank-6-{tag}", "RESHAPE", [image, _numbers(six.shape)], [six], {"newShape": list(six.shape)}
    )
    yield Case(
        f"transpose-{tag}", "TRANSPOSE", [image, _numbers([0, 3, 1, 2])], [_image(dtype, (1, 16, SIDE, SIDE))]
    )
    five = _image(dtype, (1, SIDE, SIDE, 4, 4))
    yield Case(
        f"reshape-rank-5-{tag}",
        "RESHAPE",
        [image, _numbers(five.shape)],
        [five],
        {"newShape": list(five.shape)},
    )
    yield Case(f"transpose-rank-5-{tag}", "TRANSPOSE", [five, _numbers([0, 1, 2, 4, 3])], [five])
    turned = _image(dtype, (1, SIDE, 2, SIDE, 2, 4))
    yield Case(f"transpose-rank-6-{tag}", "TRANSPOSE", [six, _numbers([0, 1, 3, 2, 4, 5])], [turned])
    large = _image(dtype, (1, 2 * SIDE, 2 * SIDE, 4))
    yield Case(f"depth-to-space-{tag}", "DEPTH_TO_SPACE", [image], [large], {"blockSize": 2})
    small = _image(dtype, (1, SIDE // 2, SIDE // 2, 64))
    yield Case(f"space-to-depth-{tag}", "SPACE_TO_DEPTH", [image], [small], {"blockSize": 2})
    wide = _image(dtype, (1, 2 * SIDE, 2 * SIDE, 16))
    for half_pixel in (False, True):
        for kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
            mark = "-half-pixel" if half_pixel else ""
            yield Case(f"{kind.lower()}{mark}-{tag}", kind, [image, _numbers([2 * SIDE, 2 * SIDE])], [wide],
                       {"halfPixelCenters": half_pixel})  # fmt: skip
    border = [[0, 0], [1, 1], [1, 1], [0, 0]]
    padded = _image(dtype, (1, SIDE + 2, SIDE + 2, 16))
    yield Case(f"pad-{tag}", "PAD", [image, _numbers(border)], [padded])
    yield Case(f"mirror-pad-{tag}", "MIRROR_PAD", [image, _numbers(border)], [padded], {"mode": 0})
    number = {FLOAT: np.float32, BYTES: np.int8, SHORT: np.int16}[dtype](3)
    filling = Tensor((), dtype, np.asarray(number), image.scale)
    yield Case(f"padv2-{tag}", "PADV2", [image, _numbers(border), filling], [padded])
    yield Case(
        f"tile-{tag}", "TILE", [image, _numbers([1, 2, 1, 1])], [_image(dtype, (1, 2 * SIDE, SIDE, 16))]
    )
    yield Case(
        f"broadcast-to-{tag}", "BROADCAST_TO", [_image(dtype, (1, 1, 1, 16)), _numbers(IMAGE)], [image]
    )
    yield Case(
        f"expand-dims-{tag}", "EXPAND_DIMS", [image, _numbers(1)], [_image(dtype, (1, 1, SIDE, SIDE, 16))]
    )
    yield Case(f"squeeze-{tag}", "SQUEEZE", [image], [_image(dtype, IMAGE[1:])], {"squeezeDims": [0]})
    stacked = _image(dtype, (2, *IMAGE))
    yield Case(f"pack-{tag}", "PACK", [image, other], [stacked], {"valuesCount": 2, "axis": 0})
    yield Case(f"unpack-{tag}", "UNPACK", [stacked], [image, other], {"num": 2, "axis": 0})
    yield Case(f"reverse-{tag}", "REVERSE_V2", [image, _numbers([1])], [image])
    rows = _image(dtype, (SIDE * SIDE, 16))
    picked = _image(dtype, (40, 16))
    yield Case(f"gather-{tag}", "GATHER", [rows, _numbers(range(40))], [picked], {"axis": 0})
    left, right = _image(dtype, (1, 8, SIDE, 16)), _image(dtype, (1, 8, 16, SIDE))
    yield Case(f"batch-matmul-{tag}", "BATCH_MATMUL", [left, right], [_image(dtype, (1, 8, SIDE, SIDE))])
    flags = Tensor(IMAGE, "BOOL")
    yield Case(f"less-{tag}", "LESS", [image, other], [flags])
    yield Case(f"select-{tag}", "SELECT_V2", [flags, image, other], [image])
    yield Case(f"div-itself-{tag}", "DIV", [image, image], [image])
    yield Case(f"mul-itself-{tag}", "MUL", [image, image], [image])


def _reductions(dtype: str) -> Iterator[Case]:
    tag = dtype.lower()
    small = _image(dtype, (1, 1, 1, 16))
    for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
        yield Case(
            f"{kind.lower()}-hw-{tag}", kind, [_image(dtype), _numbers([1, 2])], [small], {"keepDims": True}
        )
        row = _image(dtype, (1, 1, SIDE, 16))
        yield Case(f"{kind.lower()}-h-{tag}", kind, [_image(dtype), _numbers([1])], [row], {"keepDims": True})
        column = _image(dtype, (1, SIDE, 1, 16))
        yield Case(
            f"{kind.lower()}-w-{tag}", kind, [_image(dtype), _numbers([2])], [column], {"keepDims": True}
        )
        mono = _image(dtype, (1, SIDE, SIDE, 1))
        yield Case(
            f"{kind.lower()}-c-{tag}", kind, [_image(dtype), _numbers([3])], [mono], {"keepDims": True}
        )
        bare = _image(dtype, (1, 16))
        yield Case(f"{kind.lower()}-hw-drop-{tag}", kind, [_image(dtype), _numbers([1, 2])], [bare], {})
        thin = _image(dtype, (1, SIDE, 1, 16))
        yield Case(
            f"{kind.lower()}-second-half-{tag}", kind, [thin, _numbers([1])], [small], {"keepDims": True}
        )


def _ends() -> Iterator[Case]:
    for dtype in (BYTES, "UINT8", SHORT):
        whole = _image(dtype)
        yield Case(f"quantize-float-{dtype.lower()}", "QUANTIZE", [_image(FLOAT)], [whole])
        yield Case(f"dequantize-{dtype.lower()}", "DEQUANTIZE", [whole], [_image(FLOAT)])
    yield Case("quantize-uint8-int8", "QUANTIZE", [_image("UINT8")], [_image(BYTES)])
    yield Case("quantize-int8-uint8", "QUANTIZE", [_image(BYTES)], [_image("UINT8")])
    yield Case("quantize-int8-int8", "QUANTIZE", [_image(BYTES)], [_image(BYTES, scale=0.01)])
    yield Case("cast-uint8-float", "CAST", [Tensor(IMAGE, "UINT8")], [_image(FLOAT)])


def _far_apart() -> Iterator[Case]:
    """Scales of input and output that are 2^n apart."""
    for power in (-12, -10, -8, -4, 4, 7, 8, 10):
        one = _image(BYTES, scale=0.02 * 2.0**power)
        for kind in ("ADD", "MUL", "CONCATENATION", "LEAKY_RELU", "QUANTIZE"):
            inputs = [one] if kind in ("LEAKY_RELU", "QUANTIZE") else [one, _image(BYTES)]
            out = (1, SIDE, SIDE, 32) if kind == "CONCATENATION" else IMAGE
            options: dict[str, Any] = {"axis": 3} if kind == "CONCATENATION" else OPTIONS.get(kind, {})
            yield Case(f"{kind.lower()}-scale-2^{power}", kind, inputs, [_image(BYTES, out)], options)


STEMS = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "MEAN": "Reducer", "SUM": "Reducer",
         "REDUCE_MAX": "Reducer", "REDUCE_MIN": "Reducer", "AVERAGE_POOL_2D": "Pool2D", "MAX_POOL_2D": "Pool2D",
         "LEAKY_RELU": "LeakyRelu", "BATCH_MATMUL": "BatchMatMul", "L2_NORMALIZATION": "L2Norm",
         "PADV2": "PadV2", "REVERSE_V2": "ReverseV2", "SELECT_V2": "SelectV2"}  # fmt: skip


def written(case: Case) -> bytes:
    """The case as a ``.tflite`` file, of the lowest version of the operator that LiteRT's own kernels take.

    Raises:
        ValueError: they take none.
    """
    reason = ""
    for version in range(1, 8):
        data = _packed(case, version)
        try:
            Interpreter(model_content=data, experimental_op_resolver_type=PLAIN).allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            continue
        return data
    raise ValueError(f"{case.name}: {reason[:150]}")


def _packed(case: Case, version: int) -> bytes:
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs, model.operatorCodes = 3, [schema.BufferT()], [graph], []
    graph.tensors, graph.operators = [], []
    made: dict[int, int] = {}

    def index_of(tensor: Tensor, again: bool) -> int:
        if again and id(tensor) in made:
            return made[id(tensor)]
        graph.tensors.append(_tensor(model, tensor, f"t{len(graph.tensors)}"))
        made[id(tensor)] = len(graph.tensors) - 1
        return made[id(tensor)]

    inputs = [index_of(tensor, True) for tensor in case.inputs]
    outputs = [index_of(tensor, False) for tensor in case.outputs]
    _operator(model, graph, case.kind, inputs, outputs, case.options, version)
    graph.outputs = list(outputs)
    if case.second_reader:
        further = index_of(case.outputs[0], False)
        _operator(model, graph, "ADD", [inputs[0], inputs[0]], [further], {}, 2)
        graph.outputs.append(further)
    constants = {i for i, tensor in zip(inputs, case.inputs, strict=True) if tensor.values is not None}
    graph.inputs = list(dict.fromkeys(i for i in inputs if i not in constants))
    builder = Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(model: Any, tensor: Tensor, name: str) -> Any:
    entry = schema.TensorT()
    entry.name, entry.shape, entry.buffer = name, list(tensor.shape), 0
    entry.type = getattr(schema.TensorType, tensor.dtype)
    if tensor.scale is not None:
        count = 1 if tensor.channels is None else tensor.shape[tensor.channels]
        entry.quantization = schema.QuantizationParametersT()
        entry.quantization.scale = [tensor.scale] * count
        zero = (
            128
            if tensor.dtype == "UINT8"
            else -128
            if tensor.scale == 1 / 256 and tensor.dtype == "INT8"
            else 0
        )
        entry.quantization.zeroPoint = [zero] * count
        entry.quantization.quantizedDimension = tensor.channels or 0
    if tensor.values is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(tensor.values.tobytes(), np.uint8)
        model.buffers.append(buffer)
        entry.buffer = len(model.buffers) - 1
    return entry


def _operator(
    model: Any,
    graph: Any,
    kind: str,
    inputs: list[int],
    outputs: list[int],
    options: dict[str, Any],
    version: int,
) -> None:
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
    model.operatorCodes.append(code)
    operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes) - 1, inputs, outputs
    stem = STEMS.get(kind, kind.title().replace("_", ""))
    if hasattr(schema, f"{stem}OptionsT"):
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{stem}Options", 0)
        operator.builtinOptions = getattr(schema, f"{stem}OptionsT")()
        for name, value in options.items():
            setattr(operator.builtinOptions, name, value)
    graph.operators.append(operator)
