"""Global statistics in an export: computed by the file, or constant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.prove.compare import compare
from edgeir.exporting.prove.images import Patch
from edgeir.manifest.parity import Change

if TYPE_CHECKING:
    from edgeir.models import Network

__all__ = ["cost", "made_constant"]


def made_constant(network: Network, inputs: NDArray[np.float32]) -> Network:
    """A copy of `network` with the statistics of calibration `inputs`, (N, H, W, 3) in [0, 1].

    Raises:
        ExportError: the network has no global statistics that could be constant.
    """
    from edgeir.models.constants import calibrate, with_constants

    return with_constants(network, calibrate(network, inputs))


def cost(constant: Network, own: Network, crops: Iterable[Patch]) -> Change:
    """The change by constants on photographs: the network with constants against that with each image's statistics."""
    from edgeir.runtime.torch import TorchSession

    changed, reference = (
        TorchSession(network.deploy(), network.facts, name="torch") for network in (constant, own)
    )
    return compare(changed.run, reference.run, crops)
