"""`edgeir.json`: the published schema, and what no schema can say."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeir.core.assets import schema_file
from edgeir.core.errors import ArtifactError
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.bundle import BUNDLE_NAME, Bundle, read_bundle, schema
from edgeir.manifest.model_file import ModelFile

CONTENT = {"bytes": 1, "sha256": "0" * 64}


@pytest.fixture
def values(make_artifact: Callable[..., Path], tmp_path: Path) -> dict[str, Any]:
    """A manifest of one model file."""
    artifact, _ = read_artifact(make_artifact(tmp_path / "artifact"))
    listed = ["README.md", "LICENSE", "card.json", "model.tflite"]
    kept = {**artifact.model_dump(mode="json"), "format": "edgeir-bundle-1"}
    return {**kept, "licence": None, "contents": dict.fromkeys(listed, CONTENT)}


def written(folder: Path, values: Any) -> Path:
    (folder / BUNDLE_NAME).write_text(
        values if isinstance(values, str) else json.dumps(values), encoding="utf-8"
    )
    return folder


def test_the_published_schema_is_that_of_the_model() -> None:
    """After a change of the manifest: write `edgeir.manifest.bundle.schema()` to the file, with a new version if old
    readers cannot read it."""
    published = json.loads(schema_file("edgeir-bundle-1").read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(schema()))
    assert published["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert published["properties"]["format"]["const"] == "edgeir-bundle-1"
    assert set(published["properties"]) == set(Bundle.model_fields)
    assert set(published["$defs"]["ModelFile"]["properties"]) == set(ModelFile.model_fields)
    assert published["additionalProperties"] is False


def test_a_manifest_is_read_and_gives_an_artifact(values: dict[str, Any], tmp_path: Path) -> None:
    folder = written(tmp_path, values)
    bundle = read_bundle(folder)
    assert bundle.main.path == "model.tflite"
    artifact, where = read_artifact(folder / "model.tflite", verify=False)
    assert (where, artifact.files, artifact.facts) == (folder, bundle.files, bundle.facts)


def changed(values: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    result = copy.deepcopy(values)
    change(result)
    return result


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda v: v.update(format="edgeir-bundle-2"),
            r"made by a newer edgeir: its format is edgeir-bundle-2, .*update",
        ),
        (lambda v: v.update(format="edgeir-artifact-2"), "`format`: Input should be 'edgeir-bundle-1'"),
        (lambda v: v.update(format=["x"]), "`format`: Input should be 'edgeir-bundle-1'"),
        (lambda v: v.update(more=1), "`more`: Extra inputs are not permitted"),
        (lambda v: v["contents"].pop("LICENSE"), "`contents` does not list `LICENSE`"),
        (lambda v: v["contents"].pop("model.tflite"), "`contents` does not list `model.tflite`"),
        (lambda v: v["contents"].update({"../x": CONTENT}), "`../x` is no path inside the artifact"),
        (lambda v: v["contents"].update({"/x": CONTENT}), "`/x` is no path inside the artifact"),
        (lambda v: v["contents"].update({"a//b": CONTENT}), "`a//b` is no path inside the artifact"),
        (lambda v: v["contents"].update({"a\0b": CONTENT}), "is no path inside the artifact"),
        (lambda v: v["contents"].update({"edgeir.json": CONTENT}), "cannot hold its own checksum"),
        (lambda v: v["contents"].update({"x": {"bytes": 1, "sha256": "0"}}), "contents.x.sha256"),
        (lambda v: v["contents"].update({"x": {"bytes": -1, "sha256": "0" * 64}}), "contents.x.bytes"),
        (lambda v: v["files"].append(v["files"][0]), "two model files have the same path"),
        (lambda v: v["files"].clear(), "`files`"),
        (
            lambda v: v["files"][0].update(
                golden={
                    "input": "g/i",
                    "output": "g/o",
                    "expected": "g/e",
                    "max_abs_error": 1,
                    "p99_abs_error": 1,
                }
            ),
            "`contents` does not list `g/i`",
        ),
    ],
)
def test_what_is_wrong_is_one_line(change: Any, message: str, values: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=message) as caught:
        read_bundle(written(tmp_path, changed(values, change)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "1", '"x"', "null", "[" * 100_000, '{"format": NaN}', "{}", "\ud800"[:0]]
)
def test_what_is_no_manifest_is_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="the manifest is damaged: ") as caught:
        read_bundle(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_missing_or_giant_manifest_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        ArtifactError, match=r"no edgeir.json here, so this is no bundle \(edgeir export --bundle"
    ):
        read_bundle(tmp_path)
    with (tmp_path / BUNDLE_NAME).open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(ArtifactError, match="the manifest is larger than 4,194,304 bytes"):
        read_bundle(tmp_path)
