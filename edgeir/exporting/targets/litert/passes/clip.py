"""Put the final clip to [0, 1] where it costs least.

After DEPTH_TO_SPACE the clip is a pass over the whole output image. It commutes with the shuffle, so it moves in
front of it, next to the convolution or addition whose output it clips. There are several ways to write it:

- ``relu_0_to_1``: the operator RELU_0_TO_1, which XNNPACK fuses into its producer. GPU delegates and runtimes
  before 2023 do not know it.
- ``relu_n1_to_1``: clip to [-1, 1] as the producer's fused activation (part of the format from the beginning),
  then a RELU, which XNNPACK fuses as well.
- ``minimum_relu``: MINIMUM with 1, RELU. Everything runs it; nothing fuses the MINIMUM.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["ClipStyle", "hoist_clip", "remove_clip", "write_clip"]

ClipStyle = Literal["relu_0_to_1", "relu_n1_to_1", "minimum_relu"]

FUSES_ACTIVATION = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "SUB", "MUL"})


def hoist_clip(graph: Graph) -> None:
    """Move a RELU_0_TO_1 that follows a DEPTH_TO_SPACE in front of it."""
    for clip in _clips(graph):
        before = graph.producer(int(clip.inputs[0]))
        if before is None or graph.kind(before) != "DEPTH_TO_SPACE":
            continue
        if not graph.only_used_by(int(before.outputs[0]), clip):
            continue
        source = int(before.inputs[0])
        clipped = graph.add_tensor("clipped", graph.shape(source))
        before.outputs, before.inputs = [int(clip.outputs[0])], [clipped]
        clip.inputs, clip.outputs = [source], [clipped]


def remove_clip(graph: Graph) -> bool:
    """Drop the clips, for an integer graph whose output range saturates at [0, 1] anyway; whether there were any."""
    clips = _clips(graph)
    for clip in clips:
        graph.replace_uses(int(clip.outputs[0]), int(clip.inputs[0]))
        graph.remove(clip)
    return bool(clips)


def write_clip(graph: Graph, style: ClipStyle) -> None:
    """Write every RELU_0_TO_1 in the given `style`."""
    if style == "relu_0_to_1":
        return
    for clip in _clips(graph):
        source, result = int(clip.inputs[0]), int(clip.outputs[0])
        producer = graph.producer(source)
        if style == "relu_n1_to_1" and producer is not None and _fusable(graph, producer, clip):
            producer.builtinOptions.fusedActivationFunction = graph.activation("RELU_N1_TO_1")
            limited = source
        else:
            limited = graph.add_tensor("limited", graph.shape(source))
            graph.add_operator(
                "MINIMUM", [source, graph.add_constant("one", np.array(1, np.float32))], [limited]
            )
        graph.remove(clip)
        graph.add_operator("RELU", [limited], [result])


def _clips(graph: Graph) -> list[Any]:
    return [operator for operator in graph.operators if graph.kind(operator) == "RELU_0_TO_1"]


def _fusable(graph: Graph, producer: Any, clip: Any) -> bool:
    return (
        graph.kind(producer) in FUSES_ACTIVATION
        and producer.builtinOptions.fusedActivationFunction == graph.activation("NONE")
        and graph.only_used_by(int(producer.outputs[0]), clip)
    )
