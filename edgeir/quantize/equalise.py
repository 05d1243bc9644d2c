"""Cross-layer equalisation: channels between two convolutions get equal ranges, and the result stays.

Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.1. ReLU and
LeakyReLU are positively homogeneous: relu(s x) = s relu(x). So channel i between a convolution and the next can be
divided by s_i in the first (weights and bias) and multiplied by s_i in the second. With r1_i and r2_i the largest
weights of channel i in the first and the second, s_i = sqrt(r1_i / r2_i) makes both sqrt(r1_i r2_i) (equation 11).

Decided here: pairs of ungrouped convolutions with nothing but a ReLU or LeakyReLU between, which nothing else reads;
from the first layer to the last, again until no factor is further than `_SETTLED` from 1; channels that are zero on one
side stay as they are.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from edgeir.models.base import Network
from edgeir.quantize.recording import Recording, operator_name, record

__all__ = ["equalised", "equalised_pairs"]

_HOMOGENEOUS = frozenset({"relu", "leaky_relu"})
_MOST_ROUNDS, _SETTLED = 50, 1e-3


def equalised(network: Network) -> Network:
    """The network with a deployed form whose layers are equalised; it computes the same but for rounding.

    Raises:
        ConfigError: its deployed form cannot be recorded.
    """
    deployed = copy.deepcopy(network.deploy()).eval()
    pairs = equalised_pairs(record(deployed, network.facts))
    weights: dict[str, torch.Tensor] = dict(deployed.named_parameters())
    with torch.no_grad():
        for _ in range(_MOST_ROUNDS):
            if not pairs or max(_equalise(weights, *pair) for pair in pairs) < _SETTLED:
                break
    result = copy.copy(network)
    result.deploy = lambda: copy.deepcopy(deployed)  # type: ignore[method-assign]
    return result


def equalised_pairs(recording: Recording) -> list[tuple[str, str | None, str]]:
    """Weights and bias of a convolution, and weights of the next one, for every pair that can be equalised."""
    found = []
    for second in recording.calls:
        first = _only_source(second) if _plain_convolution(second, recording) else None
        if first is not None and _plain_convolution(first, recording):
            bias = first.args[2] if len(first.args) > 2 else None
            if bias is None or _name(bias, recording) is not None:
                found.append(
                    (
                        _name(first.args[1], recording),
                        _name(bias, recording),
                        _name(second.args[1], recording),
                    )
                )
    once = [name for pair in found for name in pair if name is not None]
    return [
        (first, bias, second)
        for first, bias, second in found
        if first is not None
        and second is not None
        # a layer that is used twice cannot have a scale for each use
        and once.count(first) <= 2
        and (bias is None or once.count(bias) == 1)
    ]


def _only_source(convolution: torch.fx.Node) -> torch.fx.Node | None:
    """The operator in front of a convolution, behind whose activation nothing else reads."""
    source = convolution.args[0]
    if not isinstance(source, torch.fx.Node) or len(source.users) != 1:
        return None
    if source.op == "call_function" and operator_name(source) in _HOMOGENEOUS:
        source = source.args[0]
        if not isinstance(source, torch.fx.Node) or len(source.users) != 1:
            return None
    return source if source.op == "call_function" else None


def _plain_convolution(node: torch.fx.Node, recording: Recording) -> bool:
    """An ungrouped convolution whose weights nothing else uses."""
    if operator_name(node) != "conv2d":
        return False
    groups = node.args[6] if len(node.args) > 6 else node.kwargs.get("groups", 1)
    weight = node.args[1]
    alone = isinstance(weight, torch.fx.Node) and len(weight.users) == 1
    return bool(groups == 1 and alone and _name(weight, recording) is not None)


def _name(argument: Any, recording: Recording) -> str | None:
    return recording.weights.get(argument.name) if isinstance(argument, torch.fx.Node) else None


def _equalise(weights: dict[str, torch.Tensor], first: str, bias: str | None, second: str) -> float:
    """Equalise one pair in place; how far the furthest factor is from 1."""
    before, after = weights[first], weights[second]
    largest = before.abs().amax((1, 2, 3))
    read = after.abs().amax((0, 2, 3))
    usable = (largest > 0) & (read > 0)
    factor = torch.where(usable, (largest / read.clamp_min(1e-30)).sqrt(), torch.ones_like(largest))
    before.div_(factor[:, None, None, None])
    if bias is not None:
        weights[bias].div_(factor)
    after.mul_(factor[None, :, None, None])
    return float((factor - 1).abs().max())
