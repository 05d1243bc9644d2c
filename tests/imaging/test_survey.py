"""Which files of a folder are images: by suffix, by content, and what is said about those that cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from edgeir.core.errors import DataError
from edgeir.imaging import kinds
from edgeir.imaging.files import list_images, survey_images
from edgeir.imaging.kinds import kind_of_bytes, why_unreadable


def encoded(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(stream, kind)
    return stream.getvalue()


def ftyp(*brands: bytes) -> bytes:
    body = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return (len(body) + 4).to_bytes(4, "big") + body + bytes(40)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (ftyp(b"heic", b"mif1", b"heic"), "HEIC"),
        (ftyp(b"mif1", b"mif1", b"heic"), "HEIC"),
        (ftyp(b"mif1", b"avif", b"miaf"), "AVIF"),
        (ftyp(b"avif"), "AVIF"),
        (ftyp(b"isom", b"mp42"), None),  # a video
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"MM\0+", "TIFF"),
        (b"P6\n1 1\n255\n", "PNM"),
        (b"P7\nWIDTH", "PNM"),
        (b"Plain text", None),
        (b"", None),
    ],
)
def test_the_format_by_the_first_bytes(head: bytes, kind: str | None) -> None:
    assert kind_of_bytes(head) == kind


def test_every_suffix_of_an_image_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "has_heif", lambda: False)
    jpeg = encoded("JPEG")
    for name in ("a.jfif", "b.JPE", "c.jpg", "d", "e.png"):  # the last is a JPEG, whatever it is called
        (tmp_path / name).write_bytes(jpeg)
    (tmp_path / "f.heic").write_bytes(ftyp(b"heic"))
    (tmp_path / "g.jpg").write_bytes(ftyp(b"heic"))
    (tmp_path / "h.nef").write_bytes(encoded("TIFF"))
    (tmp_path / "i.psd").write_bytes(b"8BPS" + bytes(30))
    (tmp_path / "j.tga").write_bytes(bytes(30))
    (tmp_path / "k.jpg_original").write_bytes(jpeg)
    (tmp_path / "l.txt").write_text("BM, a text that begins like a bitmap\n")
    (tmp_path / "m.tif").write_bytes(b"")
    (tmp_path / ".hidden.jpg").write_bytes(jpeg)
    (tmp_path / "n.mp4").write_bytes(ftyp(b"isom", b"mp42"))
    (tmp_path / "o.png").mkdir()
    images, skipped = survey_images(tmp_path)
    assert [path.name for path in images] == ["a.jfif", "b.JPE", "c.jpg", "d", "e.png", "m.tif"]
    reasons = {path.name: reason for path, reason in skipped}
    assert list(reasons) == ["f.heic", "g.jpg", "h.nef", "i.psd", "j.tga", "k.jpg_original"]
    assert reasons["f.heic"] == reasons["g.jpg"]
    assert "pip install 'edgeir[heif]'" in reasons["f.heic"]
    assert "raw file" in reasons["h.nef"]
    assert "Photoshop" in reasons["i.psd"]
    assert "Targa" in reasons["j.tga"]
    assert "rename it" in reasons["k.jpg_original"]
    assert [path.name for path in list_images(tmp_path)] == ["c.jpg", "e.png", "g.jpg", "m.tif"]


def test_a_missing_decoder_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_unreadable("PNG") is None
    monkeypatch.setattr(kinds, "has_avif", lambda: False)
    monkeypatch.setattr(kinds, "has_jpegxl", lambda: False)
    for kind, package in (("AVIF", "pillow"), ("JPEG XL", "imagecodecs")):
        obstacle = why_unreadable(kind)
        assert obstacle is not None
        assert package in obstacle[1]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        survey_images(tmp_path / "none")
