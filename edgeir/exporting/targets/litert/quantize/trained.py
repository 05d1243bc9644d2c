"""An integer graph with the ranges and weights that quantisation-aware training chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.quantize.fit import is_bound_to_size
from edgeir.exporting.targets.litert.quantize.observe import interpret
from edgeir.exporting.trained import probe, trained_places, trained_scales

if TYPE_CHECKING:
    from edgeir.quantize.network import FakeQuantized

__all__ = ["set_trained_weights", "trained_ranges"]

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


def trained_ranges(
    trained: FakeQuantized, core: bytes, size: tuple[int, int]
) -> dict[str, tuple[float, float]]:
    """(low, high) of the tensors of a float graph whose tail was taken, by name."""
    graph = Graph(core)
    image = probe(trained, size if is_bound_to_size(graph) else None)
    interpreter: Any = interpret(core, image.shape)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    indices = {detail["name"]: detail["index"] for detail in interpreter.get_tensor_details()}
    names = {graph.name(int(index)) for operator in graph.operators for index in operator.outputs}
    values = {name: interpreter.get_tensor(indices[name]) for name in names if name in indices}
    places = trained_places(trained, image, values, layout="NHWC")
    # exact: the quantiser computes scale and zero point from them, and gets these again
    return {name: ((-128 - zero) * scale, (127 - zero) * scale) for name, (scale, zero) in places.items()}


def set_trained_weights(integer: bytes, reference: Graph, trained: FakeQuantized) -> bytes:
    """Replace the integers of every convolution by those of training.

    Args:
        integer: what the quantiser made of `reference`, its layers in the same order.
    """
    graph, layers = Graph(integer), trained.layers()
    for operator, original in zip(_weighted(graph), _weighted(reference), strict=True):
        floats = reference.constant(int(original.inputs[1]))
        if floats is None or graph.dtype(int(operator.inputs[1])) != "INT8":
            continue
        axis = 3 if graph.kind(operator) == "DEPTHWISE_CONV_2D" else 0
        scales = trained_scales(layers, np.moveaxis(floats, axis, 0))
        if scales is not None:
            _set(graph, operator, floats, _bias(reference, original), scales, axis)
    return graph.to_bytes()


def _bias(graph: Graph, operator: Any) -> NDArray[Any] | None:
    place = _bias_place(graph, operator)
    return graph.constant(int(operator.inputs[place])) if len(operator.inputs) > place else None


def _bias_place(graph: Graph, operator: Any) -> int:
    return 3 if graph.kind(operator) == "TRANSPOSE_CONV" else 2


def _set(
    graph: Graph,
    operator: Any,
    floats: NDArray[Any],
    bias: NDArray[Any] | None,
    scales: NDArray[np.float32],
    axis: int,
) -> None:
    """As `edgeir.quantize.fake.integer_weights`, in the order that the converter gave the channels."""
    shape = [1] * floats.ndim
    shape[axis] = -1
    values = np.clip(np.rint(floats / scales.reshape(shape)), -127, 127).astype(np.int8)
    kept = (
        scales[:1]
        if len(np.atleast_1d(graph.tensor(int(operator.inputs[1])).quantization.scale)) == 1
        else scales
    )
    graph.set_integers(int(operator.inputs[1]), values, kept)
    if bias is not None:
        image = 2 if graph.kind(operator) == "TRANSPOSE_CONV" else 0
        step = kept * np.float32(graph.quantisation(int(operator.inputs[image]))[0])
        stored = np.rint(bias.astype(np.float64) / step.astype(np.float64)).astype(np.int32)
        graph.set_integers(int(operator.inputs[_bias_place(graph, operator)]), stored, step)


def _weighted(graph: Graph) -> list[Any]:
    return [operator for operator in graph.operators if graph.kind(operator) in _WEIGHTED]
