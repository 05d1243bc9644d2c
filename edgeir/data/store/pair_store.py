"""Pairs of degraded and clean images, decoded once into a memory-mapped store.

A store is a folder: ``hr.bin`` and ``lr.bin`` (the images' uint8 HWC bytes, one after the other), and ``index.json``
(name, shapes, offsets and a SHA-256 per pair). Where the degradation is random it is applied to every patch anew, and
``lr.bin`` stays empty. An image that cannot be read ends the build or is left out (``skipped`` in ``index.json``), as
the recipe says. While it is built, every finished pair is one line of ``journal.jsonl``; a killed build continues after
the last pair whose bytes match their hash. On opening, the files' sizes are checked; each pair's hash is checked the
first time that it is used.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeir.core.cache import cache_root
from edgeir.core.errors import DataError
from edgeir.core.files import exclusive
from edgeir.core.progress import Progress, no_progress
from edgeir.data.degrade import AnyDegradation
from edgeir.data.items import items_of, origin_of, scale_of
from edgeir.data.store.build import build_store
from edgeir.data.store.index import Record, Skipped, end_of, hash_of, hr_view, lr_view, mapped, read_index
from edgeir.data.store.use import StoreUse, write_made_from
from edgeir.data.union import AnySource

__all__ = ["PairStore", "Record", "cache_root", "open_store"]

Pixels = npt.NDArray[np.uint8]

_LOG = logging.getLogger(__name__)
_FORMAT = 4
"""Raised when the same description would give other pixels."""


class PairStore:
    """Read access to a finished store: ``store.pair(i) -> (lr, hr)``, read-only uint8 HWC views.

    `weights` says per pair how often a pixel of it is to be sampled, `extra_degradations` what degrades the given image
    further. Both belong to the use, not to the files: recipes that differ in them share a store.
    """

    def __init__(
        self,
        folder: Path,
        scale: int,
        records: Sequence[Record],
        weights: Sequence[float] | None = None,
        extra_degradations: Sequence[AnyDegradation | None] | None = None,
        *,
        paired: bool = True,
        skipped: Sequence[Skipped] = (),
        origin: str = "",
    ) -> None:
        self.folder, self.scale, self.records = folder, scale, tuple(records)
        self.weights = tuple(weights) if weights is not None else (1.0,) * len(self.records)
        self.extra_degradations = (
            tuple(extra_degradations) if extra_degradations is not None else (None,) * len(self.records)
        )
        self.paired = paired
        """The degraded images are here too; otherwise `pair` is refused."""
        self.use: StoreUse | None = None
        """Keeps the files where they are; of a store in the cache."""
        self.skipped = tuple(skipped)
        """Images of the sources that could not be read and are not here."""
        self.origin = origin or str(folder)
        """What the images come from, for errors."""
        self._checked: set[int] = set()
        try:
            self._hr, self._lr = (mapped(folder / name) for name in ("hr.bin", "lr.bin"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"the store is damaged: {error}", where=folder, fix="delete it; it is made anew"
            ) from error
        for memory, expected in (
            (self._hr, end_of(records, scale, hr=True)),
            (self._lr, end_of(records, scale, hr=False) if self.paired else 0),
        ):
            if memory.size != expected:
                raise DataError(
                    f"the store is damaged: {memory.size} bytes instead of {expected}",
                    where=folder,
                    fix="delete it; it is made anew",
                )

    def __len__(self) -> int:
        return len(self.records)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all images, whatever they are called and wherever they lie."""
        return hashlib.sha256("\n".join(record.sha256 for record in self.records).encode()).hexdigest()

    @property
    def kept(self) -> list[int]:
        """The places among the sources' images of those that are here."""
        left_out = {entry.item for entry in self.skipped}
        return [place for place in range(len(self) + len(left_out)) if place not in left_out]

    def pair(self, index: int) -> tuple[Pixels, Pixels]:
        """The degraded and the clean image.

        Raises:
            DataError: the bytes do not match the hash taken when the store was built.
        """
        lr, hr = self._load(index)
        assert lr is not None, "a store of a random degradation holds clean images only"
        return lr, hr

    def clean(self, index: int) -> Pixels:
        """The clean image; errors as for `pair`."""
        return self._load(index)[1]

    def _load(self, index: int) -> tuple[Pixels | None, Pixels]:
        record = self.records[index]
        hr = hr_view(record, self._hr)
        lr = lr_view(record, self._lr, self.scale) if self.paired else None
        if index not in self._checked:
            if hash_of(lr, hr) != record.sha256:
                raise DataError(
                    f"the store is damaged: `{record.name}` does not match its hash",
                    where=self.folder,
                    fix="delete it; it is made anew",
                )
            self._checked.add(index)
        return lr, hr


def open_store(
    sources: Sequence[AnySource],
    degradation: AnyDegradation | None,
    *,
    rescale: Sequence[float] = (1.0,),
    on_error: Literal["stop", "skip"] = "stop",
    root: Path | None = None,
    progress: Progress = no_progress,
) -> PairStore:
    """Open the store of these images and this degradation, building (or finishing) it first where needed.

    Processes that want the same store at the same time wait for the one that builds it.

    Args:
        sources: image sources, or paired ones, in order.
        degradation: makes the input of each clean image; a random one is not applied here (see `PatchSampler`). None
            for paired sources.
        rescale: every image is stored once per factor, shrunk by it before the degradation (1 = as it is). Shrinking
            removes compression artefacts and makes edges sharper relative to the pixel grid. A source's own factors
            come before these; pairs are not shrunk.
        on_error: ``stop`` raises the error of an image that cannot be read; ``skip`` leaves the image out and logs it.
        root: parent folder of stores, default `cache_root()`.

    Raises:
        DataError: an image cannot be read, none of them can, or the store is damaged.
        OutputError: the store cannot be written.
    """
    scale, items = scale_of(sources, degradation), items_of(sources, degradation, rescale)
    paired = degradation is None or not degradation.random
    description = {
        "format": _FORMAT,
        # What is random is applied to every patch anew: such recipes share the store of the clean images.
        "degradation": degradation.model_dump(mode="json") if degradation is not None and paired else None,
        "paired": paired,
        "scale": scale,
        "images": [item.stamp for item in items],
        **({"on_error": on_error} if on_error == "skip" else {}),  # what stops has no image left out
    }
    key = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]
    folder = (root or cache_root()) / "stores" / key
    use = StoreUse(folder)  # before looking: `edgeir cache clear` leaves it alone from here on
    index = folder / "index.json"
    if not index.is_file():
        with exclusive(folder, progress):
            if not index.is_file():
                build_store(folder, items, scale, paired, on_error, progress)
    records, skipped = read_index(index, scale, len(items))
    for entry in skipped:
        _LOG.warning("left out: %s", entry.problem)
    origin = ", ".join(dict.fromkeys(origin_of(source) for source in sources))
    if not records:
        raise DataError(f"none of the {len(items)} images can be read", where=origin)
    kept = [items[index] for index in sorted(set(range(len(items))) - {entry.item for entry in skipped})]
    write_made_from(folder, sources, degradation, rescale)
    store = PairStore(
        folder,
        scale,
        records,
        [item.weight for item in kept],
        [item.extra_degradation for item in kept],
        paired=paired,
        skipped=skipped,
        origin=origin,
    )
    store.use = use
    return store
