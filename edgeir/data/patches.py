"""Paired random patches, as a pure function of (seed, step).

No sampler state exists, so a resumed run continues with exactly the patches it would have seen, and N processes that
each take a slice of the same batch see together what one process sees. A thread prepares the next batch while
the network computes; the time that the loop still waits for it is measured.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgeir.core.errors import DataError
from edgeir.data.degrade import AnyDegradation
from edgeir.data.degrade.base import Degraded, to_bytes, to_unit
from edgeir.data.degrade.bicubic import Flavour, upscale
from edgeir.data.store.pair_store import PairStore
from edgeir.imaging.luma import luma_of

__all__ = ["Augment", "PatchSampler", "Prefetcher"]

Pixels = npt.NDArray[np.uint8]

Augment = Literal["all", "flips", "rotations", "none"]
_SYMMETRIES: dict[Augment, tuple[int, ...]] = {
    "all": tuple(range(8)),
    "flips": (0, 2, 4, 6),
    "rotations": (0, 1, 2, 3),
    "none": (0,),
}
"""What `_dihedral` may be asked for. Two flips make a half turn, so that it is among the flips too."""


class PatchSampler:
    """Random aligned patches, flipped and turned.

    Args:
        store: the pairs.
        patch: side of the **degraded** patch in pixels; the clean one is `store.scale` times larger.
        batch: patches per batch, over all processes.
        seed: of everything random here.
        augment: apply to each pair one of the eight flips and rotations, each as likely; one of the four that
            horizontal and vertical flips make; one of the four quarter turns; or leave it.
        planes: further images of the same records (a teacher's cached output, labels), sampled at the same places; by
            index, HWC of the clean image's size. planes_scale: or so many times larger per side.
        degradation: makes the degraded patch where the store holds clean images only. Each patch has a generator of its
            own, seeded by (seed, step, place in the batch); so have the store's
            `extra_degradations` of a stored one.
        gray: give luma, one channel. The clean image's luma is what is degraded; of stored pairs both become luma.
        enlarge: give the degraded patch at the clean one's size, enlarged bicubically, for a network that reads that.

    Raises:
        DataError: no image is large enough.
    """

    def __init__(
        self,
        store: PairStore,
        *,
        patch: int,
        batch: int,
        seed: int,
        augment: Augment = "all",
        planes: Sequence[Callable[[int], npt.NDArray[Any]]] = (),
        degradation: AnyDegradation | None = None,
        gray: bool = False,
        enlarge: Flavour | None = None,
        planes_scale: int = 1,
    ) -> None:
        self.store, self.patch, self.batch_size, self.seed = store, patch, batch, seed
        self._symmetries = _SYMMETRIES[augment]
        self.planes, self.planes_scale = tuple(planes), planes_scale
        self.degradation, self.gray, self.enlarge = degradation, gray, enlarge
        usable = np.array([min(record.size) // store.scale >= patch for record in store.records])
        # Weight by area, not by positions, or a small image with a single position would hardly be sampled.
        area = np.array(
            [
                record.size[0] * record.size[1] * weight
                for record, weight in zip(store.records, store.weights, strict=True)
            ]
        )
        weights = np.where(usable, area, 0.0)
        if not weights.any():
            raise DataError(
                f"no image is large enough for {patch * store.scale}x{patch * store.scale} patches",
                where=store.origin,
                fix="lower data.patch or use larger images",
            )
        self.skipped = int((~usable).sum())
        """Images too small for one patch."""
        self._cumulative = np.cumsum(weights / weights.sum())

    def batch(self, step: int, part: slice = slice(None)) -> tuple[Degraded, ...]:
        """Batch of `step`: (lr, hr, *planes), uint8 NHWC; `part` selects this process's share of the batch.

        The degraded patches are float32 on [0, 1] where the degradation gives floats.
        """
        draw = np.random.Generator(np.random.Philox(key=[self.seed, step])).random((self.batch_size, 4))
        groups = [self._cut(draw[position], step, position) for position in range(self.batch_size)[part]]
        return tuple(_stacked(images) for images in zip(*groups, strict=True))

    def _cut(self, draw: npt.NDArray[np.float64], step: int, position: int) -> list[Degraded]:
        index = min(int(np.searchsorted(self._cumulative, draw[0], side="right")), len(self.store) - 1)
        record, size, scale = self.store.records[index], self.patch, self.store.scale
        top, left = (int(draw[1 + axis] * (record.size[axis] // scale - size + 1)) for axis in (0, 1))
        if self.degradation is None:
            (source, hr), degradation = self.store.pair(index), self.store.extra_degradations[index]
        else:
            source, degradation = self.store.clean(index), self.degradation
            hr = source
        cut: list[Degraded] = [source[top : top + size, left : left + size]]
        if degradation is not None:
            rng = np.random.default_rng([self.seed, step, position])
            cut = [_degrade_patch(degradation, source, top, left, size, rng, gray=self.gray)]
        if self.enlarge is not None and scale > 1:
            cut = [upscale(to_bytes(to_unit(cut[0])), scale, self.enlarge)]
        further = [(plane(index), scale * self.planes_scale) for plane in self.planes]
        for image, factor in ((hr, scale), *further):
            cut.append(image[top * factor : (top + size) * factor, left * factor : (left + size) * factor])
        if self.gray:  # what was degraded as luma is left as it is
            cut = [image if image.shape[2] < 3 else luma_of(image) for image in cut]
        symmetry = self._symmetries[int(draw[3] * len(self._symmetries))]
        return [_dihedral(image, symmetry) for image in cut]


def _stacked(images: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """One array; where some patches are bytes and others floats, all become floats on [0, 1]."""
    mixed = len({image.dtype for image in images}) > 1
    return np.stack([to_unit(image) for image in images] if mixed else images)


def _degrade_patch(
    degradation: AnyDegradation,
    image: Pixels,
    top: int,
    left: int,
    size: int,
    rng: np.random.Generator,
    *,
    gray: bool = False,
) -> Degraded:
    """The degraded patch whose corner is (top, left), in degraded pixels, with the surroundings it depends on."""
    scale, margin = degradation.scale, degradation.margin
    first = [max(0, start * scale - margin) for start in (top, left)]
    last = [
        min(side, (start + size) * scale + margin)
        for start, side in zip((top, left), image.shape[:2], strict=True)
    ]
    part = image[first[0] : last[0], first[1] : last[1]]
    region = degradation.degrade(luma_of(part) if gray else part, rng)
    row, column = (start - begin // scale for start, begin in zip((top, left), first, strict=True))
    return region[row : row + size, column : column + size]


def _dihedral(image: Degraded, index: int) -> Degraded:
    """One of the eight symmetries of the square: quarter turns, from 4 on mirrored; 0 leaves the image."""
    image = np.rot90(image, index % 4)
    return image[:, ::-1] if index >= 4 else image


class Prefetcher:
    """Runs `make(step)` for step, step + 1, … in a thread, `depth` ahead; iterate with `next()`.

    Attributes:
        waited_s: seconds that `next()` spent waiting, in total.
    """

    def __init__(self, make: Callable[[int], tuple[Degraded, ...]], start: int, depth: int = 3) -> None:
        self.waited_s = 0.0
        self._queue: queue.Queue[tuple[Degraded, ...] | BaseException] = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(make, start), daemon=True)
        self._thread.start()

    def _work(self, make: Callable[[int], tuple[Degraded, ...]], step: int) -> None:
        while not self._stop.is_set():
            item: tuple[Degraded, ...] | BaseException
            try:
                item = make(step)
            except BaseException as error:
                item = error
            while not self._stop.is_set():
                try:
                    self._queue.put(item, timeout=0.2)
                    break
                except queue.Full:
                    continue
            if isinstance(item, BaseException):
                return
            step += 1

    def next(self) -> tuple[Degraded, ...]:
        """The next batch; an error of the worker is raised here."""
        start = time.perf_counter()
        item = self._queue.get()
        self.waited_s += time.perf_counter() - start
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        self._thread.join(timeout=5)
