"""A float LiteRT graph to an integer one: 8-bit weights per channel, 8-bit activations, 32-bit biases.

With 16-bit activations biases have 64 bits; what differs at the ends of the graph is in `sixteen`.

ai-edge-quantizer does the transformation; this file chooses the ranges and handles what it cannot:

- The image in and out is exactly 8 bits: scale 1/255, zero point -128. The output's range [0, 1] saturates, so
  the clip is dropped.
- DEPTH_TO_SPACE, which ai-edge-quantizer 0.10 has no entry for, is taken off the end of the graph and put back as
  an integer operator: it only moves bytes, so input and output share their quantisation.
- The features that an image-space residual is concatenated with are scaled to the image's own range first (weights
  divided and multiplied, exact for ReLU), so that the concatenation copies bytes instead of requantising the image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.requires import require
from edgeir.exporting.target import Io
from edgeir.exporting.targets.litert.passes.clip import remove_clip
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.pool import is_lowest_padding
from edgeir.exporting.targets.litert.quantize.bias_fit import fit_biases
from edgeir.exporting.targets.litert.quantize.leaky_relu import integer_leaky_relus
from edgeir.exporting.targets.litert.quantize.named import outputs_of
from edgeir.exporting.targets.litert.quantize.observe import observe
from edgeir.exporting.targets.litert.quantize.widen import widen
from edgeir.quantize.ranges import IMAGE, RangeRule, activation_range

__all__ = ["Tail", "finish", "quantise", "take_tail"]


SIXTEEN_BIT_ROOM = 2.0
"""How much wider 16-bit ranges are than what calibration saw: one bit of fifteen, for what no image had."""


@dataclass(frozen=True)
class Tail:
    """The operators that `take_tail` removed from the end of the graph."""

    block: int
    """Block size of the DEPTH_TO_SPACE; 1 where there was none."""
    clipped: bool


def take_tail(graph: Graph) -> Tail:
    """Remove the clip, and the DEPTH_TO_SPACE where it is the last operator."""
    clipped = remove_clip(graph)
    last = graph.producer(graph.outputs[0])
    if last is None or graph.kind(last) != "DEPTH_TO_SPACE":
        return Tail(1, clipped)
    graph.replace_uses(int(last.outputs[0]), int(last.inputs[0]))
    graph.remove(last)
    return Tail(int(last.builtinOptions.blockSize), clipped)


def quantise(
    model: bytes,
    images: NDArray[np.float32],
    *,
    rule: RangeRule,
    per_tensor: bool = False,
    sixteen_bits: bool = False,
    floats: Mapping[str, NDArray[np.float32]] | None = None,
    sixteens: Mapping[str, NDArray[np.float32]] | None = None,
    given: Mapping[str, tuple[float, float]] | None = None,
) -> bytes:
    """Quantise a float graph whose tail was taken; the result takes and gives int8 images, or int16 ones.

    A layer that is kept otherwise and makes the output gives it in its own type.

    Args:
        model: what `Graph.to_bytes` gave after `take_tail` and the corrections.
        images: (N, H, W, 3) calibration inputs in [0, 1].
        rule: how activation ranges follow from the observed values.
        per_tensor: one scale for all weights of a layer, for processors that refuse one per channel.
        sixteen_bits: 16-bit activations.
        given: ranges of tensors that are known already, by name.
        floats: layers to keep in float, by `edgeir.exporting.layers.fingerprint_of` their weights.
        sixteens: layers to keep at 16-bit activations.

    Raises:
        ExportError: a layer to keep was merged into another one.
    """
    graph = Graph(model)
    paddings = [operator for operator in graph.operators if is_lowest_padding(graph, operator)]
    names = [graph.name(int(index)) for op in graph.operators if op not in paddings for index in op.outputs]
    room = SIXTEEN_BIT_ROOM if sixteen_bits else 1.0
    ranges = {
        name: (room * low, room * high)
        for name, (low, high) in (
            (name, activation_range(seen, rule)) for name, seen in observe(model, names, images).items()
        )
    }
    ranges |= given or {}
    ranges[graph.name(graph.inputs[0])] = (0.0, 1.0)
    ranges[graph.name(graph.outputs[0])] = (0.0, 1.0)
    widen(graph, ranges, None if sixteen_bits else outputs_of(graph, sixteens or {}))
    for padding in paddings:  # the lowest of 8 bits is as good as -inf
        lowest, highest = ranges[graph.name(int(padding.inputs[0]))]
        constant = graph.add_constant("lowest", np.array([lowest], np.float32))
        padding.inputs = [*padding.inputs[:2], constant]
        ranges[graph.name(int(padding.outputs[0]))] = (lowest, highest)
    model = graph.to_bytes() if paddings else model
    for operator in graph.operators:
        if graph.kind(operator) == "CONCATENATION":
            _share_range(graph, operator, ranges)
    quantizer = require("ai_edge_quantizer.quantizer", "int8 for LiteRT")
    recipe = require("ai_edge_quantizer.recipe", "int8 for LiteRT")
    entries = recipe.static_wi8_ai16() if sixteen_bits else recipe.static_wi8_ai8()
    for name in outputs_of(graph, sixteens or {}):
        entries += [{**entry, "regex": re.escape(name)} for entry in recipe.static_wi8_ai16()]
    if per_tensor:
        for entry in entries:
            entry["op_config"]["weight_tensor_config"]["granularity"] = "TENSORWISE"
    # 8-bit SQRT came with LiteRT 2.0.3 only, and no version stamp keeps an older runtime from trying
    entries.append({"regex": ".*", "operation": "SQRT", "algorithm_key": "no_quantize"})
    for name in outputs_of(graph, floats or {}):
        entries.append({"regex": re.escape(name), "operation": "*", "algorithm_key": "no_quantize"})
    worker = quantizer.Quantizer(bytearray(model), entries)
    statistics = {
        name: {"min": np.full((1, 1, 1, 1), low, np.float32), "max": np.full((1, 1, 1, 1), high, np.float32)}
        for name, (low, high) in ranges.items()
    }
    result = worker.quantize(statistics, enable_progress_bar=False, enable_progress_report=False)
    return integer_leaky_relus(fit_biases(bytes(result.quantized_model), graph))


def _share_range(graph: Graph, concatenation: Any, ranges: dict[str, tuple[float, float]]) -> None:
    """A concatenation copies bytes only where its inputs and output have one range: the widest of the inputs'."""
    covered = [_covered(graph, int(index), ranges) for index in concatenation.inputs]
    low, high = min(low for low, _ in covered), max(high for _, high in covered)
    for index in (*concatenation.inputs, concatenation.outputs[0]):
        ranges[graph.name(int(index))] = (low, high)


