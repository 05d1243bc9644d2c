"""The format of a file by its first bytes, whatever its name, and whether it can be read here.

`kind_of` names the format; `why_unreadable` says why a format cannot be read (a decoder is not installed, or edgeir
does not read the format at all). Suffixes matter only for listing a folder.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

__all__ = [
    "FOREIGN_SUFFIXES",
    "READ_KINDS",
    "READ_SUFFIXES",
    "WEAK_KINDS",
    "has_avif",
    "has_heif",
    "has_jpegxl",
    "kind_of",
    "kind_of_bytes",
    "why_unreadable",
]

READ_KINDS = ("PNG", "JPEG", "TIFF", "WebP", "BMP", "GIF", "PNM", "AVIF", "JPEG XL", "HEIC")
"""Formats that are read; the last three where their decoder is installed."""

_READ = (
    ".apng .avif .bmp .btf .dib .gif .heic .heif .hif .jfif .jif .jpe .jpeg .jpg .jxl .mpo .pbm .pfm .pgm .png .pnm "
    ".ppm .tf8 .tif .tiff .webp"
)
READ_SUFFIXES = frozenset(_READ.split())
"""File name endings (lower case) of the formats in `READ_KINDS`."""

WEAK_KINDS = frozenset({"BMP", "PNM"})
"""Formats with a signature of two letters, with which a text may begin too."""

_CAMERA_RAW = (
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .iiq .kdc .mef .mrw .nef .nrw .orf .pef .raf .raw .rw2 .srw .x3f"
)
_OTHER_IMAGES = {
    ".dds": "a DDS texture",
    ".exr": "an OpenEXR image",
    ".hdr": "a Radiance image",
    ".ico": "an icon",
    ".j2k": "a JPEG 2000 image",
    ".jp2": "a JPEG 2000 image",
    ".jpf": "a JPEG 2000 image",
    ".jpx": "a JPEG 2000 image",
    ".jxr": "a JPEG XR image",
    ".pcx": "a PCX image",
    ".psb": "a Photoshop document",
    ".psd": "a Photoshop document",
    ".qoi": "a QOI image",
    ".sgi": "an SGI image",
    ".svg": "a vector drawing",
    ".tga": "a Targa image",
    ".wdp": "a JPEG XR image",
    ".xcf": "a GIMP document",
}
FOREIGN_SUFFIXES: dict[str, str] = _OTHER_IMAGES | dict.fromkeys(_CAMERA_RAW.split(), "a camera's raw file")
"""File name endings of images that are not read, and what they are."""

_MARKS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"\xff\x0a", "JPEG XL"),  # a bare codestream
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"8BPS", "Photoshop"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"#?RADIANCE", "Radiance"),
    (b"gimp xcf ", "GIMP"),
)
_PNM = frozenset(b"P" + letter for letter in (b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"f", b"F"))
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})


def kind_of(path: Path) -> str | None:
    """The format of a file by its first bytes, such as "JPEG" or "Photoshop"; None when they are not an image's.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        return kind_of_bytes(stream.read(64))


def kind_of_bytes(head: bytes) -> str | None:
    """`kind_of` for the first bytes of a file (64 are enough)."""
    for mark, kind in _MARKS:
        if head.startswith(mark):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        end = min(len(head), int.from_bytes(head[:4], "big"))
        brands = {head[8:12], *(head[offset : offset + 4] for offset in range(16, end, 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        return "HEIC" if brands & _HEIC_BRANDS or head[8:12] in (b"mif1", b"msf1") else None
    return "PNM" if head[:2] in _PNM and head[2:3] in b" \t\r\n#" and len(head) > 2 else None


def why_unreadable(kind: str) -> tuple[str, str] | None:
    """Why a format cannot be read here: (what, fix), or None when it can."""
    if kind == "AVIF" and not has_avif():
        return "is AVIF, and the Pillow installed here has no AVIF decoder", "pip install -U 'pillow>=11.3'"
    if kind == "HEIC" and not has_heif():
        return "is HEIC, which needs the package `pillow-heif`", "pip install 'edgeir[heif]'"
    if kind == "JPEG XL" and not has_jpegxl():
        return (
            "is JPEG XL, and the imagecodecs installed here has no decoder for it",
            "pip install -U imagecodecs",
        )
    if kind in READ_KINDS:
        return None
    return f"is of the format {kind}, which is not read", "convert it to PNG or TIFF"


def has_avif() -> bool:
    """Pillow from 11.3 on, where it was built with libavif."""
    return importlib.util.find_spec("PIL._avif") is not None


def has_heif() -> bool:
    """The optional package is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def has_jpegxl() -> bool:
    """Most builds of imagecodecs."""
    import imagecodecs  # slow to load, rarely needed

    return bool(imagecodecs.JPEGXL.available)
