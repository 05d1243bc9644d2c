"""Manifests: a damaged, missing or tampered one is one line that says which file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeir.core.errors import ArtifactError, CheckpointError
from edgeir.core.files import sha256_tree, tree_bytes, write_json
from edgeir.manifest.artifact import ARTIFACT_NAME, read_artifact
from edgeir.manifest.card import CARD_NAME, Card, read_card
from edgeir.manifest.facts import NetworkFacts


@pytest.fixture
def folder(tmp_path: Path, make_artifact: Callable[..., Path]) -> Path:
    """A well-formed artifact of two sizes around models of a few bytes."""
    return make_artifact(tmp_path, sizes=[(4, 4), (8, 8)])


@pytest.mark.parametrize("name", ["", ARTIFACT_NAME, "model.tflite", "model-8x8.tflite"])
def test_folder_manifest_and_model_lead_to_the_same_artifact(folder: Path, name: str) -> None:
    artifact, found = read_artifact(folder / name)
    assert found == folder
    assert [file.path for file in artifact.files] == ["model.tflite", "model-8x8.tflite"]
    assert [file.size for file in artifact.files] == [(4, 4), (8, 8)]
    assert artifact.main.inputs[0].shape == (1, 4, 4, 3)


@pytest.mark.parametrize("name", ["model.tflite", "model-8x8.tflite"])
def test_one_changed_byte_in_any_model_file_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[3] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError, match="the file changed after it was exported") as caught:
        read_artifact(folder)
    assert name in str(caught.value)
    assert "export it again" in str(caught.value)
    read_artifact(folder, verify=False)


@pytest.mark.parametrize("name", ["model.tflite", "model-8x8.tflite"])
def test_a_missing_model_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=f"the model file `{name}` is missing"):
        read_artifact(folder)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "", "c:x", "a\\b"])
def test_a_manifest_cannot_point_outside_its_folder(folder: Path, path: str) -> None:
    manifest = json.loads((folder / ARTIFACT_NAME).read_text())
    manifest["files"][0]["path"] = path
    write_json(folder / ARTIFACT_NAME, manifest)
    with pytest.raises(ArtifactError, match="no path inside the artifact"):
        read_artifact(folder)


def test_a_format_that_is_a_folder_is_hashed_as_a_tree(folder: Path) -> None:
    package = folder / "model.package"
    (package / "weights").mkdir(parents=True)
    (package / "weights" / "0.bin").write_bytes(b"weights")
    (package / "graph").write_bytes(b"graph")
    manifest = json.loads((folder / ARTIFACT_NAME).read_text())
    manifest["files"][0] |= {
        "path": package.name,
        "sha256": sha256_tree(package),
        "bytes": tree_bytes(package),
    }
    write_json(folder / ARTIFACT_NAME, manifest)
    artifact, _ = read_artifact(folder)
    assert artifact.main.bytes == len(b"weights") + len(b"graph")
    assert read_artifact(package)[0] == artifact
    (package / "weights" / "0.bin").rename(package / "weights" / "1.bin")
    with pytest.raises(ArtifactError, match="changed after it was exported"):
        read_artifact(folder)


def test_a_manifest_of_the_first_format_is_read(folder: Path) -> None:
    spec = {"name": "x", "shape": [1, 4, 4, 3], "layout": "NHWC", "dtype": "float32"}
    first = {
        "format": "edgeir-artifact-1", "name": "model.tflite", "source": "sr-x4", "target": "tflite",
        "precision": "fp32", "profile": "tflite-fp32", "sha256": sha256_tree(folder / "model.tflite"), "bytes": 12,
        "inputs": [spec], "outputs": [{**spec, "shape": [1, 16, 16, 3]}], "facts": {"scale": 4}, "macs": 10,
        "parameters": 3, "variants": {"8x6": "model-8x8.tflite"},
        "variant_sha256": {"8x6": sha256_tree(folder / "model-8x8.tflite")}, "checkpoint_sha256": "0" * 64,
        "statistics": "picture",
        "constants": None,
        "parity": {"patches": 1, "max_abs_error": 0.0, "psnr_drop_db": 0.0, "colour_shift": [0.0, 0.0, 0.0]},
        "versions": {"torch": "2"}, "revision": None,
    }  # fmt: skip
    write_json(folder / ARTIFACT_NAME, first)
    artifact, _ = read_artifact(folder)
    assert [(file.path, file.size) for file in artifact.files] == [
        ("model.tflite", (4, 4)), ("model-8x8.tflite", (8, 6))
    ]  # fmt: skip
    assert artifact.files[1].outputs[0].shape == (1, 32, 24, 3)
    assert artifact.files[1].macs == 30
    assert {file.parity.status for file in artifact.files} == {"not run"}
    assert artifact.statistics == "image"
    del first["name"]
    write_json(folder / ARTIFACT_NAME, first)
    with pytest.raises(ArtifactError, match="`name` is missing"):
        read_artifact(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "the manifest is damaged"),
        (b"[]", "the manifest is damaged"),
        (b"\xff", "the manifest is damaged"),
        (b'{"format": "edgeir-artifact-9"}', "`format`"),
        (b"[" * 100_000, "the manifest is damaged"),
        (b'{"bytes": ' + b"9" * 10_000 + b"}", "the manifest is damaged"),
    ],
)
def test_a_damaged_manifest_is_one_line(folder: Path, content: bytes, words: str) -> None:
    (folder / ARTIFACT_NAME).write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        read_artifact(folder)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"files": []}, "`files`"),
        ({"files": None}, "`files`"),
        ({"parameters": -5}, "`parameters`"),
        ({"inputs": []}, "`files.0.inputs`"),
        ({"outputs": []}, "`files.0.outputs`"),
        ({"bytes": -1}, "`files.0.bytes`"),
        ({"macs": 10**30}, "`files.0.macs`"),
        *(
            ({"shape": shape}, "`files.0.inputs.0.shape")
            for shape in ([1, 4, 4], [1, 0, 4, 3], [1, -4, 4, 3], [1, 10**9, 4, 3], [])
        ),
        ({"quant_scale": 0}, "`files.0.inputs.0.quant_scale`"),
        ({"quant_scale": -0.1}, "`files.0.inputs.0.quant_scale`"),
        ({"zero_point": 10**30}, "`files.0.inputs.0.zero_point`"),
    ],
)
def test_an_impossible_manifest_is_one_line(folder: Path, change: dict[str, object], key: str) -> None:
    manifest = json.loads((folder / ARTIFACT_NAME).read_text())
    places = (manifest, manifest["files"][0], manifest["files"][0]["inputs"][0])
    next((place for place in places if set(change) <= set(place)), places[-1]).update(change)
    write_json(folder / ARTIFACT_NAME, manifest)
    with pytest.raises(ArtifactError, match="the manifest is damaged") as caught:
        read_artifact(folder)
    assert key in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_manifest_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="edgeir export makes one"):
        read_artifact(tmp_path)


def test_a_card_survives_the_round_trip(tmp_path: Path) -> None:
    card = Card(
        name="x",
        model={"kind": "plainsr", "channels": 8},
        facts=NetworkFacts(scale=4, receptive_radius=6),
        parameters=100,
        weights_sha256="0" * 64,
        metrics={"Set5": {"psnr_db": 30.5}},
    )
    write_json(tmp_path / CARD_NAME, card.model_dump(mode="json"))
    assert read_card(tmp_path) == card


@pytest.mark.parametrize("content", [b"", b"null", b'{"name": "x"}', b"[" * 100_000])
def test_a_damaged_card_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CARD_NAME).write_bytes(content)
    with pytest.raises(CheckpointError, match="the card is damaged") as caught:
        read_card(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_card_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="so this is no checkpoint"):
        read_card(tmp_path)


def test_the_scale_of_a_network_that_takes_the_enlarged_image_is_one() -> None:
    assert NetworkFacts(scale=4, input_kind="bicubic").net_scale == 1
    assert NetworkFacts(scale=4, input_kind="lr").net_scale == 4
