"""What Android's own tools say of a package: ``aapt2 dump`` and ``apksigner verify``, read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Badging", "Signatures", "exported_components", "read_badging", "read_signatures"]

COMPONENTS = ("activity", "activity-alias", "service", "receiver", "provider")


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


def exported_components(said: str) -> dict[str, bool]:
    """Whether other apps may start each component, by its name; of ``aapt2 dump xmltree``.

    A component that does not say it and has a filter is exported; Android 12 refuses such a package.
    """
    found: dict[str, bool] = {}
    lines = [(len(line) - len(line.lstrip()), line.strip()) for line in said.splitlines()]
    for index, (depth, line) in enumerate(lines):
        if (match := re.match(r"E: ([\w-]+) ", line)) is None or match[1] not in COMPONENTS:
            continue
        inside = [text for _, text in _below(lines[index + 1 :], depth)]
        own = [text for level, text in _below(lines[index + 1 :], depth) if level == depth + 2]
        name = next(text for text in own if ":name(" in text)
        stated = next((text for text in own if ":exported(" in text), None)
        filtered = any(text.startswith("E: intent-filter") for text in inside)
        exported = filtered if stated is None else stated.endswith("=true")
        found[re.search(r'="([^"]*)"', name)[1]] = exported  # type: ignore[index]
    return found


def read_signatures(said: str) -> Signatures:
    """Read the output of ``apksigner verify --verbose --print-certs``."""
    schemes = re.findall(r"^Verified using v(\d)(?:\.\d)? scheme .*: true$", said, re.MULTILINE)
    certificates = re.findall(r"certificate SHA-256 digest: ([0-9a-f]{64})", said)
    return Signatures(frozenset(int(scheme) for scheme in schemes), tuple(dict.fromkeys(certificates)))


def _below(lines: list[tuple[int, str]], depth: int) -> Iterator[tuple[int, str]]:
    """The lines of an element, up to the next one that is as deep."""
    for level, text in lines:
        if level <= depth:
            return
        yield level, text


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
            return lines[0].strip().removeprefix("'").removesuffix("'")
    raise ValueError(f"aapt2 says nothing of `{keys[0]}`")
