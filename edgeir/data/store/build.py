"""Decode images into a store, one after the other; a killed build goes on after what it finished."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from edgeir.core.errors import DataError
from edgeir.core.files import output_errors
from edgeir.core.progress import Progress
from edgeir.data.items import Item
from edgeir.data.store.index import (
    Entry,
    Record,
    Skipped,
    end_of,
    entry_of,
    hash_of,
    hr_view,
    line_of,
    lr_view,
    mapped,
    write_index,
)

__all__ = ["build_store"]


def build_store(
    folder: Path,
    items: Sequence[Item],
    scale: int,
    paired: bool,
    on_error: Literal["stop", "skip"],
    progress: Progress,
) -> None:
    """Make, or finish, the store of these images; arguments and errors as for `open_store`."""
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        entries = _recover(folder, scale, paired)
        records = [entry for entry in entries if isinstance(entry, Record)]
        with (folder / "hr.bin").open("ab") as hr_file, (folder / "lr.bin").open("ab") as lr_file:
            hr_file.truncate(end_of(records, scale, hr=True))
            lr_file.truncate(end_of(records, scale, hr=False) if paired else 0)
            with (folder / "journal.jsonl").open("w") as journal:
                journal.writelines(map(line_of, entries))
                for place in range(len(entries), len(items)):
                    progress(place, len(items), f"decoding {items[place].name}")
                    try:
                        entries.append(_add(items[place], records, scale, hr_file, lr_file))
                    except DataError as error:
                        if on_error == "stop":
                            raise
                        entries.append(Skipped(place, str(error)))
                    journal.write(line_of(entries[-1]))
                    journal.flush()
        skipped = [entry for entry in entries if isinstance(entry, Skipped)]
        write_index(folder / "index.json", scale, records, skipped)
        (folder / "journal.jsonl").unlink()
        progress(len(items), len(items), "decoded")


def _add(item: Item, records: list[Record], scale: int, hr_file: BinaryIO, lr_file: BinaryIO) -> Record:
    lr, hr = item.load()
    start = (end_of(records, scale, hr=True), end_of(records, scale, hr=False))
    record = Record(item.name, (hr.shape[0], hr.shape[1]), *start, hash_of(lr, hr))
    hr_file.write(hr.tobytes())
    hr_file.flush()
    if lr is not None:
        lr_file.write(lr.tobytes())
        lr_file.flush()
    records.append(record)
    return record


def _recover(folder: Path, scale: int, paired: bool) -> list[Entry]:
    """What an interrupted build finished: images that it left out, and records whose bytes are there and match."""
    entries: list[Entry] = []
    records: list[Record] = []
    journal = folder / "journal.jsonl"
    if not journal.is_file():
        return entries
    hr, lr = (mapped(folder / name) for name in ("hr.bin", "lr.bin"))
    for line in journal.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = entry_of(line, records, scale)
            if isinstance(entry, Skipped):
                if entry.item != len(entries):
                    break
            elif hash_of(lr_view(entry, lr, scale) if paired else None, hr_view(entry, hr)) == entry.sha256:
                records.append(entry)
            else:
                break
        except ValueError:
            break
        entries.append(entry)
    return entries
