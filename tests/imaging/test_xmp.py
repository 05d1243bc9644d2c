"""XMP: what stays true of it, and what is named when it goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from edgeir.imaging.files import read_photo, write_photo
from edgeir.imaging.remarks import remarks
from edgeir.imaging.xmp import clean_xmp

from .conftest import encoded, smooth

NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
}


def packet(attributes: str = "", elements: str = "") -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in NAMES.items())
    return (
        f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {spaces}>'
        f'<rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


def directory(*semantics: str) -> str:
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:Semantic="{name}"/></rdf:li>'
        for name in ("Primary", *semantics)
    )
    return f"<Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>"


KEPT = 'dc:source="sea" xmp:Rating="5"'


@pytest.mark.parametrize(
    ("attributes", "elements", "lost"),
    [
        ('hdrgm:Version="1.0"', directory("GainMap"), ("gain map (HDR)",)),
        (
            'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"',
            directory("MotionPhoto"),
            ("video (motion photo)",),
        ),
        ('GCamera:MicroVideo="1" GCamera:MicroVideoOffset="77"', "", ("video (motion photo)",)),
        ("", "<GDepth:Data>AAAA</GDepth:Data>", ("depth map",)),
        (
            'hdrgm:Version="1.0" GCamera:MotionPhoto="1"',
            directory("GainMap", "MotionPhoto"),
            ("gain map (HDR)", "video (motion photo)"),
        ),
        ('tiff:Orientation="6" exif:PixelXDimension="40" GPano:FullPanoWidthPixels="9000"', "", ()),
        ("", "<xmp:Thumbnails>AAAA</xmp:Thumbnails><tiff:Orientation>6</tiff:Orientation>", ()),
        ('GCamera:MotionPhoto="0"', "", ()),
    ],
)
def test_what_describes_other_parts_or_other_pixels_goes(
    attributes: str, elements: str, lost: tuple[str, ...]
) -> None:
    kept, named = clean_xmp(packet(f"{KEPT} {attributes}", elements), turned=False)
    assert named == lost
    assert kept is not None
    text = kept.decode()
    assert 'dc:source="sea"' in text
    assert 'xmp:Rating="5"' in text
    for gone in (
        "hdrgm:Version",
        "<Container:",
        "GCamera:M",
        "<GDepth:",
        "Orientation",
        "Dimension",
        "GPano:F",
        "AAAA",
    ):
        assert gone not in text
    assert clean_xmp(kept, turned=False) == (kept, ())


def test_what_stays_true_is_not_touched() -> None:
    xmp = packet(KEPT, '<mwg-rs:Regions rdf:parseType="Resource"/>')
    assert clean_xmp(xmp, turned=False) == (xmp, ())
    kept, _ = clean_xmp(xmp, turned=True)  # positions are no longer true
    assert b"mwg-rs:Regions rdf" not in kept
    assert b'dc:source="sea"' in kept


@pytest.mark.parametrize(
    "xmp",
    [
        b"",
        b"no XML",
        b"<a>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        b"<a>" * 100_000 + b"</a>" * 100_000,
        packet('hdrgm:Version="1.0"'),
    ],
)
def test_nothing_of_use_is_nothing(xmp: bytes) -> None:
    assert clean_xmp(xmp, turned=True)[0] is None


def test_an_ultra_hdr_photo_loses_its_gain_map_and_says_so_once(tmp_path: Path) -> None:
    frames = [Image.fromarray(smooth(16, 16)), Image.fromarray(smooth(8, 8))]
    frames[0].info["xmp"] = xmp = packet(f'{KEPT} hdrgm:Version="1.0"', directory("GainMap"))
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:], xmp=xmp)
    with remarks() as said:
        photo = read_photo(tmp_path / "a.jpg")
    assert said == [
        f"{tmp_path / 'a.jpg'}: its gain map (HDR) is not carried over, and the XMP that describes it neither"
    ]
    write_photo(photo, tmp_path / "b.jpg")
    content = (tmp_path / "b.jpg").read_bytes()
    for gone in (b"hdrgm:Version", b"GainMap", b"MPF\0"):
        assert gone not in content
    assert b'dc:source="sea"' in content


def test_a_plain_multi_image_jpeg_says_what_is_left_out(tmp_path: Path) -> None:
    frames = [Image.fromarray(smooth(16, 16)), Image.fromarray(smooth(8, 8))]
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])
    with remarks() as said:
        read_photo(tmp_path / "a.jpg")
    assert said == [f"{tmp_path / 'a.jpg'}: it holds 2 images, of which the main one is read"]


def test_an_iso_gain_map(tmp_path: Path) -> None:
    content = encoded(smooth(16, 16), "JPEG")
    body = b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"
    segment = b"\xff\xe2" + (len(body) + 2).to_bytes(2, "big") + body
    (tmp_path / "a.jpg").write_bytes(content[:2] + segment + content[2:])
    with remarks() as said:
        read_photo(tmp_path / "a.jpg")
    assert len(said) == 1
    assert "gain map" in said[0]
