"""The operators of MIL programs, in torch: convolution, pooling, resizing, and moving values about.

Each takes the operator's arguments by their MIL names and gives a tensor. Arguments and defaults are those of Apple's
reference of the operator set (iOS 15 to 18). Element-wise ones are in `elementwise`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from edgeir.runtime.mil.elementwise import ELEMENTWISE

__all__ = ["OPERATORS", "Operator"]

Arguments = Mapping[str, Any]
Operator = Callable[[Arguments], Any]


def _ints(value: Any) -> list[int]:
    return [int(number) for number in (value.reshape(-1).tolist() if isinstance(value, Tensor) else value)]


def _borders(
    x: Tensor, a: Arguments, kernel: Sequence[int], dilations: Sequence[int]
) -> list[tuple[int, int]]:
    """What is padded before and after each spatial axis."""
    kind, strides = a.get("pad_type", "valid"), _ints(a.get("strides", [1] * len(kernel)))
    if kind == "valid":
        return [(0, 0)] * len(kernel)
    if kind == "custom":
        pad = _ints(a["pad"])
        return list(zip(pad[::2], pad[1::2], strict=True))
    borders = []
    for size, side, stride, dilation in zip(x.shape[2:], kernel, strides, dilations, strict=True):
        total = max((math.ceil(size / stride) - 1) * stride + (side - 1) * dilation + 1 - size, 0)
        smaller, larger = total // 2, total - total // 2
        borders.append((larger, smaller) if kind == "same_lower" else (smaller, larger))
    return borders


def _padded(x: Tensor, borders: Sequence[tuple[int, int]], value: float) -> Tensor:
    flat = [side for border in reversed(borders) for side in border]
    return F.pad(x, flat, value=value) if any(flat) else x


def _conv(a: Arguments) -> Tensor:
    x, weight = a["x"], a["weight"]
    dilations = _ints(a.get("dilations", [1] * (weight.ndim - 2)))
    x = _padded(x, _borders(x, a, weight.shape[2:], dilations), 0.0)
    strides = _ints(a.get("strides", [1] * (weight.ndim - 2)))
    return F.conv2d(x, weight, a.get("bias"), strides, 0, dilations, int(a.get("groups", 1)))


def _conv_transpose(a: Arguments) -> Tensor:
    x, weight = a["x"], a["weight"]
    kind = a.get("pad_type", "valid")
    if kind not in ("valid", "custom"):
        raise NotImplementedError(f"conv_transpose with pad_type {kind}")
    spatial = weight.ndim - 2
    strides, dilations = _ints(a.get("strides", [1] * spatial)), _ints(a.get("dilations", [1] * spatial))
    whole = F.conv_transpose2d(x, weight, a.get("bias"), strides, 0, 0, int(a.get("groups", 1)), dilations)
    pad = _ints(a["pad"]) if kind == "custom" else [0] * 2 * spatial
    shape = _ints(a["output_shape"])[2:] if a.get("output_shape") is not None else None
    for axis in range(spatial):
        size = whole.shape[2 + axis] - pad[2 * axis] - pad[2 * axis + 1] if shape is None else shape[axis]
        missing = pad[2 * axis] + size - whole.shape[2 + axis]
        if missing > 0:
            border = [0, 0] * (spatial - 1 - axis) + [0, missing]
            whole = F.pad(whole, border)
        whole = whole.narrow(2 + axis, pad[2 * axis], size)
    return whole


def _pool(a: Arguments, *, largest: bool) -> Tensor:
    x, kernel = a["x"], _ints(a["kernel_sizes"])
    strides = _ints(a.get("strides", [1] * len(kernel)))
    borders = _borders(x, a, kernel, [1] * len(kernel))
    if a.get("ceil_mode"):
        grown = []
        for size, side, stride, (before, after) in zip(x.shape[2:], kernel, strides, borders, strict=True):
            steps = math.ceil((size + before + after - side) / stride)
            grown.append((before, max(after, steps * stride + side - size - before)))
        borders = grown
    if largest:
        return F.max_pool2d(_padded(x, borders, -math.inf), kernel, strides)
    summed = F.avg_pool2d(_padded(x, borders, 0.0), kernel, strides)
    if a.get("exclude_padding_from_average"):
        return summed / F.avg_pool2d(_padded(torch.ones_like(x), borders, 0.0), kernel, strides)
    return summed


def _pad(a: Arguments) -> Tensor:
    x, pad, mode = a["x"], _ints(a["pad"]), a.get("mode", "constant")
    pairs = list(zip(pad[::2], pad[1::2], strict=True))  # of the last axes, the first of them first
    while pairs and pairs[0] == (0, 0):
        pairs.pop(0)
    flat = [side for pair in reversed(pairs) for side in pair]
    if mode == "constant":
        return F.pad(x, flat, value=float(a.get("constant_val", 0.0)))
    return F.pad(x, flat, mode={"reflect": "reflect", "replicate": "replicate"}[mode])


def _slice(a: Arguments) -> Tensor:
    x: Tensor = a["x"]
    rank = x.ndim
    begin, end = _ints(a["begin"]), _ints(a["end"])
    strides = _ints(a["stride"]) if a.get("stride") is not None else [1] * rank
    masks = [
        _ints(a[name]) if a.get(name) is not None else [0] * rank
        for name in ("begin_mask", "end_mask", "squeeze_mask")
    ]
    squeezed = 0
    for axis in range(rank):
        size = x.shape[axis - squeezed]
        if masks[2][axis]:
            x = x.select(axis - squeezed, begin[axis])
            squeezed += 1
            continue
        if strides[axis] < 1:
            raise NotImplementedError("slice_by_index with a negative stride")
        index = slice(
            None if masks[0][axis] else begin[axis], None if masks[1][axis] else end[axis], strides[axis]
        )
        chosen = torch.arange(size)[index]
        x = x.index_select(axis - squeezed, chosen)
    return x


def _upsample(a: Arguments, mode: str) -> Tensor:
    factors = tuple(float(a.get(f"scale_factor_{name}", 1)) for name in ("height", "width"))
    size = [round(side * factor) for side, factor in zip(a["x"].shape[2:], factors, strict=True)]
    if mode == "nearest":
        return F.interpolate(a["x"], size=size, mode=mode)
    if a.get("half_pixel_centers") is False and not a.get("align_corners", True):
        raise NotImplementedError("upsample_bilinear without half_pixel_centers")
    return F.interpolate(a["x"], size=size, mode=mode, align_corners=bool(a.get("align_corners", True)))


def _resample(a: Arguments) -> Tensor:
    if a["coordinates_mode"] != "normalized_minus_one_to_one":
        raise NotImplementedError(f"resample with coordinates_mode {a['coordinates_mode']}")
    padding = {"constant": "zeros", "border": "border", "reflection": "reflection"}[a["padding_mode"]]
    if padding == "zeros" and float(a.get("padding_value", 0.0)) != 0.0:
        raise NotImplementedError("resample with another padding than zeros")
    return F.grid_sample(
        a["x"], a["coordinates"], a["sampling_mode"], padding, align_corners=bool(a["align_corners"])
    )


def _affine(a: Arguments) -> Tensor:
    """(data - zero_point) * scale along an axis."""
    data = a["quantized_data"].float()
    shape = [1] * data.ndim
    shape[int(a["axis"])] = -1
    zero, scale = (torch.as_tensor(a[name]).float() for name in ("zero_point", "scale"))
    zero, scale = (value.reshape(shape) if value.ndim else value for value in (zero, scale))
    return torch.mul(data - zero, scale)


def _reduced(a: Arguments, function: Callable[..., Tensor]) -> Tensor:
    axes = _ints(a["axes"]) if a.get("axes") is not None else list(range(a["x"].ndim))
    return function(a["x"], dim=axes, keepdim=bool(a.get("keep_dims", False)))


def _matmul(a: Arguments) -> Tensor:
    x, y = a["x"], a["y"]
    x = x.transpose(-1, -2) if a.get("transpose_x") else x
    return torch.matmul(x, y.transpose(-1, -2) if a.get("transpose_y") else y)


def _crop(a: Arguments) -> Tensor:
    x, (top, bottom), (left, right) = a["x"], _ints(a["crop_height"]), _ints(a["crop_width"])
    kept: Tensor = x[:, :, top : x.shape[2] - bottom, left : x.shape[3] - right]
    return kept


def _layer_norm(a: Arguments) -> Tensor:
    """Over any axes; gamma and beta have their shape."""
    x = a["x"]
    axes = [axis % x.ndim for axis in _ints(a["axes"])] if a.get("axes") is not None else list(range(x.ndim))
    mean = x.mean(axes, keepdim=True)
    variance = (x - mean).square().mean(axes, keepdim=True)
    result: Tensor = (x - mean) * torch.rsqrt(variance + float(a.get("epsilon", 1e-5)))
    shape = [x.shape[axis] if axis in axes else 1 for axis in range(x.ndim)]
    for name, combine in (("gamma", torch.mul), ("beta", torch.add)):
        if a.get(name) is not None:
            result = combine(result, a[name].reshape(shape))
    return result


def _batch_norm(a: Arguments) -> Tensor:
    return F.batch_norm(
        a["x"], a["mean"], a["variance"], a.get("gamma"), a.get("beta"), eps=float(a.get("epsilon", 1e-5))
    )


def _concat(a: Arguments) -> Tensor:
    if a.get("interleave"):
        raise NotImplementedError("concat with interleave")
    return torch.cat(list(a["values"]), int(a["axis"]))


def _split(a: Arguments) -> tuple[Tensor, ...]:
    if a.get("split_sizes") is not None:
        return tuple(torch.split(a["x"], _ints(a["split_sizes"]), int(a["axis"])))
    return tuple(torch.chunk(a["x"], int(a["num_splits"]), int(a["axis"])))


OPERATORS: dict[str, Operator] = {
    **ELEMENTWISE,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "max_pool": lambda a: _pool(a, largest=True),
    "avg_pool": lambda a: _pool(a, largest=False),
    "batch_norm": _batch_norm,
    "instance_norm": lambda a: F.instance_norm(
        a["x"], weight=a.get("gamma"), bias=a.get("beta"), eps=float(a.get("epsilon", 1e-5))
    ),
    "layer_norm": _layer_norm,
    "crop": _crop,
    "linear": lambda a: F.linear(a["x"], a["weight"], a.get("bias")),
    "matmul": _matmul,
    "pad": _pad,
    "slice_by_index": _slice,
    "upsample_nearest_neighbor": lambda a: _upsample(a, "nearest"),
    "upsample_bilinear": lambda a: _upsample(a, "bilinear"),
    "resample": _resample,
    "pixel_shuffle": lambda a: F.pixel_shuffle(a["x"], int(a["upscale_factor"])),
    "pixel_unshuffle": lambda a: F.pixel_unshuffle(a["x"], int(a["downscale_factor"])),
    "reshape": lambda a: a["x"].reshape(_ints(a["shape"])),
    "transpose": lambda a: a["x"].permute(_ints(a["perm"])),
    "expand_dims": lambda a: _expanded(a["x"], _ints(a["axes"])),
    "squeeze": lambda a: a["x"].squeeze(tuple(_ints(a["axes"]))) if a.get("axes") is not None else a["x"].squeeze(),
    "stack": lambda a: torch.stack(list(a["values"]), int(a["axis"])),
    "concat": _concat,
    "split": _split,
    "tile": lambda a: a["x"].repeat(_ints(a["reps"])),
    "reduce_mean": lambda a: _reduced(a, torch.mean),
    "reduce_sum": lambda a: _reduced(a, torch.sum),
    "reduce_max": lambda a: _reduced(a, torch.amax),
    "reduce_min": lambda a: _reduced(a, torch.amin),
    "softmax": lambda a: F.softmax(a["x"], int(a.get("axis", -1))),
    "constexpr_affine_dequantize": _affine,
}  # fmt: skip
"""MIL's name of an operator to what it computes."""


def _expanded(x: Tensor, axes: list[int]) -> Tensor:
    rank = x.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x
