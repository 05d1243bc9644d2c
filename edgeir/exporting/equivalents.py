"""Operators that converters refuse or spell badly, replaced by simpler ones that compute the same, at a fixed size.

Applied to the recorded graph of another author's network (`edgeir.exporting.recording`); edgeir's own networks are
written with the simple ones. All are exact but for the order of float sums.

| operator | becomes | because |
| --- | --- | --- |
| group_norm | means over the image, averaged over groups by a 1x1 convolution | converters reshape to rank 5 |
| mish | relu(x) + log(1 + exp(-|x|)) for the softplus inside | a threshold becomes GREATER and SELECT |
| adaptive_max_pool2d | max_pool2d, where the sides divide | no lowering |
| conv_transpose2d with a wide crop | without padding, then a slice | no lowering |
| repeat_interleave over channels | a 1x1 convolution with ones | BROADCAST_TO of rank 5 |
| slice_scatter over channels | a concatenation | PAD and SELECT with a mask |
| pixel_unshuffle | a strided convolution with ones | reshapes of rank 6 |
| pad by a negative number | a slice | no converter but LiteRT's takes it |
| slice of everything | nothing | it becomes an alias, which Core ML's converter does not know |
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["count_pixel_shuffles", "with_equivalents"]

aten: Any = torch.ops.aten


def with_equivalents(program: Any, *, known: frozenset[str] = frozenset()) -> nn.Module | None:
    """The module of a recorded program with equivalents; None where there is nothing to replace.

    Args:
        known: operators that the target has as they are, such as ``mish``.
    """
    module: Any = program.module()
    graph = module.graph
    changed = False
    for number, node in enumerate(list(graph.nodes)):
        if node.op != "call_function":
            continue
        if _does_nothing(node):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
            changed = True
            continue
        operator_name = str(node.target).removeprefix("aten.").partition(".")[0]
        rewrite = None if operator_name in known else _REWRITES.get(node.target)
        made = None if rewrite is None else rewrite(node)
        if made is None:
            continue
        changed = True
        name = f"equivalent_{number}"
        module.add_submodule(name, made.eval())
        with graph.inserting_before(node):
            tensors = tuple(given for given in node.args if isinstance(given, torch.fx.Node))
            new = graph.call_module(name, tensors)
        for user in list(node.users):  # of operators with several outputs, the first
            if user.target is operator.getitem and user.args[1] == 0:
                user.replace_all_uses_with(new)
                graph.erase_node(user)
        node.replace_all_uses_with(new)
        graph.erase_node(node)
    if not changed:
        return None
    graph.lint()
    module.recompile()
    return _OneMode(module)


def _does_nothing(node: Any) -> bool:
    if node.target not in (aten.slice.Tensor, aten.alias.default):
        return False
    return _shape(node) == _shape(node.args[0]) and _argument(node, 4, "step", 1) == 1


def count_pixel_shuffles(program: Any) -> int:
    """How many pixel shuffles a recorded program holds."""
    return sum(node.target is aten.pixel_shuffle.default for node in program.graph.nodes)


class _OneMode(nn.Module):
    """An exported module refuses `eval()`, which converters call."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.recorded = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.recorded(x)
        return out

    def train(self, mode: bool = True) -> _OneMode:
        self.training = mode
        return self


def _argument(node: Any, position: int, name: str, default: Any) -> Any:
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(int(side) for side in node.meta["val"].shape)


