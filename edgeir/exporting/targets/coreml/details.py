"""Attributes of the operators and quantisation of the constants of a Core ML program, for `edgeir lint`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.inspect.graph import Attribute, Granularity, Quantisation

__all__ = ["attributes_of", "quantisation_of", "values_of"]

_MOST = 8
"""Values of a setting; what is longer is a constant to compute with."""


def attributes_of(operator: Any) -> dict[str, Attribute]:
    """The constant settings by their names, and what `OperatorEntry.attributes` asks of a convolution."""
    found: dict[str, Attribute] = {}
    for name, var in operator.inputs.items():
        value = None if var is None or isinstance(var, (list, tuple)) else var.val
        if isinstance(value, (bool, int, float, str)):
            found[name] = value
        elif isinstance(value, np.generic):
            found[name] = value.item()
        elif isinstance(value, np.ndarray) and value.ndim == 1 and value.size <= _MOST:
            found[name] = tuple(value.tolist())
    if operator.op_type in ("conv", "conv_transpose"):
        shape = tuple(int(side) for side in operator.inputs["weight"].shape)
        groups = int(found.get("groups", 1))  # type: ignore[arg-type]
        transposed = operator.op_type == "conv_transpose"
        found["kernel"], found["groups"] = shape[2:], groups
        found["channels"] = shape[1] * groups if transposed else shape[0]
        ones = (1,) * len(shape[2:])
        found["stride"] = found.pop("strides", ones)
        found["dilation"] = found.pop("dilations", ones)
    return found


def quantisation_of(unpacking: Any) -> Quantisation | None:
    """How the operator that unpacks a constant scales its integers; None where it has no scale."""
    scale = unpacking.inputs.get("scale")
    if scale is None or scale.val is None:
        return None
    factors = np.asarray(scale.val, np.float64)
    granularity: Granularity = "tensor" if factors.size == 1 else "channel"
    if "blockwise" in unpacking.op_type and sum(side > 1 for side in factors.shape) > 1:
        granularity = "block"
    return Quantisation(granularity, () if granularity == "block" else tuple(factors.ravel().tolist()))


def values_of(var: Any) -> NDArray[Any] | None:
    """The values of a constant, unpacked; None of one that cannot be."""
    value = var.val
    if value is None and getattr(var, "op", None) is not None:
        unpack = getattr(var.op, "materialized_val_inference", None) or getattr(
            var.op, "value_inference", None
        )
        value = None if unpack is None else unpack()
    return value if isinstance(value, np.ndarray) else None
