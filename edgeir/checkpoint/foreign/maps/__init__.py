"""Where authors' published weights go in edgeir's own networks: one file per network, and `MAPS`, which names them."""

from __future__ import annotations

from edgeir.checkpoint.foreign.maps import dncnn, ffdnet, ppcn_enhance, srcnn
from edgeir.checkpoint.foreign.maps.base import WeightMap

__all__ = ["MAPS", "WeightMap"]

MAPS: dict[str, WeightMap] = {
    entry.kind: entry for entry in (dncnn.MAP, ffdnet.MAP, ppcn_enhance.MAP, srcnn.MAP)
}
"""By the `kind` of the network, sorted."""
