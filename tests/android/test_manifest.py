"""The app's manifest: what it asks for and lets others start, and its forms for a package and for Gradle."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

import pytest

from edgeir.android.manifest import NAMESPACE, for_gradle, for_package, package_of, stated
from edgeir.android.template import MANIFEST, RESOURCES
from edgeir.core.assets import android_sources

PERMISSIONS = {
    "ACCESS_MEDIA_LOCATION",
    "FOREGROUND_SERVICE",
    "FOREGROUND_SERVICE_DATA_SYNC",
    "FOREGROUND_SERVICE_MEDIA_PROCESSING",
    "POST_NOTIFICATIONS",
    "WAKE_LOCK",
    "WRITE_EXTERNAL_STORAGE",
}
"""All that the app may ask for: no network among them, and storage only on old phones."""


def manifest(authorities: str = "${applicationId}.files") -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<!-- A comment. -->
<manifest xmlns:android="{NAMESPACE}"
    package="org.edgeir.app"
    android:versionCode="1"
    android:versionName="0.0.1">

    <uses-sdk
        android:minSdkVersion="24"
        android:targetSdkVersion="35" />
    <uses-permission android:name="android.permission.WAKE_LOCK" />
    <application android:label="@string/app_name">
        <activity android:name=".MainActivity" android:exported="true" />
        <service android:name=".queue.RestoreService" android:exported="false" />
        <provider android:name=".Files" android:authorities={quoteattr(authorities)} android:exported="false" />
    </application>
</manifest>
"""


@pytest.fixture
def shipped() -> str:
    return (android_sources() / MANIFEST).read_text(encoding="utf-8")


def test_the_app_asks_for_no_more_than_it_needs(shipped: str) -> None:
    found = stated(shipped)
    assert {name.removeprefix("android.permission.") for name in found.permissions} == PERMISSIONS
    assert found.exported == {"org.edgeir.app.MainActivity"}
    storage = next(
        entry
        for entry in ET.fromstring(shipped).iter("uses-permission")
        if entry.get(f"{{{NAMESPACE}}}name", "").endswith("WRITE_EXTERNAL_STORAGE")
    )
    assert storage.get(f"{{{NAMESPACE}}}maxSdkVersion") == "28"


def test_every_component_says_whether_it_is_exported(shipped: str) -> None:
    for kind in ("activity", "service", "receiver", "provider"):
        for entry in ET.fromstring(shipped).iter(kind):
            assert entry.get(f"{{{NAMESPACE}}}exported") in ("true", "false"), ET.tostring(entry)


def test_the_app_s_name_is_one_for_all_languages() -> None:
    """A translation would be shown in place of the name that a user chose."""
    files = (android_sources() / RESOURCES).glob("values*/*.xml")
    named = [path.parent.name for path in files if 'name="app_name"' in path.read_text(encoding="utf-8")]
    assert named == ["values"]


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("${applicationId}.files", "de.x.y.files"),
        ("org.edgeir.app.files", "de.x.y.files"),
        ("org.edgeir.app", "de.x.y"),
        ("org.edgeir.app.a;${applicationId}.b", "de.x.y.a;de.x.y.b"),
        ("org.edgeir.apples", "org.edgeir.apples"),
        ("org.other.files", "org.other.files"),
    ],
)
def test_a_package_has_authorities_of_its_own(written: str, becomes: str) -> None:
    root = ET.fromstring(for_package(manifest(written), application_id="de.x.y", version="1.2.3"))
    provider = root.find("application/provider")
    assert provider is not None
    assert provider.get(f"{{{NAMESPACE}}}authorities") == becomes
    assert root.get("package") == "org.edgeir.app"  # aapt2 renames it, and keeps the names of classes
    assert root.get(f"{{{NAMESPACE}}}versionCode") == "10203"
    assert root.get(f"{{{NAMESPACE}}}versionName") == "1.2.3"
    application = root.find("application")
    assert application is not None
    assert application.get(f"{{{NAMESPACE}}}extractNativeLibs") == "false"


def test_gradle_gets_what_its_plugin_takes() -> None:
    text = for_gradle(manifest("org.edgeir.app.files"))
    root = ET.fromstring(text)
    assert root.attrib == {}
    assert root.find("uses-sdk") is None
    assert 'android:authorities="${applicationId}.files"' in text
    assert "<!-- A comment. -->" in text
    assert stated(manifest()).permissions == {"android.permission.WAKE_LOCK"}
    with pytest.raises(ValueError, match="no package"):
        package_of(text)
