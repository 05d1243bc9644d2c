"""int8 for ncnn: convolutions with 8-bit weights and inputs, between layers that stay in float.

pnnx has no quantiser, and ncnn's own tools are no part of its wheel, so their format is written here: setting 8 of a
convolution is 1, its weights are bytes, and after its bias come one scale for each output channel's weights and one for
its input. Both are symmetric, q = round(x · scale) in [-127, 127]; ncnn multiplies integers, and turns the sums back
into float before bias and activation.

The scale of an input is what the float graph computes there on the calibration images, run by ncnn itself.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.exporting.calibration import CalibrationData, fitted
from edgeir.exporting.layers import fingerprint_of
from edgeir.exporting.targets.ncnn.convert import Converted
from edgeir.exporting.targets.ncnn.observe import channel_means, observe
from edgeir.quantize.ranges import RangeRule, activation_range
from edgeir.runtime.ncnn_file import OUTPUT, Layer, Weight, weights_of

__all__ = ["quantise"]

Size = tuple[int, int]
LARGEST = 127
INT8_TERM = 8
"""The setting of a convolution that says that it is one of integers."""
_MARK = struct.pack("<I", 0x000D4B38)


@dataclass(frozen=True)
class _Kernel:
    """A convolution of the float graph."""

    index: int
    weights: NDArray[np.float32]
    bias: NDArray[np.float32] | None


def quantise(
    made: Converted,
    calibration: CalibrationData,
    *,
    rule: RangeRule,
    floats: Mapping[str, NDArray[np.float32]],
    per_tensor: bool,
    image_layers: bool,
    correct_bias: bool,
    size: Size | None,
) -> Converted:
    """The same graph with integer convolutions.

    Args:
        made: of float32 weights.
        floats: layers that stay in float (see `edgeir.exporting.layers.float_layers`).
        per_tensor: one weight scale for a layer.
        image_layers: also the convolutions that read the image itself.
        size: the only size of the graph; the calibration images are cut or mirrored to it.

    Raises:
        ExportError: no convolution is left, or a layer of `floats` is none of its own.
    """
    chosen = _chosen(made, floats, image_layers)
    images, means = calibration.range_inputs, calibration.inputs
    if size is not None:
        images, means = fitted(images, size), fitted(means, size)
    inputs = [made.layers[kernel.index].inputs[0] for kernel in chosen]
    seen = observe(made, inputs, images)
    scales = {}
    for kernel, blob in zip(chosen, inputs, strict=True):
        low, high = activation_range(seen[blob], rule)
        scales[kernel.index] = LARGEST / max(-low, high)
    integer = _rewritten(made, chosen, scales, per_tensor)
    if not correct_bias:
        return integer
    last = _makers_of_the_image(made.layers)
    for number, kernel in enumerate(chosen):
        if kernel.bias is not None and kernel.index in last:
            blob = made.layers[kernel.index].outputs[0]
            error = channel_means(integer, blob, means) - channel_means(made, blob, means)
            chosen[number] = replace(kernel, bias=(kernel.bias - error).astype(np.float32))
    return _rewritten(made, chosen, scales, per_tensor)


def _chosen(made: Converted, floats: Mapping[str, NDArray[np.float32]], image_layers: bool) -> list[_Kernel]:
    kernels = _kernels(made)
    kept = {_index_of(name, fingerprint, kernels) for name, fingerprint in floats.items()}
    if not image_layers:
        kept |= _readers_of_the_image(made.layers)
    chosen = [kernel for kernel in kernels if kernel.index not in kept]
    if not chosen:
        raise ExportError(
            "no convolution is left that could be in int8", fix="choose --precision fp16 or fp32"
        )
    return chosen


def _index_of(name: str, fingerprint: NDArray[np.float32], kernels: Sequence[_Kernel]) -> int:
    found = [k.index for k in kernels if np.array_equal(fingerprint_of(k.weights), fingerprint)]
    if len(found) != 1:
        raise ExportError(
            f"the layer `{name}` is not a layer of its own in the converted graph",
            fix="leave it out of the plan",
        )
    return found[0]


def _readers_of_the_image(layers: Sequence[Layer]) -> set[int]:
    """Convolutions that the image reaches through no other one."""
    image: set[str] = set()
    readers = set()
    for index, layer in enumerate(layers):
        if layer.kind == "Input" or image & set(layer.inputs):
            if _multiplies(layer):
                readers.add(index)
            else:
                image |= set(layer.outputs)
    return readers


def _makers_of_the_image(layers: Sequence[Layer]) -> set[int]:
    """Convolutions whose output reaches the restored image through no other one."""
    image = {OUTPUT}
    makers = set()
    for index in reversed(range(len(layers))):
        if image & set(layers[index].outputs):
            if _multiplies(layers[index]):
                makers.add(index)
            else:
                image |= set(layers[index].inputs)
    return makers


def _multiplies(layer: Layer) -> bool:
    return layer.kind.startswith(("Convolution", "Deconvolution", "InnerProduct"))


def _kernels(made: Converted) -> list[_Kernel]:
    """Every convolution that ncnn has an integer form of."""
    found = []
    for index, stretches in _by_layer(made).items():
        layer = made.layers[index]
        if layer.kind in ("Convolution", "ConvolutionDepthWise") and not layer.integer(19):
            first, *rest = (
                np.frombuffer(made.weights, np.float32, part.count, part.start) for part in stretches
            )
            weights = first.reshape(layer.integer(0), -1)
            found.append(_Kernel(index, weights, rest[0] if rest else None))
    return found


def _by_layer(made: Converted) -> dict[int, list[Weight]]:
    weights = weights_of(made.layers, made.weights, where="pnnx")
    if weights is None:
        raise ExportError(
            "int8 is not possible: the graph has layers whose weights edgeir does not know",
            fix="choose --precision fp16 or fp32",
        )
    result: dict[int, list[Weight]] = {}
    for weight in weights:
        result.setdefault(weight.layer, []).append(weight)
    return result


def _rewritten(
    made: Converted, chosen: Sequence[_Kernel], scales: Mapping[int, float], per_tensor: bool
) -> Converted:
    """The graph with these convolutions in integers; everything else byte for byte."""
    kernels = {kernel.index: kernel for kernel in chosen}
    layers = [replace(layer, settings=dict(layer.settings)) for layer in made.layers]
    parts: list[bytes] = []
    done = 0
    for index, stretches in _by_layer(made).items():
        end = stretches[-1].end
        if index in kernels:
            layers[index].settings[INT8_TERM] = "1"
            parts.append(_integers(kernels[index], scales[index], layers[index], per_tensor))
        else:
            parts.append(made.weights[done:end])
        done = end
    return Converted(layers, b"".join(parts))


def _integers(kernel: _Kernel, input_scale: float, layer: Layer, per_tensor: bool) -> bytes:
    groups = layer.integer(7, 1) if layer.kind == "ConvolutionDepthWise" else len(kernel.weights)
    rows = kernel.weights.reshape(groups, -1)  # ncnn has one scale for a group
    largest = np.abs(rows).max(1)
    if per_tensor:
        largest = np.full_like(largest, largest.max())
    # A row of zeros has no scale of its own; one below float32's normal numbers would divide by zero.
    scale = (LARGEST / np.where(largest < 1e-30, 1, largest)).astype(np.float32)
    numbers = np.clip(np.rint(rows * scale[:, None]), -LARGEST, LARGEST).astype(np.int8).tobytes()
    bias = b"" if kernel.bias is None else kernel.bias.astype("<f4").tobytes()
    padding = bytes(-len(numbers) % 4)
    scales: bytes = scale.astype("<f4").tobytes() + struct.pack("<f", input_scale)
    content: bytes = _MARK + numbers + padding + bias + scales
    return content
