"""8-bit weights whose rounding errors cancel on flat areas, in place of each weight's nearest number.

Rounding every weight to the nearest step gives each its own error of up to half a step, and where the image is flat all
taps of a kernel see the same value, so that their errors add up: a tint, which is what the eye sees first and what
photographs, flat in most places, lose most by. Here the numbers of an output channel are chosen together (as AdaRound
does; Nagel et al., ICML 2020). With e the errors of the weights, in steps, e_i their sum over the taps of input channel
i, and G_ij the mean of x_i x_j over flat images (x: what the layer reads there), the numbers minimise

    sum_ij e_i G_ij e_j  +  t * sum_i,tap e_i,tap^2 ,

the squared error on flat areas, and that of a bit of texture without correlation: t = `TEXTURE` times the mean of G_ii.
No calibration image is needed: the flat images are all combinations of a few levels.

Decided here: coordinate descent from the nearest numbers, one step of one weight at a time in every output channel, as
long as it helps; no weight goes further than a step from its value, and the largest of a channel stays, so that a
quantiser that takes its scale from the largest finds the same scale and the same numbers. Where neighbours set the
scale (rule ``pairs``), their sums are brought back to 127 steps at the end. What is left of a layer's mean error on
images is taken off its biases, from the first layer to the last (Nagel et al., "Data-Free Quantization Through Weight
Equalization and Bias Correction", ICCV 2019, appendix D).
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgeir.models.base import Network
from edgeir.quantize.weight_scales import LARGEST, WeightRule, neighbour_sums, weight_scales

__all__ = ["TEXTURE", "rounded", "rounded_kernel"]

TEXTURE = 0.1
LEVELS = (0.0, 0.5, 1.0)
_SIDE = 33
"""Of a flat image: wide enough that its middle does not see the border in a network of a dozen layers."""
Kernel = NDArray[np.float32]


def rounded(
    network: Network,
    layers: Iterable[str],
    *,
    rule: WeightRule = "full",
    per_tensor: bool = False,
    images: NDArray[np.float32] | None = None,
) -> Network:
    """The network with a deployed form whose convolutions have weights that are 8-bit numbers times a scale.

    Args:
        layers: names of the convolutions in the deployed form that are to be rounded; others stay as they are.
        rule: of the scales, which the quantiser has to share.
        per_tensor: one scale for a layer.
        images: (N, H, W, C) in [0, 1], on which the mean of every layer's output is kept; None: on the flat images.
    """
    original = network.deploy().eval()
    deployed = copy.deepcopy(network.deploy()).eval()
    wanted = set(layers)
    convolutions = {
        name: layer
        for name, layer in deployed.named_modules()
        if isinstance(layer, nn.Conv2d) and name in wanted
    }
    read = _flat_values(deployed, convolutions, network.facts.channels, network.facts.size_multiple)
    with torch.no_grad():
        for name, layer in convolutions.items():
            if name in read:
                weights = layer.weight.numpy()
                found = _rounded_layer(weights, read[name], layer.groups, rule, per_tensor)
                layer.weight.copy_(torch.from_numpy(found))
        _keep_means(original, deployed, list(convolutions), _batches(network, images))
    result = copy.copy(network)
    result.deploy = lambda: copy.deepcopy(deployed)  # type: ignore[method-assign]
    return result


def rounded_kernel(
    weights: Kernel, gram: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Numbers of (out, in, rows, columns) weights of one group of a convolution, of the same shape.

    Args:
        gram: G above, (in, in).
        scales: of each output channel.
    """
    exact = weights.reshape(*weights.shape[:2], -1).astype(np.float64) / scales[:, None, None]
    numbers = np.clip(np.rint(exact), -LARGEST, LARGEST)
    errors = exact - numbers
    diagonal = np.diag(gram)
    texture = TEXTURE * float(diagonal.mean())
    if texture <= 0:  # the layer reads zeros
        return numbers.reshape(weights.shape)
    flat = np.abs(exact).reshape(len(exact), -1)
    held = (flat >= flat.max(1, keepdims=True)).reshape(exact.shape)
    sums = errors.sum(2) @ gram
    rows = np.arange(len(exact))
    for _ in range(exact[0].size * 2):
        slope = sums[:, :, None] + texture * errors
        step = np.sign(slope)
        gain = 2 * np.abs(slope) - (diagonal[None, :, None] + texture)
        gain[held | (np.abs(errors - step) > 1) | (np.abs(numbers + step) > LARGEST)] = 0
        best = gain.reshape(len(gain), -1).argmax(1)
        channel, tap = np.unravel_index(best, exact.shape[1:])
        moves = np.where(gain[rows, channel, tap] > 1e-9 * texture, step[rows, channel, tap], 0)
        if not moves.any():
            break
        numbers[rows, channel, tap] += moves
        errors[rows, channel, tap] -= moves
        sums -= moves[:, None] * gram[channel]
    return numbers.reshape(weights.shape)


