"""The cache of stores: what is listed, what is removed, and that what a process works with stays."""

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from edgeir.core.errors import ConfigError
from edgeir.data.degrade import AWGN
from edgeir.data.degrade.bicubic import Bicubic
from edgeir.data.sources.folder import Folder
from edgeir.data.store import use as use_module
from edgeir.data.store.cache import cached_stores, clear_stores
from edgeir.data.store.pair_store import open_store
from edgeir.data.store.use import StoreUse, unused, use_file

locks = pytest.mark.skipif(os.name == "nt", reason="Windows does not remove files that are mapped")


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for index in range(2):
        pixels = np.random.default_rng(index).integers(0, 256, (24, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def root(images, tmp_path):
    """A cache of two stores that nobody uses: of pairs, and of clean images with a teacher's."""
    root = tmp_path / "cache"
    sources = [Folder(path=str(images))]
    open_store(sources, Bicubic(scale=4), root=root)
    clean = open_store(sources, AWGN(sigma=25.0), root=root, rescale=(1.0, 0.5)).folder
    (clean / "teacher-0123456789abcdef.bin").write_bytes(bytes(5000))
    return root


def test_what_is_cached_is_listed_with_what_it_is(root, images):
    clean, pairs = cached_stores(root)
    assert (pairs.images, pairs.teachers) == (2, 0)
    assert (clean.images, clean.teachers) == (4, 1)
    assert pairs.sources == clean.sources == f"folder {images}"
    assert pairs.degradation == "bicubic x4"
    assert clean.degradation == "awgn 25.0"
    for store in (clean, pairs):
        assert store.bytes == sum(path.stat().st_size for path in store.folder.rglob("*"))
        assert 0 <= store.age_days < 0.1
    assert cached_stores(root / "none") == []


def test_stores_of_before_and_damaged_ones_are_listed_too(root):
    old, broken = cached_stores(root)
    (old.folder / "made-from.json").unlink()
    (broken.folder / "index.json").write_text("[")
    (broken.folder / "made-from.json").write_text('{"sources": 3, "degradation": []}')
    found = {store.folder: store for store in cached_stores(root)}
    assert found[old.folder].sources.startswith("0, ")  # names of images
    assert (found[broken.folder].sources, found[broken.folder].images) == ("unknown", None)


def test_only_what_is_old_is_removed_and_comes_back_when_needed(root, images):
    clean, pairs = cached_stores(root)
    long_ago = time.time() - 40 * 86400
    os.utime(use_file(pairs.folder), (long_ago, long_ago))
    assert cached_stores(root)[1].age_days == pytest.approx(40, abs=0.01)
    done = clear_stores(older_than_days=30, root=root)
    assert [store.folder for store in done.removed] == [pairs.folder]
    assert done.bytes == pairs.bytes
    assert [store.folder for store in cached_stores(root)] == [clean.folder]
    again = open_store([Folder(path=str(images))], Bicubic(scale=4), root=root)
    assert again.folder == pairs.folder
    assert again.pair(0)[1].shape == (24, 20, 3)
    with pytest.raises(ConfigError, match="0 days or more, not -1"):
        clear_stores(older_than_days=-1, root=root)


def test_opening_a_store_makes_it_young(root, images):
    _, pairs = cached_stores(root)
    long_ago = time.time() - 40 * 86400
    os.utime(use_file(pairs.folder), (long_ago, long_ago))
    open_store([Folder(path=str(images))], Bicubic(scale=4), root=root)
    assert cached_stores(root)[1].age_days < 0.1


@locks
def test_what_a_process_works_with_stays(root, images):
    store = open_store([Folder(path=str(images))], Bicubic(scale=4), root=root)
    done = clear_stores(root=root)
    assert [entry.folder for entry in done.in_use] == [store.folder]
    assert len(done.removed) == 1
    assert store.pair(1)[1].shape == (24, 20, 3)
    copy = pickle.loads(pickle.dumps(store.use))  # noqa: S301 - as for a second training process
    folder = store.folder
    del store
    assert clear_stores(root=root).in_use
    del copy
    done = clear_stores(root=root)
    assert [entry.folder for entry in done.removed] == [folder]
    assert cached_stores(root) == []


@locks
def test_another_process_is_seen_until_it_dies(root):
    _, pairs = cached_stores(root)
    code = (
        "import sys, time, pathlib\n"
        "from edgeir.data.store.use import StoreUse\n"
        "use = StoreUse(pathlib.Path(sys.argv[1]))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(pairs.folder)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    try:
        assert [store.folder for store in clear_stores(root=root).in_use] == [pairs.folder]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert [store.folder for store in clear_stores(root=root).removed] == [pairs.folder]


@locks
def test_nobody_starts_to_use_what_is_being_removed(root):
    folder = cached_stores(root)[0].folder
    with unused(folder) as free:
        assert free
        with unused(folder) as second:
            assert not second


def test_a_store_that_is_being_built_stays(root):
    _, pairs = cached_stores(root)
    with FileLock(pairs.folder.with_name(f".{pairs.folder.name}.lock")):
        done = clear_stores(root=root)
    assert [store.folder for store in done.in_use] == [pairs.folder]
    assert pairs.folder.is_dir()


def test_nothing_but_stores_is_touched(root):
    stores = root / "stores"
    (stores / "my thesis").mkdir()
    (stores / "my thesis" / "hr.bin").write_text("x")
    (stores / "notes.txt").write_text("x")
    (root / "0123456789abcdef").mkdir()
    (stores / ".x.removed").mkdir()  # of a call that was killed
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    if os.name != "nt":
        (stores / "fedcba9876543210").symlink_to(elsewhere)
    assert len(clear_stores(root=root).removed) == 2
    left = {path.name for path in stores.iterdir() if not path.name.startswith(".")}
    assert left - {"fedcba9876543210"} == {"my thesis", "notes.txt"}
    assert elsewhere.is_dir()
    assert (root / "0123456789abcdef").is_dir()
    assert not (stores / ".x.removed").exists()


def test_without_locks_and_in_a_folder_that_cannot_be_written(root, monkeypatch):
    folder = cached_stores(root)[0].folder
    monkeypatch.setattr(use_module, "_fcntl", lambda: None)  # Windows
    StoreUse(folder)
    assert len(clear_stores(root=root).removed) == 2

    def refused(self, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refused)
    assert StoreUse(folder).folder == folder
