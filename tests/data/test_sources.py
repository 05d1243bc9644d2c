"""Image sources: what they find, and what they say when they find nothing."""

import pytest
from PIL import Image

from edgeir.core.errors import DataError
from edgeir.data.sources import Embedded, Folder, StandardSet


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


def test_folder_errors(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        Folder(path=str(tmp_path / "nowhere")).images()
    with pytest.raises(DataError, match="holds no image"):
        Folder(path=str(tmp_path)).images()


def test_standard_set_errors_say_where_to_put_it(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="EDGEIR_DATA is not set.*test/set5 or Set5/HR or Set5"):
        StandardSet(name="Set5").images()
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    with pytest.raises(DataError, match="Set5 was not found.*put its images into test/set5"):
        StandardSet(name="Set5").images()


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
