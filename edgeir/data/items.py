"""The entries of a store: every image of the sources, at every size asked for, with or without its degraded version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeir.core.errors import ConfigError, DataError
from edgeir.data.degrade import AnyDegradation
from edgeir.data.labelled.sources import Plane, label_plane
from edgeir.data.paired.base import Paired, PairRef
from edgeir.data.sources.base import Files, ImageRef, Label
from edgeir.data.sources.licences import UNSTATED, licence_counts
from edgeir.data.union import AnySource
from edgeir.imaging.resize import resize

__all__ = ["Item", "drawn_anew", "items_of", "labels_of", "licences_of", "origin_of", "scale_of"]

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Item:
    """One entry of a store, not yet decoded.

    Attributes:
        stamp: identifies it (JSON values).
        weight: how often a pixel of it is to be sampled.
        load: decodes to (degraded or None, clean), uint8 HWC, the clean one cropped to a multiple of the scale.
        label: of an image of a labelled source, at its own size; None where it was shrunk.
        extra_degradation: degrades the degraded image of a paired source further; applied by the user of the item.
    """

    name: str
    stamp: Any
    weight: float
    load: Callable[[], tuple[Pixels | None, Pixels]]
    label: Label | None = None
    extra_degradation: AnyDegradation | None = None


def drawn_anew(sources: Sequence[AnySource], degradation: AnyDegradation | None) -> bool:
    """Whether every patch has a degradation of its own, so that an image has no one degraded version."""
    further = [source.extra_degradation for source in sources if isinstance(source, Paired)]
    return any(one is not None and one.random for one in (degradation, *further))


def licences_of(sources: Sequence[AnySource]) -> dict[str, int]:
    """The number of images under each licence, over all sources of image files; empty where none states one.

    An image that two sources read counts once.

    Raises:
        DataError: as for `Files.images` and `licence_counts`.
    """
    files = {ref.where for source in sources if isinstance(source, Files) for ref in source.images()}
    counts = licence_counts(sorted(path for path in files if path is not None))
    return {} if counts.keys() <= {UNSTATED} else counts


def scale_of(sources: Sequence[AnySource], degradation: AnyDegradation | None) -> int:
    """Clean pixels per degraded pixel, per side.

    Raises:
        ConfigError: no source, paired ones with a degradation, unpaired ones without, or pairs of different scales.
    """
    if not sources:
        raise ConfigError(["there must be at least one source"])
    paired = [isinstance(source, Paired) for source in sources]
    if degradation is not None:
        if any(paired):
            raise ConfigError(
                [
                    "paired sources are degraded already: set `degradation: null` "
                    "(what comes on top is their `extra_degradation`)"
                ]
            )
        return degradation.scale
    if not all(paired):
        raise ConfigError(["without a `degradation` every source must be paired"])
    scales = {source.scale for source in sources if isinstance(source, Paired)}
    if len(scales) > 1:
        raise ConfigError([f"the paired sources have different scales, {sorted(scales)}"])
    return scales.pop()


def items_of(
    sources: Sequence[AnySource], degradation: AnyDegradation | None, rescale: Sequence[float]
) -> list[Item]:
    """Every item, in order.

    A random degradation is applied when patches are cut: such items hold clean images only. So is a paired source's
    `extra_degradation`: such items hold the pair of the files.
    """
    scale = scale_of(sources, degradation)
    items: list[Item] = []
    for source in sources:
        if isinstance(source, Paired):
            items += [
                Item(
                    ref.name,
                    ref.stamp,
                    source.weight,
                    _paired_loader(ref, scale),
                    extra_degradation=ref.extra_degradation,
                )
                for ref in source.pairs()
            ]
        else:
            items += [
                Item(
                    ref.name,
                    [ref.stamp, factor],
                    source.weight,
                    _loader(ref, factor, scale, degradation),
                    ref.label if factor == 1.0 else None,
                )
                for ref in source.images()
                for factor in source.rescale or rescale
            ]
    return items


def labels_of(
    sources: Sequence[AnySource],
    degradation: AnyDegradation | None,
    rescale: Sequence[float],
    sizes: Sequence[tuple[int, int]],
    kept: Sequence[int] | None = None,
) -> Plane:
    """The labels of a store's images by their index there. Errors as for `label_plane`.

    Args:
        sizes: of its clean images. kept: their places among the items, where some were left out.
    """
    items = items_of(sources, degradation, rescale)
    return label_plane([items[place].label for place in (range(len(items)) if kept is None else kept)], sizes)


def origin_of(source: AnySource) -> str:
    """A source in short, for errors: its kind, and its path or name."""
    names = (getattr(source, key, None) for key in ("path", "name", "given", "clean"))
    return " ".join([source.kind, *(str(name) for name in names if name)])


def _loader(
    ref: ImageRef, factor: float, scale: int, degradation: AnyDegradation | None
) -> Callable[[], tuple[Pixels | None, Pixels]]:
    def load() -> tuple[Pixels | None, Pixels]:
        image = ref.load()
        if factor != 1.0:
            size = (round(image.shape[0] * factor), round(image.shape[1] * factor))
            if not all(size):
                raise DataError(
                    f"the image of {image.shape[0]}x{image.shape[1]} pixels, shrunk by {factor:g}, has none left",
                    where=ref.where or ref.name,
                    fix="leave out the small factors of `rescale`, or the small images",
                )
            image = resize(image, size)
        clean = _whole(image, scale, ref.where or ref.name)
        if degradation is None or degradation.random:
            return None, clean
        degraded = degradation.degrade(clean, np.random.default_rng(0))
        assert degraded.dtype == np.uint8, "what is stored is bytes"
        return degraded.view(np.uint8), clean

    return load


def _paired_loader(ref: PairRef, scale: int) -> Callable[[], tuple[Pixels | None, Pixels]]:
    def load() -> tuple[Pixels | None, Pixels]:
        where = ref.where or ref.name
        given, clean = ref.given(), _whole(ref.clean(), scale, where)
        expected = (clean.shape[0] // scale, clean.shape[1] // scale)
        if given.shape[:2] != expected:
            raise DataError(
                f"the degraded image is {given.shape[0]}x{given.shape[1]} instead of {expected[0]}x{expected[1]}",
                where=where,
            )
        return np.ascontiguousarray(given), clean

    return load


def _whole(image: Pixels, scale: int, where: Path | str) -> Pixels:
    height, width = image.shape[0] // scale * scale, image.shape[1] // scale * scale
    if not height or not width:
        raise DataError(f"the image is only {image.shape[0]}x{image.shape[1]} pixels", where=where)
    return np.ascontiguousarray(image[:height, :width])
