"""Joint training end to end on digits: it runs, resumes bit for bit, and says what is missing before it decodes."""

import hashlib

import pytest
import torch
from safetensors.torch import load_file, save_file

from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.manifest.card import read_card
from edgeir.models.backbones.digits import DigitClassifier, StrokeSegmenter
from edgeir.training.recipe import load_recipe
from edgeir.training.run import distill

JOINT = "denoising/digits-joint-small"
TINY = [
    "model.width=4",
    "data.batch=4",
    "train.log_every=1",
    "train.validate_every=4",
    "train.save_every=2",
    "validation.limit=2",
    "optim.schedule={kind: constant}",
]


def overrides(path, steps=4, labels="digit", network="DigitClassifier"):
    method = (
        f"{{kind: high-level, network: {{kind: module, weights: {path}, "
        f'target: "edgeir.models.backbones.digits:{network}"}}}}'
    )
    return [
        *TINY,
        f"train.steps={steps}",
        f"data.sources=[{{kind: digits, labels: {labels}}}]",
        f"objective.distillation.methods=[{method}]",
    ]


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    for name, network in (("DigitClassifier", DigitClassifier()), ("StrokeSegmenter", StrokeSegmenter())):
        save_file(network.state_dict(), tmp_path / f"{name}.safetensors")
    return lambda name: tmp_path / f"{name}.safetensors"


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_joint_training_resumes_bit_for_bit_and_leaves_the_judge_alone(tmp_path, weights, optimiser):
    path = weights("DigitClassifier")
    before = path.read_bytes()
    kind = f"optim.kind={optimiser}"
    distill(JOINT, overrides=[*overrides(path), kind], out=tmp_path / "whole")
    distill(JOINT, overrides=[*overrides(path, steps=2), kind], out=tmp_path / "half")
    distill(JOINT, overrides=[*overrides(path), kind], out=tmp_path / "half", resume=True)
    whole, half = (
        load_file(tmp_path / name / "checkpoints" / "last" / "weights.safetensors")
        for name in ("whole", "half")
    )
    assert all(torch.equal(value, half[key]) for key, value in whole.items())
    assert "loss/distill/high-level" in (tmp_path / "whole" / "metrics.jsonl").read_text()
    assert path.read_bytes() == before
    state = load_file(tmp_path / "whole" / "checkpoints" / "last" / "state.safetensors")
    assert not any("layers" in key and "companion" in key for key in state)


def test_maps_reach_the_loss(tmp_path, weights):
    path = weights("StrokeSegmenter")
    changes = overrides(path, labels="stroke", network="StrokeSegmenter")
    result = distill(JOINT, overrides=[*changes, "data.augment=all"], out=tmp_path / "run")
    assert result.steps == 4


def test_the_judges_file_is_recorded_and_a_run_goes_on_with_no_other(tmp_path, weights):
    path, out = weights("DigitClassifier"), tmp_path / "run"
    result = distill(JOINT, overrides=overrides(path, steps=2), out=out)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    network = "edgeir.models.backbones.digits:DigitClassifier"
    expected = {"loss": "high-level", "network": network, "file": str(path), "sha256": digest}
    assert result.backbones == (expected,)
    assert read_card(out / "checkpoints" / "last").provenance["backbones"] == [expected]
    tensors = load_file(path)
    whole = path.read_bytes()
    save_file({name: value + 1 for name, value in tensors.items()}, path)
    with pytest.raises(CheckpointError, match=f"trained on other weights of a frozen network.*{digest}"):
        distill(JOINT, overrides=overrides(path), out=out, resume=True)
    path.write_bytes(whole)
    assert distill(JOINT, overrides=overrides(path), out=out, resume=True).steps == 4


def test_a_method_with_no_file_leaves_no_record(tmp_path):
    changes = overrides("null")
    result = distill(JOINT, overrides=changes, out=tmp_path / "run")
    assert result.backbones == ()
    assert "backbones" not in read_card(tmp_path / "run" / "checkpoints" / "last").provenance


def test_missing_weights_are_an_error_before_anything_is_decoded(tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("decoded")

    monkeypatch.setattr("edgeir.training.run.open_store", never)
    with pytest.raises(CheckpointError, match="no such file of weights"):
        distill(JOINT, overrides=overrides(tmp_path / "absent"), out=tmp_path / "run")
    with pytest.raises(ConfigError, match="`weights` of the high-level network is not set"):
        distill("denoising/multiscale-vgg-joint-paper", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data.sources=[{kind: embedded}]", "a method needs labels, and a `embedded` source has none"),
        ("data.rescale=[1.0, 0.5]", "labelled images are not shrunk"),
    ],
)
def test_recipes_whose_labels_would_not_fit_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe(JOINT, [change])
