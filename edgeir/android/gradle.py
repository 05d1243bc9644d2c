"""The text files of a Gradle project for Android Studio: one module for each of the app's parts.

The runtime is LiteRT of Google's Maven, whose libraries have pages of 16 KB, which Google Play asks for; its Java
interface is that of TensorFlow Lite.
"""

from __future__ import annotations

from edgeir.android.artifacts import MIN_SDK, TARGET_SDK
from edgeir.android.names import version_code

__all__ = ["LITERT_VERSION", "MODULES", "gradle_files", "readme"]

LITERT_VERSION = "1.4.1"
PLUGIN_VERSION, GRADLE_VERSION = "8.7.3", "8.9"
"""The Android Gradle plugin that knows this target SDK, and a Gradle that it runs with."""
MODULES = ("restorer", "tflite", "app")
SETTINGS = """\
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}
dependencyResolutionManagement {
    repositoriesMode.set(RepositoriesMode.FAIL_ON_PROJECT_REPOS)
    repositories {
        google()
        mavenCentral()
    }
}
rootProject.name = 'restore'
include %(modules)s
"""
TOP = """\
plugins {
    id 'com.android.application' version '%(plugin)s' apply false
    id 'com.android.library' version '%(plugin)s' apply false
}
"""
PROPERTIES = """\
org.gradle.jvmargs=-Xmx2g
android.useAndroidX=true
android.nonTransitiveRClass=true
"""
WRAPPER = """\
distributionBase=GRADLE_USER_HOME
distributionPath=wrapper/dists
distributionUrl=https\\://services.gradle.org/distributions/gradle-%(gradle)s-bin.zip
zipStoreBase=GRADLE_USER_HOME
zipStorePath=wrapper/dists
"""
IGNORED = """\
.gradle/
.idea/
build/
local.properties
"""
RESTORER = """\
// Bundles, tiles and pixels: nothing of Android.
plugins {
    id 'java-library'
}
java {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
}
"""
ENGINE = """\
// The engine, on LiteRT's Interpreter.
plugins {
    id 'com.android.library'
}
android {
    namespace = 'org.edgeir.tflite'
    compileSdk = %(target)d
    defaultConfig {
        minSdk = %(oldest)d
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
}
dependencies {
    api project(':restorer')
    api 'com.google.ai.edge.litert:litert:%(litert)s'
}
"""
APP = """\
plugins {
    id 'com.android.application'
}
android {
    namespace = '%(package)s'
    compileSdk = %(target)d
    defaultConfig {
        applicationId = '%(id)s'
        minSdk = %(oldest)d
        targetSdk = %(target)d
        versionCode = %(code)d
        versionName = '%(version)s'
        ndk {
            abiFilters %(abis)s
        }
    }
    androidResources {
        noCompress += 'tflite'
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
}
dependencies {
    implementation project(':tflite')
    // The GPU delegate: found at run time, and used only after it restored the golden image right.
    runtimeOnly 'com.google.ai.edge.litert:litert-gpu:%(litert)s'
    runtimeOnly 'com.google.ai.edge.litert:litert-gpu-api:%(litert)s'
}
"""
README = """\
# %(name)s

An Android app that restores photos with the networks in `app/src/main/assets/bundles`, written by edgeir %(version)s
(`edgeir android --project`). Open this folder in Android Studio.

**No Gradle has built it where it was written**: Google's Maven, from which the Android Gradle plugin (%(plugin)s) and
LiteRT (%(litert)s) come, was not asked. Only its structure was checked: its modules, the classes that its manifest
names, and that the sources are those of `edgeir android`, which are compiled and tested against TensorFlow Lite
%(tflite)s. So nothing of LiteRT %(litert)s has run with them yet.

- `restorer`: bundles, tiles, pixels; plain Java
- `tflite`: the engine, on LiteRT, whose libraries have pages of 16 KB, as Google Play asks for
- `app`: the app; its id is `%(id)s`

It is not signed: *Build > Generate Signed App Bundle or APK* does that with a key of your own, which you keep, as
updates need the same one. The code is under the Apache License 2.0 (`app/src/main/assets/licences`), each network under
the licence in its bundle.
"""


def gradle_files(*, package: str, application_id: str, version: str, abis: tuple[str, ...]) -> dict[str, str]:
    """The files by their paths in the project.

    Args:
        package: of the app's sources, where its resources' numbers are.
    """
    values = {
        "package": package,
        "id": application_id,
        "version": version,
        "code": version_code(version),
        "oldest": MIN_SDK,
        "target": TARGET_SDK,
        "abis": ", ".join(f"'{abi}'" for abi in abis),
        "plugin": PLUGIN_VERSION,
        "gradle": GRADLE_VERSION,
        "litert": LITERT_VERSION,
        "modules": ", ".join(f"':{module}'" for module in MODULES),
    }
    texts = {
        "settings.gradle": SETTINGS,
        "build.gradle": TOP,
        "gradle.properties": PROPERTIES,
        "gradle/wrapper/gradle-wrapper.properties": WRAPPER,
        ".gitignore": IGNORED,
        "restorer/build.gradle": RESTORER,
        "tflite/build.gradle": ENGINE,
        "app/build.gradle": APP,
    }
    return {path: text % values for path, text in texts.items()}


def readme(*, name: str, application_id: str, version: str, tflite: str) -> str:
    """The project's ``README.md``."""
    values = {"name": name, "id": application_id, "version": version, "tflite": tflite}
    return README % {**values, "plugin": PLUGIN_VERSION, "litert": LITERT_VERSION}
