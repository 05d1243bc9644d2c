"""Rounding as integer kernels do it: in training with straight-through gradients, in evaluation exactly.

In training (fake quantisation, Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018) values stay floats on the grid of their scale. Biases are rounded to the
scale of the products, input times weight, as the kernels store them. `exact_convolution` computes with the integers
themselves: sums of products without rounding, multiplied by a float32 ratio of scales, halves to even. That is what
XNNPACK and ONNX Runtime compute, to the byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from edgeir.quantize.weight_scales import LARGEST, WeightRule, weight_scales

__all__ = [
    "WeightFormat",
    "Weights",
    "exact_convolution",
    "fake_weights",
    "integer_weights",
    "rounded",
    "scale_of",
]

LOWEST, HIGHEST = -128, 127
_EXACT = 2.0**24
"""float32 holds all integers up to this one."""


@dataclass(frozen=True)
class Weights:
    """Integer weights and biases of a convolution.

    Attributes:
        values: int8 numbers as floats, in the shape of the weights.
        scales: of each output channel, float32.
        bias: int32 numbers as float64; None: there is none.
        axis: dimension of the output channels.
    """

    values: torch.Tensor
    scales: torch.Tensor
    bias: torch.Tensor | None
    axis: int


def rounded(value: torch.Tensor, scale: float, zero_point: int) -> torch.Tensor:
    """`value` on the grid of an 8-bit quantisation; gradients pass within its range."""
    return torch.fake_quantize_per_tensor_affine(value, scale, zero_point, LOWEST, HIGHEST)


def scale_of(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of 8 bits that span [low, high], which holds 0: the zero point is rounded, so 0 is exact."""
    scale = (high - low) / (HIGHEST - LOWEST)
    return scale, min(HIGHEST, max(LOWEST, round(LOWEST - low / scale)))


@dataclass(frozen=True)
class WeightFormat:
    """How the weights of a convolution are rounded.

    Attributes:
        rule: of their scales.
        axis: dimension of the output channels.
        per_tensor: one scale for all channels.
    """

    rule: WeightRule
    axis: int = 0
    per_tensor: bool = False

    def scales(self, weights: torch.Tensor) -> torch.Tensor:
        """Of each output channel, float32."""
        ordered = weights.detach().float().cpu().transpose(0, self.axis).numpy()
        scales = torch.from_numpy(weight_scales(ordered, self.rule)).to(weights.device)
        return scales.max().expand_as(scales).contiguous() if self.per_tensor else scales


def fake_weights(
    weights: torch.Tensor, bias: torch.Tensor | None, input_scale: float, form: WeightFormat
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Weights on the grid of their scales, and the bias on that of the products; gradients pass through both."""
    scales = form.scales(weights)
    zeros = torch.zeros_like(scales, dtype=torch.int32)
    rounded_weights = torch.fake_quantize_per_channel_affine(
        weights, scales, zeros, form.axis, -LARGEST, LARGEST
    )
    if bias is None:
        return rounded_weights, None
    step = scales * input_scale
    return rounded_weights, bias + (torch.round(bias.detach() / step) * step - bias.detach())


def integer_weights(
    weights: torch.Tensor, bias: torch.Tensor | None, input_scale: float, form: WeightFormat
) -> Weights:
    """The integers that `fake_weights` stands for."""
    scales = form.scales(weights)
    shape = [1] * weights.ndim
    shape[form.axis] = -1
    values = torch.round(weights.detach() / scales.reshape(shape)).clamp(-LARGEST, LARGEST)
    if bias is None:
        return Weights(values, scales, None, form.axis)
    step = (scales * torch.tensor(input_scale, dtype=torch.float32)).double()
    return Weights(values, scales, torch.round(bias.detach().double() / step), form.axis)


def exact_convolution(
    convolve: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    value: torch.Tensor,
    weights: Weights,
    given: tuple[float, int],
    result: tuple[float, int],
    bounds: tuple[float, float],
) -> torch.Tensor:
    """The result of an integer convolution, as floats on the grid of `result`.

    Args:
        convolve: the convolution without its bias, of integers by integers.
        value: on the grid of `given`.
        given, result: scale and zero point of input and output.
        bounds: of the activation that follows, -inf and inf for none.
    """
    largest = float(weights.values.abs().flatten(1).sum(1).max()) * (HIGHEST - LOWEST)
    kind = torch.float32 if largest < _EXACT else torch.float64
    integers = torch.round(value / given[0]).to(kind)
    total = convolve(integers, weights.values.to(kind)).double()
    if weights.bias is not None:
        total = total + weights.bias.reshape(1, -1, 1, 1)
    ratio = _float32(given[0]) * weights.scales / _float32(result[0])
    steps = torch.round(total.float() * ratio.reshape(1, -1, 1, 1))
    low, high = LOWEST - result[1], HIGHEST - result[1]
    low = max(low, round(max(bounds[0] / result[0], low)))
    high = min(high, round(min(bounds[1] / result[0], high)))
    grid: torch.Tensor = steps.clamp(low, high) * _float32(result[0])
    return grid


def _float32(value: float) -> Any:
    return torch.tensor(value, dtype=torch.float32)