def _rounded_layer(
    weights: Kernel, read: NDArray[np.float64], groups: int, rule: WeightRule, per_tensor: bool
) -> Kernel:
    scales = weight_scales(weights, rule).astype(np.float64)
    if per_tensor:
        scales[:] = scales.max()
    numbers = np.empty(weights.shape)
    outputs, inputs = len(weights) // groups, weights.shape[1]
    for group in range(groups):
        own = slice(group * outputs, (group + 1) * outputs)
        seen = read[:, group * inputs : (group + 1) * inputs]
        numbers[own] = rounded_kernel(weights[own], seen.T @ seen / len(seen), scales[own])
    if rule == "pairs":
        _settle_pairs(numbers)
    made = (numbers * scales[:, None, None, None]).astype(np.float32)
    again = weight_scales(made, rule).astype(np.float64)
    again[:] = again.max() if per_tensor else again
    # A channel whose scale would come out otherwise is left to the quantiser's own rounding.
    same = np.abs(again / scales - 1) < 1e-5
    return np.where(same[:, None, None, None], made, weights).astype(np.float32)


def _settle_pairs(numbers: NDArray[np.float64]) -> None:
    """Bring the largest number, or sum of neighbours, of each channel to `LARGEST` steps where it is near, in place."""
    for channel in numbers:
        for _ in range(16):
            over = _largest(channel) - LARGEST
            if over == 0 or abs(over) > 2:
                break
            _move_best(channel, -np.sign(over), _largest)


def _largest(channel: NDArray[np.float64]) -> float:
    return float(max(np.abs(channel).max(), neighbour_sums(channel[None])[0]))


def _move_best(
    channel: NDArray[np.float64], towards: float, value: Callable[[NDArray[np.float64]], float]
) -> None:
    """Move one of the largest numbers by a step such that `value` moves `towards`, if one does."""
    before = value(channel)
    for at in np.argsort(-np.abs(channel), axis=None)[:24]:
        place = np.unravel_index(at, channel.shape)
        kept = channel[place]
        channel[place] += towards * np.sign(kept)
        if (value(channel) - before) * towards > 0:
            return
        channel[place] = kept


def _keep_means(
    original: nn.Module, deployed: nn.Module, layers: list[str], batches: list[torch.Tensor]
) -> None:
    """Shift the biases of the rounded layers, in the order in which they compute, in place."""
    wanted = _output_means(original, layers, batches, {})
    once = [name for name in layers if len(wanted.get(name, [])) == len(batches)]  # none that is used twice
    for name in sorted(once, key=list(wanted).index):
        bias = deployed.get_submodule(name).bias
        if isinstance(bias, torch.Tensor):
            got = _output_means(deployed, [name], batches, {})[name]
            bias += torch.stack(wanted[name]).mean(0) - torch.stack(got).mean(0)


def _output_means(
    module: nn.Module, layers: list[str], batches: list[torch.Tensor], means: dict[str, list[torch.Tensor]]
) -> dict[str, list[torch.Tensor]]:
    """The mean of every output channel of each layer, a list for the batches, in the order of computation."""

    def keep(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None]:
        def hook(_: nn.Module, __: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            means.setdefault(name, []).append(output.mean((0, 2, 3)))

        return hook

    hooks = [module.get_submodule(name).register_forward_hook(keep(name)) for name in layers]
    try:
        for batch in batches:
            module(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return means


def _batches(network: Network, images: NDArray[np.float32] | None) -> list[torch.Tensor]:
    if images is not None and len(images):
        unit = network.facts.size_multiple
        height, width = (side // unit * unit for side in images.shape[1:3])
        return [torch.from_numpy(np.ascontiguousarray(images[:, :height, :width].transpose(0, 3, 1, 2)))]
    side = -(-_SIDE // network.facts.size_multiple) * network.facts.size_multiple
    colours = list(itertools.product(LEVELS, repeat=network.facts.channels))
    return [torch.tensor(colours)[:, :, None, None].expand(-1, -1, side, side).contiguous()]


def _flat_values(
    deployed: nn.Module, layers: dict[str, nn.Conv2d], channels: int, unit: int
) -> dict[str, NDArray[np.float64]]:
    """What each layer reads in the middle of flat images: (images, input channels)."""
    read: dict[str, list[NDArray[np.float64]]] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def hook(_: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            height, width = arguments[0].shape[2:]
            middle = arguments[0][:, :, height // 2, width // 2]
            read.setdefault(name, []).append(middle.double().numpy())

        return hook

    hooks = [layer.register_forward_pre_hook(keep(name)) for name, layer in layers.items()]
    side = -(-_SIDE // unit) * unit
    try:
        with torch.no_grad():
            for colour in itertools.product(LEVELS, repeat=channels):
                flat = torch.tensor(colour).view(1, channels, 1, 1)
                deployed(flat.expand(1, channels, side, side).contiguous())
    finally:
        for hook in hooks:
            hook.remove()
    return {name: np.concatenate(values) for name, values in read.items()}
