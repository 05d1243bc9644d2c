"""What Android's own tools say of a package: ``aapt2 dump`` and ``apksigner verify``, read."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "Badging",
    "Components",
    "Signatures",
    "read_badging",
    "read_components",
    "read_signatures",
]

CLASSES, ALIAS = ("activity", "service", "receiver", "provider"), "activity-alias"
"""Elements of a manifest whose names are those of classes, and another name of an activity."""


@dataclass(frozen=True)
class Badging:
    """What ``aapt2 dump badging`` says.

    Attributes:
        package: the application id.
        permissions: asked for by the manifest.
        implied: what Android adds by itself, for old versions of it.
        abis: processors with a library.
        activity: what the launcher starts; None: nothing.
    """

    package: str
    version_code: int
    version_name: str
    min_sdk: int
    target_sdk: int
    label: str
    permissions: frozenset[str]
    implied: frozenset[str]
    abis: frozenset[str]
    activity: str | None
    debuggable: bool


@dataclass(frozen=True)
class Components:
    """What a packaged manifest names.

    Attributes:
        exported: names of components that other apps may start.
        classes: names of classes.
    """

    exported: frozenset[str]
    classes: frozenset[str]


@dataclass(frozen=True)
class Signatures:
    """What ``apksigner verify`` says: the schemes by which a package is signed, and the certificate's SHA-256."""

    schemes: frozenset[int]
    certificates: tuple[str, ...]


def read_badging(said: str) -> Badging:
    """Read the output of ``aapt2 dump badging``; `ValueError` where a part is missing."""
    package = _quoted(_line(said, "package"))
    implied = frozenset(_quoted(line)["name"] for line in _lines(said, "uses-implied-permission"))
    asked = [_quoted(line)["name"] for line in _lines(said, "uses-permission")]
    activity = next(iter(_lines(said, "launchable-activity")), None)
    return Badging(
        package=package["name"],
        version_code=int(package["versionCode"]),
        version_name=package["versionName"],
        min_sdk=int(_value(said, "minSdkVersion", "sdkVersion")),
        target_sdk=int(_value(said, "targetSdkVersion")),
        label=_value(said, "application-label"),
        permissions=frozenset(asked) - implied,
        implied=implied,
        abis=frozenset(re.findall(r"'([^']*)'", _line(said, "native-code", ""))),
        activity=None if activity is None else _quoted(activity)["name"],
        debuggable="application-debuggable" in said.splitlines(),
    )


def read_components(said: str) -> Components:
    """Read the output of ``aapt2 dump xmltree --file AndroidManifest.xml``.

    A component that does not say whether it is exported, and has a filter, is; Android 12 refuses such a package.
    """
    exported, classes = set(), set()
    for element in _elements(said):
        name = element.attributes.get("name", "")
        if element.kind in ("application", *CLASSES) and name:
            classes.add(name)
        if element.kind in (*CLASSES, ALIAS):
            stated = element.attributes.get("exported")
            if stated == "true" or (stated is None and element.filtered):
                exported.add(name)
    return Components(frozenset(exported), frozenset(classes))


def read_signatures(said: str) -> Signatures:
    """Read the output of ``apksigner verify --verbose --print-certs``."""
    schemes = re.findall(r"^Verified using v(\d)(?:\.\d)? scheme .*: true$", said, re.MULTILINE)
    certificates = re.findall(r"certificate SHA-256 digest: ([0-9a-f]{64})", said)
    return Signatures(frozenset(int(scheme) for scheme in schemes), tuple(dict.fromkeys(certificates)))


@dataclass
class _Element:
    kind: str
    depth: int
    attributes: dict[str, str]
    filtered: bool = False


def _elements(said: str) -> list[_Element]:
    """The elements of a dumped document, in its order, with their attributes as they are printed."""
    found: list[_Element] = []
    for line in said.splitlines():
        text = line.strip()
        depth = len(line) - len(line.lstrip())
        if element := re.match(r"E: ([\w-]+) ", text):
            # An element stands four columns inside the one that it belongs to, an attribute two.
            parent = next((one for one in reversed(found) if one.depth < depth), None)
            if element[1] == "intent-filter" and parent is not None:
                parent.filtered = True
            found.append(_Element(element[1], depth, {}))
        elif (attribute := re.match(r'A: (?:\S*[:/])?(\w+)(?:\(\w+\))?=(?:"([^"]*)"|(\S+))', text)) and found:
            found[-1].attributes[attribute[1]] = attribute[2] if attribute[2] is not None else attribute[3]
    return found


def _lines(said: str, key: str) -> list[str]:
    return [line.partition(":")[2] for line in said.splitlines() if line.startswith(f"{key}:")]


def _line(said: str, key: str, otherwise: str | None = None) -> str:
    lines = _lines(said, key)
    if not lines and otherwise is None:
        raise ValueError(f"aapt2 says nothing of `{key}`")
    return lines[0] if lines else str(otherwise)


def _quoted(line: str) -> dict[str, str]:
    return dict(re.findall(r"([\w-]+)='([^']*)'", line))


def _value(said: str, *keys: str) -> str:
    """What stands in quotation marks behind the first of these keys that there is; a name may have such marks in it."""
    for key in keys:
        if lines := _lines(said, key):
            text = lines[0].strip().removeprefix("'").removesuffix("'")
            # As aapt2 prints strings: with a backslash before quotation marks and backslashes.
            return re.sub(r'\\(["\\])', r"\1", text)
    raise ValueError(f"aapt2 says nothing of `{keys[0]}`")
