"""PPCN's photo enhancement generators (Hui et al., ECCV-W 2018, section 3.2 and Figs. 3-4): teacher and student.

Both raise the contrast around the image's own mean, work at full size with a few channels, and end in tanh·0.58 +
0.5. Instance normalisation and the contrast step use **global statistics** (`edgeir.models.blocks.global_statistics`):
`restore` gathers them tile by tile, and `edgeir.models.constants` makes them constant, after which `deploy`
leaves nothing but convolutions and a shift. Taps 1 and 2 are those of the attention distillation (eq. 12). Facts that
the paper leaves open (the contrast step, where normalisation and activation stand, eps 1e-3, dilations) follow the
authors' published configuration, which gives 21,843 parameters for the teacher and 2,715 for the student.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from edgeir.core.errors import CheckpointError
from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.blocks.global_statistics import Folding, ImageMean, InstanceNorm, statistics_layers
from edgeir.models.config import NetworkConfig

__all__ = ["PPCNEnhance", "load_reference_weights"]

_SLOPE, _EPS, _CONTRAST = 0.05, 1e-3, 1.2


class PPCNEnhanceConfig(NetworkConfig):
    """Configuration of `PPCNEnhance`."""

    kind: Literal["ppcn-enhance"] = "ppcn-enhance"
    scale: Literal[1] = 1
    size: Literal["student", "teacher"] = "student"
    start: Literal["authors", "kaiming"] = "authors"
    """Initial weights: the authors' normal ones of deviation 0.01, or torch's own, which learn faster in short runs."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(
            task="enhancement",
            receptive_radius=10,  # entry 3, blocks 6, tail 1, in either size
            global_operations=("image mean", "instance normalisation"),
        )

    def build(self) -> PPCNEnhance:
        return PPCNEnhance(self)


class Normalised(Folding):
    """Convolution of the same size, instance normalisation, LeakyReLU or nothing."""

    def __init__(
        self, given: int, out: int, kernel: tuple[int, int], dilation: int = 1, *, active: bool = True
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2 * dilation, kernel[1] // 2 * dilation)
        self.conv = nn.Conv2d(given, out, kernel, padding=padding, dilation=dilation)
        self.norm: nn.Module = InstanceNorm(out, eps=_EPS)
        self.active = active

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.norm(self.conv(x))
        return F.leaky_relu(out, _SLOPE) if self.active else out

    def fold(self) -> None:
        """Make one convolution of both."""
        if isinstance(self.norm, InstanceNorm) and self.norm.mean is not None:
            self.conv, self.norm = self.norm.folded_into(self.conv), nn.Identity()


class Contrast(nn.Module):
    """(x - m)·1.2 + m with the image's mean m of every channel."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = ImageMean()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean: torch.Tensor = self.mean(x)
        return (x - mean) * _CONTRAST + mean


class Shift(nn.Module):
    """x + a constant of every channel."""

    def __init__(self, values: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("values", values)
        self.values: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.values


class Plain(nn.Module):
    """Convolution of the same size, LeakyReLU."""

    def __init__(self, given: int, out: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, out, kernel, padding=(kernel[0] // 2, kernel[1] // 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(self.conv(x), _SLOPE)


class PPCNEnhance(Network):
    """(N, 3, H, W) -> (N, 3, H, W), values in (-0.08, 1.08)."""

    def __init__(self, config: PPCNEnhanceConfig) -> None:
        super().__init__()
        self.config: PPCNEnhanceConfig = config
        teacher = config.size == "teacher"
        width = 16 if teacher else 8
        self.contrast: nn.Module = Contrast()
        self.entry = nn.Sequential(Plain(3, width, (1, 7)), Plain(width, width, (7, 1)))
        self.blocks = nn.ModuleList()
        self.join: nn.Module = nn.Identity()  # a tap
        if teacher:
            for dilation in (1, 2):
                wide = Normalised(width, 2 * width, (3, 3), dilation)
                self.blocks.append(
                    nn.Sequential(wide, Normalised(2 * width, width, (3, 3), dilation, active=False))
                )
            self.join = Plain(2 * width, width, (1, 1))
        else:
            wide = Normalised(width, 2 * width, (1, 7), 2)
            self.blocks.append(nn.Sequential(wide, Normalised(2 * width, width, (7, 1), 2)))
        self.tail = nn.Conv2d(width, 3, 3, padding=1)
        if config.start == "authors":
            self.reset()

    def reset(self) -> None:
        """The authors' initialisation: truncated normal weights with deviation 0.01, biases 0.01."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=0.01, a=-0.02, b=0.02)
                assert module.bias is not None
                nn.init.constant_(module.bias, 0.01)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.entry(self.contrast(x))
        outputs, features = [], first
        for block in self.blocks:
            features = features + block(features)
            outputs.append(features)
        features = self.join(torch.cat(outputs, 1))
        return torch.tanh(self.tail(features)) * 0.58 + 0.5

    def deploy(self) -> nn.Module:
        """See `Network.deploy`; statistics that are not fixed are computed in operations that exporters know."""
        deployed = super().deploy()
        for layer in statistics_layers(deployed):
            layer.computes = "graph"
        return deployed

    def simplify(self) -> None:
        """Fold a fixed mean: x·1.2 - 0.2·m is 1.2·(x - m/6).

        The factor goes into the first convolution; the shift stays, because it is the shifted image that is padded
        with zeros.
        """
        if isinstance(self.contrast, Contrast) and self.contrast.mean.mean is not None:
            self.contrast = Shift(self.contrast.mean.mean * (1 / _CONTRAST - 1))
            first = self.entry[0]
            assert isinstance(first, Plain)
            with torch.no_grad():
                first.conv.weight *= _CONTRAST

    def taps(self) -> dict[str, nn.Module]:
        return {"tap.1": self.entry, "tap.2": self.join}


def load_reference_weights(network: PPCNEnhance, path: str | Path) -> None:
    """Load the authors' published weights (an ``.npz`` of HWIO arrays ``generator…__W0``, ``b0``, ``Variable`` …).

    The ``Variable``s are shift and scale of the instance normalisations, in order.

    Raises:
        CheckpointError: an array is missing or has another shape.
    """
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in network.modules() if isinstance(m, nn.InstanceNorm2d)]
    targets: dict[str, torch.Tensor] = {}
    for index, conv in enumerate(convolutions):
        assert conv.bias is not None
        targets |= {f"W{index}": conv.weight, f"b{index}": conv.bias}
    for index, tensor in enumerate(t for norm in norms for t in (norm.bias, norm.weight)):
        targets["Variable" if index == 0 else f"Variable_{index}"] = tensor
    with np.load(path, allow_pickle=False) as arrays:
        values = {name.rpartition("__")[2]: arrays[name] for name in arrays.files}
    for name, target in targets.items():
        if name not in values:
            raise CheckpointError(f"the array `{name}` is missing, so these are not its weights", where=path)
        value = torch.from_numpy(np.array(values[name], dtype=np.float32))
        value = value.permute(3, 2, 0, 1) if value.ndim == 4 else value
        if value.shape != target.shape:
            raise CheckpointError(
                f"`{name}` has shape {tuple(value.shape)} instead of {tuple(target.shape)}", where=path
            )
        with torch.no_grad():
            target.copy_(value)
