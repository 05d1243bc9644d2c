"""Which layers of a network a quantisation plan keeps in float, by the weights that a converted graph knows them by.

Converters rename and reorder what they convert; the numbers of a layer's weights stay, in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.quantize.plan import PLANS, LayerFormat, QuantizationPlan

if TYPE_CHECKING:
    from edgeir.models.base import Network

__all__ = ["WEIGHTS_ONLY", "check_plan", "fingerprint_of", "float_layers"]

_DEFAULTS = [
    LayerFormat(),
    LayerFormat(weights="float16", activations="float16"),
    LayerFormat(weights="int8", activations="int8"),
    LayerFormat(weights="int8", activations="int8", granularity="tensor"),
]
"""What every target with integers can make of every layer."""
WEIGHTS_ONLY = PLANS["w8"].default
"""What some targets can make as well."""


def check_plan(plan: QuantizationPlan, network: Network, *, more: Sequence[LayerFormat] = ()) -> None:
    """Refuse a plan that the target cannot follow, before anything is converted.

    Args:
        more: formats for all layers that the target can make beside the usual ones.

    Raises:
        ExportError: naming the layer, or the layers there are.
    """
    if plan.default not in (*_DEFAULTS, *more):
        raise ExportError(
            f"weights in {plan.default.weights} with activations in {plan.default.activations} cannot be made",
            fix="choose another --precision, such as fp32, fp16 or int8",
        )
    if not plan.layers:
        return
    if not plan.default.integer:
        raise ExportError("only an int8 plan can keep single layers at another precision")
    for pattern, form in plan.layers.items():
        if form != LayerFormat():
            raise ExportError(f"the layer `{pattern}` can be kept in float32 only, not as {form.weights}")
    names = list(_convolutions(network))
    if unknown := plan.unmatched(names):
        raise ExportError(
            f"the network has no layer `{unknown[0]}`", fix=f"its convolutions are {', '.join(names)}"
        )


def float_layers(plan: QuantizationPlan, network: Network) -> dict[str, NDArray[np.float32]]:
    """The convolutions that an int8 plan keeps in float: name to `fingerprint_of` the weights."""
    return {
        name: fingerprint_of(weights)
        for name, weights in _convolutions(network).items()
        if not plan.format_of(name).integer
    }


def fingerprint_of(weights: NDArray[np.generic]) -> NDArray[np.float32]:
    """The same for weights in any order of their dimensions and channels."""
    return np.sort(np.asarray(weights, np.float32), axis=None)


def _convolutions(network: Network) -> dict[str, NDArray[np.float32]]:
    """Name to weights of every convolution of the deployed network."""
    from torch import nn

    return {
        name: module.weight.detach().numpy()
        for name, module in network.deploy().named_modules()
        if isinstance(module, nn.Conv2d)
    }
