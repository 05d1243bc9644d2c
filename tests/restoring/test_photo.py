"""Files and folders: what is written, what is refused, and what a failure leaves behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from edgeir.core.errors import CheckpointError, DataError, ImageError, OutputError
from edgeir.imaging.files import Photo, read_photo, write_photo, write_rgb
from edgeir.imaging.photo import clean_exif
from edgeir.restoring.photo import restore

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def samples(*shape: int, bits: int = 8, seed: int = 0) -> np.ndarray:
    return (
        np.random.default_rng(seed).integers(0, 2**bits, shape).astype(np.uint8 if bits == 8 else np.uint16)
    )


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for index, name in enumerate(["a.png", "b.jpg", "c.tif"]):
        write_rgb(samples(9 + index, 11, 3), folder / name)
    return folder


def test_everything_a_photo_carries_survives(fake, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    block = Image.Exif()
    block[0x010F], block[0x0112] = "Maker", 6
    source = tmp_path / "a.tif"
    photo = Photo(samples(14, 10, 3, bits=16), samples(14, 10, bits=16), SRGB, clean_exif(block), 16)
    write_photo(photo, source)
    report = restore(source, tmp_path / "out.png", model=fake(scale=2))
    result = read_photo(tmp_path / "out.png")
    assert result.bits == 16
    assert result.pixels.shape == (28, 20, 3)
    assert result.alpha is not None
    assert result.icc == SRGB
    assert result.exif is not None
    assert (report.restored[0].width, report.restored[0].height) == (20, 28)
    assert report.restored[0].output == tmp_path / "out.png"
    assert report.failed == ()


def test_a_rotated_jpeg_comes_out_upright(fake, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    block = Image.Exif()
    block[0x010F], block[0x0112] = "Maker", 6
    Image.fromarray(samples(8, 16, 3)).save(tmp_path / "a.jpg", exif=block)
    restore(tmp_path / "a.jpg", tmp_path / "b.jpg", model=fake(scale=2))
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.size == (16, 32)
        assert image.getexif()[0x0112] == 1


def test_a_folder(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (photos / "sub").mkdir()
    write_rgb(samples(5, 5, 3), photos / "sub" / "d.png")
    (photos / "notes.txt").write_text("no image")
    Image.fromarray(samples(6, 6)).save(photos / "e.gif")
    calls: list[tuple[float, float, str]] = []
    session = fake()
    report = restore(
        photos, tmp_path / "new" / "out", model=session, progress=lambda *call: calls.append(call)
    )
    assert listing(tmp_path / "new" / "out") == ["a.png", "b.jpg", "c.tif", "e.png"]
    assert [entry.input.name for entry in report.restored] == ["a.png", "b.jpg", "c.tif", "e.gif"]
    assert read_photo(tmp_path / "new" / "out" / "c.tif").pixels.shape == (22, 22, 3)
    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert calls[-1][:2] == (4, 4)
    assert {call[1] for call in calls} == {4}
    assert not session.closed  # a session that was handed in stays the caller's


def test_bad_files_are_listed_and_the_rest_is_done(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (photos / "aa.png").write_bytes((photos / "a.png").read_bytes()[:60])
    (photos / "bb.jpg").write_text("not an image")
    (photos / "bc.jpg").touch()
    report = restore(photos, tmp_path / "out", model=fake())
    assert listing(tmp_path / "out") == ["a.png", "b.jpg", "c.tif"]
    assert [entry.input.name for entry in report.failed] == ["aa.png", "bb.jpg", "bc.jpg"]
    for entry in report.failed:
        assert entry.error.startswith(str(entry.input))
        assert "\n" not in entry.error


def test_a_photo_that_the_network_cannot_run_is_listed(
    fake, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("edgeir.restoring.image.WHOLE_LIMIT", 100)
    report = restore(photos, tmp_path / "out", model=fake(subtract_mean=True))
    assert [entry.input.name for entry in report.restored] == ["a.png"]
    assert ["reads the whole image" in entry.error for entry in report.failed] == [True, True]


def test_nothing_is_overwritten_unasked(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    restore(photos / "a.png", out / "b.jpg", model=fake())
    before = (out / "b.jpg").read_bytes()
    session = fake()
    with pytest.raises(OutputError, match="exists already .*--overwrite"):
        restore(photos / "b.jpg", out / "b.jpg", model=session)
    with pytest.raises(OutputError, match="1 of 3 outputs exist already, such as `b.jpg`"):
        restore(photos, out, model=session)
    assert session.sizes == []  # said before any work
    assert listing(out) == ["b.jpg"]
    assert (out / "b.jpg").read_bytes() == before
    restore(photos, out, model=session, overwrite=True)
    assert listing(out) == ["a.png", "b.jpg", "c.tif"]
    assert (out / "b.jpg").read_bytes() != before


def test_the_input_is_never_the_output(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "link").symlink_to(photos)
    for source, target in (
        (photos, photos),
        (photos, tmp_path / "link"),
        (photos / "a.png", tmp_path / "link" / "a.png"),
    ):
        with pytest.raises(OutputError, match="the output is the input itself"):
            restore(source, target, model=fake(), overwrite=True)
    with pytest.raises(OutputError, match="the output is the input itself"):
        restore(photos / "a.png", photos, model=fake(), overwrite=True)


def test_a_file_into_an_existing_folder(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "out").mkdir()
    restore(photos / "a.png", tmp_path / "out", model=fake())
    assert listing(tmp_path / "out") == ["a.png"]


@pytest.mark.parametrize(
    ("source", "target", "error", "words"),
    [
        ("in/none.png", "out.png", ImageError, "no such file or folder"),
        ("in/a.png", "out.xyz", ImageError, "use one of"),
        ("in/a.png", "out", ImageError, "has no suffix"),
        ("in", "in/a.png", OutputError, "is a file, but a folder goes into a folder"),
        ("empty", "out", DataError, "holds no image"),
    ],
)
def test_what_cannot_work_is_said_first(fake, photos, tmp_path, source, target, error, words) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "empty").mkdir()
    session = fake()
    with pytest.raises(error, match=words):
        restore(tmp_path / source, tmp_path / target, model=session)
    assert session.sizes == []
    assert not (tmp_path / "out").exists()


def test_the_format_is_checked_before_the_network_runs(fake, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_photo(Photo(samples(6, 6, 3), samples(6, 6)), tmp_path / "a.png")
    session = fake()
    with pytest.raises(ImageError, match="transparent"):
        restore(tmp_path / "a.png", tmp_path / "a.jpg", model=session)
    write_rgb(samples(1, 9000, 3), tmp_path / "wide.png")
    with pytest.raises(ImageError, match="18000 x 2 pixels are more than this format holds"):
        restore(tmp_path / "wide.png", tmp_path / "wide.webp", model=session)
    assert session.sizes == []


def test_a_model_that_is_not_there(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="neither a file, a folder nor a network of the zoo"):
        restore(photos, tmp_path / "out", model="no-such-model")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("when", ["running", "writing"])
def test_a_failure_leaves_nothing_half_written(fake, photos, tmp_path, monkeypatch, when) -> None:  # type: ignore[no-untyped-def]
    session = fake()
    if when == "running":
        session.run = lambda x: (_ for _ in ()).throw(KeyboardInterrupt)
        expected: type[BaseException] = KeyboardInterrupt
    else:
        monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        expected = OutputError
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_bytes(b"old")
    with pytest.raises(expected):
        restore(photos, out, model=session, overwrite=True)
    assert listing(out) == ["a.png"]
    assert (out / "a.png").read_bytes() == b"old"


def test_max_pixels_is_the_callers(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    report = restore(photos, tmp_path / "out", model=fake(), max_pixels=99)
    assert [entry.input.name for entry in report.failed] == ["b.jpg", "c.tif"]
