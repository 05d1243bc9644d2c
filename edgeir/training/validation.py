"""The held-out images of a run: centre crops, degraded as the training data are, the same ones every time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeir.core.errors import DataError
from edgeir.data.degrade.base import Degraded, to_unit
from edgeir.data.items import items_of
from edgeir.imaging.luma import luma_of
from edgeir.training.recipe import Recipe
from edgeir.training.sizes import clean_step

__all__ = ["ValidationPair", "validation_pairs"]

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ValidationPair:
    """One held-out image.

    Attributes:
        lr: the degraded image, (H, W, C) float32 on [0, 1].
        hr: the clean one, (scale * H, scale * W, C) uint8.
        reference: what the output is measured against; `hr`, but in colour where a gray network is measured on Y, so
            that its Y is the one that `edgeir eval` computes.
    """

    name: str
    lr: Floats
    hr: Pixels
    reference: Pixels


def validation_pairs(recipe: Recipe) -> list[ValidationPair]:
    """Decode, cut and degrade the validation images of a recipe.

    Raises:
        DataError: a source is not where it belongs, or one of its images cannot be used.
    """
    config = recipe.validation
    degradation, scale = recipe.validation_degradation, recipe.model.scale
    gray, step = recipe.model.facts.colour == "y", clean_step(recipe.model)
    pairs = []
    for index, item in enumerate(items_of(config.sources, degradation, (1.0,))[: config.limit]):
        lr, clean = item.load()
        if min(clean.shape[:2]) < step:
            raise DataError(
                f"the validation image is {clean.shape[0]}x{clean.shape[1]}, the network needs sides of {step}",
                where=item.name,
            )
        hr = _centre(luma_of(clean) if gray else clean, config.size, step, scale)
        if degradation is None:
            assert lr is not None
            whole, damage = (
                _centre(luma_of(lr) if gray else lr, config.size // scale, step // scale, 1),
                item.extra_degradation,
            )
        else:
            whole, damage = hr, degradation
        rng = np.random.default_rng([0, index])
        given: Degraded = whole if damage is None else damage.degrade(whole, rng)
        reference = _centre(clean, config.size, step, scale) if config.channel == "y" else hr
        pairs.append(ValidationPair(item.name, to_unit(given), hr, reference))
    return pairs


def _centre(image: Pixels, size: int, step: int, scale: int) -> Pixels:
    """The middle of an image, at most `size` wide and high, its sides multiples of `step`."""
    height, width = (min(side, size) // step * step for side in image.shape[:2])
    # Whole steps of the scale, so that a pair's degraded image can be cut at the same place.
    top, left = (
        (side - kept) // 2 // scale * scale for side, kept in zip(image.shape, (height, width), strict=False)
    )
    return np.ascontiguousarray(image[top : top + height, left : left + width])
