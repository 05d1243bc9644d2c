"""Attributes, origin and quantisation of the operators of an ``.onnx`` or ``.ort`` file, for `edgeir lint`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.inspect.graph import Attribute, Granularity, OperatorEntry, Quantisation, TensorEntry

__all__ = ["plain_attributes", "traced_to", "window_attributes", "with_quantisation"]

_TRACE, _SCOPES = "pkg.torch.onnx.stack_trace", "pkg.torch.onnx.name_scopes"
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in .*\n\s*(?P<code>.+)')
_LIBRARIES = ("torch", "einops")
Values = Callable[[str], NDArray[Any] | None]


def plain_attributes(attributes: Mapping[str, Any]) -> dict[str, Attribute]:
    """The attributes that are numbers, texts or lists of numbers."""
    found: dict[str, Attribute] = {}
    for name, value in attributes.items():
        if isinstance(value, bytes):
            found[name] = value.decode("utf-8", "replace")
        elif isinstance(value, (bool, int, float, str)):
            found[name] = value
        elif isinstance(value, Sequence) and all(isinstance(item, (int, float)) for item in value):
            found[name] = tuple(value)
    return found


def window_attributes(
    kind: str, shape: tuple[int, ...], attributes: Mapping[str, Any]
) -> dict[str, Attribute]:
    """What `OperatorEntry.attributes` asks of a convolution, from the shape of its weights."""
    groups = int(attributes.get("group", 1))
    channels = shape[1] * groups if kind == "ConvTranspose" else shape[0]
    kernel = shape[1:-1] if kind.startswith("Nhwc") else shape[2:]
    ones = (1,) * len(kernel)
    return {
        "kernel": tuple(kernel),
        "stride": tuple(attributes.get("strides", ones)),
        "dilation": tuple(attributes.get("dilations", ones)),
        "groups": groups,
        "channels": channels,
    }


def traced_to(metadata: Mapping[str, str]) -> str | None:
    """Module and line of the network, as torch's exporter leaves them in a node."""
    scopes = metadata.get(_SCOPES, "")
    names = re.findall(r"'([^']*)'", scopes)
    module = next((name for name in reversed(names[:-1]) if name), "")
    line = ""
    for match in reversed(list(_FRAME.finditer(metadata.get(_TRACE, "")))):
        parts = match["file"].replace("\\", "/").split("/")
        if not any(library in parts for library in _LIBRARIES):
            line = f"{'/'.join(parts[-2:])}:{match['line']}: {match['code'].strip()[:100]}"
            break
    return ", ".join(part for part in (module, line) if part) or None


def with_quantisation(
    operators: Sequence[OperatorEntry], tensors: MutableMapping[str, TensorEntry], values: Values
) -> None:
    """Note in `tensors` how the integers that are made, read or multiplied are quantised."""
    for operator in operators:
        for integers, scale in _scaled(operator):
            tensor, factors = tensors.get(integers), values(scale)
            if tensor is None or tensor.quantised is not None:
                continue
            count = 1 if factors is None else factors.size
            block = bool(operator.attributes.get("block_size", 0))
            granularity: Granularity = "block" if block else "tensor" if count == 1 else "channel"
            scales = (
                () if factors is None or block else tuple(np.asarray(factors, np.float64).ravel().tolist())
            )
            tensors[integers] = replace(tensor, quantised=Quantisation(granularity, scales))


def _scaled(operator: OperatorEntry) -> list[tuple[str, str]]:
    """Names of integer tensors and of their scales."""
    kind, inputs, outputs = operator.kind, operator.inputs, operator.outputs
    if kind == "QuantizeLinear" and len(inputs) > 1:
        return [(outputs[0], inputs[1])]
    if kind == "DequantizeLinear" and len(inputs) > 1:
        return [(inputs[0], inputs[1])]
    if kind in ("QLinearConv", "QLinearMatMul") and len(inputs) > 6:
        return [(inputs[0], inputs[1]), (inputs[3], inputs[4]), (outputs[0], inputs[6])]
    return []
