"""Which layers of a network a quantisation plan treats otherwise, by the weights that a converted graph knows them by.

Converters rename and reorder what they convert; the numbers of a layer's weights stay, in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.quantize.plan import PLANS, LayerFormat, QuantizationPlan

if TYPE_CHECKING:
    from edgeir.models.base import Network

__all__ = [
    "DYNAMIC",
    "SIXTEEN_BITS",
    "WEIGHTS_ONLY",
    "check_plan",
    "fingerprint_of",
    "float_layers",
    "layers_where",
    "sixteen_bit_layers",
]

_DEFAULTS = [PLANS[name].default for name in ("fp32", "fp16", "int8", "int8-tensor")]
"""What every target with integers can make of every layer."""
WEIGHTS_ONLY = PLANS["w8"].default
DYNAMIC = PLANS["dynamic"].default
SIXTEEN_BITS = PLANS["int16x8"].default
"""What some targets can make as well."""


def check_plan(
    plan: QuantizationPlan,
    network: Network,
    *,
    more: Sequence[LayerFormat] = (),
    single: Sequence[LayerFormat] = (),
) -> None:
    """Refuse a plan that the target cannot follow, before anything is converted.

    Args:
        more: formats for all layers that the target can make beside the usual ones.
        single: formats beside float32 that single layers of an int8 plan can have.

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
    if plan.default.weights != "int8":
        raise ExportError(
            f"the plan keeps single layers at another precision, and all others in {plan.default.weights}",
            fix="let its `default` be one with int8 weights",
        )
    for pattern, form in plan.layers.items():
        _check_layer(pattern, form, plan.default, single)
    names = list(_convolutions(network))
    if unknown := plan.unmatched(names):
        raise ExportError(
            f"the network has no layer `{unknown[0]}`", fix=f"its convolutions are {', '.join(names)}"
        )


def _check_layer(
    pattern: str, form: LayerFormat, default: LayerFormat, single: Sequence[LayerFormat]
) -> None:
    if form == LayerFormat() or (form in single and default.activations == "int8"):
        return
    asked = f"weights in {form.weights} with activations in {form.activations}"
    can = ["float32", *(each.activations for each in single if default.activations == "int8")]
    raise ExportError(f"the layer `{pattern}` can be kept in {' or '.join(can)} only, not as {asked}")


def float_layers(plan: QuantizationPlan, network: Network) -> dict[str, NDArray[np.float32]]:
    """The convolutions that a plan with int8 weights keeps in float: name to `fingerprint_of` the weights."""
    return layers_where(plan, network, lambda form: form.weights != "int8")


def sixteen_bit_layers(plan: QuantizationPlan, network: Network) -> dict[str, NDArray[np.float32]]:
    """The convolutions that an int8 plan keeps at 16-bit activations: name to `fingerprint_of` the weights."""
    if plan.default.activations == "int16":
        return {}
    return layers_where(plan, network, lambda form: form.activations == "int16")


def layers_where(
    plan: QuantizationPlan, network: Network, holds: Callable[[LayerFormat], bool]
) -> dict[str, NDArray[np.float32]]:
    """The convolutions with such a format: name to `fingerprint_of` the weights."""
    return {
        name: fingerprint_of(weights)
        for name, weights in _convolutions(network).items()
        if holds(plan.format_of(name))
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
