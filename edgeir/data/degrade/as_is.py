"""No degradation: photographs without a clean version, which the network is given as they are."""

from __future__ import annotations

from typing import Literal

import numpy as np

from edgeir.data.degrade.base import Pixels, SameSize

__all__ = ["AsIs"]


class AsIs(SameSize):
    """The image itself is the network's input, and there is no ground truth.

    For distillation: a student learns what its teacher makes of photographs that nobody has a better version of.
    """

    kind: Literal["as-is"] = "as-is"

    @property
    def unlabelled(self) -> bool:
        return True

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        return image.copy()