def _fixed(weights: torch.Tensor, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias."""
    out, given, side, _ = weights.shape
    conv = nn.Conv2d(given, out, side, stride=stride, bias=False).requires_grad_(False)
    conv.weight.copy_(weights)
    return conv


class _GroupNorm(nn.Module):
    def __init__(self, channels: int, groups: int, eps: float) -> None:
        super().__init__()
        size = channels // groups
        blocks = torch.kron(torch.eye(groups), torch.full((size, size), 1 / size))
        self.over_group = _fixed(blocks[:, :, None, None])
        self.eps = eps

    def forward(self, x: torch.Tensor, *affine: torch.Tensor) -> torch.Tensor:
        centred = x - self.over_group(x.mean((2, 3), keepdim=True))
        variance = self.over_group((centred * centred).mean((2, 3), keepdim=True))
        out: torch.Tensor = centred / torch.sqrt(variance + self.eps)
        if affine:
            weight, bias = (value.reshape(1, -1, 1, 1) for value in affine)
            out = out * weight + bias
        return out


def _group_norm(node: Any) -> nn.Module | None:
    shape = _shape(node.args[0])
    given = [entry for entry in node.args if isinstance(entry, torch.fx.Node)]
    if len(shape) != 4 or len(given) not in (1, 3):
        return None
    return _GroupNorm(shape[1], node.args[1], _argument(node, 4, "eps", 1e-5))


class _Mish(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        softplus = F.relu(x) + torch.log(1 + torch.exp(-torch.abs(x)))
        return x * torch.tanh(softplus)


def _mish(node: Any) -> nn.Module | None:
    return _Mish()


def _adaptive_max_pool(node: Any) -> nn.Module | None:
    given, out = _shape(node.args[0])[2:], node.args[1]
    if any(side % wanted for side, wanted in zip(given, out, strict=True)):
        return None
    return nn.MaxPool2d(tuple(side // wanted for side, wanted in zip(given, out, strict=True)))


class _CroppedTranspose(nn.Module):
    def __init__(self, stride: list[int], crop: list[int], more: list[int], groups: int) -> None:
        super().__init__()
        self.stride, self.crop, self.more, self.groups = stride, crop, more, groups

    def forward(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        out = F.conv_transpose2d(
            x, weight, bias, stride=self.stride, output_padding=self.more, groups=self.groups
        )
        top, left = self.crop
        return out[:, :, top : out.shape[2] - top, left : out.shape[3] - left]


def _conv_transpose(node: Any) -> nn.Module | None:
    kernel = _shape(node.args[1])[2:]
    stride = list(_argument(node, 3, "stride", [1, 1]))
    padding, more = (
        list(_argument(node, 4, "padding", [0, 0])),
        list(_argument(node, 5, "output_padding", [0, 0])),
    )
    stride, padding, more = (value * 2 if len(value) == 1 else value for value in (stride, padding, more))
    if list(_argument(node, 7, "dilation", [1, 1])) not in ([1], [1, 1]):
        return None
    whole = zip(kernel, stride, padding, more, strict=True)
    if all(
        2 * p in (0, k - s + o) for k, s, p, o in whole
    ):  # what converters know: nothing cropped, or size x stride
        return None
    return _CroppedTranspose(stride, padding, more, _argument(node, 6, "groups", 1))


def _repeat_interleave(node: Any) -> nn.Module | None:
    repeats, dim = node.args[1], _argument(node, 2, "dim", None)
    shape = _shape(node.args[0])
    if len(shape) != 4 or dim not in (1, -3):
        return None
    return _fixed(torch.eye(shape[1]).repeat_interleave(repeats, 0)[:, :, None, None])


class _Replaced(nn.Module):
    """Channels `start` to `end` are those of the second image."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__()
        self.start, self.end = start, end

    def forward(self, x: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
        parts = (x[:, : self.start], part, x[:, self.end :])
        return torch.cat([one for one in parts if one.shape[1]], 1)


def _slice_scatter(node: Any) -> nn.Module | None:
    shape, dim = _shape(node.args[0]), _argument(node, 2, "dim", 0)
    start, end = _argument(node, 3, "start", None) or 0, _argument(node, 4, "end", None)
    end = shape[1] if end is None else min(end, shape[1])
    if len(shape) != 4 or dim != 1 or _argument(node, 5, "step", 1) != 1 or start < 0 or end < 0:
        return None
    return _Replaced(start, end)


def _pixel_unshuffle(node: Any) -> nn.Module | None:
    channels, factor = _shape(node.args[0])[1], node.args[1]
    picks = torch.eye(channels * factor**2).reshape(channels * factor**2, channels, factor, factor)
    return _fixed(picks, factor)


class _Crop(nn.Module):
    """Pad or crop each side of an image: left, right, top, bottom."""

    def __init__(self, sides: list[int], value: float) -> None:
        super().__init__()
        self.sides, self.value = sides, value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right, top, bottom = (max(0, -side) for side in self.sides)
        x = x[:, :, top : x.shape[2] - bottom, left : x.shape[3] - right]
        wider = [max(0, side) for side in self.sides]
        return F.pad(x, wider, value=self.value) if any(wider) else x


def _negative_pad(node: Any) -> nn.Module | None:
    sides = list(node.args[1])
    if len(sides) != 4 or min(sides) >= 0 or _argument(node, 2, "mode", "constant") != "constant":
        return None
    return _Crop(sides, float(_argument(node, 3, "value", 0) or 0))


_REWRITES: dict[Any, Callable[[Any], nn.Module | None]] = {
    aten.group_norm.default: _group_norm,
    aten.mish.default: _mish,
    aten.adaptive_max_pool2d.default: _adaptive_max_pool,
    aten.conv_transpose2d.input: _conv_transpose,
    aten.repeat_interleave.self_int: _repeat_interleave,
    aten.slice_scatter.default: _slice_scatter,
    aten.pixel_unshuffle.default: _pixel_unshuffle,
    aten.pad.default: _negative_pad,
}
