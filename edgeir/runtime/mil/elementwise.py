"""The element-wise operators of MIL programs, in torch; see `operators`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["ELEMENTWISE"]

Arguments = Mapping[str, Any]


def _gelu(a: Arguments) -> Tensor:
    mode = a.get("mode", "EXACT")
    if mode == "SIGMOID_APPROXIMATION":
        raise NotImplementedError("gelu with SIGMOID_APPROXIMATION")
    return F.gelu(a["x"], approximate="tanh" if mode == "TANH_APPROXIMATION" else "none")


def _prelu(a: Arguments) -> Tensor:
    return F.prelu(a["x"], a["alpha"].reshape(-1))


def _quantize(a: Arguments) -> Tensor:
    low, high = (-128, 127) if a["output_dtype"] == "int8" else (0, 255)
    scale, zero = _along(a, "scale"), _along(a, "zero_point", 0.0)
    return torch.clamp(torch.round(a["input"].float() / scale) + zero, low, high)


def _dequantize(a: Arguments) -> Tensor:
    return torch.mul(a["input"].float() - _along(a, "zero_point", 0.0), _along(a, "scale"))


def _along(a: Arguments, name: str, default: float = 1.0) -> Tensor:
    value = a.get(name)
    value = torch.as_tensor(default if value is None else value).float()
    if not value.ndim:
        return value
    shape = [1] * a["input"].ndim
    shape[int(a["axis"])] = -1
    return value.reshape(shape)


def _cast(a: Arguments) -> Any:
    kinds = {"fp32": torch.float32, "fp16": torch.float16, "int32": torch.int32, "bool": torch.bool}
    kinds |= {"int8": torch.int8, "uint8": torch.uint8, "int16": torch.int16}
    value = a["x"].to(kinds[a["dtype"]])
    return value.float() if a["dtype"] == "fp16" else value


def _unary(function: Callable[[Tensor], Tensor]) -> Callable[[Arguments], Tensor]:
    return lambda a: function(a["x"])


def _binary(function: Callable[[Any, Any], Any]) -> Callable[[Arguments], Any]:
    return lambda a: function(_tensor(a["x"]), _tensor(a["y"]))


def _tensor(value: Any) -> Tensor:
    return torch.as_tensor(value)


ELEMENTWISE: dict[str, Callable[[Arguments], Any]] = {
    "add": _binary(torch.add),
    "sub": _binary(torch.sub),
    "mul": _binary(torch.mul),
    "real_div": _binary(torch.div),
    "maximum": _binary(torch.maximum),
    "minimum": _binary(torch.minimum),
    "pow": _binary(torch.pow),
    "greater": _binary(torch.gt),
    "greater_equal": _binary(torch.ge),
    "less": _binary(torch.lt),
    "less_equal": _binary(torch.le),
    "equal": _binary(torch.eq),
    "select": lambda a: torch.where(a["cond"].bool(), _tensor(a["a"]), _tensor(a["b"])),
    "relu": _unary(torch.relu),
    "relu6": _unary(F.relu6),
    "leaky_relu": lambda a: F.leaky_relu(a["x"], float(a["alpha"])),
    "prelu": _prelu,
    "sigmoid": _unary(torch.sigmoid),
    "sigmoid_hard": lambda a: torch.clamp(a["x"] * float(a["alpha"]) + float(a["beta"]), 0, 1),
    "silu": _unary(F.silu),
    "gelu": _gelu,
    "softplus": _unary(F.softplus),
    "tanh": _unary(torch.tanh),
    "erf": _unary(torch.erf),
    "elu": lambda a: F.elu(a["x"], float(a.get("alpha", 1.0))),
    "clip": lambda a: torch.clamp(a["x"], float(a["alpha"]), float(a["beta"])),
    "abs": _unary(torch.abs),
    "exp": _unary(torch.exp),
    "log": lambda a: torch.log(a["x"] + float(a.get("epsilon", 1e-45))),
    "floor": _unary(torch.floor),
    "sqrt": _unary(torch.sqrt),
    "square": _unary(torch.square),
    "rsqrt": lambda a: torch.rsqrt(a["x"] + float(a.get("epsilon", 1e-12))),
    "inverse": lambda a: 1 / (a["x"] + float(a.get("epsilon", 1e-4))),
    "sin": _unary(torch.sin),
    "cos": _unary(torch.cos),
    "identity": _unary(lambda x: x),
    "cast": _cast,
    "quantize": _quantize,
    "dequantize": _dequantize,
}
"""MIL's name of an operator to what it computes."""
