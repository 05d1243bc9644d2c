"""A store's index and journal, changed or cut short; images that were left out."""

import numpy as np
import pytest
from PIL import Image

from edgeir.core.errors import DataError, EdgeIRError
from edgeir.data.degrade.bicubic import Bicubic
from edgeir.data.sources.folder import Folder
from edgeir.data.store import build
from edgeir.data.store.pair_store import open_store


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    images = tmp_path / "images"
    images.mkdir()
    for index in range(5):
        Image.fromarray(rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)).save(images / f"{index}.png")
    return images


def opened(folder, root, **settings):
    return open_store([Folder(path=str(folder))], Bicubic(scale=4), root=root, **settings)


def everything(store):
    return [np.concatenate([part.ravel() for part in store.pair(index)]) for index in range(len(store))]


def same(a, b):
    return len(a) == len(b) and all(map(np.array_equal, a, b))


@pytest.mark.parametrize("seed", range(60))
def test_a_changed_index_is_refused_or_gives_the_same_images(folder, tmp_path, seed):
    store = opened(folder, tmp_path)
    right, index = everything(store), store.folder / "index.json"
    rng = np.random.default_rng(seed)
    data = bytearray(index.read_bytes())
    place = int(rng.integers(len(data)))
    if seed % 3 == 0:
        data[place] ^= 1 << int(rng.integers(8))
    elif seed % 3 == 1:
        del data[place:]
    else:
        digits = [at for at, value in enumerate(data) if 48 <= value < 58]
        data[digits[int(rng.integers(len(digits)))]] = 48 + int(rng.integers(10))
    index.write_bytes(data)
    try:
        found = everything(opened(folder, tmp_path))
    except EdgeIRError as error:
        found, line = right, str(error)
        if "delete" not in line:
            pytest.fail(line)
    assert same(found, right)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"hr_offset": 0', '"hr_offset": 3'),
        ('"size": [', '"size": [-'),
        ('"scale": 4', '"scale": 2'),
        ('"pairs": [', '"pairs": [{},'),
        ('"name": "0"', '"name": 0'),
        ('"sha256": "', '"sha256": "x'),
        ("{", "[" * 9999),
    ],
)
def test_an_index_that_describes_no_store_is_refused(folder, tmp_path, old, new):
    index = opened(folder, tmp_path).folder / "index.json"
    text = index.read_text()
    assert old in text
    index.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match="the index is damaged .delete the folder"):
        opened(folder, tmp_path)


def test_a_build_that_left_images_out_goes_on_where_it_was_killed(folder, tmp_path, monkeypatch):
    for name in ("1", "3"):
        (folder / f"{name}.png").write_bytes(b"no image")
    whole = opened(folder, tmp_path / "whole", on_error="skip")
    assert [record.name for record in whole.records] == ["0", "2", "4"]
    assert [entry.item for entry in whole.skipped] == [1, 3]
    assert whole.kept == [0, 2, 4]
    for stop in range(5):
        root, add, seen = tmp_path / str(stop), build._add, []

        def adding(item, *arguments, add=add, seen=seen, stop=stop):
            if len(seen) == stop:
                raise KeyboardInterrupt
            seen.append(item.name)
            return add(item, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(build, "_add", adding)
            with pytest.raises(KeyboardInterrupt):
                opened(folder, root, on_error="skip")
        again = opened(folder, root, on_error="skip")
        assert again.records == whole.records
        assert again.skipped == whole.skipped
        assert same(everything(again), everything(whole))


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_journal_costs_time_and_nothing_else(folder, tmp_path, monkeypatch, seed):
    (folder / "1.png").write_bytes(b"no image")
    whole = opened(folder, tmp_path / "whole", on_error="skip")

    def fails(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build, "write_index", fails)
        with pytest.raises(KeyboardInterrupt):
            opened(folder, tmp_path / "cut", on_error="skip")
    (journal,) = (tmp_path / "cut").rglob("journal.jsonl")
    rng = np.random.default_rng(seed)
    data = bytearray(journal.read_bytes())
    place = int(rng.integers(len(data)))
    data[place : place + 3] = rng.bytes(3)
    journal.write_bytes(data)
    again = opened(folder, tmp_path / "cut", on_error="skip")
    assert [record.sha256 for record in again.records] == [record.sha256 for record in whole.records]
    assert again.kept == whole.kept
    assert same(everything(again), everything(whole))


def test_a_store_that_stops_at_an_error_is_not_one_that_leaves_out(folder, tmp_path):
    (folder / "1.png").write_bytes(b"no image")
    skipping = opened(folder, tmp_path, on_error="skip")
    assert opened(folder, tmp_path, on_error="skip").folder == skipping.folder
    with pytest.raises(DataError, match="1.png"):
        opened(folder, tmp_path)
