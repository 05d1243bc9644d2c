"""``AndroidManifest.xml``: read, and made for an application id and a version, or for a Gradle project.

What other apps see of the app by a name that contains its id (the authorities of its providers) gets the new id, as two
apps with the same authority cannot be on one phone. Names of classes stay those of the sources.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from edgeir.android.names import version_code

__all__ = ["NAMESPACE", "Stated", "for_gradle", "for_package", "package_of", "stated"]

NAMESPACE = "http://schemas.android.com/apk/res/android"
COMPONENTS = ("activity", "activity-alias", "service", "receiver", "provider")
PLACEHOLDER = "${applicationId}"
"""Gradle puts the application id in its place."""
ET.register_namespace("android", NAMESPACE)
ET.register_namespace("tools", "http://schemas.android.com/tools")


@dataclass(frozen=True)
class Stated:
    """What a manifest says of an app.

    Attributes:
        permissions: that it asks for.
        exported: names of the components that other apps may start.
    """

    permissions: frozenset[str]
    exported: frozenset[str]


def package_of(text: str) -> str:
    """The package of the sources; `ValueError` where none is stated."""
    package = ET.fromstring(text).get("package")
    if not package:
        raise ValueError("the app's manifest names no package")
    return package


def stated(text: str) -> Stated:
    """Permissions and exported components, their names in full."""
    root, package = ET.fromstring(text), package_of(text)
    permissions = {name for entry in root.iter("uses-permission") if (name := _named(entry, package))}
    exported = {
        _named(entry, package)
        for kind in COMPONENTS
        for entry in root.iter(kind)
        if entry.get(_key("exported")) == "true"
    }
    return Stated(frozenset(permissions), frozenset(exported))


def for_package(text: str, *, application_id: str, version: str) -> str:
    """The manifest to link: version and authorities set, libraries used where they lie in the package.

    The package is still that of the sources; ``aapt2 link --rename-manifest-package`` changes it.
    """
    root, package = ET.fromstring(text), package_of(text)
    root.set(_key("versionCode"), str(version_code(version)))
    root.set(_key("versionName"), version)
    for application in root.iter("application"):
        application.set(_key("extractNativeLibs"), "false")
    for provider in root.iter("provider"):
        if (names := provider.get(_key("authorities"))) is not None:
            provider.set(_key("authorities"), _renamed(names, package, application_id))
    return ET.tostring(root, encoding="unicode")


def for_gradle(text: str) -> str:
    """The manifest of a Gradle project, which states package, version and SDKs in ``build.gradle``."""
    package = package_of(text)
    text = re.sub(r'\s+package="[^"]*"|\s+android:version(?:Code|Name)="[^"]*"', "", text, count=3)
    text = re.sub(r"\s*<uses-sdk\b[^>]*/>", "", text)
    return re.sub(
        r'(android:authorities=")([^"]*)(")',
        lambda match: match[1] + _renamed(match[2], package, PLACEHOLDER) + match[3],
        text,
    )


def _renamed(authorities: str, package: str, application_id: str) -> str:
    """Authorities, separated by semicolons, with the id in place of the package or of Gradle's placeholder."""
    start = re.compile(rf"\A(?:{re.escape(PLACEHOLDER)}|{re.escape(package)})(?=\.|\Z)")
    return ";".join(start.sub(lambda _: application_id, name) for name in authorities.split(";"))


def _named(entry: ET.Element, package: str) -> str:
    name = entry.get(_key("name"), "")
    return f"{package}{name}" if name.startswith(".") else name


def _key(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
