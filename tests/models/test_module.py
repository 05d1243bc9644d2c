"""A network of another package: what it must be, what its author must state, and what is said where it is not so."""

import re
import shutil
import sys
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from edgeir.checkpoint.load import load_checkpoint
from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.config import dump_yaml
from edgeir.core.errors import CheckpointError, ConfigError, UntrustedCodeError
from edgeir.core.trust import trusting_code
from edgeir.models import ModuleConfig

THEIRS = Path(__file__).parents[1] / "theirs.py"
STATED = {"task": "super-resolution", "scale": 2, "receptive_radius": 2}


def config(package, name="Tiny", **changes):
    return ModuleConfig(**{"factory": f"{package[0]}:{name}", **STATED, **changes})


def test_nothing_runs_without_permission(package, tmp_path):
    model = config(package)
    assert model.facts.scale == 2  # facts are stated, so a recipe can be checked and shown
    for use in (model.build, model.check):
        with pytest.raises(UntrustedCodeError) as caught:
            use()
        text = str(caught.value)
        assert f"`{package[0]}:Tiny` ({tmp_path / package[0]}.py) is code of another package" in text
        assert "--trust-code" in text
        assert "trust_code=True" in text
        assert not package[1].exists()
    with trusting_code():
        model.build()
    assert package[1].exists()
    with pytest.raises(UntrustedCodeError):  # the permission ends with its block
        model.build()


def test_permission_is_of_the_block_and_never_taken_away_inside(package):
    with trusting_code(), trusting_code(False):
        config(package).build()
    with trusting_code(False), pytest.raises(UntrustedCodeError):
        config(package).build()


def test_it_computes_what_the_module_computes(package):
    torch.manual_seed(0)
    with trusting_code():
        network = config(package, arguments={"width": 5}, taps=["head"]).build()
    theirs = sys.modules[package[0]].Tiny(width=5)
    theirs.load_state_dict(network.module.state_dict())
    x = torch.rand(2, 3, 9, 7)
    assert torch.equal(network(x), theirs(x))
    assert torch.equal(network.deploy()(x), theirs(x).clamp(0, 1))
    assert network.macs(10, 12) == (27 * 5 + 45 * 12) * 120
    assert list(network.taps()) == ["head"]
    assert network.taps()["head"] is network.module.head
    assert network.training


def test_macs_of_a_module_that_cannot_run_without_memory(package):
    with trusting_code():
        assert config(package, "Device").build().macs(10, 12) == (27 * 4 + 36 * 12) * 120


def test_settings_survive_yaml(package):
    import yaml

    model = config(package, arguments={"width": 5, "cell": 1}, tile_multiple=8, colour="y")
    assert ModuleConfig(**yaml.safe_load(dump_yaml(model))) == model
    assert (model.facts.colour, model.facts.tile_multiple) == ("y", 8)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("Tiny", {"scale": 3}, r"makes 1x3x32x34 of 1x3x16x17, not 1x3x48x51 \(see `scale`"),
        ("Tiny", {"colour": "y"}, r"cannot run on an image of 1x1x16x17: .*\(see `colour`"),
        ("Tiny", {"arguments": {"widht": 4}}, "cannot be called with widht=4: .*unexpected keyword"),
        ("Tiny", {"taps": ["body"]}, r"has no module `body` \(its modules: head, tail\)"),
        ("Turned", {}, "makes 1x3x34x32 of 1x3x16x17, not 1x3x32x34"),
        ("Pair", {}, "returns tuple, not one floating-point tensor"),
        ("Integer", {}, "returns torch.int64, not one floating-point tensor"),
        ("Empty", {"scale": 1}, "returned a module without parameters"),
        ("Own", {}, "has `module._extra_state`, a dict: a checkpoint holds tensors"),
        ("broken", {}, "cannot be called without arguments: no weights here"),
        ("ANSWER", {}, "is int, which cannot be called"),
        ("nothing", {}, "cannot be imported: module .* has no attribute `?'?nothing"),
    ],
)
def test_what_is_no_network_is_refused_in_one_line(package, name, changes, message):
    with trusting_code(), pytest.raises(ConfigError, match=message) as caught:
        config(package, name, **changes).build()
    assert "\n" not in str(caught.value)


