"""Which file is the partner of which: an image of the same name, whatever else lies in the folder and however it is
called."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeir.core.errors import DataError
from edgeir.data.labelled.sources import SegmentedFolders
from edgeir.data.paired.base import partners_in
from edgeir.data.paired.published import DPED, PairedFolders
from edgeir.data.paired.realsr import DIV2KLR


def image(path: Path, level: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (level,) * 3).save(path)


@pytest.fixture
def source(tmp_path: Path) -> PairedFolders:
    return PairedFolders(given=str(tmp_path / "given"), clean=str(tmp_path / "clean"))


@pytest.mark.parametrize("other", ["0001.json", "0001.PNG.txt", "0001.aaa", "0001"])
def test_a_file_that_is_no_image_is_no_partner(other: str, source: PairedFolders, tmp_path: Path) -> None:
    image(tmp_path / "given/0001.jpg", 9)
    image(tmp_path / "clean/0001.png", 200)
    (tmp_path / "clean" / other).write_text("{}")
    (pair,) = source.pairs()
    assert pair.clean().mean() == 200
    (tmp_path / "clean/0001.png").unlink()
    with pytest.raises(
        DataError, match=r"1 of 1 images have no partner, first `0001.jpg` .each needs an image of the"
    ):
        source.pairs()


@pytest.mark.parametrize("name", ["[1]", "a[b-d]", "*", "what?", "[!x]", "**", "a.b", "[", "]["])
def test_names_with_signs_of_patterns_are_names(name: str, source: PairedFolders, tmp_path: Path) -> None:
    image(tmp_path / f"given/{name}.jpg", 9)
    image(tmp_path / f"clean/{name}.png", 200)
    for index, decoy in enumerate(["1", "a", "ab", "ac", "x", "what1", "a.c", "b"]):
        image(tmp_path / f"clean/{decoy}.png", index)
    (pair,) = source.pairs()
    assert pair.name == name
    assert pair.clean().mean() == 200


def test_two_possible_partners_are_refused_with_both_names(source: PairedFolders, tmp_path: Path) -> None:
    image(tmp_path / "given/0001.bmp")
    image(tmp_path / "clean/0001.png")
    image(tmp_path / "clean/0001.jpg")
    both = r"clean: `0001.jpg` and `0001.png` could both be the partner of `0001.bmp` .keep one of them"
    with pytest.raises(DataError, match=both):
        source.pairs()
    (tmp_path / "given/0001.bmp").rename(tmp_path / "given/0001.png")
    (pair,) = source.pairs()  # the very name is no doubt
    assert "clean/0001.png" in pair.stamp


def test_two_given_images_of_one_name_are_refused(source: PairedFolders, tmp_path: Path) -> None:
    for name in ("given/a.png", "given/a.jpg", "clean/a.png"):
        image(tmp_path / name)
    with pytest.raises(DataError, match=r"given: `a.jpg` and `a.png` differ in their suffix alone"):
        source.pairs()
    maps = SegmentedFolders(given=str(tmp_path / "given"), maps=str(tmp_path / "clean"))
    with pytest.raises(DataError, match="`a.jpg` and `a.png` differ in their suffix alone"):
        maps.images()


def test_published_sets_take_images_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    image(tmp_path / "dped/iphone/training_data/iphone/0.jpg")
    image(tmp_path / "dped/iphone/training_data/canon/0.png", 200)
    (tmp_path / "dped/iphone/training_data/canon/0.json").touch()
    (pair,) = DPED().pairs()
    assert pair.clean().mean() == 200
    image(tmp_path / "DIV2K/DIV2K_train_LR_bicubic/X2/0001x2.png")
    (tmp_path / "DIV2K/DIV2K_train_HR").mkdir()
    (tmp_path / "DIV2K/DIV2K_train_HR/0001.csv").touch()
    with pytest.raises(DataError, match="no partner, first `0001x2.png`"):
        DIV2KLR(times=2).pairs()


names = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S"), exclude_characters="/\\"), min_size=1,
                max_size=6).filter(lambda name: not name.startswith("."))  # fmt: skip


@given(st.sets(names, min_size=1, max_size=5))
def test_every_name_finds_its_own_file(tmp_path_factory: pytest.TempPathFactory, found: set[str]) -> None:
    folder = tmp_path_factory.mktemp("names")
    for name in found:
        (folder / f"{name}.png").touch()
        (folder / f"{name}.json").touch()
    partner = partners_in(folder)
    for name in found:
        assert partner(f"{name}.jpg") == folder / f"{name}.png"
        assert partner(f"{name}.png") == folder / f"{name}.png"
        assert partner(f"{name}-.png") == (folder / f"{name}-.png" if f"{name}-" in found else None)
