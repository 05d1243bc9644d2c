"""Where authors' published weights go in edgeir's own networks: one file per network, and `MAPS`, which names them."""

from __future__ import annotations

from edgeir.checkpoint.foreign.maps import bsrn, dncnn, ffdnet, plainusr, ppcn_enhance, smfanet, srcnn
from edgeir.checkpoint.foreign.maps.base import WeightMap

__all__ = ["MAPS", "WeightMap"]

MAPS: dict[str, WeightMap] = {
    entry.kind: entry
    for entry in (bsrn.MAP, dncnn.MAP, ffdnet.MAP, plainusr.MAP, ppcn_enhance.MAP, smfanet.MAP, srcnn.MAP)
}
"""By the `kind` of the network, sorted."""
