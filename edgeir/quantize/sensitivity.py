"""How much of an int8 network's error each layer makes.

Two figures per convolution, on calibration images, against the float network: the signal-to-noise ratio of the output
when this layer alone is in integers, and by how much the ratio of the whole int8 network grows when this layer has
float weights. The second is what a mixed plan wins by keeping the layer in float, whose result the next layer reads in
8 bits all the same; layers hide each other's errors, so that the first does not tell it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from edgeir.quantize.network import FakeQuantized

__all__ = ["LayerError", "layer_errors"]


@dataclass(frozen=True)
class LayerError:
    """A layer's share of the error.

    Attributes:
        layer: name in the deployed network.
        macs_per_pixel: multiply-accumulates for one pixel of the network's input.
        weights: how many there are.
        alone_db: signal-to-noise ratio of the restored image with this layer alone in integers.
        gain_db: by how much the ratio of the int8 network grows when this layer alone has float weights.
    """

    layer: str
    macs_per_pixel: float
    weights: int
    alone_db: float
    gain_db: float


def layer_errors(network: FakeQuantized, images: torch.Tensor) -> tuple[float, list[LayerError]]:
    """The ratio of the int8 network in dB, and every convolution in order.

    Args:
        network: calibrated.
        images: (N, C, H, W) in [0, 1].
    """
    layers = network.layers()
    names = [layer.name for layer in layers]
    found = []
    with torch.no_grad():
        wanted = network.run_partly(images, (), rounded=())
        whole = _ratio_db(network.run_partly(images, names), wanted)
        for layer in layers:
            alone = network.run_partly(images, {layer.name}, rounded={layer.name})
            without = network.run_partly(images, set(names) - {layer.name})
            gain = _ratio_db(without, wanted) - whole
            found.append(
                LayerError(
                    layer.name, layer.macs_per_pixel, layer.floats.numel(), _ratio_db(alone, wanted), gain
                )
            )
    return whole, found


def _ratio_db(image: torch.Tensor, wanted: torch.Tensor) -> float:
    """Of the variance of the wanted image to the mean squared difference, at most 120 dB."""
    error = float((image - wanted).double().square().mean())
    signal = float((wanted - wanted.mean()).double().square().mean())
    return min(120.0, 10 * math.log10(max(signal, 1e-20) / max(error, 1e-20)))
