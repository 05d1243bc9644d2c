"""The cached images of a teacher: damage is found when they are first used, and mended."""

import json

import numpy as np
import pytest
import torch

from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.errors import OutputError
from edgeir.core.progress import no_progress
from edgeir.data.degrade.bicubic import Bicubic
from edgeir.data.sources.folder import Folder
from edgeir.data.store.pair_store import open_store
from edgeir.models import PlainSRConfig
from edgeir.training import teacher as module
from edgeir.training.recipe import Distillation
from edgeir.training.run import distill
from edgeir.training.teacher import teacher_images


@pytest.fixture
def taught(recipe, tmp_path):
    """The configuration of a cached teacher, and a store of three images."""
    torch.manual_seed(0)
    network = PlainSRConfig(channels=4, blocks=1).build()
    save_checkpoint(
        tmp_path / "teacher", network, network.state_dict(), name="teacher", metrics={}, provenance={}
    )
    config = Distillation(teacher=str(tmp_path / "teacher"), methods=({"kind": "output"},), cache=True)
    store = open_store([Folder(path=str(tmp_path / "images"))], Bicubic(scale=4))
    return config, store


def files(store):
    (pixels,), (hashes,) = (list(store.folder.glob(f"teacher-*.{end}")) for end in ("bin", "json"))
    return pixels, hashes


def images(taught):
    read = teacher_images(*taught, no_progress)
    return [read(index).copy() for index in range(len(taught[1]))]


def test_what_is_computed_once_is_read_again(taught, monkeypatch):
    first = images(taught)
    monkeypatch.setattr(module, "_image", lambda *arguments: pytest.fail("computed again"))
    for before, now in zip(first, images(taught), strict=True):
        assert np.array_equal(before, now)
        assert before.any()


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_to_the_files_the_images_are_right(taught, seed):
    """Flipped bytes, zeroed blocks, cut and lengthened files, in the pixels and in their hashes."""
    right = images(taught)
    rng = np.random.default_rng(seed)
    path = files(taught[1])[seed % 2]
    data = bytearray(path.read_bytes())
    place = int(rng.integers(len(data)))
    kind = ("flip", "zero", "cut", "append", "empty", "all zero")[int(rng.integers(6))]
    if kind == "flip":
        data[place] ^= int(rng.integers(1, 256))
    elif kind == "zero":
        data[place : place + 400] = bytes(len(data[place : place + 400]))
    else:
        data = {"cut": data[:place], "append": data + data[:9], "empty": b"", "all zero": bytes(len(data))}[
            kind
        ]
    path.write_bytes(data)
    for _ in range(2):
        assert all(np.array_equal(a, b) for a, b in zip(right, images(taught), strict=True))


def test_a_image_damaged_since_is_computed_anew_and_said(taught, caplog):
    right = images(taught)
    path, hashes = files(taught[1])
    known = hashes.read_bytes()
    data = bytearray(path.read_bytes())
    data[taught[1].records[1].hr_offset + 7] ^= 1
    path.write_bytes(data)
    assert np.array_equal(images(taught)[1], right[1])
    assert caplog.text.count("was damaged and is computed anew") == 1
    assert f"the teacher's image of `1` in {path}" in caplog.text
    assert hashes.read_bytes() == known
    caplog.clear()
    images(taught)
    assert not caplog.text


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"sha256": 3}', '{"sha256": ["a"]}', '{"done": 3}', "[" * 9999]
)
def test_a_file_of_hashes_that_says_nothing_means_nothing_is_there(taught, text, monkeypatch):
    right = images(taught)
    files(taught[1])[1].write_text(text)
    computed = []
    compute = module._image
    monkeypatch.setattr(module, "_image", lambda *arguments: computed.append(1) or compute(*arguments))
    assert all(np.array_equal(a, b) for a, b in zip(right, images(taught), strict=True))
    assert len(computed) == 3


def test_an_interrupted_computation_goes_on(taught, monkeypatch):
    right = images(taught)
    hashes = files(taught[1])[1]
    known = json.loads(hashes.read_text())["sha256"]
    hashes.write_text(json.dumps({"sha256": [known[0], None, known[2]]}))
    computed = []
    compute = module._image
    monkeypatch.setattr(module, "_image", lambda *arguments: computed.append(1) or compute(*arguments))
    assert np.array_equal(images(taught)[1], right[1])
    assert len(computed) == 1


def test_zeroed_images_are_not_trained_on(taught, recipe, tmp_path, rows):
    settings = {"teacher": taught[0].teacher, "methods": [{"kind": "output"}], "cache": True}
    recipe(objective={"distillation": settings})
    right = distill(recipe.path, out=tmp_path / "right")
    path = next((tmp_path / "cache").rglob("teacher-*.bin"))
    path.write_bytes(bytes(path.stat().st_size))
    again = distill(recipe.path, out=tmp_path / "again")
    assert rows(again.run_dir) == rows(right.run_dir)
    assert any(path.read_bytes())


def test_a_full_disk_is_named(taught, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_image", full)
    with pytest.raises(OutputError, match="teacher-.*the disk is full"):
        images(taught)
