"""Whether a condition holds of an operator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from edgeir.exporting.inspect.graph import OperatorEntry, TensorEntry
from edgeir.exporting.lint.condition import Condition
from edgeir.exporting.lint.surroundings import Surroundings

__all__ = ["dtype_of", "holds"]

Test = Callable[[Any, OperatorEntry, Surroundings], bool]


def dtype_of(operator: OperatorEntry, around: Surroundings) -> str:
    """Type of the first computed input, of the first one at all where every input is a constant."""
    tensors = around.computed(operator) or [
        tensor for name in operator.inputs if (tensor := around.tensor(name)) is not None
    ]
    return tensors[0].dtype if tensors else "unknown"


def holds(condition: Condition, operator: OperatorEntry, around: Surroundings) -> bool:
    """Whether everything that the condition asks holds; what the file does not say does not."""
    return all(
        TESTS[key](getattr(condition, key), operator, around)
        for key in type(condition).model_fields
        if getattr(condition, key) is not None
    )


def _touched(operator: OperatorEntry, around: Surroundings) -> list[TensorEntry]:
    return [*around.computed(operator), *around.outputs(operator)]


def _weights_dtype(wanted: tuple[str, ...], operator: OperatorEntry, around: Surroundings) -> bool:
    weights = around.weights(operator)
    return weights is not None and weights.dtype in wanted


def _granularity(wanted: tuple[str, ...], operator: OperatorEntry, around: Surroundings) -> bool:
    weights = around.weights(operator)
    return weights is not None and weights.quantised is not None and weights.quantised.granularity in wanted


def _weights_computed(wanted: bool, operator: OperatorEntry, around: Surroundings) -> bool:
    if operator.products is None:
        return False
    constants = [name for name in operator.inputs if (t := around.tensor(name)) is not None and t.constant]
    return (operator.weights not in constants if operator.weights else not constants) == wanted


def _open_size(wanted: bool, operator: OperatorEntry, around: Surroundings) -> bool:
    entries = [around.tensor(name) for name in around.graph.inputs]
    shapes = [None if tensor is None else tensor.shape for tensor in entries]
    return any(shape is None or None in shape for shape in shapes) == wanted


def _side_above(limit: int, operator: OperatorEntry, around: Surroundings) -> bool:
    shapes = (tensor.shape or () for tensor in _touched(operator, around))
    return any(side is not None and side > limit for shape in shapes for side in shape)


def _setting_above(name: str) -> Test:
    def test(limit: int, operator: OperatorEntry, around: Surroundings) -> bool:
        value = operator.attributes.get(name, 0)
        numbers: Iterable[Any] = value if isinstance(value, tuple) else (value,)
        return any(isinstance(number, (int, float)) and number > limit for number in numbers)

    return test


def _depthwise(wanted: bool, operator: OperatorEntry, around: Surroundings) -> bool:
    groups, channels = operator.attributes.get("groups"), operator.attributes.get("channels")
    return groups is not None and (groups == channels and groups != 1) == wanted


def _channels_not(allowed: tuple[int, ...], operator: OperatorEntry, around: Surroundings) -> bool:
    channels = operator.attributes.get("channels")
    return channels is not None and channels not in allowed


def _constant_input(wanted: bool, operator: OperatorEntry, around: Surroundings) -> bool:
    return any(name in around.stored for name in operator.inputs) == wanted


def _broadcast(wanted: bool, operator: OperatorEntry, around: Surroundings) -> bool:
    shapes = [tensor.shape for tensor in around.computed(operator)]
    if len(shapes) < 2 or any(shape is None or None in shape for shape in shapes):
        return False
    return (len(set(shapes)) > 1) == wanted


def _readers_above(limit: int, operator: OperatorEntry, around: Surroundings) -> bool:
    computed = around.computed(operator)
    return bool(computed) and len(around.readers(computed[0].name)) > limit


def _ratios(operator: OperatorEntry, around: Surroundings) -> list[float]:
    out = around.quantisation(operator.outputs[0])
    scales = [around.quantisation(tensor.name) for tensor in around.computed(operator)]
    if out is None or not out.scales:
        return []
    return [found.scales[0] / out.scales[0] for found in scales if found is not None and found.scales]


def _product(operator: OperatorEntry, around: Surroundings) -> float | None:
    out = around.quantisation(operator.outputs[0])
    scales = [around.quantisation(name) for name in operator.inputs]
    if out is None or not out.scales or any(found is None or not found.scales for found in scales):
        return None
    return math.prod(found.scales[0] for found in scales if found is not None) / out.scales[0]


def _product_above(limit: float, operator: OperatorEntry, around: Surroundings) -> bool:
    product = _product(operator, around)
    return product is not None and product > limit


def _product_below(limit: float, operator: OperatorEntry, around: Surroundings) -> bool:
    product = _product(operator, around)
    return product is not None and product < limit


def _scales_differ(wanted: bool, operator: OperatorEntry, around: Surroundings) -> bool:
    tensors = _touched(operator, around)
    if any(tensor.quantised is None for tensor in tensors):
        return False
    return (len({(tensor.dtype, tensor.quantised) for tensor in tensors}) > 1) == wanted


def _made_by(kinds: tuple[str, ...], operator: OperatorEntry, around: Surroundings) -> bool:
    makers = [around.maker(tensor.name) for tensor in around.computed(operator)]
    return any(("input" if maker is None else maker.kind) in kinds for maker in makers)


def _read_by(kinds: tuple[str, ...], operator: OperatorEntry, around: Surroundings) -> bool:
    readers = {reader.kind for name in operator.outputs for reader in around.readers(name)}
    if any(name in around.graph.outputs for name in operator.outputs):
        readers.add("output")
    return bool(readers & set(kinds))


def _attributes(wanted: Mapping[str, Any], operator: OperatorEntry, around: Surroundings) -> bool:
    return all(operator.attributes.get(name) in values for name, values in wanted.items())


def _attributes_not(wanted: Mapping[str, Any], operator: OperatorEntry, around: Surroundings) -> bool:
    return all(
        name in operator.attributes and operator.attributes[name] not in values
        for name, values in wanted.items()
    )


TESTS: dict[str, Test] = {
    "dtype": lambda wanted, operator, around: dtype_of(operator, around) in wanted,
    "output_dtype": lambda wanted, operator, around: any(
        tensor.dtype in wanted for tensor in around.outputs(operator)[:1]
    ),
    "weights_dtype": _weights_dtype,
    "granularity": _granularity,
    "weights_computed": _weights_computed,
    "rank_above": lambda limit, operator, around: any(
        tensor.shape is not None and len(tensor.shape) > limit for tensor in _touched(operator, around)
    ),
    "rank_below": lambda limit, operator, around: any(
        tensor.shape is not None and len(tensor.shape) < limit for tensor in around.computed(operator)
    ),
    "open_size": _open_size,
    "values_above": lambda limit, operator, around: any(
        (tensor.count or 0) > limit for tensor in _touched(operator, around)
    ),
    "side_above": _side_above,
    "kernel_above": _setting_above("kernel"),
    "stride_above": _setting_above("stride"),
    "dilation_above": _setting_above("dilation"),
    "groups_above": _setting_above("groups"),
    "depthwise": _depthwise,
    "channels_not": _channels_not,
    "channels_above": _setting_above("channels"),
    "whole_image": lambda wanted, operator, around: (operator.reach == "global") == wanted,
    "inputs_above": lambda limit, operator, around: len(around.computed(operator)) > limit,
    "outputs_above": lambda limit, operator, around: len(operator.outputs) > limit,
    "repeated_input": lambda wanted, operator, around: (
        (len(set(operator.inputs)) < len(operator.inputs)) == wanted
    ),
    "constant_input": _constant_input,
    "broadcast": _broadcast,
    "readers_above": _readers_above,
    "scale_ratio_above": lambda limit, operator, around: any(r > limit for r in _ratios(operator, around)),
    "scale_ratio_below": lambda limit, operator, around: any(r < limit for r in _ratios(operator, around)),
    "scale_product_above": _product_above,
    "scale_product_below": _product_below,
    "scales_differ": _scales_differ,
    "made_by": _made_by,
    "read_by": _read_by,
    "attributes": _attributes,
    "attributes_not": _attributes_not,
}
"""A test for every key of `Condition`."""