def _covered(graph: Graph, index: int, ranges: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """The range of a tensor; a constant's own values, and zero, such as FFDNet's map of the noise level."""
    value = graph.constant(index)
    if value is None:
        return ranges[graph.name(index)]
    return min(float(value.min()), 0.0), max(float(value.max()), 0.0)


def finish(model: bytes, tail: Tail, io: Io) -> bytes:
    """Put the DEPTH_TO_SPACE back and set the image's type at both ends.

    Args:
        model: what `quantise` gave.
        tail: what `take_tail` gave.
        io: `float` takes and gives float32; `uint8` takes and gives bytes (scale 1/255, zero point 0); `int8`
            the bytes less 128, with which the graph computes (zero point -128): nothing is converted at either end.
    """
    graph = Graph(model)
    image, restored = graph.inputs[0], graph.outputs[0]
    if graph.dtype(restored) != "INT8" or not np.allclose(graph.quantisation(restored), IMAGE):
        # TANH and LOGISTIC have a quantisation of their own, and so has a layer kept at another precision; the image's
        # saturates at 0 and 1
        saturated = graph.add_tensor("saturated", graph.shape(restored), "INT8", quantised=IMAGE)
        graph.add_operator("QUANTIZE", [restored], [saturated])
        restored = saturated
    if tail.block > 1:
        batch, height, width, channels = graph.shape(restored)
        shape = (batch, height * tail.block, width * tail.block, channels // tail.block**2)
        shuffled = graph.add_tensor("shuffled", shape, "INT8", quantised=graph.quantisation(restored))
        graph.add_operator("DEPTH_TO_SPACE", [restored], [shuffled], blockSize=tail.block)
        restored = shuffled
    if io == "int8":
        graph.set_io([image], [restored])
        return graph.to_bytes()
    outer: dict[str, Any] = (
        {"dtype": "FLOAT32"} if io == "float" else {"dtype": "UINT8", "quantised": (1 / 255, 0)}
    )
    entry = graph.add_tensor("entry", graph.shape(image), **outer)
    exit_ = graph.add_tensor("exit", graph.shape(restored), **outer)
    graph.add_operator("QUANTIZE", [entry], [image])
    graph.add_operator("DEQUANTIZE" if io == "float" else "QUANTIZE", [restored], [exit_])
    graph.set_io([entry], [exit_])
    return graph.to_bytes()
