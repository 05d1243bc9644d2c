"""Keep a DEPTH_TO_SPACE inside an integer graph in integers.

ai-edge-quantizer 0.10 has no entry for it and leaves it in float between a DEQUANTIZE and a QUANTIZE. It only
rearranges values: input and output have the same range, so they share one quantisation.
"""

from __future__ import annotations

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["keep_moves_integer"]


def keep_moves_integer(model: bytes) -> bytes:
    """Replace every DEQUANTIZE, DEPTH_TO_SPACE, QUANTIZE by an int8 DEPTH_TO_SPACE; others stay as they are."""
    graph = Graph(model)
    for move in [operator for operator in graph.operators if graph.kind(operator) == "DEPTH_TO_SPACE"]:
        moved = int(move.outputs[0])
        before, after = graph.producer(int(move.inputs[0])), graph.consumers(moved)
        if before is None or graph.kind(before) != "DEQUANTIZE" or moved in graph.outputs:
            continue
        source = int(before.inputs[0])
        results = [int(user.outputs[0]) for user in after]
        if any(graph.kind(user) != "QUANTIZE" for user in after) or any(
            graph.dtype(result) != "INT8" or graph.quantisation(result) != graph.quantisation(source)
            for result in results
        ):
            continue
        block = int(move.builtinOptions.blockSize)
        for operator in (move, *after):
            graph.remove(operator)
        graph.add_operator("DEPTH_TO_SPACE", [source], results[:1], blockSize=block)
        for result in results[1:]:
            graph.replace_uses(result, results[0])
    return graph.to_bytes()
