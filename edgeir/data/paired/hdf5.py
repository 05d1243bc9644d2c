"""Sets that come as MATLAB 7.3 files, which are HDF5: NYU2 with depth, for haze, and DND, noise without ground truth.

| set | layout under ``$EDGEIR_DATA`` |
|---|---|
| NYU2 | ``NYU2/nyu_depth_v2_labeled.mat``: ``images`` (1449, 3, 640, 480), ``depths`` (1449, 640, 480) |
| DND | ``DND/info.mat`` and ``DND/images_srgb/0001.mat`` … ``0050.mat`` with ``InoisySRGB`` (3, W, H) |

MATLAB stores columns first, so every array is transposed when it is read. Needs ``h5py`` (``pip install
'edgeir[hdf5]'``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, model_validator

from edgeir.core.errors import DataError
from edgeir.core.files import file_stamp
from edgeir.core.requires import require
from edgeir.data.degrade.base import NonNegative, at_most, ordered, to_bytes, to_unit
from edgeir.data.degrade.haze import add_haze
from edgeir.data.locate import find_root
from edgeir.data.paired.base import Paired, PairRef

__all__ = ["DND", "DNDCrop", "NYU2Haze"]

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class NYU2Haze(Paired):
    """Indoor photographs with measured depth d (Silberman et al., ECCV 2012) and haze by it, t = exp(-beta d).

    AOD-Net made 27,256 pairs from the 1449 images so, and STFT trains on 25,000 of them and tests on the other 2,256
    (sections 3.1 and 3.2); which images they are was not published. Here an image gives `copies` pairs in a row with
    beta and A drawn per pair (the same in every run); the first `total` of all are kept, and the first `training` of
    those are for training, so that at most one image is on both sides. Depth is divided by the image's largest, as
    `Haze` scales its own.
    """

    kind: Literal["nyu2-haze"] = "nyu2-haze"
    part: Literal["train", "test", "all"] = "train"
    copies: int = Field(19, ge=1, le=10_000)
    """Pairs per image."""
    total: int = Field(27_256, ge=2, le=10_000_000)
    """Pairs in all."""
    training: int = Field(25_000, ge=1, le=10_000_000)
    """The first ones, for training; the others are for tests."""
    beta: Annotated[tuple[NonNegative, NonNegative], AfterValidator(ordered), at_most(100)] = (0.4, 1.6)
    """Scattering per unit of depth. AOD-Net: 0.4 to 1.6."""
    airlight: Annotated[tuple[NonNegative, NonNegative], AfterValidator(ordered), at_most(1)] = (0.6, 1.0)
    """Brightness of the haze on [0, 1]. AOD-Net: 0.6 to 1."""

    @model_validator(mode="after")
    def _both_parts(self) -> NYU2Haze:
        if self.training >= self.total:
            raise ValueError(f"`training` (={self.training}) must be less than `total` (={self.total})")
        return self

    def located(self) -> list[Path]:
        return [_file("NYU2", "nyu_depth_v2_labeled.mat")]

    def listed(self) -> list[PairRef]:
        (path,) = self.located()
        with _open(path) as file:
            shapes = {name: tuple(_dataset(file, name, path).shape) for name in ("images", "depths")}
        images, depths = shapes["images"], shapes["depths"]
        if len(images) != 4 or images[1] != 3 or depths != (images[0], *images[2:]):
            raise DataError(
                f"`images` is {images} and `depths` {depths}",
                where=path,
                fix="expected (N, 3, W, H) and (N, W, H), as in the published file",
            )
        if images[0] * self.copies < self.total:
            raise DataError(
                f"{images[0]} images with {self.copies} `copies` each give fewer pairs than `total` (={self.total})",
                where=path,
                fix="get the published file with its 1449 images, or lower `total` and `training`",
            )
        first, last = {
            "train": (0, self.training),
            "test": (self.training, self.total),
            "all": (0, self.total),
        }[self.part]
        return [self._pair(path, index) for index in range(first, last)]

    def _pair(self, path: Path, index: int) -> PairRef:
        image = index // self.copies
        draws = np.random.default_rng([0, index]).random(2)
        beta, airlight = (
            low + float(draw) * (high - low)
            for (low, high), draw in zip((self.beta, self.airlight), draws, strict=True)
        )

        def clean() -> Pixels:
            with _open(path) as file:
                return np.ascontiguousarray(np.asarray(file["images"][image]).transpose(2, 1, 0))

        def given() -> Pixels:
            with _open(path) as file:
                depth = np.asarray(file["depths"][image], np.float32).T
            return to_bytes(add_haze(to_unit(clean()), depth / max(float(depth.max()), 1e-6), beta, airlight))

        stamp = f"{file_stamp(path)}:{image}:{beta:.6f}:{airlight:.6f}"
        return PairRef(f"{image:04d}-{index % self.copies:02d}", stamp, given, clean)


@dataclass(frozen=True)
class DNDCrop:
    """One of the 20 boxes of an image: its image and box, both from 1, and what decodes it to (h, w, 3) on [0, 1]."""

    image: int
    box: int
    load: Callable[[], Floats]


class DND(Paired):
    """Real noise of four cameras (Plötz and Roth, CVPR 2017). The ground truth is with the benchmark's server only:
    nothing can be trained on it; `edgeir.restoring.dnd.restore_dnd` writes what the server takes.
    """

    kind: Literal["dnd"] = "dnd"

    def located(self) -> list[Path]:
        return [_file("DND", "info.mat")]

    def listed(self) -> list[PairRef]:
        """There are none.

        Raises:
            DataError: always.
        """
        raise DataError(
            "DND has no ground truth, so nothing can be trained or validated on it",
            fix="train on SIDD, and restore DND's crops with edgeir.restoring.dnd.restore_dnd",
        )

    def crops(self) -> list[DNDCrop]:
        """The published boxes of every image, in order.

        Raises:
            DataError: a file or a field is missing, or a box leaves its image.
        """
        (info,) = self.located()
        result: list[DNDCrop] = []
        with _open(info) as file:
            boxes = _dataset(file, "info/boundingboxes", info)
            for image, reference in enumerate(np.asarray(boxes)[0], 1):
                path = _file("DND", f"images_srgb/{image:04d}.mat")
                for box, corners in enumerate(np.asarray(file[reference]).T, 1):
                    top, left, bottom, right = (int(value) for value in corners)  # from 1, ends included
                    part = (slice(top - 1, bottom), slice(left - 1, right))
                    result.append(DNDCrop(image, box, _crop(path, part)))
        return result


def _crop(path: Path, part: tuple[slice, slice]) -> Callable[[], Floats]:
    rows, columns = part

    def load() -> Floats:
        with _open(path) as file:
            noisy = _dataset(file, "InoisySRGB", path)
            if noisy.ndim != 3 or rows.stop > noisy.shape[2] or columns.stop > noisy.shape[1]:
                raise DataError(
                    f"`InoisySRGB` is {tuple(noisy.shape)}, but the box ends at {rows.stop}x{columns.stop}",
                    where=path,
                    fix="expected (3, W, H), as in the published files",
                )
            values = np.asarray(noisy[:, columns, rows], np.float32)
        return np.ascontiguousarray(values.transpose(2, 1, 0))

    return load


def _file(name: str, inside: str) -> Path:
    return find_root(name, (name,), inside, file=True) / inside


def _open(path: Path) -> Any:
    h5py = require("h5py", f"reading {path.name}")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError("this is no MATLAB 7.3 (HDF5) file", where=path, fix="get an intact copy") from error


def _dataset(file: Any, name: str, path: Path) -> Any:
    if name not in file:
        raise DataError(
            f"there is no `{name}`, only {', '.join(list(file)[:5]) or 'nothing'}",
            where=path,
            fix="get the published file",
        )
    return file[name]
