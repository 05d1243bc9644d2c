"""A bundle's README: what an app must know, and code that runs as it stands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from edgeir.exporting.bundle.readme import readme
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.manifest.artifact import ModelFile, TensorSpec, read_artifact
from edgeir.manifest.bundle import read_bundle
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import NotRun, Parity
from edgeir.models import DnCNNConfig, PlainSRConfig
from edgeir.runtime import catalog
from edgeir.runtime.loading import load

from .conftest import busy, card_of


def test_the_readme_says_what_an_app_must_know(bundle_folder: Path) -> None:
    text = (bundle_folder / "README.md").read_text()
    bundle = read_bundle(bundle_folder)
    assert bundle.main.needs is not None
    assert isinstance(bundle.main.parity, Parity)
    for said in (
        "`image` NCHW 1x3x12x10 float32", "`restored` NHWC 1x48x40x3 float32", f"{bundle.main.needs.stated}",
        f"{bundle.main.parity.max_abs_error:.1e}", f"depends on {bundle.facts.receptive_radius} input pixels",
        "floats in [0, 1]", "4 times as high and wide", "Apache-2.0 (weights).", "```kotlin", "```swift",
        "```js", "```python",
    ):  # fmt: skip
        assert said in text, said
    assert "§" not in text


# --- the code of the README


def python_of(text: str, word: str) -> str:
    (code,) = [body for body in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if word in body]
    return str(code)


def run_as_written(code: str, bundle_folder: Path) -> np.ndarray:
    """What the code makes of ``photo.png`` in the folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=bundle_folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with Image.open(bundle_folder / "restored.png") as restored:
        return np.asarray(restored)


