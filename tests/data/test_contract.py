"""Every member of the union of sources, on a made-up folder in its published layout: what a store relies on.

A new source is covered as soon as it is named in the union and has a layout below. What is particular to a source is
tested in the file of its kind.
"""

import json
import typing
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from pydantic import TypeAdapter

from edgeir.core.config import dump_yaml
from edgeir.core.errors import DataError
from edgeir.data.degrade import AWGN
from edgeir.data.items import items_of
from edgeir.data.labelled.sources import Labelled
from edgeir.data.paired.base import Paired
from edgeir.data.union import AnySource

MEMBERS = typing.get_args(typing.get_args(AnySource)[0])
BUNDLED = {"embedded", "digits", "patterns"}
"""They come with an installed package, or are drawn."""
NO_TRUTH = {"dnd"}
"""Its clean images were never published, so that it lists no pair (its crops: test_hdf5.py)."""


def image(path, size=(24, 16), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path)


def images(*paths, **options):
    def make(root):
        for path in paths:
            image(root / path, **options)

    return make


def segmented(root):
    image(root / "given/a.png")
    image(root / "maps/a.png", mode="L")


def nyu2(root):
    h5py = pytest.importorskip("h5py")
    (root / "NYU2").mkdir()
    with h5py.File(root / "NYU2/nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = np.zeros((2, 3, 24, 16), np.uint8)
        file["depths"] = np.ones((2, 24, 16), np.float32)


def dnd(root):
    (root / "DND").mkdir()
    (root / "DND/info.mat").touch()


CANON = "RealSR (ICCV2019)/Canon/Train/4/Canon_001_"
SMALL_SIDD = "SIDD_Small_sRGB_Only/Data/0001_S6/"
LAYOUTS = {
    "folder": ({"path": "mine"}, images("mine/a.png", "mine/b.png")),
    "standard": ({"name": "Set5"}, images("Set5/baby.png", "Set5/bird.png")),
    "embedded": ({}, images()),
    "patterns": ({"count": 3, "side": 16}, images()),
    "digits": ({"part": "validation"}, images()),
    "class-folders": ({"path": "classes"}, images("classes/one/a.png", "classes/two/a.png")),
    "segmented-folders": ({"given": "given", "maps": "maps"}, segmented),
    "paired-folders": ({"given": "bad", "clean": "good"}, images("bad/a.png", "good/a.png")),
    "dped": ({}, images("dped/iphone/training_data/iphone/0.jpg", "dped/iphone/training_data/canon/0.jpg")),
    "pirm-b": ({}, images("pirm/enhance-patches/iphone/0.jpg", "pirm/enhance-patches/canon/0.jpg")),
    "sidd": ({}, images(f"{SMALL_SIDD}NOISY_SRGB_010.PNG", f"{SMALL_SIDD}GT_SRGB_010.PNG")),
    "realsr": ({}, images(f"{CANON}LR4.png", f"{CANON}HR.png")),
    "div2k-lr": ({"times": 2}, lambda root: (
        image(root / "DIV2K/DIV2K_train_LR_bicubic/X2/0001x2.png", (12, 8)),
        image(root / "DIV2K/DIV2K_train_HR/0001.png", (24, 16)),
    )),
    "gopro": ({}, images(*(f"GOPRO_Large/train/GOPR0372/{kind}/000047.png" for kind in ("blur", "sharp")))),
    "did-mdn": ({}, images("DID-MDN-training/Rain_Heavy/train2018new/1.png", size=(48, 16))),
    "nyu2-haze": ({"copies": 2, "total": 4, "training": 3}, nyu2),
    "dnd": ({}, dnd),
}  # fmt: skip
"""The least settings of each kind, its folders under the root, and what writes a set there."""
OF_FOLDERS = ("path", "given", "clean", "maps")


def test_every_source_of_the_union_is_here_once():
    kinds = [member.model_fields["kind"].default for member in MEMBERS]
    assert len(set(kinds)) == len(kinds)
    assert set(kinds) == set(LAYOUTS)


@pytest.fixture(params=MEMBERS, ids=lambda member: member.model_fields["kind"].default)
def source(request, tmp_path, monkeypatch):
    """One of a kind, whose set is not there yet."""
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    settings, _ = LAYOUTS[request.param.model_fields["kind"].default]
    return request.param(
        **{key: str(tmp_path / value) if key in OF_FOLDERS else value for key, value in settings.items()}
    )


@pytest.fixture
def filled(source, tmp_path):
    LAYOUTS[source.kind][1](tmp_path)
    return source


def listed(source):
    return source.pairs() if isinstance(source, Paired) else source.images()


def test_settings_survive_yaml(source):
    again = TypeAdapter(AnySource).validate_python(yaml.safe_load(dump_yaml(source)))
    assert type(again) is type(source)
    assert again == source


def test_a_set_that_is_not_there_is_an_error(source):
    if source.kind in BUNDLED:
        assert listed(source)
    else:
        with pytest.raises(DataError):
            source.located() if isinstance(source, Paired) else source.images()


def test_its_images_are_named_stamped_and_decoded(filled):
    if filled.kind in NO_TRUTH:
        assert all(Path(path).exists() for path in filled.located())
        with pytest.raises(DataError, match="no ground truth"):
            filled.pairs()
        return
    refs = listed(filled)
    assert refs
    assert len({ref.name for ref in refs}) == len(refs)
    assert len({ref.stamp for ref in refs}) == len(refs)
    assert [(ref.name, ref.stamp) for ref in listed(filled)] == [(ref.name, ref.stamp) for ref in refs]
    ref = refs[0]
    images = [ref.given(), ref.clean()] if isinstance(filled, Paired) else [ref.load()]
    for image in images:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
    if isinstance(filled, Paired):
        assert all(Path(path).exists() for path in filled.located())
        assert images[1].shape[:2] == tuple(filled.scale * side for side in images[0].shape[:2])
        assert ref.extra_degradation == filled.extra_degradation
    if isinstance(filled, Labelled):
        label = ref.label() if callable(ref.label) else ref.label
        assert isinstance(label, int) or (label.shape == images[0].shape[:2] and label.dtype == np.int16)


def test_a_store_can_hold_it(filled):
    paired = isinstance(filled, Paired)
    degradation = None if paired else AWGN()
    if filled.kind in NO_TRUTH:
        with pytest.raises(DataError, match="no ground truth"):
            items_of([filled], degradation, [1.0])
        return
    items = items_of([filled], degradation, [1.0])
    assert len(items) == len(listed(filled))
    given, clean = items[0].load()
    assert clean.flags.c_contiguous
    assert (given is not None) == paired
    json.dumps([item.stamp for item in items])
    assert {item.weight for item in items} == {filled.weight}
