"""A manifest that says something else than the model file is refused; what the file says of itself is complete."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from edgeir.core.errors import ArtifactError
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.manifest.card import Card
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import Gate
from edgeir.models import PlainSRConfig
from edgeir.runtime.litert_metadata import FACTS_ENTRY, read_facts
from edgeir.runtime.loading import load
from edgeir.runtime.onnxruntime import FACTS_PROPERTY


@pytest.fixture(scope="session")
def of_bytes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``tflite`` and ``onnx``: int8 files that take and give bytes."""
    folder = tmp_path_factory.mktemp("bytes")
    torch.manual_seed(0)
    network = PlainSRConfig(channels=4, blocks=0, branches=()).build().eval()
    card = Card(name="tiny", model={}, facts=network.facts, parameters=1, weights_sha256="0" * 64)
    calibration = np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32)
    for target in ("tflite", "onnx"):
        profile = read_profile(f"{target}-int8")
        profile = profile.model_copy(update={"gate": Gate(**dict.fromkeys(Gate.model_fields, 1000.0))})
        export_network(
            network,
            card,
            profile,
            out=folder / target,
            name="int8",
            sizes=[(12, 10)],
            io="uint8",
            calibration=calibration,
        )
    return folder


def replaced(value: Any, key: str, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` applied to whatever is called `key`, at any depth."""
    if isinstance(value, dict):
        return {k: change(v) if k == key else replaced(v, key, change) for k, v in value.items()}
    return [replaced(entry, key, change) for entry in value] if isinstance(value, list) else value


def copied(
    source: Path, folder: Path, key: str = "", change: Callable[[Any], Any] = lambda value: value
) -> Path:
    shutil.copytree(source, folder)
    manifest = json.loads((folder / "artifact.json").read_text())
    (folder / "artifact.json").write_text(json.dumps(replaced(manifest, key, change)))
    return folder


@pytest.mark.parametrize("target", ["tflite", "onnx"])
@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("quant_scale", lambda value: 2 * value, r"has scale 0\.0039.*zero point 0, the manifest says scale 0\.0078"),
        ("quant_scale", lambda value: None, r"the manifest says scale None"),
        ("zero_point", lambda value: value + 1, r"zero point 0, the manifest says .*zero point 1"),
        ("dtype", lambda value: "int8", r"is uint8 .*, the manifest says int8"),
        ("layout", lambda value: "NCHW", r"NHWC .*, the manifest says uint8 NCHW"),
        ("shape", lambda value: [value[0], value[2], value[1], value[3]], r"\(1, 12, 10, 3\), .*\(1, 10, 12, 3\)"),
        ("inputs", lambda value: 2 * value, r"has 1 inputs, the manifest says 2"),
        ("outputs", lambda value: 2 * value, r"has 1 outputs, the manifest says 2"),
        ("scale", lambda value: 2, r"makes height 48 of 12, the manifest says scale 2"),
        ("colour", lambda value: "y", r"\(1, 12, 10, 3\), the manifest says 1 channels"),
        ("receptive_radius", lambda value: 0, r"the file itself says receptive_radius 2, the manifest 0"),
        ("size_multiple", lambda value: 2, r"the file itself says size_multiple 1, the manifest 2"),
        ("global_operations", lambda value: ["image mean"], r"the file itself says global_operations"),
    ],
)  # fmt: skip
def test_a_manifest_that_says_otherwise_is_refused(target, key, change, message, of_bytes, tmp_path) -> None:
    folder = copied(of_bytes / target, tmp_path / "copy", key, change)
    with pytest.raises(ArtifactError, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert "export it again" in str(caught.value)


@pytest.mark.parametrize("target", ["tflite", "onnx"])
@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("quant_scale", lambda value: 1.0, "has no scale, the manifest says scale 1.0"),
        ("receptive_radius", lambda value: 99, "the file itself says receptive_radius 2, the manifest 99"),
        ("input_kind", lambda value: "bicubic", "scale 1|the file itself says input_kind lr"),
    ],
)
def test_float_files_too(target, key, change, message, made, tmp_path) -> None:
    with pytest.raises(ArtifactError, match=message):
        load(copied(made / target, tmp_path / "copy", key, change))


def test_an_onnx_tensor_is_addressed_by_its_name(made, tmp_path) -> None:
    folder = copied(made / "onnx", tmp_path / "copy", "inputs", lambda value: [value[0] | {"name": "photo"}])
    with pytest.raises(ArtifactError, match="has `image`, the manifest says `photo`"):
        load(folder)


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_a_true_manifest_with_more_digits_is_accepted(target, of_bytes, tmp_path) -> None:
    """LiteRT keeps the scale in float32; a manifest may have all digits of 1/255."""
    folder = copied(of_bytes / target, tmp_path / "copy", "quant_scale", lambda value: 1 / 255)
    assert load(folder).input.dtype == "uint8"


def without_metadata(model: Path) -> None:
    if model.suffix == ".tflite":
        model.write_bytes(Graph(model.read_bytes()).to_bytes())
    else:
        proto = onnx.load(model)
        del proto.metadata_props[:]
        onnx.save(proto, model)


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_files_from_before_the_facts_were_in_them_load(target, made, tmp_path, rewritten) -> None:
    folder = rewritten(made / target, tmp_path / "copy", without_metadata)
    image = np.random.default_rng(0).random((12, 10, 3), dtype=np.float32)
    np.testing.assert_array_equal(load(folder).run(image), load(made / target).run(image))


def test_a_file_of_any_size_shows_its_scale_when_it_runs(made, tmp_path, rewritten) -> None:
    folder = rewritten(made / "onnx", tmp_path / "copy", without_metadata)
    session = load(copied(folder, tmp_path / "again", "scale", lambda value: 3))
    with pytest.raises(
        ArtifactError, match=r"made \(1, 3, 48, 40\) of \(1, 3, 12, 10\), the manifest says scale 3"
    ):
        session.run(np.zeros((12, 10, 3), np.float32))


def test_the_file_describes_itself(made) -> None:
    facts = load(made / "student").facts
    content = (made / "tflite" / "model.tflite").read_bytes()
    assert NetworkFacts.model_validate_json(read_facts(content, where=Path("model")) or "") == facts
    properties = {p.key: p.value for p in onnx.load(made / "onnx" / "model.onnx").metadata_props}
    assert NetworkFacts.model_validate_json(properties[FACTS_PROPERTY]) == facts


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"scale": 0}', b'{"scale": 4, "unknown": 1}'])
def test_damaged_facts_in_the_file_are_one_line(content, made, tmp_path, rewritten) -> None:
    def change(model: Path) -> None:
        graph = Graph(model.read_bytes())
        graph.metadata[FACTS_ENTRY] = content
        model.write_bytes(graph.to_bytes())

    with pytest.raises(ArtifactError, match="the network's facts in the file are damaged") as caught:
        load(rewritten(made / "tflite", tmp_path / "copy", change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", range(0, 400, 7))
def test_metadata_of_a_damaged_model_are_read_or_refused(place, made) -> None:
    data = bytearray((made / "tflite" / "model.tflite").read_bytes())
    data[place] ^= 0xFF
    with contextlib.suppress(ArtifactError):  # anything else is a fault
        read_facts(bytes(data), where=Path("model"))


def test_the_metadata_do_not_change_the_graph(made) -> None:
    graph = Graph((made / "tflite" / "model.tflite").read_bytes())
    bare = Graph(graph.to_bytes())
    assert bare.kinds() == graph.kinds()
    graph.metadata["note"] = b"\x00\xff" * 9
    noted = graph.to_bytes()
    assert b"note" in noted
    assert Graph(noted).kinds() == bare.kinds()
