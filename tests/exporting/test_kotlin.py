"""The Kotlin code of a bundle's README and of edgeir's own compiles, against the libraries that it names.

The compiler and the libraries are taken from the local Maven repository; Android's own classes are declared here, as
far as the code uses them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from edgeir.exporting.targets.litert.usage import usage as litert_usage
from edgeir.exporting.targets.onnx.usage import usage as onnx_usage
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.model_file import ModelFile, TensorSpec
from edgeir.manifest.parity import NotRun

pytestmark = [pytest.mark.slow, pytest.mark.android]

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = Path(os.environ.get("MAVEN_REPOSITORY", Path.home() / ".m2" / "repository"))
COMPILER = "org.jetbrains.kotlin:kotlin-compiler-embeddable:2.2.20"
LIBRARIES = (
    "org.tensorflow:tensorflow-lite:2.16.1:aar",
    "org.tensorflow:tensorflow-lite-api:2.16.1:aar",
    "com.microsoft.onnxruntime:onnxruntime:1.20.0",
)
NEEDED = (
    *("kotlin-stdlib", "kotlin-script-runtime", "kotlin-daemon-embeddable", "kotlin-reflect"),
    *("kotlinx-coroutines-core-jvm", "annotations"),
)
"""What the compiler itself needs."""
ANDROID = {
    "content": """
package android.content
class Assets { fun open(name: String): java.io.InputStream = TODO() }
class Context { val assets: Assets = TODO() }
""",
    "graphics": """
package android.graphics
class Bitmap {
    enum class Config { ARGB_8888 }
    val width: Int = TODO()
    val height: Int = TODO()
    fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int) {}
    companion object { fun createBitmap(colors: IntArray, width: Int, height: Int, config: Config): Bitmap = TODO() }
}
object Color { fun rgb(red: Int, green: Int, blue: Int): Int = TODO() }
""",
}
AROUND = {
    "tflite": """
import android.content.Context
import android.graphics.Bitmap
import android.graphics.Color
import java.nio.*
import org.tensorflow.lite.Interpreter
fun use(context: Context, photo: Bitmap, height: Int, width: Int): Bitmap {{
{code}
return result
}}
""",
    "onnx": """
import ai.onnxruntime.*
import android.content.Context
fun use(context: Context, input: java.nio.{buffer}, height: Int, width: Int) {{
{code}
}}
""",
}

AROUND_THE_README = """
import android.graphics.Bitmap
import java.io.File
import java.io.FileOutputStream
import org.edgeir.restorer.*
import org.edgeir.restorer.bundle.Bundle
import org.edgeir.restorer.check.VerdictStore
import org.edgeir.restorer.pixels.*
import org.edgeir.tflite.*
fun show(sentence: String, notes: List<String>) {{}}
fun restored(model: File, bitmap: Bitmap, folder: File, phone: String, watcher: Watcher) {{
{code}
}}
"""


def jar_of(coordinates: str) -> Path:
    """The file of ``group:name:version[:kind]`` in the local repository, or a skip that says how to get it."""
    group, name, version, *kind = coordinates.split(":")
    path = REPOSITORY.joinpath(*group.split("."), name, version, f"{name}-{version}.{(kind or ['jar'])[0]}")
    if not path.is_file():
        pytest.skip(f"{name} is missing (mvn dependency:get -Dartifact={coordinates})")
    return path


def file_of(target: str, dtype: str, channels: int, size: tuple[int, int] | None) -> ModelFile:
    def spec(name: str, factor: int) -> TensorSpec:
        height, width = (None, None) if size is None else (side * factor for side in size)
        nhwc = target == "tflite" or dtype == "uint8"
        scale = (
            {}
            if dtype == "float32"
            else {"quant_scale": 1 / 255, "zero_point": 0 if dtype == "uint8" else -128}
        )
        return TensorSpec(
            name=name,
            shape=(1, height, width, channels) if nhwc else (1, channels, height, width),
            layout="NHWC" if nhwc else "NCHW",
            dtype=dtype,
            **scale,
        )

    return ModelFile(
        path=f"model.{target}", target=target, precision="int8", profile="any", inputs=(spec("image", 1),),
        outputs=(spec("restored", 4),), bytes=1, sha256="0", macs=1, parity=NotRun(reason="a test", command="none"),
    )  # fmt: skip


def sources() -> dict[str, str]:
    """Every Kotlin snippet, by a name, in a package of its own."""
    found = {}
    cases = [("tflite", dtype, (48, 64)) for dtype in ("float32", "uint8", "int8")]
    cases += [("onnx", dtype, size) for dtype in ("float32", "uint8") for size in ((48, 64), None)]
    for target, dtype, size in cases:
        for channels in (1, 3):
            facts = NetworkFacts(scale=4, colour="rgb" if channels == 3 else "y")
            file = file_of(target, dtype, channels, size)
            for snippet in (litert_usage if target == "tflite" else onnx_usage)(file, facts):
                if snippet.language == "kotlin":
                    name = f"{target}_{dtype}_{channels}_{'any' if size is None else 'fixed'}"
                    buffer = "FloatBuffer" if dtype == "float32" else "ByteBuffer"
                    found[name] = f"package {name}\n" + AROUND[target].format(
                        code=snippet.code, buffer=buffer
                    )
    return found


def compiled(folder: Path, sources: dict[str, str], *others: Path) -> None:
    """Compile Kotlin sources, by their names, and whatever else they use; fail with what the compiler says."""
    if shutil.which("java") is None:
        pytest.skip("java is missing (apt-get install openjdk-17-jdk-headless)")
    compiler = [jar_of(COMPILER)]
    for name in NEEDED:
        jars = sorted((REPOSITORY / "org" / "jetbrains").rglob(f"{name}-[0-9]*.jar"))
        if not jars:
            pytest.skip(f"{name} is missing (mvn dependency:get -Dartifact={COMPILER})")
        compiler.append(jars[-1])
    libraries = [compiler[1]]
    for coordinates in LIBRARIES:
        jar = jar_of(coordinates)
        if jar.suffix == ".aar":
            with zipfile.ZipFile(jar) as packed:
                jar = Path(packed.extract("classes.jar", folder / jar.stem))
        libraries.append(jar)
    for name, text in sources.items():
        (folder / f"{name}.kt").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            "java", "-cp", os.pathsep.join(map(str, compiler)), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
            "-no-stdlib", "-no-reflect", "-nowarn", "-cp", os.pathsep.join(map(str, libraries)),
            "-d", str(folder / "out"), *(str(folder / f"{name}.kt") for name in sources), *map(str, others),
        ],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_kotlin_code_of_a_bundle_compiles(tmp_path: Path) -> None:
    snippets = sources()
    assert len(snippets) == 14
    compiled(tmp_path, ANDROID | snippets)


def test_the_kotlin_code_of_the_readme_compiles_with_the_library(tmp_path: Path) -> None:
    (code,) = re.findall(r"```kotlin\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    library = sorted((ROOT / "export" / "android").glob("*/src/main/java/org/edgeir/**/*.java"))
    own = [file for file in library if file.relative_to(ROOT).parts[2] in ("restorer", "tflite")]
    assert own
    compiled(tmp_path, ANDROID | {"readme": AROUND_THE_README.format(code=code)}, *own)
