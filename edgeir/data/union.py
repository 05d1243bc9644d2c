"""The union of all sources: single images, labelled images and pairs, discriminated by `kind`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.data.labelled.sources import ClassFolders, Digits, SegmentedFolders
from edgeir.data.paired.hdf5 import DND, NYU2Haze
from edgeir.data.paired.published import DIDMDN, DPED, PIRM, GoPro, PairedFolders
from edgeir.data.paired.realsr import DIV2KLR, RealSR
from edgeir.data.paired.sidd import SIDD
from edgeir.data.sources.embedded import Embedded
from edgeir.data.sources.folder import Folder
from edgeir.data.sources.patterns import Patterns
from edgeir.data.sources.standard import StandardSet

__all__ = ["AnySource"]

AnySource = Annotated[
    Folder
    | StandardSet
    | Embedded
    | Patterns
    | Digits
    | ClassFolders
    | SegmentedFolders
    | PairedFolders
    | DPED
    | PIRM
    | SIDD
    | RealSR
    | DIV2KLR
    | GoPro
    | DIDMDN
    | NYU2Haze
    | DND,
    Field(discriminator="kind"),
]
"""Every source, discriminated by `kind`. Sources that do not fit a setting are refused by its own check: pairs beside a
degradation (`edgeir.data.items.scale_of`), or images without labels where a method needs them."""