def test_a_module_that_is_not_there_or_breaks_says_so(package, tmp_path):
    with trusting_code():
        with pytest.raises(ConfigError, match=r"No module named 'nowhere'.*\(install its package"):
            ModuleConfig(factory="nowhere.at_all:thing", **STATED).build()
        (tmp_path / "breaks_at_import.py").write_text("1 / 0\n")
        with pytest.raises(ConfigError, match="cannot be imported: division by zero"):
            ModuleConfig(factory="breaks_at_import:thing", **STATED).build()


def test_modules_are_looked_for_in_the_working_directory_last(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    shutil.copy(THEIRS, tmp_path / "in_my_folder.py")
    model = ModuleConfig(factory="in_my_folder:Tiny", **STATED)
    with pytest.raises(UntrustedCodeError, match=re.escape(f"({tmp_path / 'in_my_folder.py'})")):
        model.build()
    assert not (tmp_path / "ran").exists()
    with trusting_code():
        model.build()
    assert sys.path[-1] == str(tmp_path)
    sys.modules.pop("in_my_folder")


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("Tiny", {"receptive_radius": 1}, r"is 1, but the output depends on pixels 2 away \(state the real"),
        ("Mean", {}, r"the output depends on pixels \d+ away \(name the operations on the whole image in"),
        ("Tiny", {"arguments": {"cell": 4}, "receptive_radius": 4}, "is 4, but the output depends on pixels 5 away"),
        ("Tiny", {"arguments": {"cell": 4}, "receptive_radius": 5}, None),
        ("Tiny", {}, None),
        ("Mean", {"global_operations": ["image mean"]}, None),
    ],
)  # fmt: skip
def test_a_receptive_radius_that_is_too_small_is_found_before_training(package, name, changes, message):
    with trusting_code():
        model = config(package, name, tile_multiple=4, **changes)
        if message is None:
            model.check()
        else:
            with pytest.raises(ConfigError, match=message):
                model.check()


def test_facts_must_be_stated(package):
    with pytest.raises(ValidationError, match="receptive_radius"):
        ModuleConfig(factory=f"{package[0]}:Tiny", task="denoising")
    with pytest.raises(ValidationError, match="factory"):
        config(package, factory="os.system('true')")


def test_a_checkpoint_of_it_needs_the_permission_too(package, tmp_path):
    with trusting_code():
        network = config(package).build()
        save_checkpoint(
            tmp_path / "kept", network, network.state_dict(), name="tiny", metrics={}, provenance={}
        )
    with pytest.raises(UntrustedCodeError, match=r"card.json: `theirs_.*:Tiny` .*is code of another package"):
        load_checkpoint(tmp_path / "kept")
    with trusting_code():
        again, card, _ = load_checkpoint(tmp_path / "kept")
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(again(x), network.eval()(x))
    assert card.facts == network.facts
    (tmp_path / f"{package[0]}.py").write_text("")
    sys.modules.pop(package[0])
    with (
        trusting_code(),
        pytest.raises(CheckpointError, match=r"card.json: its network: .*cannot be imported"),
    ):
        load_checkpoint(tmp_path / "kept")


@pytest.mark.parametrize(
    "path", ["edgeir.models.backbones.frozen:Path", "edgeir.models.srcnn:load_reference_weights"]
)
def test_only_networks_of_edgeir_itself_need_no_permission(path):
    with pytest.raises(UntrustedCodeError, match="is no network of edgeir"):
        ModuleConfig(factory=path, **STATED).build()
    with pytest.raises(ConfigError, match="cannot run on an image"):  # it is run at least
        ModuleConfig(
            factory="edgeir.models.backbones.digits:DigitClassifier", **STATED | {"colour": "y"}
        ).build()
