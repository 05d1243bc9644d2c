"""The export function: what it writes, what it proves, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.errors import ConfigError, DataError, ExportError, OutputError, ParityError
from edgeir.data.degrade import AWGN, Bicubic
from edgeir.exporting.profile import ExportProfile, read_profile
from edgeir.exporting.prove.images import calibration_photographs, degradation_of, patches
from edgeir.exporting.run import export, export_network
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.card import Card
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import Gate, Parity
from edgeir.models import PlainSRConfig, SRCNNConfig
from edgeir.models.base import Network
from edgeir.runtime.loading import load

from .conftest import busy, card_of


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for index in range(2):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 15, 3), dtype=np.uint8))
        coarse.resize((75, 60), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = busy(PlainSRConfig(channels=4, blocks=0, branches=()).build())
    folder = tmp_path_factory.mktemp("run") / "student"
    save_checkpoint(folder, network, network.state_dict(), name="student", metrics={}, provenance={})
    return folder


@pytest.fixture(scope="module")
def artifact(checkpoint: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "int8"
    export(
        checkpoint, target="tflite", precision="int8", sizes=[(12, 10), (8, 8)], io="uint8", out=out, calibration=photos
    )  # fmt: skip
    return out


def test_an_artifact_is_complete(artifact: Path, checkpoint: Path) -> None:
    assert sorted(path.name for path in artifact.iterdir()) == [
        "artifact.json",
        "golden",
        "model-8x8.tflite",
        "model.tflite",
        "proof",
    ]
    assert sorted(path.name for path in (artifact / "proof").iterdir()) == ["model-8x8.png", "model.png"]
    manifest, _ = read_artifact(artifact)
    card = json.loads((checkpoint / "card.json").read_text())
    assert (manifest.source, manifest.checkpoint_sha256) == ("student", card["weights_sha256"])
    assert [(file.path, file.size) for file in manifest.files] == [
        ("model.tflite", (12, 10)),
        ("model-8x8.tflite", (8, 8)),
    ]
    for file, pixels in zip(manifest.files, (12 * 10, 8 * 8), strict=True):
        assert (file.target, file.precision, file.profile) == ("tflite", "int8", "tflite-int8")
        assert file.bytes == (artifact / file.path).stat().st_size
        assert file.macs == pixels * 9 * (3 * 4 + 4 * 48 + 3 * 48)
        assert isinstance(file.parity, Parity), "each file has its own proof"
        assert file.parity.images >= 7
        assert file.parity.extremes == 15
        assert 0 < file.parity.p99_abs_error <= file.parity.max_abs_error < 0.2
        assert file.parity.engine.startswith("LiteRT ")
    assert manifest.parameters == card["parameters"]
    assert "litert-torch" in manifest.versions


def test_the_golden_pair_is_what_the_file_computes_and_close_to_the_network(artifact: Path) -> None:
    arrays = {path.stem: np.load(path) for path in (artifact / "golden").iterdir()}
    assert (arrays["input"].dtype, arrays["input"].shape) == (np.uint8, (1, 12, 10, 3))
    assert (arrays["output"].dtype, arrays["output"].shape) == (np.uint8, (1, 48, 40, 3))
    session = load(artifact)
    np.testing.assert_array_equal(session.run_raw(arrays["input"]), arrays["output"])
    assert np.sqrt(np.mean((arrays["output"] / 255 - arrays["expected"]) ** 2)) < 0.02


def test_another_size_loads_by_its_file(artifact: Path) -> None:
    session = load(artifact / "model-8x8.tflite")
    assert session.fixed_size == (8, 8)
    assert session.file is not None
    assert session.file.macs == 8 * 8 * 9 * (3 * 4 + 4 * 48 + 3 * 48)
    assert session.run(np.zeros((8, 8, 3), np.float32)).shape == (32, 32, 3)


def test_past_the_gate_nothing_is_left_and_the_message_says_by_how_much(
    tiny: Network, photos: Path, empty: Path
) -> None:
    strict = read_profile("onnx-int8").model_dump() | {"gate": dict.fromkeys(Gate.model_fields, 1e-6)}
    profile = ExportProfile.model_validate(strict)
    with pytest.raises(
        ParityError, match=r"largest error .* \(at most 1.00e-06\).*colour shift .* by"
    ) as caught:
        export_network(tiny, card_of(tiny), profile, out=empty / "x", name="strict", calibration=photos)
    assert "\n" not in str(caught.value)
    assert list(empty.iterdir()) == []


def test_a_dynamic_file_runs_at_any_size_and_matches_torch(
    checkpoint: Path, photos: Path, tmp_path: Path
) -> None:
    made = export(checkpoint, target="onnx", out=tmp_path / "x", calibration=photos, profile=_small_parity())
    assert made.main.inputs[0].shape == (1, 3, None, None)
    assert made.main.macs == 180 * 320 * 9 * (3 * 4 + 4 * 48 + 3 * 48)
    assert made.main.parity.max_abs_error < 1e-5
    image = np.random.default_rng(0).random((7, 13, 3), dtype=np.float32)
    np.testing.assert_allclose(load(tmp_path / "x").run(image), load(checkpoint).run(image), atol=1e-5)


def _small_parity() -> ExportProfile:
    return read_profile("onnx-fp32")


def test_existing_output_is_refused_before_any_work(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        export(checkpoint, target="onnx", out=tmp_path)
    assert (tmp_path / "kept").read_text() == "mine"


def test_overwrite_replaces_an_artifact_and_nothing_else(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "assets"
    out.mkdir()
    (out / "icon.png").write_bytes(b"an application's")
    with pytest.raises(OutputError, match=r"has no artifact.json, so edgeir did not write it"):
        export(checkpoint, target="onnx", out=out, overwrite=True)
    assert (out / "icon.png").read_bytes() == b"an application's"
    (out / "icon.png").unlink()
    export(checkpoint, target="onnx", out=out, overwrite=True, sizes=[(8, 8)])
    export(checkpoint, target="onnx", out=out, overwrite=True, sizes=[(8, 12)])
    assert read_artifact(out)[0].main.size == (8, 12)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"also holds `notes.txt`, which edgeir did not write"):
        export(checkpoint, target="onnx", out=out, overwrite=True)
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"profile": "onnx-int8"}, ConfigError, "the profile makes onnx int8, not tflite fp32"),
        ({"profile": "tflite-fp23"}, ConfigError, "tflite-fp32"),
        ({"target": "tensorrt"}, ConfigError, "there is no target `tensorrt` .*tflite, onnx"),
        ({"sizes": [(8, 0)]}, ExportError, "8x0 does not fit"),
        ({"sizes": [(8, 8), (8, 8)]}, ExportError, "given twice: 8x8, 8x8"),
        ({"io": "uint8", "sizes": [(8, 8)]}, ExportError, "needs --precision int8"),
        ({"proof": "/nowhere/at/all"}, DataError, "no such folder"),
    ],
)
def test_wrong_requests_are_one_line_and_leave_nothing(changes, error, message, checkpoint, empty) -> None:
    with pytest.raises(error, match=message) as caught:
        export(
            **(
                {"checkpoint": checkpoint, "target": "tflite", "out": empty / "x", "sizes": [(8, 8)]}
                | changes
            )
        )
    assert "\n" not in str(caught.value)
    assert list(empty.iterdir()) == []


def test_a_size_must_suit_a_network_that_takes_the_enlarged_image(empty: Path, photos: Path) -> None:
    network = SRCNNConfig().build()
    with pytest.raises(ExportError, match="multiples of 4"):
        export_network(
            network, card_of(network), read_profile("tflite-fp32"), out=empty / "x", name="p", sizes=[(10, 8)]
        )  # fmt: skip


def test_progress_reaches_its_total(checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    seen: list[tuple[float, float]] = []
    export(
        checkpoint, target="onnx", out=tmp_path / "x", calibration=photos, sizes=[(8, 8)],
        progress=lambda done, total, label: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize("kind", ["lr", "bicubic"])
def test_patches_have_the_size_asked_for_even_of_small_photographs(kind, photos: Path) -> None:
    facts = NetworkFacts(scale=4, input_kind=kind)
    factor = 4 if kind == "lr" else 1
    found = list(patches(calibration_photographs(photos), facts, Bicubic(), (32, 40), per_image=2, seed=0))
    assert len(found) == 4
    for patch in found:
        assert patch.input.shape == (32, 40, 3)
        assert patch.truth.shape == (32 * factor, 40 * factor, 3)
        assert 0 <= patch.input.min() < patch.input.max() <= 1
        # The input is the ground truth, degraded: the mean colour stays.
        np.testing.assert_allclose(patch.input.mean((0, 1)), patch.truth.mean((0, 1)), atol=0.02)


def test_inputs_are_degraded_as_the_recipe_says(photos):
    recipe = {"data": {"degradation": {"kind": "awgn", "sigma": 25.0, "clip": True}}}
    facts = NetworkFacts(task="denoising")
    card = Card(
        name="x", model={}, facts=facts, parameters=1, weights_sha256="0", provenance={"recipe": recipe}
    )
    assert degradation_of(card) == AWGN(sigma=25.0, clip=True)
    crops = list(
        patches(calibration_photographs(photos), facts, degradation_of(card), (32, 32), per_image=2, seed=0)
    )
    errors = np.concatenate([(crop.input - crop.truth).ravel() for crop in crops])
    assert np.std(errors) == pytest.approx(25 / 255, rel=0.15)  # clipping takes a little away
    plain = Card(name="x", model={}, facts=NetworkFacts(scale=3), parameters=1, weights_sha256="0")
    assert degradation_of(plain) == Bicubic(scale=3)
    assert degradation_of(plain.model_copy(update={"facts": facts})) is None