@pytest.mark.parametrize("word", ["onnxruntime", "ai_edge_litert"])
def test_the_python_of_the_readme_runs_in_the_bundle(word: str, bundle_folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(bundle_folder / "photo.png")
    made = run_as_written(python_of((bundle_folder / "README.md").read_text(), word), bundle_folder)
    expected = load(bundle_folder).run(pixels[:12, :10].astype(np.float32) / 255)
    assert np.abs(made.astype(int) - np.rint(expected * 255).astype(int)).max() <= 1


KINDS: dict[str, dict[str, Any]] = {
    "onnx-fp32 of any size": {"profile": "onnx-fp32"},
    "onnx-int8 of bytes": {"profile": "onnx-int8", "io": "uint8"},
    "onnx-fp32, gray": {"profile": "onnx-fp32", "colour": "y"},
    "tflite-int8 less 128": {"profile": "tflite-int8", "io": "int8", "sizes": [(12, 10)]},
    "ncnn-fp32 of any size": {"profile": "ncnn-fp32"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_python_fits_every_kind_of_input(kind: str, tmp_path: Path) -> None:
    settings = dict(KINDS[kind])
    colour = settings.pop("colour", "rgb")
    gray = DnCNNConfig(channels=1, depth=3, width=8)
    network = busy((gray if colour == "y" else PlainSRConfig(channels=4, blocks=0, branches=())).build())
    profile = read_profile(name := settings.pop("profile"))
    loose = profile.gate.model_copy(update=dict.fromkeys(type(profile.gate).model_fields, 10.0))
    profile = profile.model_copy(update={"gate": loose})
    artifact = export_network(network, card_of(network), profile, out=tmp_path / "x", name=name, **settings)
    size = (20, 30) if colour == "y" else (20, 30, 3)
    pixels = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x" / "photo.png")
    [snippet] = [
        found
        for found in catalog.target_entry(artifact.main.target).usage_function()(
            artifact.main, artifact.facts
        )
        if found.language == "python"
    ]
    made = run_as_written(snippet.code, tmp_path / "x")
    height, width = artifact.main.size or size[:2]
    image = (pixels[..., None] if colour == "y" else pixels)[:height, :width]
    expected = load(tmp_path / "x").run(image.astype(np.float32) / 255)
    assert np.abs(made.reshape(expected.shape).astype(int) - np.rint(expected * 255).astype(int)).max() <= 1


STUBS = {
    "onnxruntime-web": """
export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const session = { run: async ({ image }) => ({ restored: image }) };
export const InferenceSession = { create: async (name) => session };
""",
    "@litertjs/core": """
export const loadLiteRt = async (folder) => {};
export class Tensor {
  constructor(array, dims) { Object.assign(this, { array, dims }); }
  async data() { return this.array; }
}
export const loadAndCompile = async (name) => ({ run: async (tensors) => tensors });
""",
}


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("colour", ["rgb", "y"])
@pytest.mark.parametrize("size", [None, (12, 10)])
@pytest.mark.parametrize("target", catalog.target_names())
def test_every_target_has_code_for_every_kind_of_file(
    target: str, size: tuple[int, int] | None, colour: Literal["rgb", "y"], dtype: Literal["float32", "uint8"]
) -> None:
    facts = NetworkFacts(scale=2, colour=colour, size_multiple=2)
    height, width = size or (None, None)
    nhwc = target == "tflite" or dtype == "uint8"
    sides = (height, width, facts.channels) if nhwc else (facts.channels, height, width)
    spec = TensorSpec(name="image", shape=(1, *sides), layout="NHWC" if nhwc else "NCHW", dtype=dtype)
    path = f"{target}-fp32{catalog.target_entry(target).suffix}"
    file = ModelFile(
        path=path, target=target, precision="fp32", profile="p", inputs=(spec,), outputs=(spec,), bytes=1,
        sha256="0", macs=1, parity=NotRun(reason="a test", command="none"),
    )  # fmt: skip
    snippets = catalog.target_entry(target).usage_function()(file, facts)
    assert "python" in {snippet.language for snippet in snippets}
    for snippet in snippets:
        assert "§" not in snippet.code
        assert len(snippet.code.splitlines()) <= 16
        named = "stem" if snippet.language == "swift" else "path"
        assert (Path(path).stem if named == "stem" else path) in snippet.code
        if snippet.language == "python":
            compile(snippet.code, path, "exec")
        else:
            assert all(snippet.code.count(a) == snippet.code.count(b) for a, b in ("()", "[]", "{}"))


def test_files_of_other_types_have_code_of_their_own(bundle_folder: Path) -> None:
    artifact, _ = read_artifact(bundle_folder)
    onnx = artifact.main
    ends = {"inputs": (onnx.inputs[0].model_copy(update={"dtype": "uint8"}),)}
    others = (
        onnx.model_copy(update={"path": "small.onnx"}),
        onnx.model_copy(update={"path": "bytes.onnx", **ends}),
    )
    text = readme(artifact.model_copy(update={"files": (*artifact.files, *others)}), None)
    assert [line for line in text.splitlines() if line.startswith("## ")][2:-1] == [
        "## ONNX, float32", "## LiteRT (Android, web)", "## ONNX, uint8",
    ]  # fmt: skip
    assert 'onnxruntime.InferenceSession("bytes.onnx"' in text
    assert 'onnxruntime.InferenceSession("small.onnx"' not in text


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_javascript_of_the_readme_feeds_pixels_where_they_belong(
    bundle_folder: Path, tmp_path: Path
) -> None:
    """Both libraries are stood in for by a file that gives back what it was given."""
    for name, code in STUBS.items():
        package = tmp_path / "node_modules" / name
        package.mkdir(parents=True)
        (package / "package.json").write_text(
            json.dumps({"name": name, "type": "module", "exports": "./index.js"})
        )
        (package / "index.js").write_text(code)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 10, 4), dtype=np.uint8)
    given = f"const rgba = Uint8ClampedArray.from({pixels.ravel().tolist()});\n"
    codes = re.findall(r"```js\n(.*?)```", (bundle_folder / "README.md").read_text(), re.DOTALL)
    layouts = []
    for index, code in enumerate(codes):
        path = tmp_path / f"{index}.mjs"
        shown = "console.log(JSON.stringify([Array.from(restored), output.dims]));"
        path.write_text(code.replace("const input", f"{given}const input", 1) + shown)
        done = subprocess.run(["node", str(path)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        values, dims = json.loads(done.stdout)
        layouts.append(dims)
        image = np.reshape(values, dims)[0]
        image = image.transpose(1, 2, 0) if dims[1] == 3 else image
        np.testing.assert_array_equal(image, pixels[..., :3])
    assert layouts == [[1, 3, 12, 10], [1, 12, 10, 3]]
