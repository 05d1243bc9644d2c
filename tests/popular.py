"""Small networks of spandrel's architectures with weights that matter, for tests; import it after `importorskip`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import nn

TINY: dict[str, tuple[str, str, dict[str, Any]]] = {
    "compact": ("Compact", "SRVGGNetCompact", {"num_feat": 8, "num_conv": 2, "upscale": 2}),
    "rrdb": ("ESRGAN", "RRDBNet", {"num_filters": 8, "num_blocks": 2, "scale": 4}),
    "rrdb-x2": ("ESRGAN", "RRDBNet", {"num_filters": 8, "num_blocks": 2, "in_nc": 12, "shuffle_factor": 2}),
    "span": ("SPAN", "SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 8, "upscale": 2}),
    "nafnet": ("NAFNet", "NAFNet", {"width": 8, "enc_blk_nums": [1], "dec_blk_nums": [1]}),
    "realplksr": ("PLKSR", "RealPLKSR", {"dim": 8, "n_blocks": 1, "kernel_size": 5, "upscaling_factor": 2}),
    "plksr": ("PLKSR", "PLKSR", {"dim": 8, "n_blocks": 1, "kernel_size": 5, "upscaling_factor": 2}),
    "rcan": ("RCAN", "RCAN", {"n_resgroups": 1, "n_resblocks": 1, "n_feats": 16, "scale": 2}),
    "dncnn": ("DnCNN", "DnCNN", {"in_nc": 3, "out_nc": 3, "nc": 8, "nb": 8}),
    "safmn": ("SAFMN", "SAFMN", {"dim": 8, "n_blocks": 1, "upscaling_factor": 2}),
    "mosr": ("MoSR", "MoSR", {"dim": 8, "n_block": 1, "upscale": 2}),
    "swiftsrgan": ("SwiftSRGAN", "Generator", {"num_channels": 8, "num_blocks": 1, "upscale_factor": 2}),
}


def network_of(name: str) -> nn.Module:
    """One of `TINY`, in eval mode."""
    architecture, wanted, arguments = TINY[name]
    module = importlib.import_module(f"spandrel.architectures.{architecture}")
    classes = [value for value in vars(module).values() if isinstance(value, type)]
    network: nn.Module = next(one for one in classes if one.__name__ == wanted)(**arguments).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, value in network.named_parameters():
            fan_in = max(1, value[0].numel()) if value.ndim > 1 else 100
            value.copy_(torch.randn(value.shape, generator=generator) / fan_in**0.5)
            if value.ndim == 1 and "norm" in key and key.endswith("weight"):
                value.add_(1)
        if name == "span":  # its input is on the scale of bytes
            for part in (network.conv_1.sk, network.conv_1.conv[0]):  # type: ignore[union-attr, index]
                part.weight.div_(100)  # type: ignore[union-attr, operator]
        network(torch.rand(1, 3, 16, 16))  # SPAN writes the weights that it computes into its state
    return network


def saved(name: str, folder: Path) -> Path:
    """A ``.pth`` file as its author would write it."""
    path = folder / f"{name}.pth"
    torch.save({"params_ema": network_of(name).state_dict()}, path)
    return path
