"""The module that a converter is given: the deployed network, of another author's one in a simpler form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from edgeir.models import Network

__all__ = ["Prepared", "prepared"]


@dataclass(frozen=True)
class Prepared:
    """What a converter is given.

    Attributes:
        module: NCHW in and out.
        program: the recorded graph of another author's network; None for edgeir's own.
    """

    module: nn.Module
    program: Any = None


def prepared(
    network: Network, size: tuple[int, int] | None, *, known: frozenset[str] = frozenset()
) -> Prepared:
    """The network for one size of image; for None as it is, since equivalents hold for one size.

    edgeir's own networks are written as converters like them. In the recorded graph of another's, operators that are
    not get equivalents.

    Args:
        known: operators that the target has as they are (see `edgeir.exporting.equivalents`).

    Raises:
        ExportError: the network cannot be recorded; with the line of its code.
    """
    import torch

    from edgeir.exporting.equivalents import with_equivalents
    from edgeir.exporting.recording import recorded
    from edgeir.models.stated import WrappedNetwork

    deployed = network.deploy()
    if size is None or not isinstance(network, WrappedNetwork):
        return Prepared(deployed)
    program = recorded(deployed, torch.zeros(1, network.facts.channels, *size))
    # The module itself where nothing is replaced: its parts have names, and some tracers know more of them as modules.
    return Prepared(with_equivalents(program, known=known) or deployed, program)
