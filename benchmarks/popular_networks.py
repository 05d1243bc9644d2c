"""The networks of ``popular.py``: spandrel's architectures, with fewer blocks, and weights that matter.

A fresh network often ends in zeros, or answers so wildly that single precision is lost. So every weight is drawn with
the deviation that keeps a signal's strength, and the last convolution is scaled until the output spreads like an image.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

__all__ = ["NETWORKS", "Popular", "made"]

_SPREAD = 0.25
"""Deviation of the output."""


@dataclass(frozen=True)
class Popular:
    """One network: spandrel's architecture and class, and the arguments of the constructor."""

    name: str
    architecture: str
    network: str
    arguments: dict[str, Any] = field(default_factory=dict)


NETWORKS = (
    Popular("Compact (Real-ESRGAN general, video)", "Compact", "SRVGGNetCompact", {"num_conv": 8}),
    Popular("RRDB x4 (ESRGAN, Real-ESRGAN)", "ESRGAN", "RRDBNet", {"num_filters": 32, "num_blocks": 2}),
    Popular("RRDB x2 (Real-ESRGAN x2plus)", "ESRGAN", "RRDBNet",
            {"num_filters": 32, "num_blocks": 1, "in_nc": 12, "shuffle_factor": 2}),
    Popular("SPAN", "SPAN", "SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 32}),
    Popular("NAFNet", "NAFNet", "NAFNet", {"width": 16, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]}),
    Popular("RealPLKSR", "PLKSR", "RealPLKSR", {"dim": 32, "n_blocks": 2}),
    Popular("PLKSR", "PLKSR", "PLKSR", {"dim": 32, "n_blocks": 2}),
    Popular("RCAN", "RCAN", "RCAN", {"n_resgroups": 1, "n_resblocks": 2, "n_feats": 32}),
    Popular("DnCNN", "DnCNN", "DnCNN", {"in_nc": 3, "out_nc": 3, "nc": 32, "nb": 8}),
    Popular("SAFMN", "SAFMN", "SAFMN", {"dim": 36, "n_blocks": 2}),
    Popular("MoSR", "MoSR", "MoSR", {"dim": 32, "n_block": 2}),
    Popular("RealCUGAN x2", "RealCUGAN", "UpCunet2x"),
    Popular("SwiftSRGAN", "SwiftSRGAN", "Generator", {"num_channels": 32, "num_blocks": 2}),
    Popular("SeemoRe", "SeemoRe", "SeemoRe", {"num_experts": 3, "num_layers": 2, "embedding_dim": 36}),
    Popular("OmniSR", "OmniSR", "OmniSR", {"num_feat": 32}),
    Popular("SwinIR", "SwinIR", "SwinIR",
            {"embed_dim": 24, "depths": [2, 2], "num_heads": [2, 2], "window_size": 8, "upscale": 4,
             "upsampler": "pixelshuffledirect"}),
)  # fmt: skip


def made(entry: Popular) -> nn.Module:
    """The network with drawn weights, in eval mode."""
    module = importlib.import_module(f"spandrel.architectures.{entry.architecture}")
    classes = [value for value in vars(module).values() if isinstance(value, type)]
    network: nn.Module = next(one for one in classes if one.__name__ == entry.network)(**entry.arguments)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in network.named_parameters():
            drawn = torch.randn(value.shape, generator=generator)
            scale = max(1, value[0].numel()) ** -0.5 if value.ndim > 1 else 0.1
            one = value.ndim == 1 and "norm" in name and name.endswith("weight")
            value.copy_(drawn * scale + one)
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                assert part.running_mean is not None
                assert part.running_var is not None
                part.running_mean.normal_(0, 0.1, generator=generator)
                part.running_var.uniform_(0.5, 1.5, generator=generator)
        _settle(network.eval(), generator)
    return network


def _settle(network: nn.Module, generator: torch.Generator) -> None:
    if (first := getattr(network, "conv_1", None)) is not None and hasattr(first, "update_params"):
        for part in (first.sk, first.conv[0]):  # SPAN's input is on the scale of bytes
            part.weight.div_(100)
    image = torch.rand(1, 3, 64, 64, generator=generator)
    lasts = [
        part for part in network.modules() if isinstance(part, nn.Conv2d) and part.out_channels in (3, 48)
    ]
    if lasts:
        spread = float(network(image.clone()).std())
        for value in lasts[-1].parameters():
            value.mul_(_SPREAD / max(spread, 1e-3))
    for part in network.modules():
        if hasattr(part, "update_params"):
            part.update_params()
