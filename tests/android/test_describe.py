"""What aapt2 and apksigner print, read; and the classes of a dex file."""

from __future__ import annotations

import struct

import pytest

from edgeir.android.describe import read_badging, read_components, read_signatures
from edgeir.android.dex import defined_classes

BADGING = """\
package: name='de.x.y' versionCode='100' versionName='0.1.0' platformBuildVersionName='15' compileSdkVersion='35'
minSdkVersion:'24'
targetSdkVersion:'35'
uses-permission: name='android.permission.WAKE_LOCK'
uses-permission: name='android.permission.WRITE_EXTERNAL_STORAGE' maxSdkVersion='28'
application-label:'Bär & \\"Söhne's\\" \\\\ x'
application-icon-160:'res/mipmap-anydpi-v26/ic_launcher.xml'
application: label='x' icon='res/mipmap-anydpi-v26/ic_launcher.xml'
launchable-activity: name='org.edgeir.app.MainActivity'  label='' icon=''
uses-permission: name='android.permission.READ_EXTERNAL_STORAGE' maxSdkVersion='28'
uses-implied-permission: name='android.permission.READ_EXTERNAL_STORAGE' maxSdkVersion='28' reason='requested WRITE'
feature-group: label=''
densities: '160' '480' '65534'
native-code: 'arm64-v8a' 'x86_64'
"""
TREE = """\
N: android=http://schemas.android.com/apk/res/android (line=3)
  E: manifest (line=3)
    A: http://schemas.android.com/apk/res/android:versionCode(0x0101021b)=1
    A: package="de.x.y" (Raw: "de.x.y")
      E: application (line=21)
        A: http://schemas.android.com/apk/res/android:name(0x01010003)="org.edgeir.app.App" (Raw: ".App")
        A: http://schemas.android.com/apk/res/android:allowBackup(0x01010280)=false
          E: activity (line=30)
            A: http://schemas.android.com/apk/res/android:name(0x01010003)="org.edgeir.app.Main" (Raw: ".Main")
            A: http://schemas.android.com/apk/res/android:exported(0x01010010)=true
              E: intent-filter (line=34)
                  E: action (line=35)
                    A: http://schemas.android.com/apk/res/android:name(0x01010003)="android.intent.action.MAIN"
          E: activity (line=50)
            A: http://schemas.android.com/apk/res/android:name(0x01010003)="org.edgeir.app.Silent"
              E: intent-filter (line=51)
          E: activity (line=52)
            A: http://schemas.android.com/apk/res/android:name(0x01010003)="org.edgeir.app.Inner"
          E: service (line=60)
            A: http://schemas.android.com/apk/res/android:name(0x01010003)="org.edgeir.app.Work"
            A: http://schemas.android.com/apk/res/android:exported(0x01010010)=false
              E: intent-filter (line=61)
          E: activity-alias (line=70)
            A: http://schemas.android.com/apk/res/android:name(0x01010003)="org.edgeir.app.Other"
            A: http://schemas.android.com/apk/res/android:exported(0x01010010)=true
"""


def test_badging() -> None:
    found = read_badging(BADGING)
    assert (found.package, found.version_code, found.version_name) == ("de.x.y", 100, "0.1.0")
    assert (found.min_sdk, found.target_sdk) == (24, 35)
    assert found.label == """Bär & "Söhne's" \\ x"""
    assert found.permissions == {"android.permission.WAKE_LOCK", "android.permission.WRITE_EXTERNAL_STORAGE"}
    assert found.implied == {"android.permission.READ_EXTERNAL_STORAGE"}
    assert found.abis == {"arm64-v8a", "x86_64"}
    assert found.activity == "org.edgeir.app.MainActivity"
    assert not found.debuggable


def test_badging_of_a_poor_package() -> None:
    lines = [line for line in BADGING.splitlines() if not line.startswith(("native", "launch", "uses"))]
    found = read_badging("\n".join([*lines, "application-debuggable"]))
    assert (found.abis, found.permissions, found.activity, found.debuggable) == (set(), set(), None, True)
    with pytest.raises(ValueError, match="says nothing of `package`"):
        read_badging("ERROR: no package\n")
    with pytest.raises(ValueError, match="says nothing of `targetSdkVersion`"):
        read_badging(BADGING.replace("targetSdkVersion", "other"))


def test_components() -> None:
    found = read_components(TREE)
    assert found.exported == {"org.edgeir.app.Main", "org.edgeir.app.Silent", "org.edgeir.app.Other"}
    names = ("App", "Main", "Silent", "Inner", "Work")
    assert found.classes == {f"org.edgeir.app.{name}" for name in names}


def test_signatures() -> None:
    digest = "ab" * 32
    said = (
        "Verifies\nVerified using v1 scheme (JAR signing): false\n"
        "Verified using v2 scheme (APK Signature Scheme v2): true\n"
        "Verified using v3 scheme (APK Signature Scheme v3): true\n"
        "Verified using v3.1 scheme (APK Signature Scheme v3.1): false\n"
        "Verified using v4 scheme (APK Signature Scheme v4): false\n"
        f"Number of signers: 1\nSigner #1 certificate SHA-256 digest: {digest}\n"
    )
    found = read_signatures(said)
    assert (found.schemes, found.certificates) == ({2, 3}, (digest,))
    assert read_signatures("DOES NOT VERIFY\n").schemes == set()


def dex(names: list[str]) -> bytes:
    """A dex file with these strings, each a type and a class: header, tables, strings."""
    header, count = 0x70, len(names)
    strings, types, classes = header, header + 4 * count, header + 8 * count
    places, data = [], b""
    for name in names:
        places.append(classes + 32 * count + len(data))
        data += bytes([len(name)]) + name.encode() + b"\0"
    content = bytearray(b"dex\n039\0".ljust(header, b"\0"))
    for place, offset in ((0x38, strings), (0x40, types), (0x60, classes)):
        struct.pack_into("<II", content, place, count, offset)
    content += struct.pack(f"<{count}I", *places) + struct.pack(f"<{count}I", *range(count))
    content += b"".join(struct.pack("<8I", index, *[0] * 7) for index in range(count))
    return bytes(content) + data


def test_the_classes_of_a_dex_file() -> None:
    content = dex(["Lorg/edgeir/app/App;", "Lorg/edgeir/app/App$1;"])
    assert defined_classes(content) == {"org.edgeir.app.App", "org.edgeir.app.App$1"}
    for broken in (b"PK\x03\x04", content[:0x64], content[:-10]):
        with pytest.raises(ValueError, match="dex"):
            defined_classes(broken)
