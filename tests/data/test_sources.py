"""Image sources: what they find, and what they say when they find nothing."""

import logging

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from edgeir.core.errors import DataError
from edgeir.data.items import licences_of
from edgeir.data.paired.published import PairedFolders
from edgeir.data.sources.embedded import Embedded
from edgeir.data.sources.folder import Folder
from edgeir.data.sources.layouts import PUBLISHED_COUNTS, STANDARD_SETS
from edgeir.data.sources.licences import UNSTATED
from edgeir.data.sources.standard import StandardSet
from edgeir.metrics.conventions import luma


def write(path, size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (10, 20, 30)).save(path)


def test_folder_lists_images_sorted_and_ignores_other_files(tmp_path):
    for name in ("b.png", "a.jpg", "c.bmp"):
        write(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    refs = Folder(path=str(tmp_path)).images()
    assert [ref.name for ref in refs] == ["a", "b", "c"]
    assert refs[1].load().shape == (6, 8, 3)


def test_matlabs_y_in_place_of_colours(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "colour.png")
    Image.fromarray(pixels[:, :, 0]).save(tmp_path / "gray.png")
    colour, gray = Folder(path=str(tmp_path), matlab_y=True).images()
    assert colour.gray()
    assert gray.gray()
    expected = np.rint(luma(pixels.astype(float)))
    assert all(np.array_equal(colour.load()[:, :, channel], expected) for channel in range(3))
    assert np.array_equal(gray.load()[:, :, 1], pixels[:, :, 0])
    assert colour.stamp != Folder(path=str(tmp_path)).images()[0].stamp


def test_folder_errors(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        Folder(path=str(tmp_path / "nowhere")).images()
    with pytest.raises(DataError, match="holds no image"):
        Folder(path=str(tmp_path)).images()


@pytest.mark.parametrize("paired", [False, True])
def test_a_relative_folder_is_also_looked_for_below_the_data_folder(tmp_path, monkeypatch, paired):
    here, root = tmp_path / "here", tmp_path / "data"
    here.mkdir()
    monkeypatch.chdir(here)
    source = PairedFolders(given="a/b", clean="a/b") if paired else Folder(path="a/b")

    def names():
        return [ref.name for ref in (source.pairs() if paired else source.images())]

    with pytest.raises(DataError) as caught:
        names()
    unset = "(EDGEIR_DATA, under which it is looked for too, is not set: set it, or give another path)"
    assert str(caught.value) == f"a/b: no such folder; looked for {here}/a/b {unset}"
    monkeypatch.setenv("EDGEIR_DATA", str(root))
    with pytest.raises(DataError) as caught:
        names()
    assert str(caught.value) == (
        f"a/b: no such folder; looked for {here}/a/b or {root}/a/b (put it there, or give another path)"
    )
    write(root / "a/b/below.png")
    assert names() == ["below"]
    write(here / "a/b/beside.png")
    assert names() == ["beside"]


def test_standard_set_errors_say_where_to_put_it(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="EDGEIR_DATA is not set.*test/set5 or Set5/HR or Set5"):
        StandardSet(name="Set5").images()
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    with pytest.raises(
        DataError, match="Set5 was not found; in it there is nothing .put its images into test/set5"
    ):
        StandardSet(name="Set5").images()


def test_standard_set_errors_list_what_is_there_instead(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    for name in ("f", "e", "d", "c", "b", "a", ".hidden"):
        write(tmp_path / name / "x.png")
    with pytest.raises(DataError, match=r"not found; in it there is a, b, c, d, e, … \("):
        StandardSet(name="Set5").images()
    write(tmp_path / "DIV2K" / "train" / "0001.png")  # nearer to the place than the root is
    with pytest.raises(DataError, match=r"not found; in DIV2K there is train \("):
        StandardSet(name="DIV2K").images()
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="EDGEIR_DATA names a folder that does not exist"):
        StandardSet(name="Set5").images()


@pytest.mark.parametrize("root", ["BSDS500", "BSDS500/data/images", "BSR/BSDS500/data/images"])
def test_bsds500_is_train_and_test_of_its_own_layout(tmp_path, monkeypatch, root):
    for part in ("train", "test", "val"):
        write(tmp_path / root / part / f"{part}.jpg")
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    assert [ref.name for ref in StandardSet(name="BSDS500").images()] == ["train", "test"]
    if "data" in root:
        assert [ref.name for ref in StandardSet(name="B100").images()] == ["val"]


def test_a_range_is_a_part_in_the_order_of_names(tmp_path, monkeypatch):
    for index in range(1, 9):
        write(tmp_path / "DIV2K_train_HR" / f"{index:04d}.png")
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    parts = [StandardSet(name="DIV2K", range=part).images() for part in ((0, 6), (6, 8))]
    names = [[ref.name for ref in part] for part in parts]
    assert names == [[f"{index:04d}" for index in range(1, 7)], ["0007", "0008"]]
    with pytest.raises(DataError, match=r"range \[750, 800\] leaves the set DIV2K, which has 8 images here"):
        StandardSet(name="DIV2K", range=(750, 800)).images()
    for wrong in ((3, 3), (5, 2), (-1, 2)):
        with pytest.raises(ValidationError, match="holds no image|greater than or equal to 0"):
            StandardSet(name="DIV2K", range=wrong)


def test_another_number_of_images_than_published_is_a_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    write(tmp_path / "Kodak24" / "1.png")
    with caplog.at_level(logging.WARNING, "edgeir"):
        assert len(StandardSet(name="Kodak24").images()) == 1
    (record,) = caplog.records
    assert "Kodak24 has 1 images here instead of the 24 published" in record.getMessage()
    assert str(tmp_path / "Kodak24") in record.getMessage()
    caplog.clear()
    for index in range(2, 25):
        write(tmp_path / "Kodak24" / f"{index}.png")
    assert len(StandardSet(name="Kodak24").images()) == 24
    assert not caplog.records
    assert PUBLISHED_COUNTS.keys() == STANDARD_SETS.keys()


@pytest.mark.shared
def test_the_sets_that_are_here_are_whole(shared_data, monkeypatch, caplog):
    monkeypatch.setenv("EDGEIR_DATA", str(shared_data))
    for name in ("Set5", "Set14", "B100", "BSDS500", "T91", "Set12", "BSD68", "CBSD68", "Classic5"):
        assert StandardSet(name=name).images()
    assert not caplog.records


@pytest.mark.parametrize("layout", ["test/set5", "Set5/HR", "Set5"])
def test_every_layout_is_found(tmp_path, monkeypatch, layout):
    write(tmp_path / layout / "baby.png")
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    assert [ref.name for ref in StandardSet(name="Set5").images()] == ["baby"]


def test_b100_is_cropped_to_480_by_320(tmp_path, monkeypatch):
    write(tmp_path / "test/bsds500-val/wide.png", (481, 321))
    write(tmp_path / "test/bsds500-val/tall.png", (321, 481))
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    shapes = {ref.name: ref.load().shape for ref in StandardSet(name="B100").images()}
    assert shapes == {"wide": (320, 480, 3), "tall": (480, 320, 3)}


def test_embedded_photos_are_colour_photos():
    refs = Embedded().images()
    assert len(refs) >= 4
    for ref in refs:
        image = ref.load()
        assert image.ndim == 3
        assert min(image.shape[:2]) >= 300


LIST = 'file,licence,free_licence,author\na.png,CC0-1.0,yes,X\nb.png,Some licence,no,"Y, Z"\nc.png,CC0-1.0,yes,X\n'


@pytest.fixture
def photos(tmp_path, monkeypatch):
    folder = tmp_path / "photos"
    for name in "abc":
        write(folder / f"{name}.png")
    (folder / "MANIFEST.csv").write_text(LIST, encoding="utf-8")
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    return folder


def test_licences_of_photographs_are_counted_and_those_that_are_not_free_can_be_left_out(photos):
    every, free = StandardSet(name="photos"), StandardSet(name="photos", free_only=True)
    assert [ref.name for ref in every.images()] == ["a", "b", "c"]
    assert [ref.name for ref in free.images()] == ["a", "c"]
    assert licences_of([every]) == {"CC0-1.0": 2, "Some licence": 1}
    assert licences_of([free, free]) == {"CC0-1.0": 2}  # an image that two sources read counts once
    write(photos / "d.png")
    other = photos.parent / "other"
    write(other / "e.png")
    counts = licences_of([every, Folder(path="other")])
    assert counts == {"CC0-1.0": 2, UNSTATED: 2, "Some licence": 1}
    assert licences_of([Folder(path="other"), Embedded()]) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no MANIFEST.csv, which states"),
        ("file,author\na.png,X\n", "no column 'licence' and 'free_licence'"),
        (LIST.replace("c.png", "a.png"), "names `a.png` twice"),
        (LIST.replace("c.png", "x.png"), "does not say whether the licence is free of c.png"),
        (LIST.replace("yes", "maybe"), "is free of a.png, c.png"),
        ("\x00", "the list"),
        ('file,licence,free_licence\n"a.png,x', "the list cannot be read"),
    ],
)
def test_a_list_of_licences_that_is_missing_or_wrong_is_refused(photos, text, message):
    path = photos / "MANIFEST.csv"
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        StandardSet(name="photos", free_only=True).images()
