"""XMP metadata: the part that stays true for the main image alone, with other pixels and upright.

Author, title, rating, history, GPS and the like are kept as they are. What describes another part of the file (the gain
map of an Ultra HDR photo, the video of a motion photo, a depth map) is removed, because that part is not in the result,
and the loss is reported. Descriptions of the old pixels' storage (size, orientation, thumbnails) are removed silently.
"""

from __future__ import annotations

from xml.dom import XMLNS_NAMESPACE, minidom

__all__ = ["clean_xmp"]

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
GAIN_MAP, VIDEO, DEPTH = "gain map (HDR)", "video (motion photo)", "depth map"
OTHER_PARTS = {
    "http://ns.adobe.com/hdr-gain-map/1.0/": GAIN_MAP,
    "http://ns.apple.com/HDRGainMap/1.0/": GAIN_MAP,
    "http://ns.apple.com/pixeldatainfo/1.0/": GAIN_MAP,
    "http://ns.google.com/photos/1.0/depthmap/": DEPTH,
    "http://ns.google.com/photos/1.0/image/": "embedded image",
    "http://ns.google.com/photos/1.0/audio/": "embedded sound",
    "http://ns.google.com/photos/dd/1.0/": DEPTH,
}
"""Namespaces (or what they begin with) that describe another part of the file, and what the part is."""
CONTAINER = "http://ns.google.com/photos/1.0/container/"
CAMERA = "http://ns.google.com/photos/1.0/camera/"
VIDEO_NAMES = ("MotionPhoto", "MicroVideo")
SEMANTICS = {"GainMap": GAIN_MAP, "MotionPhoto": VIDEO, "Depth": DEPTH}
_TIFF = (
    "Orientation ImageWidth ImageLength BitsPerSample Compression PhotometricInterpretation SamplesPerPixel "
    "PlanarConfiguration YCbCrSubSampling YCbCrPositioning"
)
STORAGE = {
    "http://ns.adobe.com/tiff/1.0/": frozenset(_TIFF.split()),
    "http://ns.adobe.com/exif/1.0/": frozenset(
        {"PixelXDimension", "PixelYDimension", "CompressedBitsPerPixel"}
    ),
    "http://ns.adobe.com/xap/1.0/": frozenset({"Thumbnails"}),
    "http://ns.adobe.com/xmp/note/": frozenset({"HasExtendedXMP"}),
    "http://ns.google.com/photos/1.0/panorama/": None,  # its numbers are pixels of the old image
}
"""Properties by namespace (None: all) that describe the old pixels."""
REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
LARGEST = 16 << 20


def clean_xmp(xmp: bytes, *, turned: bool) -> tuple[bytes | None, tuple[str, ...]]:
    """The packet to keep, and what the removed parts described.

    Args:
        xmp: the packet as a file stores it.
        turned: the pixels were turned upright: positions in the image (regions of faces) are no longer true.

    Returns:
        ``(packet, lost)``: the packet unchanged when all of it stays true, None when nothing is left or it is not
        well-formed; `lost` names the other parts of the file that it described, in order.
    """
    if len(xmp) > LARGEST or b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:  # entities could unpack without end
        return None, ()
    try:
        document = minidom.parseString(xmp.strip(b"\0 \t\r\n"))
        lost: dict[str, None] = {}
        root = document.documentElement
        changed = root is not None and _clean(root, lost, turned)
        if not changed:
            return xmp, ()
        kept = document.toxml(encoding=None).encode() if _says_something(document) else None
    except Exception:  # expat, an unbound prefix, too deep: it is not worth the image
        return None, ()
    declaration = b'<?xml version="1.0" ?>'
    return (None if kept is None else kept.removeprefix(declaration)), tuple(lost)


def _clean(element: minidom.Element, lost: dict[str, None], turned: bool) -> bool:
    changed = False
    for attribute in list(element.attributes.values()):
        if attribute.namespaceURI != XMLNS_NAMESPACE and _goes(attribute, attribute.value, lost, turned):
            element.removeAttributeNode(attribute)
            changed = True
    for child in list(element.childNodes):
        if child.nodeType != child.ELEMENT_NODE:
            continue
        if _goes(child, _text(child), lost, turned):
            element.removeChild(child)
            child.unlink()
            changed = True
        else:
            changed |= _clean(child, lost, turned)
    return changed


def _goes(node: minidom.Node, value: str, lost: dict[str, None], turned: bool) -> bool:
    """Whether a property is to be removed; adds what it described to `lost`."""
    space, name = node.namespaceURI or "", node.localName or ""
    for start, part in OTHER_PARTS.items():
        if space.startswith(start):
            lost[part] = None
            return True
    if space.startswith(CONTAINER):
        text = value if isinstance(node, minidom.Attr) else node.toxml()
        lost.update((part, None) for word, part in SEMANTICS.items() if word in text)
        return True
    if space == CAMERA and name.startswith(VIDEO_NAMES):
        if value.strip() not in ("", "0"):
            lost[VIDEO] = None
        return True
    if space in STORAGE:
        names = STORAGE[space]
        return names is None or name in names
    return turned and space.startswith(REGIONS)


def _text(element: minidom.Element) -> str:
    return "".join(child.data for child in element.childNodes if child.nodeType == child.TEXT_NODE)


def _says_something(document: minidom.Document) -> bool:
    """A description still has a property."""
    for description in document.getElementsByTagNameNS(RDF, "Description"):
        own = (attribute for attribute in description.attributes.values())
        if any(a.namespaceURI not in (XMLNS_NAMESPACE, RDF) and a.namespaceURI for a in own):
            return True
        if any(child.nodeType == child.ELEMENT_NODE for child in description.childNodes):
            return True
    return False
