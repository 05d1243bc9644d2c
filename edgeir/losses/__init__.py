"""Image losses: one file per family, and the union of their configurations, `AnyLoss`.

A paper's total is a weighted sum of them, which a recipe writes as a list and `edgeir.distillation.objective` adds up;
the totals of the papers are listed there.

The adversarial loss (`edgeir.losses.adversarial`) is not a member: it has a network that is trained in alternation.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.losses.adversarial import Adversarial
from edgeir.losses.colour import Colour
from edgeir.losses.contextual import Contextual
from edgeir.losses.perceptual import Perceptual
from edgeir.losses.pixel import L1, L2, Charbonnier
from edgeir.losses.structure import SSIM
from edgeir.losses.variation import TotalVariation

__all__ = [
    "L1",
    "L2",
    "SSIM",
    "Adversarial",
    "AnyLoss",
    "Charbonnier",
    "Colour",
    "Contextual",
    "Perceptual",
    "TotalVariation",
]

AnyLoss = Annotated[
    L1 | L2 | Charbonnier | SSIM | Colour | TotalVariation | Contextual | Perceptual,
    Field(discriminator="kind"),
]
"""Every image loss, discriminated by `kind`."""
