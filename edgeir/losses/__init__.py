"""Image losses: one file per family, and the union of their configurations, `AnyLoss`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.losses.pixel import L1, L2, Charbonnier
from edgeir.losses.structure import SSIM

__all__ = ["L1", "L2", "SSIM", "AnyLoss", "Charbonnier"]

AnyLoss = Annotated[L1 | L2 | Charbonnier | SSIM, Field(discriminator="kind")]
"""Every image loss, discriminated by `kind`."""
