"""What the teacher makes of every training image, computed once.

Of unlabelled photographs, which are the input themselves, they are as much larger as the teacher makes them. With the
average over the eight flips and quarter turns the teacher is exactly equivariant, so one output per image
serves every augmentation of its patches, at the quality of the self-ensemble. Kept as uint8 beside the store, in the
layout of its ``hr.bin``, with a SHA-256 of each image in a JSON file: an interrupted computation goes on, and an
image whose bytes no longer match when it is first used is computed anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from edgeir.checkpoint.load import load_checkpoint
from edgeir.core.files import exclusive, output_errors, write_json
from edgeir.core.progress import Progress
from edgeir.data.store.pair_store import PairStore
from edgeir.models.base import Network, channels_last
from edgeir.training.recipe import Distillation

__all__ = ["TeacherImages", "teacher_images"]

Pixels = npt.NDArray[np.uint8]

_LOG = logging.getLogger(__name__)
_FORMAT = 2
"""Raised when older files of the same description must not be read."""


def teacher_images(config: Distillation, store: PairStore, progress: Progress) -> Callable[[int], Pixels]:
    """The function from a pair's index to the teacher's image of it, (H, W, 3) uint8; computes what is missing.

    Raises:
        CheckpointError: the teacher cannot be loaded.
        OutputError: the images cannot be written.
    """
    images = TeacherImages(config, store)
    images.complete(progress)
    return images


class TeacherImages:
    """The images of one teacher, in files beside a store."""

    def __init__(self, config: Distillation, store: PairStore) -> None:
        assert config.teacher is not None, "the recipe was checked"
        self._store, self._self_ensemble = store, config.self_ensemble
        network, card, _ = load_checkpoint(config.teacher)
        self._network: Network | None = None
        self._teacher = network
        # Of unlabelled photographs the store has no larger version.
        self.enlargement = max(1, network.facts.net_scale // store.scale)
        description = f"{_FORMAT}:{card.weights_sha256}:{config.self_ensemble}"
        key = hashlib.sha256(description.encode()).hexdigest()[:16]
        self._path, self._hashes = store.folder / f"teacher-{key}.bin", store.folder / f"teacher-{key}.json"
        self._size = (
            sum(record.size[0] * record.size[1] * 3 for record in store.records) * self.enlargement**2
        )
        self._checked: set[int] = set()
        self._one_repair = threading.Lock()

    def complete(self, progress: Progress) -> None:
        """Compute the images that are not there yet."""
        if None in self._read_hashes():
            with exclusive(self._path, progress), output_errors(self._path):
                hashes = self._read_hashes()
                if not self._whole():
                    with self._path.open("wb") as stream:
                        stream.truncate(self._size)
                missing = [index for index, value in enumerate(hashes) if value is None]
                for done, index in enumerate(missing):
                    progress(index, len(hashes), f"teacher {self._store.records[index].name}")
                    hashes[index] = self._compute(index)
                    if done % 20 == 19 or index == missing[-1]:
                        write_json(self._hashes, {"sha256": hashes})
                progress(len(hashes), len(hashes), "teacher done")
        self._memory: Pixels = np.memmap(self._path, np.uint8, "r")

    def __call__(self, index: int) -> Pixels:
        """The image of a pair; computed anew where its bytes do not match their hash."""
        record, factor = self._store.records[index], self.enlargement
        height, width = (side * factor for side in record.size)
        offset = record.hr_offset * factor**2
        view = self._memory[offset : offset + height * width * 3].reshape(height, width, 3)
        if index not in self._checked:
            with self._one_repair:
                if hashlib.sha256(view.data).hexdigest() != self._read_hashes()[index]:
                    self._repair(index)
            self._checked.add(index)
        return view

    def _repair(self, index: int) -> None:
        _LOG.warning(
            "the teacher's image of `%s` in %s was damaged and is computed anew",
            self._store.records[index].name,
            self._path,
        )
        with exclusive(self._path), output_errors(self._path):
            hashes = self._read_hashes()
            hashes[index] = self._compute(index)
            write_json(self._hashes, {"sha256": hashes})

    def _compute(self, index: int) -> str:
        """Write one image; its hash."""
        if self._network is None:
            self._network = channels_last(self._teacher.fused())
        given = self._store.pair(index)[0] if self._store.paired else self._store.clean(index)
        image = np.ascontiguousarray(_image(self._network, given, self._self_ensemble))
        # Written as a file: through a mapping a full disk would end the process.
        with self._path.open("r+b") as stream:
            stream.seek(self._store.records[index].hr_offset * self.enlargement**2)
            stream.write(image.data)
        return hashlib.sha256(image.data).hexdigest()

    def _whole(self) -> bool:
        return self._path.is_file() and self._path.stat().st_size == self._size

    def _read_hashes(self) -> list[str | None]:
        """The hash of every image, None where there is no image or no telling."""
        nothing: list[str | None] = [None] * len(self._store)
        if not self._whole():
            return nothing
        try:
            value: Any = json.loads(self._hashes.read_text(encoding="utf-8"))["sha256"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return nothing
        if not isinstance(value, list) or len(value) != len(nothing):
            return nothing
        return [entry if isinstance(entry, str) else None for entry in value]


def _image(network: Network, lr: Pixels, self_ensemble: bool) -> Pixels:
    """Padded by its border on the right and below where the network takes only multiples of something."""
    image = torch.from_numpy(lr.copy()).permute(2, 0, 1)[None].float() / 255
    multiple, scale = network.facts.size_multiple, network.facts.net_scale
    turns = (
        [(quarter, flip) for quarter in range(4) for flip in (False, True)] if self_ensemble else [(0, False)]
    )
    total: torch.Tensor | None = None
    with torch.inference_mode():
        for quarter, flip in turns:
            given = torch.rot90(image, quarter, (2, 3))
            given = given.flip(3) if flip else given
            height, width = given.shape[2:]
            given = F.pad(given, (0, -width % multiple, 0, -height % multiple), mode="replicate")
            out = network(given.contiguous(memory_format=torch.channels_last)).clamp(0, 1)
            out = out[:, :, : height * scale, : width * scale]
            out = torch.rot90(out.flip(3) if flip else out, -quarter, (2, 3))
            total = out if total is None else total + out
    assert total is not None
    mean = (total / len(turns))[0].permute(1, 2, 0)
    return (mean * 255).round().to(torch.uint8).numpy()
