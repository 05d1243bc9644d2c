"""The two files of an ncnn network, read and checked before ncnn, which trusts them, sees them.

``model.ncnn.param`` is text: a magic number, the numbers of layers and blobs, then a line for each layer: type, name,
numbers of inputs and outputs, their names, and settings ``id=value`` (an array: ``-233xx=count,values``, xx the id).
``model.ncnn.bin`` holds the weights in the order of the layers and says nothing of itself: how many bytes there must be
follows from the layers' settings.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeir.core.errors import ArtifactError

__all__ = [
    "BIN",
    "INPUT",
    "OUTPUT",
    "PARAM",
    "Layer",
    "Weight",
    "format_param",
    "has_large_kernel",
    "parse_param",
    "weights_of",
]

PARAM, BIN = "model.ncnn.param", "model.ncnn.bin"
INPUT, OUTPUT = "in0", "out0"
"""The blobs that an app feeds and extracts."""
MAGIC = "7767517"
FIX = "it is damaged: export it again, or get it anew"
LARGEST = 1 << 31
_LARGE_KERNEL = 5
_ARRAY = -23300
_HALF, _BYTE = 0x01306B47, 0x000D4B38
"""What stands in front of weights of 16 and 8 bits; 0 in front of float32."""


@dataclass
class Layer:
    """One line of a ``.param``.

    Attributes:
        settings: id to text, as written; an array's id is -23300 less its own.
    """

    kind: str
    name: str
    inputs: list[str]
    outputs: list[str]
    settings: dict[int, str] = field(default_factory=dict)

    def integer(self, key: int, default: int = 0) -> int:
        """A setting as a number; an array's first value.

        Raises:
            ValueError: it is none.
        """
        text = self.settings.get(key)
        if text is None:
            array = self.settings.get(_ARRAY - key)
            text = None if array is None else array.split(",")[1]
        return default if text is None else int(float(text))


@dataclass(frozen=True)
class Weight:
    """A stretch of the ``.bin``.

    Attributes:
        layer: its index.
        start, end: bytes; without the four in front that say the type.
        count: of values.
        dtype: numpy's name.
    """

    layer: int
    start: int
    end: int
    count: int
    dtype: str


def parse_param(text: str, *, where: Path | str) -> list[Layer]:
    """The layers of a ``.param``, with every blob made once, before it is read, and read once.

    Raises:
        ArtifactError: it is damaged.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        if lines[0].strip() != MAGIC:
            raise ValueError("its first line is not that of an ncnn .param")
        layers, blobs = (int(word) for word in lines[1].split())
        parsed = [_layer(line) for line in lines[2:]]
        _check_graph(parsed, layers, blobs)
    except (ValueError, IndexError) as error:
        reason = str(error) if isinstance(error, ValueError) and str(error) else "it ends too early"
        raise ArtifactError(f"the .param is damaged: {reason[:150]}", where=where, fix=FIX) from error
    return parsed


def _layer(line: str) -> Layer:
    kind, name, *rest = line.split()
    count, made = int(rest[0]), int(rest[1])
    words = rest[2:]
    if count < 0 or made < 0 or len(words) < count + made or max(map(len, (kind, name, *words))) > 250:
        raise ValueError(f"the layer `{name[:40]}` has a wrong number of blobs")
    layer = Layer(kind, name, words[:count], words[count : count + made])
    for word in words[count + made :]:
        key, mark, value = word.partition("=")
        if not mark or not _is_value(value, array=int(key) <= _ARRAY):
            raise ValueError(f"`{word[:40]}` in the layer `{name[:40]}` is no setting")
        layer.settings[int(key)] = value
    return layer


def _is_value(text: str, *, array: bool) -> bool:
    """Whether a setting is a number, a text in quotes, or a count with as many numbers."""
    if text.startswith('"'):
        return not array
    numbers = [float(part) for part in text.split(",")]
    count = len(numbers) == 1 + numbers[0] if array else len(numbers) == 1
    return count and all(math.isfinite(number) for number in numbers)


def _check_graph(layers: Sequence[Layer], count: int, blobs: int) -> None:
    made: set[str] = set()
    read: set[str] = set()
    for layer in layers:
        for blob in layer.inputs:
            if blob not in made or blob in read:
                raise ValueError(
                    f"the layer `{layer.name[:40]}` reads the blob `{blob[:40]}`, which is not there"
                )
            read.add(blob)
        for blob in layer.outputs:
            if blob in made:
                raise ValueError(f"the blob `{blob[:40]}` is made twice")
            made.add(blob)
    if (len(layers), len(made)) != (count, blobs):
        raise ValueError(f"it has {len(layers)} layers and {len(made)} blobs and says {count} and {blobs}")
    entries = [layer.outputs for layer in layers if layer.kind == "Input"]
    if entries != [[INPUT]] or made - read != {OUTPUT}:
        raise ValueError(f"its ends are not one input `{INPUT}` and one output `{OUTPUT}`")


def format_param(layers: Sequence[Layer]) -> str:
    """The text of a ``.param``."""
    blobs = sum(len(layer.outputs) for layer in layers)
    lines = [MAGIC, f"{len(layers)} {blobs}"]
    for layer in layers:
        words = [*layer.inputs, *layer.outputs, *(f"{key}={value}" for key, value in layer.settings.items())]
        head = f"{layer.kind:<24} {layer.name:<24} {len(layer.inputs)} {len(layer.outputs)}"
        lines.append(" ".join([head, *words]))
    return "\n".join(lines) + "\n"


