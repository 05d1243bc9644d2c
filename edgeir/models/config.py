"""The interface of every network's configuration: the network, and facts about it without building it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from edgeir.core.config import Config
from edgeir.manifest.facts import NetworkFacts
from edgeir.models.family import Family

if TYPE_CHECKING:
    from edgeir.models.base import Network

__all__ = ["Depth", "NetworkConfig", "Width", "colour_of"]

Width = Annotated[int, Field(ge=1, le=4096)]
"""Channels of a layer."""
Depth = Annotated[int, Field(ge=1, le=1000)]
"""A number of layers or blocks."""


class NetworkConfig(Config):
    """Base of every network's configuration.

    `facts` and `reads` are computed from the configuration alone: no weights are made and nothing is imported, so that
    recipes are checked in milliseconds whatever the network.
    """

    kind: str
    scale: int = 1
    """Enlargement per side."""

    @property
    @abstractmethod
    def facts(self) -> NetworkFacts:
        """Facts for runtimes, tiling and benchmarks."""

    @property
    def reads(self) -> Literal["degraded", "clean"]:
        """Which image of a training pair is the input; the clean one for an auto-encoder."""
        return "degraded"

    @property
    def operators(self) -> str:
        """Name of the operators in its files, for what was measured of them: the kind, where no option adds others."""
        return self.kind

    @abstractmethod
    def build(self) -> Network:
        """The network with fresh weights, on the CPU (or torch's current default device)."""

    def tap_names(self) -> tuple[str, ...]:
        """Names of the features that distillation may read, in forward order (see `Network.taps`); needs torch."""
        from edgeir.models.base import outline

        return tuple(outline(self).taps())

    def family(self) -> Family | None:
        """The sizes of this network that `edgeir fit` chooses from; None: there is no such list."""
        return None

    def check(self) -> None:
        """Raise an `EdgeIRError` for problems that would otherwise show only when the network is used.

        Called before any image is decoded. Default: there is nothing to check.
        """


def colour_of(channels: int) -> Literal["rgb", "y"]:
    """The fact `colour` of a network with this many channels."""
    return "y" if channels == 1 else "rgb"
