"""Paired sets: found in their published layouts, and errors that show what was expected and what is there."""

import numpy as np
import pytest
from PIL import Image

from edgeir.core.errors import ConfigError, DataError
from edgeir.data.degrade import AWGN
from edgeir.data.items import scale_of
from edgeir.data.paired.published import DIDMDN, DIV2KLR, DPED, PIRM, SIDD, GoPro, PairedFolders, RealSR
from edgeir.data.sources.embedded import Embedded
from edgeir.data.store.pair_store import open_store
from edgeir.training.recipe import load_recipe
from edgeir.training.run import train

LAYOUTS = [
    (DPED(), "dped/iphone/training_data/iphone/0.jpg", "dped/iphone/training_data/canon/0.jpg"),
    (
        DPED(phone="sony", part="test"),
        "DPED/sony/test_data/patches/sony/7.jpg",
        "DPED/sony/test_data/patches/canon/7.jpg",
    ),
    (PIRM(), "pirm/enhance-patches/iphone/0.jpg", "pirm/enhance-patches/canon/0.jpg"),
    (
        SIDD(),
        "SIDD_Small_sRGB_Only/Data/0001_S6/NOISY_SRGB_010.PNG",
        "SIDD_Small_sRGB_Only/Data/0001_S6/GT_SRGB_010.PNG",
    ),
    (
        SIDD(size="medium"),
        "SIDD_Medium_Srgb/Data/0001_S6/0001_NOISY_SRGB_010.PNG",
        "SIDD_Medium_Srgb/Data/0001_S6/0001_GT_SRGB_010.PNG",
    ),
    (
        RealSR(),
        "RealSR (ICCV2019)/Canon/Train/4/Canon_001_LR4.png",
        "RealSR (ICCV2019)/Canon/Train/4/Canon_001_HR.png",
    ),
    (
        RealSR(version=2, camera="Nikon", part="Test", zoom=2),
        "RealSR(V2)/Nikon/Test/2/Nikon_001_LR2.png",
        "RealSR(V2)/Nikon/Test/2/Nikon_001_HR.png",
    ),
    (
        DIV2KLR(track="unknown", times=2),
        "DIV2K/DIV2K_train_LR_unknown/X2/0001x2.png",
        "DIV2K/DIV2K_train_HR/0001.png",
    ),
    (
        DIV2KLR(part="validation"),
        "DIV2K_valid_LR_bicubic/X4/0801x4.png",
        "DIV2K_valid_HR/0801.png",
    ),
    (GoPro(), "GOPRO_Large/train/GOPR0372/blur/000047.png", "GOPRO_Large/train/GOPR0372/sharp/000047.png"),
    (
        GoPro(gamma=True, part="test"),
        "GOPRO_Large/test/GOPR0384/blur_gamma/000001.png",
        "GOPRO_Large/test/GOPR0384/sharp/000001.png",
    ),
]


