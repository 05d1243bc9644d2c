"""Ranges and ends of a graph with 16-bit activations.

16-bit numbers are symmetric: a range is [-x, x], the zero point 0. So the image has the scale 1/32767, and saturates at
1 but not at 0: what makes it has a ReLU. No runtime's DEPTH_TO_SPACE takes 16 bits, so the image is made float, or 8
bits for a file that gives bytes, in front of it.
"""

from __future__ import annotations

from typing import Any

from edgeir.exporting.target import Io
from edgeir.exporting.targets.litert.passes.clip import FUSES_ACTIVATION
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.quantize.int8 import Tail
from edgeir.quantize.ranges import IMAGE

__all__ = ["BYTES", "finish_sixteen"]

BYTES = (1 / 255, 0)
"""Scale and zero point of an image of bytes."""


def finish_sixteen(model: bytes, tail: Tail, io: Io) -> bytes:
    """Clip at 0, put the DEPTH_TO_SPACE back and set the image's type at both ends.

    Args:
        model: what `int8.quantise` gave for 16 bits.
        tail: what `int8.take_tail` gave.
        io: as in `int8.finish`.
    """
    graph = Graph(model)
    image = graph.inputs[0]
    restored = _clipped(graph, graph.outputs[0])
    if io == "float":
        entry = graph.add_tensor("entry", graph.shape(image))
        graph.add_operator("QUANTIZE", [entry], [image])
        real = graph.add_tensor("real", graph.shape(restored))
        graph.add_operator("DEQUANTIZE", [restored], [real])
        graph.set_io([entry], [_shuffled(graph, real, tail.block, dtype="FLOAT32")])
        return graph.to_bytes()
    narrow: dict[str, Any] = {"dtype": "INT8", "quantised": IMAGE}
    entry = graph.add_tensor("narrow_entry", graph.shape(image), **narrow)
    graph.add_operator("QUANTIZE", [entry], [image])
    exit_ = graph.add_tensor("narrow_exit", graph.shape(restored), **narrow)
    graph.add_operator("QUANTIZE", [restored], [exit_])
    exit_ = _shuffled(graph, exit_, tail.block, **narrow)
    if io == "uint8":
        outer: dict[str, Any] = {"dtype": "UINT8", "quantised": BYTES}
        inside, entry = entry, graph.add_tensor("entry", graph.shape(image), **outer)
        graph.add_operator("QUANTIZE", [entry], [inside])
        inside, exit_ = exit_, graph.add_tensor("exit", graph.shape(exit_), **outer)
        graph.add_operator("QUANTIZE", [inside], [exit_])
    graph.set_io([entry], [exit_])
    return graph.to_bytes()


def _clipped(graph: Graph, restored: int) -> int:
    """The restored image without values below 0."""
    maker: Any = graph.producer(restored)
    fuses = maker is not None and graph.kind(maker) in FUSES_ACTIVATION and not graph.consumers(restored)
    if fuses and maker.builtinOptions.fusedActivationFunction == graph.activation("NONE"):
        maker.builtinOptions.fusedActivationFunction = graph.activation("RELU")
        return restored
    clipped = graph.add_tensor(
        "clipped", graph.shape(restored), "INT16", quantised=graph.quantisation(restored)
    )
    graph.add_operator("RELU", [restored], [clipped])
    return clipped


def _shuffled(graph: Graph, source: int, block: int, **kind: Any) -> int:
    if block == 1:
        return source
    batch, height, width, channels = graph.shape(source)
    shape = (batch, height * block, width * block, channels // block**2)
    shuffled = graph.add_tensor("shuffled", shape, **kind)
    graph.add_operator("DEPTH_TO_SPACE", [source], [shuffled], blockSize=block)
    return shuffled