def weights_of(layers: Sequence[Layer], content: bytes, *, where: Path | str) -> list[Weight] | None:
    """Where the weights lie in the ``.bin``, in order; None where a layer's weights are not known here.

    Raises:
        ArtifactError: the file is shorter or longer than the layers say.
    """
    found: list[Weight] = []
    position = 0
    for index, layer in enumerate(layers):
        try:
            stretches = _stretches(layer)
        except (ValueError, IndexError, OverflowError) as error:
            raise ArtifactError(
                f"the .param is damaged: the layer `{layer.name[:40]}` has a wrong setting",
                where=where,
                fix=FIX,
            ) from error
        if stretches is None:
            return None
        for count, tagged in stretches:
            dtype, position = _type(content, position) if tagged else ("float32", position)
            if not 0 <= count < LARGEST or dtype is None:
                position = len(content) + 1
                break
            size = count * {"float32": 4, "float16": 2, "int8": 1}[dtype]
            found.append(Weight(index, position, position + size, count, dtype))
            position += size + -size % 4
        if position > len(content):
            raise ArtifactError(
                f"the .bin has {len(content)} bytes, which end in the layer `{layer.name[:40]}`",
                where=where,
                fix=FIX,
            )
    if position != len(content):
        raise ArtifactError(
            f"the .bin has {len(content)} bytes, the .param asks for {position}", where=where, fix=FIX
        )
    return found


def has_large_kernel(layers: Sequence[Layer]) -> bool:
    """Whether a convolution has a kernel of 5x5 or more.

    ncnn's default multiplies matrices, for which it copies each window: 25 times the memory of the layer's input for
    5x5, 15 GB for SRCNN at 720p. Kernels of 3x3 take Winograd's method, those of 1x1 need no copy.
    """
    return any(
        layer.kind == "Convolution"
        and max(layer.integer(1), layer.integer(11, layer.integer(1))) >= _LARGE_KERNEL
        for layer in layers
    )


def _type(content: bytes, position: int) -> tuple[str | None, int]:
    if position + 4 > len(content):
        return None, position
    mark = struct.unpack_from("<I", content, position)[0]
    return {0: "float32", _HALF: "float16", _BYTE: "int8"}.get(mark), position + 4


_WITHOUT = {
    "Input", "Split", "Concat", "Slice", "Crop", "Reshape", "Permute", "Flatten", "Squeeze", "ExpandDims",
    "BinaryOp", "UnaryOp", "Eltwise", "ReLU", "Clip", "ELU", "CELU", "SELU", "GELU", "Erf", "Sigmoid", "TanH",
    "Swish", "Mish", "HardSigmoid", "HardSwish", "Softplus", "Softmax", "LogSoftmax", "Exp", "Log", "Power",
    "AbsVal", "Interp", "PixelShuffle", "ShuffleChannel", "Pooling", "Pooling1D", "Reduction", "Padding",
    "GridSample", "MatMul", "Noop", "Dropout", "Threshold", "Tile", "Reorg", "Packing", "Cast", "CumulativeSum",
    "CopyTo", "Fold", "Unfold", "GLU", "Shrink", "Diag", "Flip",
}  # fmt: skip
"""Layers without weights."""


def _stretches(layer: Layer) -> list[tuple[int, bool]] | None:
    """Number of values of each array that the layer reads, and whether a type stands in front; None: unknown."""
    value, kind = layer.integer, layer.kind
    if kind in _WITHOUT:
        return []
    if kind in ("Convolution", "ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise"):
        return _kernel(layer, value(6), bias=value(5), group=value(7, 1))
    if kind == "InnerProduct":
        return _kernel(layer, value(2), bias=value(1), group=1)
    if kind == "BatchNorm":
        return [(value(0), False)] * 4
    if kind == "MemoryData":
        size = max(value(0), 1) * max(value(1), 1) * max(value(11), 1) * max(value(2), 1)
        return [(size, value(21, 1) == 0)]
    if kind in ("PReLU", "Bias"):
        return [(value(0), False)]
    if kind == "Scale":
        return [(value(0), False)] * (1 + bool(value(1)))
    if kind in ("InstanceNorm", "LayerNorm", "GroupNorm"):
        channels = value(1) if kind == "GroupNorm" else value(0)
        affine = value({"InstanceNorm": 2, "LayerNorm": 2, "GroupNorm": 3}[kind], 1)
        return [(channels, False)] * (2 * bool(affine))
    return None


def _kernel(layer: Layer, count: int, *, bias: int, group: int) -> list[tuple[int, bool]]:
    outputs, scales = layer.integer(0), layer.integer(8)
    stretches = [(count, True), *([(outputs, False)] if bias else [])]
    if scales:
        depthwise = layer.kind == "ConvolutionDepthWise"
        of_weights = (group if scales % 100 == 1 else 1) if depthwise else outputs
        stretches += [(of_weights, False), (1, False), *([(1, False)] if scales > 100 else [])]
    return stretches
