"""Frozen high-level networks: from a file, an exported program or an import path; what is refused, and why."""

import hashlib
import typing

import pytest
import torch
import yaml
from pydantic import TypeAdapter
from safetensors.torch import save_file
from torch import nn

from edgeir.core.config import dump_yaml
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.core.trust import trusting_code
from edgeir.models.backbones.deeplab import DeepLabLargeFOV
from edgeir.models.backbones.digits import DigitClassifier, StrokeSegmenter
from edgeir.models.backbones.frozen import VGG16, AnyHighLevel, DeepLab, ImportedModule, Program

CLASSIFIER = "edgeir.models.backbones.digits:DigitClassifier"
MEMBERS = typing.get_args(typing.get_args(AnyHighLevel)[0])
SETTINGS = {"vgg16": {}, "deeplab-largefov": {}, "program": {}, "module": {"target": CLASSIFIER}}
"""The least that each kind needs beside its file."""


@pytest.fixture(autouse=True)
def _trusted():
    with trusting_code():
        yield


def exported(path, network, size=(2, 3, 8, 8), *, dynamic=True):
    shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
    torch.export.save(torch.export.export(network.eval(), (torch.rand(size),), dynamic_shapes=shapes), path)
    return path


@pytest.fixture
def classifier(tmp_path):
    torch.manual_seed(0)
    network = DigitClassifier()
    save_file(network.state_dict(), tmp_path / "classifier.safetensors")
    return network.eval(), tmp_path / "classifier.safetensors"


@pytest.mark.parametrize("kind", ["module", "program"])
def test_weights_are_frozen_and_the_gradient_reaches_the_image(tmp_path, classifier, kind):
    network, path = classifier
    if kind == "program":
        path = exported(tmp_path / "judge.pt2", network)
        config = Program(weights=str(path))
    else:
        config = ImportedModule(target=CLASSIFIER, weights=str(path))
    config.check()
    frozen = config.build()
    assert frozen.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    x = torch.rand(5, 3, 8, 8, requires_grad=True)
    assert torch.allclose(
        frozen.train()(x), network(x), atol=1e-6
    )  # statistics stay, whatever mode is asked for
    frozen(x).square().sum().backward()
    assert x.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in frozen.parameters())


def test_deeplab_loads_documented_names(tmp_path):
    torch.manual_seed(0)
    network = DeepLabLargeFOV(3).eval()
    torch.save(network.state_dict(), tmp_path / "deeplab.pth")
    frozen = DeepLab(classes=3, weights=str(tmp_path / "deeplab.pth")).build()
    x = torch.rand(1, 3, 17, 17)
    with torch.no_grad():
        assert torch.equal(frozen(x), network(x))


@pytest.mark.parametrize("config", [VGG16(), DeepLab(), Program()])
def test_weights_that_are_not_named_are_an_error_at_once(config):
    with pytest.raises(ConfigError, match="`weights` of the high-level network is not set") as caught:
        config.check()
    assert "objective.distillation.methods.N.network.weights=FILE" in str(caught.value)


def test_a_missing_network_of_the_small_case_says_what_makes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = "runs/high-level/networks/classifier-0.safetensors"
    with pytest.raises(CheckpointError, match=r"python benchmarks/high_level.py --networks"):
        ImportedModule(target=CLASSIFIER, weights=made).check()
    with pytest.raises(CheckpointError) as caught:
        ImportedModule(target=CLASSIFIER, weights="other.safetensors").check()
    assert "benchmarks" not in str(caught.value)


def test_a_function_that_needs_arguments_is_a_problem_of_the_recipe():
    with pytest.raises(
        ConfigError, match=r"`torch.nn:Linear` cannot be called without arguments: .*in_features"
    ):
        ImportedModule(target="torch.nn:Linear").build()


