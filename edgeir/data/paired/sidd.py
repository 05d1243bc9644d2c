"""SIDD, real noise of phones and its clean average (Abdelhamed et al., CVPR 2018); the sRGB sets.

| part | layout under ``$EDGEIR_DATA``, or under ``SIDD`` there |
|---|---|
| train, small (160 pairs) | ``SIDD_Small_sRGB_Only/Data/<scene>/GT_SRGB_….PNG`` beside ``NOISY_SRGB_….PNG`` |
| train, medium (320) | ``SIDD_Medium_Srgb/Data/<scene>/…_GT_SRGB_….PNG`` beside ``…_NOISY_SRGB_….PNG`` |
| validation (1,280) | ``ValidationNoisyBlocksSrgb.mat`` and ``ValidationGtBlocksSrgb.mat`` |

Published figures on the validation set are means over its blocks. Each of the two files is MATLAB's version 5, with one
array that is called like the file: (40 images, 32 blocks, 256, 256, 3) uint8.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat, whosmat
from scipy.io.matlab import MatReadError

from edgeir.core.errors import DataError
from edgeir.core.files import file_stamp
from edgeir.data.locate import check_count, find_root
from edgeir.data.paired.base import Paired, PairRef, no_pairs, pair_of, required_partner
from edgeir.imaging.files import list_images

__all__ = ["SIDD"]

Pixels = npt.NDArray[np.uint8]
_BLOCK_FILES = ("ValidationNoisyBlocksSrgb.mat", "ValidationGtBlocksSrgb.mat")


class SIDD(Paired):
    """Pairs of a noisy photograph and the mean of many."""

    kind: Literal["sidd"] = "sidd"
    part: Literal["train", "validation"] = "train"
    """``validation``: the 1,280 blocks of 256x256 pixels."""
    size: Literal["small", "medium"] = "small"
    """Of the training set; there is one validation set."""

    def located(self) -> list[Path]:
        if self.part == "validation":
            return [
                find_root("SIDD's validation", ("SIDD", "."), name, file=True) / name for name in _BLOCK_FILES
            ]
        name = "SIDD_Small_sRGB_Only" if self.size == "small" else "SIDD_Medium_Srgb"
        return [find_root("SIDD", (name, f"SIDD/{name}"), "Data") / "Data"]

    def listed(self) -> list[PairRef]:
        if self.part == "validation":
            noisy, clean = self.located()
            return _blocks(_Blocks(noisy), _Blocks(clean))
        return self._photographs(*self.located())

    def _photographs(self, folder: Path) -> list[PairRef]:
        clean = [path for scene in sorted(folder.iterdir()) if scene.is_dir() for path in list_images(scene)
                 if "GT_SRGB" in path.name]  # fmt: skip
        noisy = {path: path.with_name(path.name.replace("GT_SRGB", "NOISY_SRGB")) for path in clean}
        result = [
            pair_of(f"{path.parent.name}/{path.stem}", required_partner(noisy[path], path), path)
            for path in clean
        ]
        check_count("SIDD", len(result), 160 if self.size == "small" else 320, folder, "pairs")
        return result or no_pairs(folder, "<scene>/GT_SRGB_….PNG")


def _blocks(noisy: _Blocks, clean: _Blocks) -> list[PairRef]:
    shapes = noisy.shape(), clean.shape()
    if shapes[0] != shapes[1]:
        raise DataError(f"the blocks are {shapes[1]}, but the noisy ones {shapes[0]}", where=clean.path)
    images, blocks = shapes[0][:2]
    stamp = f"{file_stamp(noisy.path)}|{file_stamp(clean.path)}"
    check_count("SIDD's validation", images * blocks, 1280, noisy.path, "blocks")
    return [
        PairRef(
            f"{image:02d}-{block:02d}",
            f"{stamp}:{image}:{block}",
            noisy.reader(image, block),
            clean.reader(image, block),
        )
        for image in range(images)
        for block in range(blocks)
    ]


class _Blocks:
    """One of the two files. Decoded (252 MB) when its first block is read, and kept as long as one of its pairs is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def shape(self) -> tuple[int, ...]:
        """That of the array, by the file's header.

        Raises:
            DataError: the file is not what was published.
        """
        with self._translated():
            arrays = {name: (tuple(shape), kind) for name, shape, kind in whosmat(self.path)}
        shape, kind = arrays.get(self.path.stem, ((), ""))
        if kind != "uint8" or len(shape) != 5 or shape[-1] != 3:
            listed = ", ".join(f"`{name}` {size} {kind}" for name, (size, kind) in arrays.items())
            raise DataError(
                f"there is {listed or 'nothing'}",
                where=self.path,
                fix=f"expected `{self.path.stem}` (40, 32, 256, 256, 3) uint8, as in the published file",
            )
        return shape

    def reader(self, image: int, block: int) -> Callable[[], Pixels]:
        """Decoder of one block, (256, 256, 3) uint8 RGB."""
        return lambda: np.array(self._values[image, block], order="C")

    @cached_property
    def _values(self) -> Pixels:
        with self._translated():
            values = loadmat(self.path, variable_names=[self.path.stem])[self.path.stem]
        return _together(values)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (
            OSError,
            ValueError,
            IndexError,
            TypeError,
            zlib.error,
            MatReadError,
            NotImplementedError,
        ) as error:
            # what scipy raises for damaged files, and for those of version 7.3
            raise DataError(
                f"this is no MATLAB 5 file, or a damaged one: {error}",
                where=self.path,
                fix="get an intact copy",
            ) from error


def _together(values: Pixels) -> Pixels:
    """The same (P, B, H, W, C), with the pixels of a block in one place of the memory.

    MATLAB stores the first index fastest, which scatters each block over the file's 252 MB. To gather the blocks one by
    one takes many times as long as to move 256 values of all of them at a time, which stay in the processor's cache.
    """
    images, blocks, height, width, channels = values.shape
    scattered = values.T.reshape(-1, blocks * images)
    moved = np.empty(scattered.shape[::-1], values.dtype)
    for start in range(0, len(scattered), 256):
        moved[:, start : start + 256] = scattered[start : start + 256].T
    return moved.reshape(blocks, images, channels, width, height).transpose(1, 0, 4, 3, 2)
