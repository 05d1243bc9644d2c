"""Labelled sources, and labels that travel with the patches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeir.core.errors import DataError
from edgeir.data.degrade.noise import AWGN
from edgeir.data.items import labels_of
from edgeir.data.labelled.sources import ClassFolders, Digits, SegmentedFolders, label_plane
from edgeir.data.patches import PatchSampler
from edgeir.data.store.pair_store import open_store


def test_digits_are_split_without_overlap_and_keep_their_labels():
    from sklearn.datasets import load_digits

    data = load_digits()
    parts = {part: Digits(part=part).images() for part in ("train", "validation", "test")}
    names = [ref.name for refs in parts.values() for ref in refs]
    assert len(set(names)) == len(names) == 1797
    assert [ref.label for refs in parts.values() for ref in refs] == data.target.tolist()
    image = Digits(size=8).images()[3].load()
    assert np.abs(image[:, :, 1] / 255 * 16 - data.images[3]).max() < 0.04
    assert Digits().images()[3].load().shape == (32, 32, 3)


def test_strokes_are_the_bright_half_of_the_image():
    ref = Digits(labels="stroke").images()[7]
    assert np.array_equal(ref.label() == 1, ref.load()[:, :, 0] > 127)


def test_class_folders_are_numbered_by_name(tmp_path):
    for name, size in (("b", (40, 20)), ("a", (30, 60)), ("c", (16, 16))):
        (tmp_path / name).mkdir()
        Image.new("RGB", size).save(tmp_path / name / "x.png")
    refs = ClassFolders(path=str(tmp_path), shorter_side=10).images()
    assert [(ref.name, ref.label) for ref in refs] == [("a/x", 0), ("b/x", 1), ("c/x", 2)]
    assert [ref.load().shape[:2] for ref in refs] == [(20, 10), (10, 20), (10, 10)]
    with pytest.raises(DataError, match=r"there is no image here \(the layout is <class>"):
        ClassFolders(path=str(tmp_path / "a")).images()


def segmented(tmp_path, mode="P"):
    given, maps = tmp_path / "given", tmp_path / "maps"
    given.mkdir()
    maps.mkdir()
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(given / f"{name}.png")
        classes = Image.fromarray(rng.choice([0, 3, 20, 255], (20, 24)).astype(np.uint8))
        if mode == "P":
            classes.putpalette([value for value in range(256) for _ in "rgb"])
        (classes if mode in "PL" else classes.convert(mode)).save(maps / f"{name}.png")
    return SegmentedFolders(given=str(given), maps=str(maps))


@pytest.mark.parametrize("mode", ["P", "L"])
def test_label_maps_are_class_numbers_and_void_does_not_count(tmp_path, mode):
    (one, _) = segmented(tmp_path, mode).images()
    assert set(np.unique(one.label())) == {-1, 0, 3, 20}
    assert one.label().shape == one.load().shape[:2]


def test_segmented_folders_say_what_is_missing(tmp_path):
    source = segmented(tmp_path)
    listed = tmp_path / "names.txt"
    listed.write_text("two\n")
    assert [ref.name for ref in source.model_copy(update={"names": str(listed)}).images()] == ["two"]
    (tmp_path / "maps" / "one.png").unlink()
    with pytest.raises(DataError, match="1 of 2 names have no image here or no map .* first `one`"):
        source.images()
    with pytest.raises(DataError, match="no such file; looked for"):
        source.model_copy(update={"names": "nowhere"}).images()
    (tmp_path / "maps" / "two.png").write_text("hello")
    with pytest.raises(DataError, match="the label map cannot be read"):
        source.model_copy(update={"names": str(listed)}).images()[0].label()


def test_a_map_of_colours_is_refused(tmp_path):
    with pytest.raises(DataError, match="palette or gray pixels, not RGB"):
        segmented(tmp_path, "RGB").images()[0].label()


def test_an_image_without_label_and_a_map_that_is_too_small_are_refused():
    with pytest.raises(DataError, match="image 1 of the sources has no label"):
        label_plane([3, None], [(4, 4), (4, 4)])
    with pytest.raises(DataError, match="the map of image 0 is 3x4, the image 4x4"):
        label_plane([lambda: np.zeros((3, 4), np.int16)], [(4, 4)])(0)


@given(seed=st.integers(0, 2**31), step=st.integers(0, 1000), patch=st.sampled_from([4, 7, 20]))
def test_a_map_is_cut_and_turned_with_its_image(tmp_path_factory, seed, step, patch):
    """The image's first channel holds the label, so the two can be compared in every patch."""
    folder = tmp_path_factory.mktemp("maps")
    classes = np.random.default_rng(seed).integers(0, 254, (20, 24), np.uint8)
    image = np.stack([classes, classes, classes], 2)
    for name, values in (("given", image), ("maps", classes)):
        (folder / name).mkdir()
        Image.fromarray(values).save(folder / name / "x.png")
    source = SegmentedFolders(given=str(folder / "given"), maps=str(folder / "maps"))
    noise = AWGN(sigma=0.0)
    store = open_store((source,), noise, root=folder)
    plane = labels_of((source,), noise, (1.0,), [record.size for record in store.records])
    sampler = PatchSampler(store, patch=patch, batch=4, seed=seed, planes=[plane], degradation=noise)
    lr, hr, labels = sampler.batch(step)
    assert labels.dtype == np.int16
    assert labels.shape == (4, patch, patch, 1)
    assert np.array_equal(labels, hr[..., :1])
    assert np.allclose(lr * 255, hr, atol=1e-3)


def test_a_class_fills_the_patch():
    plane = label_plane([7, 9], [(6, 5), (8, 8)])
    assert plane(1).shape == (8, 8, 1)
    assert np.unique(plane(0)) == [7]


def test_a_relative_path_is_also_looked_for_below_the_data_folder(tmp_path, monkeypatch):
    here, root = tmp_path / "here", tmp_path / "data"
    here.mkdir()
    monkeypatch.chdir(here)
    source = ClassFolders(path="ILSVRC2012/train")
    with pytest.raises(
        DataError, match=r"no such folder; looked for \S+here/ILSVRC2012/train \(EDGEIR_DATA, .*not set"
    ):
        source.images()
    monkeypatch.setenv("EDGEIR_DATA", str(root))
    with pytest.raises(DataError) as caught:
        source.images()
    assert str(caught.value) == (
        f"ILSVRC2012/train: no such folder; looked for {here}/ILSVRC2012/train or {root}/ILSVRC2012/train "
        "(put it there, or give another path)"
    )
    for folder, name in ((root, "below"), (here, "beside")):
        (folder / "ILSVRC2012/train/n01").mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(folder / f"ILSVRC2012/train/n01/{name}.png")
        assert [ref.name for ref in source.images()] == [f"n01/{name}"]
    for place in ("VOC/images", "VOC/maps"):
        (root / place).mkdir(parents=True)
        Image.new("L", (4, 4)).save(root / place / "a.png")
    (root / "VOC/names.txt").write_text("a")
    assert (
        SegmentedFolders(given="VOC/images", maps="VOC/maps", names="VOC/names.txt").images()[0].name == "a"
    )
