"""The teacher's pictures of every training image, computed once.

With the average over the eight flips and quarter turns the teacher is exactly equivariant, so one picture per image
serves every augmentation of its patches, at the quality of the self-ensemble. Kept as uint8 beside the store, in the
layout of its ``hr.bin``; finished images are counted, so that an interrupted computation goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

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

__all__ = ["teacher_pictures"]

Pixels = npt.NDArray[np.uint8]


def teacher_pictures(config: Distillation, store: PairStore, progress: Progress) -> Callable[[int], Pixels]:
    """The function from a pair's index to the teacher's picture of it, (H, W, 3) uint8.

    Raises:
        CheckpointError: the teacher cannot be loaded.
    """
    assert config.teacher is not None, "the recipe was checked"
    teacher, card, _ = load_checkpoint(config.teacher)
    key = hashlib.sha256(f"{card.weights_sha256}:{config.self_ensemble}".encode()).hexdigest()[:16]
    path, count = store.folder / f"teacher-{key}.bin", store.folder / f"teacher-{key}.json"
    size = sum(record.size[0] * record.size[1] * 3 for record in store.records)
    if _done(count) < len(store):
        with exclusive(path, progress), output_errors(path):
            done = _done(count)
            if not path.is_file() or path.stat().st_size != size:
                done = 0
                with path.open("wb") as stream:
                    stream.truncate(size)
            memory = np.memmap(path, np.uint8, "r+")
            deployed = channels_last(teacher.fused())
            for index in range(done, len(store)):
                progress(index, len(store), f"teacher {store.records[index].name}")
                picture = _picture(deployed, store.pair(index)[0], config.self_ensemble)
                start = store.records[index].hr_offset
                memory[start : start + picture.size] = picture.reshape(-1)
                if index % 20 == 19 or index == len(store) - 1:
                    memory.flush()
                    write_json(count, {"done": index + 1})
            progress(len(store), len(store), "teacher done")
    pictures = np.memmap(path, np.uint8, "r")

    def read(index: int) -> Pixels:
        record = store.records[index]
        height, width = record.size
        view: Pixels = pictures[record.hr_offset : record.hr_offset + height * width * 3].reshape(
            height, width, 3
        )
        return view

    return read


def _done(count: Path) -> int:
    """How many pictures are finished."""
    return int(json.loads(count.read_text())["done"]) if count.is_file() else 0


def _picture(network: Network, lr: Pixels, self_ensemble: bool) -> Pixels:
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