def test_a_file_that_is_missing_or_another_one_is_refused(tmp_path, classifier):
    path = str(classifier[1])
    with pytest.raises(CheckpointError, match="no such file"):
        VGG16(weights=str(tmp_path / "absent.pth")).check()
    with pytest.raises(CheckpointError, match="another sha256"):
        VGG16(weights=path, sha256="0" * 64).check()
    sha256 = hashlib.sha256(classifier[1].read_bytes()).hexdigest()
    ImportedModule(target=CLASSIFIER, weights=path, sha256=sha256).check()
    with pytest.raises(CheckpointError, match="so these are not its weights"):
        ImportedModule(target="edgeir.models.backbones.digits:StrokeSegmenter", weights=path).build()


def test_bad_programs_say_what_is_wrong(tmp_path):
    (tmp_path / "text.pt2").write_text("hello")
    with pytest.raises(CheckpointError, match="cannot be read as a torch.export program"):
        Program(weights=str(tmp_path / "text.pt2")).build()

    class Two(nn.Module):
        def forward(self, x, y):
            return x + y

    torch.export.save(torch.export.export(Two(), (torch.rand(1), torch.rand(1))), tmp_path / "two.pt2")
    with pytest.raises(CheckpointError, match="takes 2 inputs instead of one"):
        Program(weights=str(tmp_path / "two.pt2")).build()
    fixed = exported(tmp_path / "fixed.pt2", StrokeSegmenter(), dynamic=False)
    with pytest.raises(
        ConfigError, match=r"takes input of 2x3x8x8, not 4x3x8x8 \(export it with a dynamic batch"
    ):
        Program(weights=str(fixed)).build()(torch.rand(4, 3, 8, 8))
    batch = exported(tmp_path / "batch.pt2", StrokeSegmenter())
    with pytest.raises(ConfigError, match="takes input of anyx3x8x8, not 4x3x12x8"):
        Program(weights=str(batch)).build()(torch.rand(4, 3, 12, 8))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("edgeir.nowhere:thing", "cannot be imported: No module named"),
        ("edgeir.models.backbones.digits:thing", "cannot be imported: module .* has no attribute"),
        ("edgeir.models.backbones.digits:_WIDTH", "is int, which cannot be called"),
    ],
)
def test_import_paths_that_lead_nowhere_are_found_before_training(target, message):
    with pytest.raises(ConfigError, match=message):
        ImportedModule(target=target).check()


def test_an_import_path_must_give_a_module():
    with pytest.raises(ConfigError, match="returned dict, not a torch.nn.Module"):
        ImportedModule(target="builtins:dict").build()


def test_the_kind_chooses_the_network():
    adapter = TypeAdapter(AnyHighLevel)
    assert adapter.validate_python({"kind": "vgg16", "weights": "x"}).classes == 1000
    assert adapter.validate_python({"kind": "deeplab-largefov"}).classes == 21


def test_every_network_of_the_union_is_here():
    assert {member.model_fields["kind"].default for member in MEMBERS} == set(SETTINGS)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.model_fields["kind"].default)
def test_settings_survive_yaml_and_the_file_is_looked_for_first(member, tmp_path):
    path = tmp_path / "judge.weights"
    config = member(weights=str(path), **SETTINGS[member.model_fields["kind"].default])
    again = TypeAdapter(AnyHighLevel).validate_python(yaml.safe_load(dump_yaml(config)))
    assert type(again) is member
    assert again == config
    for look in (config.check, config.build):
        with pytest.raises(CheckpointError, match="no such file of weights"):
            look()
    with pytest.raises(CheckpointError, match="no such file of weights"):
        config.files()
    path.write_bytes(b"nothing of the kind")
    config.check()
    digest = hashlib.sha256(b"nothing of the kind").hexdigest()
    assert config.files() == [{"network": config.name, "file": str(path), "sha256": digest}]
    with pytest.raises(CheckpointError):
        config.build()
    with pytest.raises(CheckpointError, match="another sha256"):
        config.model_copy(update={"sha256": "0" * 64}).check()
