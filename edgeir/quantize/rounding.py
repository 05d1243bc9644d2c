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

import contextlib
import copy
import itertools
from collections.abc import Iterable

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
    flat = _flat_images(network)
    given = _images(network, images)
    with torch.no_grad():
        read = _flat_values(deployed, convolutions, flat)
        for name in read:
            layer = convolutions[name]
            found = _rounded_layer(layer.weight.numpy(), read[name], layer.groups, rule, per_tensor)
            layer.weight.copy_(torch.from_numpy(found))
        _keep_means(original, deployed, convolutions, flat if given is None else given)
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
            _move_largest(channel, -np.sign(over))


def _largest(channel: NDArray[np.float64]) -> float:
    return float(max(np.abs(channel).max(), neighbour_sums(channel[None])[0]))


def _move_largest(channel: NDArray[np.float64], towards: float) -> None:
    """Move one of the largest numbers by a step such that `_largest` moves `towards`, if one does."""
    before = _largest(channel)
    for at in np.argsort(-np.abs(channel), axis=None)[:24]:
        place = np.unravel_index(at, channel.shape)
        kept = channel[place]
        channel[place] += towards * np.sign(kept)
        if (_largest(channel) - before) * towards > 0:
            return
        channel[place] = kept


def _flat_images(network: Network) -> torch.Tensor:
    """All colours of `LEVELS`, (N, C, H, W)."""
    side = -(-_SIDE // network.facts.size_multiple) * network.facts.size_multiple
    colours = torch.tensor(list(itertools.product(LEVELS, repeat=network.facts.channels)))
    return colours[:, :, None, None].expand(-1, -1, side, side).contiguous()


def _flat_values(
    deployed: nn.Module, layers: dict[str, nn.Conv2d], images: torch.Tensor
) -> dict[str, NDArray[np.float64]]:
    """What each layer reads in the middle of flat images: (images, input channels)."""
    read: dict[str, list[NDArray[np.float64]]] = {}

    def keep(name: str, given: torch.Tensor) -> None:
        height, width = given.shape[2:]
        read.setdefault(name, []).append(given[:, :, height // 2, width // 2].double().numpy())

    with contextlib.ExitStack() as stack:
        for name, layer in layers.items():
            hook = layer.register_forward_pre_hook(lambda _, given, name=name: keep(name, given[0]))
            stack.callback(hook.remove)
        for image in images:  # one by one: the memory of one small image, whatever the network
            deployed(image[None])
    return {name: np.concatenate(values) for name, values in read.items()}


def _keep_means(
    original: nn.Module, deployed: nn.Module, layers: dict[str, nn.Conv2d], images: torch.Tensor
) -> None:
    """Shift the biases of the rounded layers so that every output channel keeps its mean on the images, in place.

    In one run: a layer's output is shifted as it is computed, so that the layers behind it see that already.
    """
    wanted: dict[str, list[torch.Tensor]] = {}

    def note(name: str, output: torch.Tensor) -> None:
        wanted.setdefault(name, []).append(output.mean((0, 2, 3)))

    def shift(name: str, layer: nn.Conv2d, output: torch.Tensor) -> torch.Tensor:
        means = wanted[name]
        if layer.bias is None or len(means) > 1:  # a layer that is used twice has one bias for both
            return output
        by = means[0] - output.mean((0, 2, 3))
        layer.bias += by
        return output + by[:, None, None]

    with contextlib.ExitStack() as stack:
        for name in layers:
            layer = original.get_submodule(name)
            hook = layer.register_forward_hook(lambda _, __, output, name=name: note(name, output))
            stack.callback(hook.remove)
        original(images)
    with contextlib.ExitStack() as stack:
        for name, layer in layers.items():
            hook = layer.register_forward_hook(lambda layer, _, output, name=name: shift(name, layer, output))
            stack.callback(hook.remove)
        deployed(images)


def _images(network: Network, given: NDArray[np.float32] | None) -> torch.Tensor | None:
    """(N, C, H, W) of a size that the network takes; None where there is none."""
    if given is None or not len(given):
        return None
    unit = network.facts.size_multiple
    height, width = (side // unit * unit for side in given.shape[1:3])
    return torch.from_numpy(np.ascontiguousarray(given[:, :height, :width].transpose(0, 3, 1, 2)))
