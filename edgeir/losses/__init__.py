"""Image losses: one file per family, and the union of their configurations, `AnyLoss`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.losses.colour import Colour
from edgeir.losses.pixel import L1, L2, Charbonnier
from edgeir.losses.structure import SSIM
from edgeir.losses.variation import TotalVariation

__all__ = ["L1", "L2", "SSIM", "AnyLoss", "Charbonnier", "Colour", "TotalVariation"]

AnyLoss = Annotated[L1 | L2 | Charbonnier | SSIM | Colour | TotalVariation, Field(discriminator="kind")]
"""Every image loss, discriminated by `kind`."""
