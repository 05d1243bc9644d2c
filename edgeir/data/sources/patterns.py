"""Synthetic images of saturated colours, which photographs hardly have: for training in integers.

An integer range that has to hold pure cyan is wide, and what it costs on a large area of cyan does not show on
photographs; a network that sees such areas while it is trained in integers learns to compute them. Each image is a flat
colour, a ramp between two colours, a sine grating, checkers, or rectangles over each other. Every channel of a colour
is 0, 1 or anything between. The images are not those of a proof (`edgeir.exporting.prove.extremes`), which are few and
fixed.
"""

from __future__ import annotations

import functools
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from edgeir.data.sources.base import ImageRef, Pixels, Source

__all__ = ["Patterns"]

Plane = NDArray[np.floating[Any]]


class Patterns(Source):
    """Flat colours, ramps, gratings, checkers and rectangles in saturated and mixed colours, from a seed."""

    kind: Literal["patterns"] = "patterns"
    count: int = Field(200, ge=1, le=100_000)
    """How many images."""
    side: int = Field(160, ge=16, le=4096)
    """Of each image, which is square, in pixels."""
    seed: int = Field(0, ge=0, le=2**32 - 1)

    def images(self) -> list[ImageRef]:
        """List them; an image depends on the seed, its number and the side alone."""
        return [
            ImageRef(
                f"pattern-{number:05d}",
                f"patterns:1:{self.seed}:{number}:{self.side}",
                functools.partial(pattern, self.seed, number, self.side),
            )
            for number in range(self.count)
        ]


def pattern(seed: int, number: int, side: int) -> Pixels:
    """Image `number` of a seed, (side, side, 3) uint8 RGB."""
    rng = np.random.default_rng((seed, number))
    kinds = (_flat, _ramp, _grating, _checkers, _rectangles)
    image = kinds[number % len(kinds)](rng, side)
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _colour(rng: np.random.Generator) -> Plane:
    """Each channel 0, 1 or anything between, as likely."""
    which = rng.integers(0, 3, 3)
    return np.where(which == 2, rng.random(3), which).astype(np.float64)


def _mixed(rng: np.random.Generator, share: Plane) -> Plane:
    """Two colours by a plane of shares in [0, 1]."""
    first, second = _colour(rng), _colour(rng)
    return first + (second - first) * share[..., None]


def _along(rng: np.random.Generator, side: int) -> Plane:
    """The distance along a random direction, in pixels."""
    angle = rng.uniform(0, np.pi)
    rows, columns = np.mgrid[:side, :side]
    return np.asarray(rows * np.sin(angle) + columns * np.cos(angle))


def _flat(rng: np.random.Generator, side: int) -> Plane:
    return np.broadcast_to(_colour(rng), (side, side, 3))


def _ramp(rng: np.random.Generator, side: int) -> Plane:
    along = _along(rng, side)
    return _mixed(rng, (along - along.min()) / np.ptp(along))


def _grating(rng: np.random.Generator, side: int) -> Plane:
    period = np.exp(rng.uniform(np.log(4), np.log(side)))
    return _mixed(rng, 0.5 + 0.5 * np.sin(2 * np.pi * _along(rng, side) / period))


def _checkers(rng: np.random.Generator, side: int) -> Plane:
    cell = int(np.exp(rng.uniform(np.log(2), np.log(side / 2))))
    rows, columns = np.mgrid[:side, :side]
    return _mixed(rng, ((rows // cell + columns // cell) % 2).astype(np.float64))


def _rectangles(rng: np.random.Generator, side: int) -> Plane:
    image = np.array(_flat(rng, side))
    for _ in range(int(rng.integers(3, 40))):
        top, left = rng.integers(0, side, 2)
        height, width = rng.integers(2, max(3, side // 2), 2)
        image[top : top + height, left : left + width] = _colour(rng)
    return image
