"""Manifests: a damaged, missing or tampered one is one line that says which file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeir.core.errors import ArtifactError, CheckpointError
from edgeir.core.files import sha256_file, write_json
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact, Parity, TensorSpec, read_artifact
from edgeir.manifest.card import CARD_NAME, Card, read_card
from edgeir.manifest.facts import NetworkFacts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A well-formed artifact of two sizes around models of a few bytes."""
    main, other = tmp_path / "model.tflite", tmp_path / "model-8x8.tflite"
    main.write_bytes(b"the model")
    other.write_bytes(b"the other size")
    spec = TensorSpec(name="image", shape=(1, 4, 4, 3), layout="NHWC", dtype="float32")
    artifact = Artifact(
        name=main.name,
        source="sr-x4",
        target="tflite",
        precision="fp32",
        profile="tflite-fp32",
        sha256=sha256_file(main),
        bytes=9,
        inputs=(spec,),
        outputs=(spec,),
        facts=NetworkFacts(scale=4),
        macs=1,
        parameters=1,
        variants={"8x8": other.name},
        variant_sha256={"8x8": sha256_file(other)},
        checkpoint_sha256="0" * 64,
        parity=Parity(patches=1, max_abs_error=0.0, psnr_drop_db=0.0, colour_shift=(0.0, 0.0, 0.0)),
    )
    write_json(tmp_path / ARTIFACT_NAME, artifact.model_dump(mode="json"))
    return tmp_path


@pytest.mark.parametrize("name", ["", ARTIFACT_NAME, "model.tflite", "model-8x8.tflite"])
def test_folder_manifest_and_model_lead_to_the_same_artifact(folder: Path, name: str) -> None:
    artifact, found = read_artifact(folder / name)
    assert found == folder
    assert artifact.name == "model.tflite"
    assert artifact.inputs[0].shape == (1, 4, 4, 3)


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


def test_a_manifest_cannot_point_outside_its_folder(folder: Path) -> None:
    manifest = json.loads((folder / ARTIFACT_NAME).read_text())
    manifest["name"] = "../secret"
    write_json(folder / ARTIFACT_NAME, manifest)
    with pytest.raises(ArtifactError, match="is missing"):
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
        ({"inputs": []}, "`inputs`"),
        ({"outputs": []}, "`outputs`"),
        ({"bytes": -1}, "`bytes`"),
        ({"macs": 10**30}, "`macs`"),
        ({"parameters": -5}, "`parameters`"),
        *(
            ({"shape": shape}, "`inputs.0.shape")
            for shape in ([1, 4, 4], [1, 0, 4, 3], [1, -4, 4, 3], [1, 10**9, 4, 3], [])
        ),
        ({"quant_scale": 0}, "`inputs.0.quant_scale`"),
        ({"quant_scale": -0.1}, "`inputs.0.quant_scale`"),
        ({"zero_point": 10**30}, "`inputs.0.zero_point`"),
    ],
)
def test_an_impossible_manifest_is_one_line(folder: Path, change: dict[str, object], key: str) -> None:
    manifest = json.loads((folder / ARTIFACT_NAME).read_text())
    (manifest if set(change) <= set(manifest) else manifest["inputs"][0]).update(change)
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
