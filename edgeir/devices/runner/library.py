"""Find TensorFlow Lite's Android library: what an app ships that depends on ``org.tensorflow:tensorflow-lite``.

It is taken from ``$EDGEIR_TFLITE``, an ``.aar`` or an ``.so``, or from the local Maven repository.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from edgeir.core.errors import DeviceError

__all__ = ["LIBRARY_VARIABLE", "MAVEN_LINE", "read_library"]

VERSION = "2.16.1"
"""The newest on Maven Central."""
LIBRARY_VARIABLE = "EDGEIR_TFLITE"
IN_REPOSITORY = f"org/tensorflow/tensorflow-lite/{VERSION}/tensorflow-lite-{VERSION}.aar"
MAVEN_LINE = (
    f"mvn dependency:get -Dartifact=org.tensorflow:tensorflow-lite:{VERSION}:aar -Dtransitive=false, "
    f"or set {LIBRARY_VARIABLE} to the .aar"
)
NAME = "libtensorflowlite_jni.so"
MOST_BYTES = 256 << 20


def _repository() -> Path:
    return Path.home() / ".m2" / "repository"


def read_library(abi: str) -> tuple[bytes, Path]:
    """The library for one of Android's ABIs as it was published, and the file that it is from.

    Raises:
        DeviceError: there is none, or it has no library for this ABI.
    """
    given = os.environ.get(LIBRARY_VARIABLE)
    path = Path(given).expanduser() if given else _repository() / IN_REPOSITORY
    if not path.is_file():
        what = (
            f"{LIBRARY_VARIABLE} names no file" if given else "TensorFlow Lite's Android library is not here"
        )
        raise DeviceError(what, where=path, fix=MAVEN_LINE)
    if path.suffix == ".so":
        return path.read_bytes(), path
    inside = f"jni/{abi}/{NAME}"
    try:
        with zipfile.ZipFile(path) as package:
            if package.getinfo(inside).file_size > MOST_BYTES:
                raise DeviceError(f"{inside} is larger than {MOST_BYTES >> 20} MiB", where=path)
            return package.read(inside), path
    except KeyError as error:
        raise DeviceError(f"has no {inside}", where=path, fix=MAVEN_LINE) from error
    except (OSError, zipfile.BadZipFile) as error:
        raise DeviceError(f"is no Android package: {error}", where=path, fix=MAVEN_LINE) from error
