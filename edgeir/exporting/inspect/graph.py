"""A model file's graph, described alike for every format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

__all__ = [
    "DTYPE_BYTES",
    "Attribute",
    "Granularity",
    "GraphDescription",
    "OperatorEntry",
    "Quantisation",
    "Reach",
    "TensorEntry",
    "Window",
    "reach_of",
]

DTYPE_BYTES = {"float64": 8, "int64": 8, "uint64": 8, "float32": 4, "int32": 4, "uint32": 4}
DTYPE_BYTES |= {"float16": 2, "bfloat16": 2, "int16": 2, "uint16": 2, "int8": 1, "uint8": 1, "bool": 1}


@dataclass(frozen=True)
class Window:
    """An operator whose output pixel reads a window of its input, or that changes the number of pixels.

    Attributes:
        extent: height and width of the window in input pixels, dilation counted.
        stride: input pixels per output pixel.
        enlarge: output pixels per input pixel.
    """

    extent: tuple[int, int] = (1, 1)
    stride: int = 1
    enlarge: int = 1


Attribute: TypeAlias = bool | int | float | str | tuple[int, ...] | tuple[float, ...]
"""A setting of an operator."""
Granularity: TypeAlias = Literal["tensor", "channel", "block"]


@dataclass(frozen=True)
class Quantisation:
    """How the integers of a tensor stand for real numbers.

    Attributes:
        granularity: one scale for the tensor, for each channel, or for each block of values.
        scales: one, or as many as there are channels; empty where the file does not say.
    """

    granularity: Granularity
    scales: tuple[float, ...] = ()


Reach: TypeAlias = Window | Literal["pixel", "global", "unknown"]
"""What an output pixel depends on: its own input pixel, a window, the whole image, or what the file does not say."""


@dataclass(frozen=True)
class TensorEntry:
    """A tensor of a graph.

    Attributes:
        shape: with None where it is dynamic; None where the file does not say it.
        dtype: numpy's name.
        constant: its values are in the file.
        quantised: for a tensor of integers that stand for real numbers.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str
    constant: bool = False
    quantised: Quantisation | None = None

    @property
    def count(self) -> int | None:
        """Number of values, None where the shape is not known."""
        if self.shape is None or None in self.shape:
            return None
        product = 1
        for side in self.shape:
            product *= side or 0
        return product

    @property
    def bytes(self) -> int | None:
        """Size in memory, None where it is not known."""
        count = self.count
        return None if count is None else count * DTYPE_BYTES.get(self.dtype, 4)


@dataclass(frozen=True)
class OperatorEntry:
    """An operator of a graph.

    Attributes:
        kind: as the format calls it.
        inputs, outputs: names of tensors.
        reach: see `Reach`.
        weights: the constant that its multiplications read, for those that have one.
        products: multiplications per value of the output (of the input where `per_input`); None: it has none.
        per_input: a transposed convolution multiplies each value of its input.
        attributes: its settings, as the format calls them, and of a convolution in every format ``kernel``, ``stride``
            and ``dilation`` (height, width), ``groups`` and ``channels`` (of the output).
        name: its own name, where the format has one.
        origin: the line of code, or the module of the network, that it was converted from, where the file says it.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    reach: Reach = "unknown"
    weights: str | None = None
    products: int | None = None
    per_input: bool = False
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    name: str | None = None
    origin: str | None = None


def _no_values(name: str) -> NDArray[Any] | None:
    return None


@dataclass(frozen=True)
class GraphDescription:
    """A graph in execution order.

    Attributes:
        format: the format in its own words, with its version.
        inputs, outputs: names of tensors.
        parameters: names of the constants that are weights, biases and slopes; shapes, axes and scales are not.
        values: the values of a constant by its name, as they are in the file; None where they are not at hand.
    """

    format: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: tuple[OperatorEntry, ...]
    tensors: dict[str, TensorEntry] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    values: Callable[[str], NDArray[Any] | None] = _no_values


_POINTWISE = (
    "add sub mul div realdiv relu relu0to1 relu6 relun1to1 prelu leakyrelu clip clamp minimum maximum min "
    "max sigmoid tanh logistic exp log sqrt rsqrt erf pow power abs neg square squareddifference "
    "split splitv cast identity quantize dequantize quantizelinear dequantizelinear "
    "batchnorm batchnormalization where select selectv2 less greater equal notequal lessequal "
    "greaterequal logicaland logicalor logicalnot hardsigmoid hardswish softplus softsign elu celu selu "
    "silu swish mish gelu floor ceil round sign sin cos inverse transpose pad padv2 mirrorpad slice crop "
    "stridedslice slicebyindex slicebysize padding binaryop unaryop eltwise scale bias noop dropout "
    "hardtanh threshold batchnormalizationinference scaledtanh sigmoidhard linearactivation floordiv mod "
    "expanddims qlinearadd qlinearmul qlinearsigmoid qlinearleakyrelu quickgelu biasgelu "
    "fastgelu permute tile"
)
_PIXEL = frozenset(_POINTWISE.split())
_GLOBAL = frozenset(
    [
        "globalaveragepool",
        "globalmaxpool",
        "instancenormalization",
        "instancenorm",
        "qlinearglobalaveragepool",
    ]
)


def reach_of(kind: str) -> Reach:
    """The reach of an operator without a window, by its name in any format; `unknown` for other names."""
    name = kind.rpartition(":")[2].lower().replace("_", "")
    if name in _PIXEL:
        return "pixel"
    return "global" if name in _GLOBAL else "unknown"
