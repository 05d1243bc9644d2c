"""Networks: one file each, and the union of their configurations, `AnyModel`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.models.base import Network
from edgeir.models.plainsr import PlainSR
from edgeir.models.ppcn_sr import PPCNSR
from edgeir.models.srcnn import SRCNN

__all__ = ["PPCNSR", "SRCNN", "AnyModel", "Network", "PlainSR"]

AnyModel = Annotated[PlainSR | PPCNSR | SRCNN, Field(discriminator="kind")]
"""Every network configuration, discriminated by `kind`."""
