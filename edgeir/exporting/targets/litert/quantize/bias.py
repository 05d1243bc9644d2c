"""Bias correction: subtract the mean error of a quantised graph from its last biases.

Rounding weights shifts the mean of every output channel a little, and a shift of a whole colour is visible where PSNR
hides it (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section
4.2, the empirical form). Only the last layer is corrected, where it is exact: the tensor before the shuffle is the
image, and every colour and every position of its block has a bias of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.quantize.observe import interpret

__all__ = ["correct_output_bias"]

_BEHIND = ("DEPTH_TO_SPACE", "RELU_0_TO_1")
ROUNDS = 2
"""The second one corrects the error that rounding to the output's 8 bits left after the first."""


def correct_output_bias(quantised: bytes, reference: bytes, images: NDArray[np.float32]) -> bytes:
    """Shift the biases that feed the output so that its channel means on `images` become the reference's.

    Args:
        quantised: a graph of integers, or one with a float bias and a DEPTH_TO_SPACE and a clip behind it.
        reference: the float graph with the same operators.
        images: (N, H, W, 3) inputs in [0, 1].
    """
    graph = Graph(quantised)
    last = _last_convolution(graph)
    if last is None or len(last.inputs) < 3:
        return quantised
    wanted = _channel_means(reference, images)
    for _ in range(ROUNDS):
        error = _channel_means(graph.to_bytes(), images) - wanted
        last = _last_convolution(graph)
        bias_index = int(last.inputs[2])
        bias = graph.constant(bias_index)
        assert bias is not None
        change = error
        if bias.dtype != np.float32:
            change = np.rint(error / np.asarray(graph.tensor(bias_index).quantization.scale, np.float64))
        buffer = graph.model.buffers[graph.tensor(bias_index).buffer]
        buffer.data = np.frombuffer((bias - change).astype(bias.dtype).tobytes(), np.uint8)
    return graph.to_bytes()


def _last_convolution(graph: Graph) -> Any:
    """The convolution that computes the output, or the first one that is added to it."""
    operator = graph.producer(_unshuffled(graph))
    while operator is not None and graph.kind(operator) == "ADD":
        operator = graph.producer(int(operator.inputs[0]))
    return operator if operator is not None and graph.kind(operator) == "CONV_2D" else None


def _unshuffled(graph: Graph) -> int:
    """The tensor that the image is before it is clipped and shuffled."""
    index = graph.outputs[0]
    while (maker := graph.producer(index)) is not None and graph.kind(maker) in _BEHIND:
        index = int(maker.inputs[0])
    return index


def _channel_means(model: bytes, images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean of each channel in front of the shuffle, clipped to [0, 1], over all images."""
    graph = Graph(model)
    name = graph.name(_unshuffled(graph))
    interpreter: Any = interpret(model, (1, *images.shape[1:]))
    entry = interpreter.get_input_details()[0]
    exit_ = next(each for each in interpreter.get_tensor_details() if each["name"] == name)
    means = []
    for image in images:
        interpreter.set_tensor(entry["index"], _as_stored(image[None], entry))
        interpreter.invoke()
        value = interpreter.get_tensor(exit_["index"])
        if value.dtype != np.float32:
            scale, zero_point = exit_["quantization"]
            value = (value.astype(np.float64) - zero_point) * scale
        means.append(np.clip(value, 0, 1).mean((0, 1, 2), dtype=np.float64))
    result: NDArray[np.float64] = np.mean(means, axis=0)
    return result


def _as_stored(image: NDArray[np.float32], entry: dict[str, Any]) -> NDArray[Any]:
    if entry["dtype"] == np.float32:
        return image
    scale, zero_point = entry["quantization"]
    limits = np.iinfo(entry["dtype"])
    stored = np.clip(np.rint(image / scale) + zero_point, limits.min, limits.max)
    result: NDArray[Any] = stored.astype(entry["dtype"])
    return result
