"""One of several degradations for each image: a network that has to serve all of them learns them together."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from edgeir.data.degrade.base import Degradation, Degraded, Pixels
from edgeir.data.degrade.camera import PhoneCamera
from edgeir.data.degrade.noise import AWGN
from edgeir.data.degrade.single import Single

__all__ = ["OneOf"]


class OneOf(Degradation):
    """Degrade each image, or patch, by one of `choices`, drawn anew."""

    kind: Literal["one-of"] = "one-of"
    choices: tuple[Annotated[Single, Field(discriminator="kind")], ...] = Field(
        (AWGN(), PhoneCamera()), min_length=2, max_length=64
    )
    """Degradations of one scale; by default evenly distributed noise and that of a phone's camera."""
    shares: tuple[Annotated[float, Field(gt=0, le=1e6)], ...] | None = None
    """How often each is drawn, relative to the others; None = all alike."""

    @model_validator(mode="after")
    def _fit_together(self) -> OneOf:
        if self.shares is not None and len(self.shares) != len(self.choices):
            raise ValueError(f"`shares` has {len(self.shares)} values for {len(self.choices)} `choices`")
        for one in self.choices:
            if one.unlabelled:
                raise ValueError(f"`{one.kind}` has no clean image: it cannot be one of several")
            if getattr(one, "noise_map", False):
                raise ValueError("`noise_map` appends a plane, which the other `choices` do not")
        for what in ("scale", "enlargement"):
            found = {getattr(one, what): one.kind for one in self.choices}
            if len(found) > 1:
                said = " and ".join(f"{value} (`{kind}`)" for value, kind in found.items())
                raise ValueError(f"`choices` need one {what}, but have {said}")
        return self

    @property
    def scale(self) -> int:
        """Pixels of the original per pixel of the result, per side."""
        return self.choices[0].scale

    @property
    def enlargement(self) -> Literal["matlab", "pillow"]:
        return self.choices[0].enlargement

    @property
    def margin(self) -> int:
        step = 2 * self.scale  # whole pixels of the result, and a mosaic keeps its phase
        return -(-max(one.margin for one in self.choices) // step) * step

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Degraded:
        shares = np.ones(len(self.choices)) if self.shares is None else np.array(self.shares)
        chosen = int(rng.choice(len(self.choices), p=shares / shares.sum()))
        return self.choices[chosen].degrade(image, rng)