def image(path, level, size=(24, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize(("source", "given", "clean"), LAYOUTS, ids=lambda v: getattr(v, "kind", ""))
def test_the_published_layout_is_read(source, given, clean, root):
    image(root / given, 50)
    image(root / clean, 200)
    (ref,) = source.pairs()
    assert ref.given().mean() == pytest.approx(50, abs=1)
    assert ref.clean().mean() == pytest.approx(200, abs=1)


@pytest.mark.parametrize(("source", "given", "clean"), LAYOUTS, ids=lambda v: getattr(v, "kind", ""))
def test_a_pair_without_its_partner_is_an_error(source, given, clean, root):
    image(root / given, 50)
    (root / clean).parent.mkdir(parents=True, exist_ok=True)
    with pytest.raises(DataError, match="no pair here|have no partner|missing, the partner of"):
        source.pairs()
    (root / given).unlink()
    image(root / clean, 50)
    with pytest.raises(DataError, match="missing, the partner of|holds no image|not found|there is no blur"):
        source.pairs()


def test_both_halves_of_one_file(root):
    path = root / "DID-MDN-training" / "Rain_Heavy" / "train2018new" / "1.png"
    path.parent.mkdir(parents=True)
    both = np.zeros((8, 20, 3), np.uint8)
    both[:, 10:] = 255
    Image.fromarray(both).save(path)
    (ref,) = DIDMDN().pairs()
    assert (ref.given().max(), ref.clean().min()) == (0, 255)
    assert ref.given().shape == (8, 10, 3)
    (other,) = DIDMDN(rainy="right").pairs()
    assert (other.given().min(), other.clean().max()) == (255, 0)
    assert other.stamp != ref.stamp
    with pytest.raises(
        DataError, match="DID-MDN was not found; in it there is DID-MDN-training .*DID-MDN-test"
    ):
        DIDMDN(part="test").pairs()
    (root / "DID-MDN-test").mkdir()
    Image.fromarray(both).save(root / "DID-MDN-test" / "7.png")
    (ref,) = DIDMDN(part="test").pairs()
    assert (ref.name, ref.given().max(), ref.clean().min()) == ("7", 0, 255)
    with pytest.raises(DataError, match="Rain_Medium/train2018new"):
        DIDMDN(density="Medium").pairs()


@pytest.mark.parametrize("gone", ["blur", "sharp"])
def test_every_sequence_of_gopro_has_both_kinds(root, gone):
    for sequence in ("GOPR0372", "GOPR0374"):
        for side in ("blur", "blur_gamma", "sharp"):
            image(root / "GOPRO_Large/train" / sequence / side / "1.png", 9)
    (root / "GOPRO_Large/train/.hidden").mkdir()
    assert [ref.name for ref in GoPro().pairs()] == ["GOPR0372/1", "GOPR0374/1"]
    image(root / "GOPRO_Large/train/GOPR0374/blur/2.png", 9)
    with pytest.raises(DataError, match=r"sharp: 2.png is missing, the partner of 2.png"):
        GoPro().pairs()
    (root / "GOPRO_Large/train/GOPR0374" / gone).rename(root / "elsewhere")
    left = ", ".join(side for side in ("blur", "blur_gamma", "sharp") if side != gone)
    with pytest.raises(
        DataError, match=f"GOPR0374: there is no {gone} here, only {left} .every sequence has"
    ):
        GoPro().pairs()


def test_an_incomplete_paired_set_is_a_warning(root, caplog):
    for side in ("blur", "sharp"):
        image(root / "GOPRO_Large/test/GOPR0384" / side / "1.png", 9)
    assert len(GoPro(part="test").pairs()) == 1
    assert "GoPro has 1 pairs here instead of the 1111 published" in caplog.text


def test_a_missing_set_shows_what_was_expected_and_what_is_there(root, monkeypatch):
    with pytest.raises(
        DataError,
        match=r"SIDD was not found; in it there is nothing .*put it into SIDD_Small_sRGB_Only/Data or SIDD/",
    ):
        SIDD().pairs()
    image(root / "GOPRO_Large" / "training" / "x.png", 1)
    with pytest.raises(DataError, match="in GOPRO_Large there is training .*GOPRO_Large/train"):
        GoPro().pairs()
    monkeypatch.delenv("EDGEIR_DATA")
    with pytest.raises(DataError, match="EDGEIR_DATA is not set"):
        RealSR().pairs()


def test_a_store_of_pairs(root, tmp_path):
    image(root / "a" / "1.png", 10, (12, 10))
    image(root / "b" / "1.jpg", 90, (24, 20))
    source = PairedFolders(given=str(root / "a"), clean=str(root / "b"), times=2)
    store = open_store([source], None, root=tmp_path)
    lr, hr = store.pair(0)
    assert (lr.shape, hr.shape) == ((10, 12, 3), (20, 24, 3))
    assert (lr.mean(), hr.mean()) == (10, 90)
    image(root / "a" / "1.png", 10, (13, 10))
    with pytest.raises(DataError, match=r"a/1.png: the degraded image is 10x13 instead of 10x12"):
        open_store([source], None, root=tmp_path)


def test_what_does_not_fit_together_is_refused():
    pairs = PairedFolders(given="a", clean="b")
    for sources, degradation, message in (
        ([pairs], AWGN(), "set `degradation: null`"),
        ([pairs, Embedded()], None, "every source must be paired"),
        ([pairs, PairedFolders(given="a", clean="b", times=2)], None, "different scales"),
    ):
        with pytest.raises(ConfigError, match=message):
            scale_of(sources, degradation)


def test_training_on_pairs(root, tmp_path):
    rng = np.random.default_rng(0)
    for index in range(2):
        clean = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        for folder, image in (("clean", clean), ("noisy", clean ^ 7)):
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(image).save(root / folder / f"{index}.png")
    source = f"{{kind: paired-folders, given: {root / 'noisy'}, clean: {root / 'clean'}}}"
    overrides = [
        f"data.sources=[{source}]", "data.degradation=null", f"validation.sources=[{source}]",
        "model={kind: dncnn, depth: 3, width: 4}", "data.patch=16", "data.batch=2", "train.steps=3",
    ]  # fmt: skip
    result = train("denoising/dncnn-small", overrides=overrides, out=tmp_path / "run")
    assert result.steps == 3
    with pytest.raises(ConfigError, match=r"`validation.sources`: without a `degradation`"):
        load_recipe("denoising/dncnn-small", [o for o in overrides if not o.startswith("validation")])


def test_a_part_is_held_out_by_the_order_of_names(root):
    for index in (0, 1, 2, 3, 9, 10, 11, 100):
        for side in ("iphone", "canon"):
            image(root / "dped_patches" / side / f"{index}.png", index)
    names = {part: [ref.name for ref in PIRM(part=part).pairs()] for part in ("all", "train", "held-out")}
    assert names["all"] == ["0", "1", "2", "3", "9", "10", "11", "100"]  # numbers by value
    assert names["held-out"] == ["0", "9"]
    assert sorted(names["train"] + names["held-out"]) == sorted(names["all"])
    folders = {"given": str(root / "dped_patches/iphone"), "clean": str(root / "dped_patches/canon")}
    assert [ref.name for ref in PairedFolders(**folders, part="held-out", every=3).pairs()] == [
        "0",
        "3",
        "11",
    ]
    image(root / "one/a.png", 0)
    with pytest.raises(DataError, match="the part `train` of 1 pairs is empty"):
        PairedFolders(given=str(root / "one"), clean=str(root / "one"), part="train").pairs()
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        PIRM(every=1)
