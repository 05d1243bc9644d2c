"""Folders: names, formats, what is left out, and what is known after an interruption."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.core.errors import ConfigError, DataError, ImageError, OutputError
from edgeir.imaging import kinds
from edgeir.imaging.files import Photo, read_photo, write_photo, write_rgb
from edgeir.restoring.photo import Restoration, restore


def samples(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for index, name in enumerate(["a.png", "b.jpg", "c.tif"]):
        write_rgb(samples(9 + index, 11, 3), folder / name)
    return folder


def test_images_of_one_stem_get_names_of_their_own(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    Image.fromarray(samples(6, 6)).save(photos / "a.gif")
    Image.fromarray(samples(5, 6)).save(photos / "a.ppm")
    report = restore(photos, tmp_path / "out", model=fake())
    assert report.complete
    assert listing(tmp_path / "out") == ["a.gif.png", "a.png", "a.ppm.png", "b.jpg", "c.tif"]
    assert read_photo(tmp_path / "out" / "a.ppm.png").pixels.shape[:2] == (10, 12)
    report = restore(photos, tmp_path / "webp", model=fake(), format="webp")
    assert listing(tmp_path / "webp") == ["a.gif.webp", "a.png.webp", "a.ppm.webp", "b.webp", "c.webp"]


def test_images_that_no_name_keeps_apart_are_listed(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    if (photos / "A.PNG").exists():
        pytest.skip("upper and lower case are one name here")
    for name in ("a.gif", "A.gif"):
        Image.fromarray(samples(6, 6)).save(photos / name, "GIF")
    (photos / "a.gif.png").write_bytes((photos / "a.png").read_bytes())
    report = restore(photos, tmp_path / "out", model=fake())
    assert {entry.output.name for entry in report.restored} == {"A.gif.png", "a.png", "b.jpg", "c.tif"}
    assert [entry.input.name for entry in report.failed] == ["a.gif", "a.gif.png"]
    assert "several images would be written as `a.gif.png`" in report.failed[0].error


@pytest.mark.parametrize(
    ("format", "suffix", "expected"),
    [("png", ".png", "PNG"), (".JPG", ".jpg", "JPEG"), ("tif", ".tif", "TIFF"), ("webp", ".webp", "WebP")],
)
def test_the_format_of_all_results_can_be_chosen(fake, photos, tmp_path, format, suffix, expected) -> None:  # type: ignore[no-untyped-def]
    restore(photos, tmp_path / "out", model=fake(), format=format)
    assert listing(tmp_path / "out") == [f"a{suffix}", f"b{suffix}", f"c{suffix}"]
    for name in listing(tmp_path / "out"):
        assert kinds.kind_of(tmp_path / "out" / name) == expected
    (tmp_path / "folder").mkdir()
    restore(photos / "a.png", tmp_path / "folder", model=fake(), format=format)
    restore(photos / "a.png", tmp_path / "named", model=fake(), format=format)
    assert listing(tmp_path / "folder") == [f"a{suffix}"]
    assert (tmp_path / f"named{suffix}").is_file()


def test_formats_that_cannot_be_are_said_first(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match="`gif` is no format that is written .*png"):
        restore(photos, tmp_path / "out", model=fake(), format="gif")
    with pytest.raises(ConfigError, match=r"`out.png` and the format `jpg` contradict"):
        restore(photos / "a.png", tmp_path / "out.png", model=fake(), format="jpg")
    with pytest.raises(ConfigError, match="--overwrite and --skip-existing"):
        restore(photos, tmp_path / "out", model=fake(), overwrite=True, skip_existing=True)
    restore(photos / "a.png", tmp_path / "out.JPEG", model=fake(), format="jpg")


@pytest.mark.parametrize("format", [None, "webp"])
def test_what_a_format_cannot_hold_becomes_a_png(fake, tmp_path: Path, format) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "in"
    write_rgb(samples(1, 9000, 3), folder / "wide.webp")
    write_rgb(samples(4, 5, 3), folder / "small.webp")
    report = restore(folder, tmp_path / "out", model=fake(), format=format)
    assert listing(tmp_path / "out") == ["small.webp", "wide.webp.png"]
    assert report.complete
    wide = report.restored[1]
    assert wide.output.name == "wide.webp.png"
    assert "18000 x 2 pixels are more than this format holds" in wide.remarks[0]
    assert report.restored[0].remarks == ()
    with pytest.raises(OutputError, match="2 of 2 outputs exist"):
        restore(folder, tmp_path / "out", model=fake(), format=format)
    again = restore(folder, tmp_path / "out", model=fake(), format=format, skip_existing=True)
    assert len(again.existing) == 2
    with pytest.raises(
        ImageError, match="more than this format holds"
    ):  # a name that was given is kept or refused
        restore(folder / "wide.webp", tmp_path / "named.webp", model=fake())


def test_a_transparent_image_in_a_folder_of_jpegs_becomes_a_png(fake, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_photo(Photo(samples(6, 6, 3), samples(6, 6)), tmp_path / "in" / "a.png")
    report = restore(tmp_path / "in", tmp_path / "out", model=fake(), format="jpg")
    assert listing(tmp_path / "out") == ["a.jpg.png"]
    assert "transparent" in report.restored[0].remarks[0]


@pytest.mark.skipif(sys.platform == "win32", reason="the paths of these names are too long")
def test_a_name_that_is_too_long_does_not_stop_the_rest(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    long = photos / ("a" * 251 + ".png")
    write_rgb(samples(5, 5, 3), photos / "short.png")
    (photos / "short.png").rename(long)
    assert restore(photos, tmp_path / "out", model=fake()).complete
    assert (tmp_path / "out" / long.name).is_file()
    session = fake()
    report = restore(photos, tmp_path / "webp", model=session, format="webp")
    assert [entry.input for entry in report.failed] == [long]
    assert "the name is too long" in report.failed[0].error
    assert [entry.output.name for entry in report.restored] == ["a.webp", "b.webp", "c.webp"]


def test_a_folder_in_the_place_of_a_result_does_not_stop_the_rest(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    report = restore(photos, tmp_path / "out", model=fake(), overwrite=True)
    assert "it is a folder, not a file" in report.failed[0].error
    assert len(report.restored) == 2


def test_a_name_that_the_file_system_refuses_does_not_stop_the_rest(  # type: ignore[no-untyped-def]
    fake, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.replace

    def replace(source, target):  # type: ignore[no-untyped-def]
        if Path(target).name == "b.jpg":
            raise OSError(errno.EINVAL, "Invalid argument", str(target))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    report = restore(photos, tmp_path / "out", model=fake())
    assert [entry.input.name for entry in report.failed] == ["b.jpg"]
    assert "Invalid argument" in report.failed[0].error
    assert listing(tmp_path / "out") == ["a.png", "c.tif"]


def test_what_exists_is_left_out_on_request(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    restore(photos / "b.jpg", out / "b.jpg", model=fake())
    before = (out / "b.jpg").stat().st_mtime_ns
    session = fake()
    report = restore(photos, out, model=session, skip_existing=True)
    assert [entry.input.name for entry in report.restored] == ["a.png", "c.tif"]
    assert report.existing == (photos / "b.jpg",)
    assert report.complete
    assert (out / "b.jpg").stat().st_mtime_ns == before
    count = len(session.sizes)
    assert restore(photos, out, model=session, skip_existing=True).restored == ()
    assert restore(photos / "a.png", out / "a.png", model=session, skip_existing=True).existing == (
        photos / "a.png",
    )
    assert len(session.sizes) == count


def test_images_under_other_suffixes_are_restored_or_listed(  # type: ignore[no-untyped-def]
    fake, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(samples(6, 7, 3)).save(photos / "d.jfif", "JPEG")
    (photos / "e.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    (photos / "notes.txt").write_text("no image")
    monkeypatch.setattr(
        "edgeir.imaging.files.why_unreadable",
        lambda kind: ("is HEIC, which needs a decoder", "install one") if kind == "HEIC" else None,
    )
    report = restore(photos, tmp_path / "out", model=fake())
    assert listing(tmp_path / "out") == ["a.png", "b.jpg", "c.tif", "d.jpg"]
    assert [(entry.input.name, entry.reason) for entry in report.skipped] == [
        ("e.heic", "is HEIC, which needs a decoder (install one)")
    ]
    assert not report.complete
    for name in ("a.png", "b.jpg", "c.tif", "d.jfif"):
        (photos / name).unlink()
    with pytest.raises(DataError, match="no image that can be read here: `e.heic` is HEIC"):
        restore(photos, tmp_path / "other", model=fake())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_an_error_that_concerns_all_stops_and_what_was_done_is_known(  # type: ignore[no-untyped-def]
    fake, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real = os.replace

    def replace(source, target):  # type: ignore[no-untyped-def]
        if Path(target).name == "b.jpg":
            raise OSError(number, "no")
        real(source, target)

    run = Restoration(photos, tmp_path / "out", model=fake())
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OutputError):
        run.run()
    report = run.report("full")
    assert [entry.input.name for entry in report.restored] == ["a.png"]
    assert report.pending == (photos / "b.jpg", photos / "c.tif")
    assert report.stopped == "full"
    assert not report.complete
    assert listing(tmp_path / "out") == ["a.png"]
    monkeypatch.undo()
    assert restore(photos, tmp_path / "out", model=fake(), skip_existing=True).complete
    assert listing(tmp_path / "out") == ["a.png", "b.jpg", "c.tif"]


def test_progress_counts_images(fake, photos: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    calls: list[tuple[float, float, str]] = []
    restore(photos, tmp_path / "out", model=fake(), progress=lambda *call: calls.append(call))
    assert calls[0] == (0, 3, "image 1 of 3: a.png")
    assert {total for _, total, _ in calls} == {3}
    assert {label for _, _, label in calls} == {
        *(f"image {index} of 3: {name}" for index, name in enumerate(("a.png", "b.jpg", "c.tif"), 1)),
        "done",
    }
    (photos / "b.jpg").unlink()
    (photos / "c.tif").unlink()
    calls.clear()
    restore(photos, tmp_path / "one", model=fake(), tile=6, progress=lambda *call: calls.append(call))
    assert {total for _, total, _ in calls} == {1}  # the tiles of an image are parts of it


def test_lossy_webp_stays_lossy(fake, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "in").mkdir()
    smooth = np.add.outer(np.arange(60), np.arange(50))[:, :, None].repeat(3, axis=2).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "in" / "lossy.webp", quality=80)
    Image.fromarray(smooth).save(tmp_path / "in" / "exact.webp", lossless=True)
    restore(tmp_path / "in", tmp_path / "out", model=fake())
    lossy, exact = ((tmp_path / "out" / f"{name}.webp").read_bytes() for name in ("lossy", "exact"))
    assert b"VP8 " in lossy[:64]
    assert b"VP8L" in exact[:64]
