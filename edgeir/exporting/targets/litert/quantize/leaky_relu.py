"""LEAKY_RELU in integers.

ai-edge-quantizer 0.10 has no entry for it and leaves it in floating point between a DEQUANTIZE and a QUANTIZE. Every
runtime has the integer operator: its input and output keep the two quantisations that are there already.
"""

from __future__ import annotations

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["integer_leaky_relus"]


def integer_leaky_relus(model: bytes) -> bytes:
    """Replace DEQUANTIZE, LEAKY_RELU, QUANTIZE by one int8 LEAKY_RELU, wherever they follow each other."""
    graph = Graph(model)
    changed = False
    for leaky in list(graph.operators):
        before = graph.producer(int(leaky.inputs[0])) if graph.kind(leaky) == "LEAKY_RELU" else None
        users = graph.consumers(int(leaky.outputs[0]))
        if before is None or graph.kind(before) != "DEQUANTIZE" or int(leaky.outputs[0]) in graph.outputs:
            continue
        if not users or any(graph.kind(user) != "QUANTIZE" for user in users):
            continue
        for user in users:
            graph.remove(user)
            graph.add_operator(
                "LEAKY_RELU",
                [int(before.inputs[0])],
                [int(user.outputs[0])],
                alpha=leaky.builtinOptions.alpha,
            )
        graph.remove(leaky)
        changed = True
    return graph.to_bytes() if changed else model
