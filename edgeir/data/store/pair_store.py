"""Pairs of degraded and clean images, decoded once into a memory-mapped store.

A store is a folder: ``hr.bin`` and ``lr.bin`` (the images' uint8 HWC bytes, one after the other), and ``index.json``
(name, shapes, offsets and a SHA-256 per pair). Where the degradation is random it is applied to every patch anew, and
``lr.bin`` stays empty. While it is built, every finished pair is one line of
``journal.jsonl``; a killed build continues after the last pair whose bytes match their hash. On opening, the files'
sizes are checked; each pair's hash is checked the first time that it is used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeir.core.cache import cache_root
from edgeir.core.errors import DataError
from edgeir.core.files import exclusive, output_errors, write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.data.degrade import AnyDegradation
from edgeir.data.items import Item, items_of, scale_of
from edgeir.data.store.use import StoreUse, write_made_from
from edgeir.data.union import AnySource

__all__ = ["PairStore", "cache_root", "open_store"]

Pixels = npt.NDArray[np.uint8]

_FORMAT = 4
"""Raised when the same description would give other pixels."""


@dataclass(frozen=True)
class Record:
    """Where one pair lies. Sizes are (height, width) of the clean image; the degraded one is `scale` smaller."""

    name: str
    size: tuple[int, int]
    hr_offset: int
    lr_offset: int
    sha256: str


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
        self._checked: set[int] = set()
        try:
            self._hr, self._lr = (_map(folder / name) for name in ("hr.bin", "lr.bin"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"the store is damaged: {error}", where=folder, fix="delete it; it is made anew"
            ) from error
        for memory, expected in (
            (self._hr, _end(records, scale, hr=True)),
            (self._lr, _end(records, scale, hr=False) if self.paired else 0),
        ):
            if memory.size != expected:
                raise DataError(
                    f"the store is damaged: {memory.size} bytes instead of {expected}",
                    where=folder,
                    fix="delete it; it is made anew",
                )

    def __len__(self) -> int:
        return len(self.records)

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
        hr = _hr_view(record, self._hr)
        lr = _lr_view(record, self._lr, self.scale) if self.paired else None
        if index not in self._checked:
            if _hash(lr, hr) != record.sha256:
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
        root: parent folder of stores, default `cache_root()`.
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
    }
    key = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]
    folder = (root or cache_root()) / "stores" / key
    use = StoreUse(folder)  # before looking: `edgeir cache clear` leaves it alone from here on
    index = folder / "index.json"
    if not index.is_file():
        with exclusive(folder, progress):
            if not index.is_file():
                _build(folder, items, scale, paired, progress)
    try:
        records = [
            Record(**{**entry, "size": tuple(entry["size"])})
            for entry in json.loads(index.read_text())["pairs"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            "the index is damaged", where=index, fix="delete the folder; it is made anew"
        ) from error
    weights, extra_degradations = [item.weight for item in items], [item.extra_degradation for item in items]
    write_made_from(folder, sources, degradation, rescale)
    store = PairStore(folder, scale, records, weights, extra_degradations, paired=paired)
    store.use = use
    return store


def _build(folder: Path, items: Sequence[Item], scale: int, paired: bool, progress: Progress) -> None:
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        records = _recover(folder, scale, paired)
        with (folder / "hr.bin").open("ab") as hr_file, (folder / "lr.bin").open("ab") as lr_file:
            hr_file.truncate(_end(records, scale, hr=True))
            lr_file.truncate(_end(records, scale, hr=False) if paired else 0)
            with (folder / "journal.jsonl").open("w") as journal:
                journal.writelines(json.dumps(asdict(record)) + "\n" for record in records)
                for done in range(len(records), len(items)):
                    item = items[done]
                    progress(done, len(items), f"decoding {item.name}")
                    lr, hr = item.load()
                    start = (_end(records, scale, hr=True), _end(records, scale, hr=False))
                    records.append(Record(item.name, (hr.shape[0], hr.shape[1]), *start, _hash(lr, hr)))
                    hr_file.write(hr.tobytes())
                    hr_file.flush()
                    if lr is not None:
                        lr_file.write(lr.tobytes())
                        lr_file.flush()
                    journal.write(json.dumps(asdict(records[-1])) + "\n")
                    journal.flush()
        write_json(
            folder / "index.json",
            {"scale": scale, "pairs": [asdict(record) for record in records]},
        )
        (folder / "journal.jsonl").unlink()
        progress(len(items), len(items), "decoded")


def _recover(folder: Path, scale: int, paired: bool) -> list[Record]:
    """Records of an interrupted build whose bytes are there and match."""
    journal = folder / "journal.jsonl"
    if not journal.is_file():
        return []
    hr, lr = (_map(folder / name) for name in ("hr.bin", "lr.bin"))
    records: list[Record] = []
    for line in journal.read_text().splitlines():
        try:
            entry = json.loads(line)
            record = Record(**{**entry, "size": tuple(entry["size"])})
            if _hash(_lr_view(record, lr, scale) if paired else None, _hr_view(record, hr)) != record.sha256:
                break
        except (ValueError, TypeError, KeyError):
            break
        records.append(record)
    return records


def _map(path: Path) -> Pixels:
    """The file's bytes without reading them into memory; an empty file cannot be mapped."""
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)


def _hr_view(record: Record, memory: Pixels) -> Pixels:
    height, width = record.size
    return memory[record.hr_offset : record.hr_offset + height * width * 3].reshape(height, width, 3)


def _lr_view(record: Record, memory: Pixels, scale: int) -> Pixels:
    low = (record.size[0] // scale, record.size[1] // scale, 3)
    return memory[record.lr_offset : record.lr_offset + low[0] * low[1] * 3].reshape(low)


def _end(records: Sequence[Record], scale: int, *, hr: bool) -> int:
    if not records:
        return 0
    last = records[-1]
    pixels = last.size[0] * last.size[1] * 3
    return last.hr_offset + pixels if hr else last.lr_offset + pixels // scale**2


def _hash(lr: Pixels | None, hr: Pixels) -> str:
    digest = hashlib.sha256(b"" if lr is None else np.ascontiguousarray(lr).data)
    digest.update(np.ascontiguousarray(hr).data)
    return digest.hexdigest()
