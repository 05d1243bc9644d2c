"""The interface of every network beyond ``forward``: facts, a deployable form, named taps and a MAC count."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import nn

from edgeir.core.errors import ConfigError
from edgeir.manifest.facts import NetworkFacts
from edgeir.models.blocks.fuse import fuse_norms
from edgeir.models.blocks.global_statistics import Folding
from edgeir.models.config import NetworkConfig
from edgeir.models.macs import count_macs

__all__ = [
    "Clip",
    "Network",
    "channels_last",
    "outline",
    "parameter_count",
    "refuse_clean_reader",
    "without_clip",
]


class Network(nn.Module, ABC):
    """A restoration network in its training form.

    ``forward`` takes and returns float NCHW images on the [0, 1] scale, of three channels or of one
    (`NetworkFacts.colour`); the training form does not clip.
    """

    config: NetworkConfig
    """The configuration whose `build()` made this network."""
    least_side: int = 1
    """The smallest height and width that a graph for any size can take; the network itself takes smaller images too."""
    cell: int = 1
    """Above 1: it pools on a grid of cells of so many pixels, whose windows are equal where this divides the sides."""
    continues: bool = False
    """Where it does not divide them, the image is continued up to whole cells: by so many pixels as its size says."""
    constants: bool = False
    """Its global statistics were replaced by constants (see `edgeir.models.constants`)."""

    @property
    def facts(self) -> NetworkFacts:
        """Facts for runtimes, tiling and benchmarks: those of the configuration, which needs no built network."""
        facts = self.config.facts
        return facts.model_copy(update={"global_operations": ()}) if self.constants else facts

    @property
    def reads(self) -> Literal["degraded", "clean"]:
        """See `NetworkConfig.reads`."""
        return self.config.reads

    @property
    def quantization(self) -> Mapping[str, Any] | None:
        """What its card keeps of quantisation-aware training; None: it computes in floats."""
        return None

    def deploy(self) -> nn.Module:
        """The network to export: eval mode, branches fused, output clipped to [0, 1] inside the graph.

        The result shares no parameters with the training form. Default: a copy with folded
        normalisations and fixed statistics, simplified (see `simplify`), and the clip.
        """
        network = fuse_norms(copy.deepcopy(self).eval())
        for part in list(network.modules()):
            if isinstance(part, Network):
                part.simplify()
            elif isinstance(part, Folding):
                part.fold()
        return nn.Sequential(network, Clip()).eval().requires_grad_(False)

    def at_sigma(self, sigma: float) -> Network:
        """This network for another noise level (on the 0-255 scale), if it takes one (`NetworkFacts.sigma`).

        Raises:
            ConfigError: it does not, or the level is not in [0, 255].
        """
        raise ConfigError([f"the network `{self.config.kind}` takes no noise level"], fix="leave `sigma` out")

    def simplify(self) -> None:
        """Replace operations of this copy, in place, by simpler ones that compute the same. Default: nothing.

        For inference only; `deploy` calls it on the copy and on every network inside it.
        """

    def fused(self) -> Network:
        """The smallest network of the same class that computes the same: what the zoo keeps. Default: itself."""
        return self

    def weights_from(self, other: Network) -> dict[str, torch.Tensor]:
        """Weights with which this network computes the same as `other`, where possible. Default: `other`'s own."""
        return other.state_dict()

    @abstractmethod
    def taps(self) -> dict[str, nn.Module]:
        """Modules whose output a distillation method may read, by stable name, in forward order."""

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of the deployed form for one image of this size (the network's own input)."""
        return count_macs(self.deploy(), 1, self.facts.channels, height, width)


def outline(config: NetworkConfig) -> Network:
    """The network without its weights (on torch's ``meta`` device): for its modules, in milliseconds at any size."""
    with torch.device("meta"):
        return config.build()


class Clip(nn.Module):
    """Clamp to [0, 1], as the last node of a deployed graph."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.clamp(x, 0.0, 1.0)


def refuse_clean_reader(network: Network | NetworkConfig, name: str) -> None:
    """Raise `ConfigError` for an auto-encoder of clean images, whose figures on degraded images are meaningless."""
    if network.reads == "clean":
        raise ConfigError(
            ["an auto-encoder reads the clean image, so it cannot restore a degraded one"],
            where=name,
            fix="train the network that starts from it (`fine_tune_from` in that recipe)",
        )


def without_clip(deployed: nn.Module) -> nn.Module:
    """The deployed network without the clip at its end."""
    if isinstance(deployed, nn.Sequential) and isinstance(deployed[-1], Clip):
        return deployed[:-1]
    return deployed


def parameter_count(module: nn.Module) -> int:
    """Number of trainable scalars."""
    return sum(parameter.numel() for parameter in module.parameters())


def channels_last(network: Network) -> Network:
    """Lay the weights out for channels-last convolutions, which are the fast ones on CPUs and GPUs; in place."""
    nn.Module.to(network, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
