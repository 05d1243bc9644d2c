"""Weights of other authors become checkpoints: they compute what their network computes, and nothing of them is run."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from edgeir.checkpoint.foreign.adopt import Stated, adopted  # noqa: E402
from edgeir.checkpoint.foreign.read import read_weights  # noqa: E402
from edgeir.checkpoint.load import load_checkpoint  # noqa: E402
from edgeir.checkpoint.resolve import resolve  # noqa: E402
from edgeir.core.errors import CheckpointError, ConfigError, MissingExtraError  # noqa: E402
from edgeir.models.probe import WHOLE_IMAGE  # noqa: E402

from ..popular import TINY, network_of, saved  # noqa: E402

RADII = {"compact": 4, "rrdb": 34, "dncnn": 8, "span": 21}
"""By hand: convolutions in a row. RRDB: 1 + 2 blocks x 3 x 5 + 1, and two convolutions at x2 and x4."""


@pytest.mark.parametrize("name", TINY)
def test_a_recognised_file_computes_its_network(name: str, tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    theirs = network_of(name)
    network, card, folder = load_checkpoint(saved(name, tmp_path))
    facts = network.facts
    side = 8 * facts.size_multiple
    x = torch.rand(1, 3, side, side + facts.size_multiple)
    with torch.no_grad():
        expected = theirs(x.clone()).clamp(0, 1)
        assert torch.allclose(network.deploy()(x), expected, atol=1e-6)
    assert expected.std() > 0.01
    assert expected.shape[2] == side * facts.net_scale
    assert card.name == name
    if name in RADII:
        assert facts.receptive_radius == RADII[name]
    if name in ("nafnet", "realplksr", "rcan"):
        assert facts.global_operations == (WHOLE_IMAGE,)
    again, _, same = load_checkpoint(folder)  # like any other checkpoint
    assert same == folder
    assert torch.equal(again.deploy()(x), network.deploy()(x))


def test_it_is_made_once_and_again_for_other_facts(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    file = saved("compact", tmp_path)
    found = resolve(file)
    assert found.kind == "foreign network"
    assert found.is_checkpoint
    before = (found.folder / "card.json").stat().st_mtime_ns
    assert adopted(file) == found.folder
    assert (found.folder / "card.json").stat().st_mtime_ns == before
    other = load_checkpoint(adopted(file, stated=Stated(receptive_radius=2, size_multiple=4)))[0]
    assert (other.facts.receptive_radius, other.facts.size_multiple) == (2, 4)
    with pytest.raises(ConfigError, match="enlarges 2 times, not 4"):
        adopted(file, stated=Stated(scale=4))


def test_safetensors_and_half_precision(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    from safetensors.torch import save_file

    theirs = network_of("compact")
    save_file(
        {key: value.half() for key, value in theirs.state_dict().items()}, tmp_path / "half.safetensors"
    )
    network = load_checkpoint(tmp_path / "half.safetensors")[0]
    assert all(value.dtype == torch.float32 for value in network.state_dict().values())
    x = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        assert torch.allclose(network.deploy()(x), theirs(x).clamp(0, 1), atol=0.01)


class Bomb:
    """Unpickling it calls `os.mkdir`."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".bin"])
def test_a_pickle_that_would_run_code_is_refused(suffix: str, tmp_path: Path) -> None:
    file, mark = tmp_path / f"bad{suffix}", tmp_path / "ran"
    torch.save({"params": {"a": torch.zeros(1)}, "bomb": Bomb(mark)}, file)
    with pytest.raises(CheckpointError, match="would call `.*mkdir`"):
        resolve(file)
    file.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(CheckpointError):
        resolve(file)
    assert not mark.exists()


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    whole = saved("compact", tmp_path).read_bytes()
    short = tmp_path / "short.pth"
    short.write_bytes(whole[: len(whole) // 2])
    text = tmp_path / "text.safetensors"
    text.write_text("hello")
    script = tmp_path / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(torch.nn.Conv2d(3, 3, 1)), str(script))
    other = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(3, 3)}, other)
    array = tmp_path / "tensor.pth"
    torch.save(torch.zeros(3), array)
    for file, message in (
        (short, "the file is damaged, or no file of PyTorch"),
        (text, "the file is damaged"),
        (script, "is a TorchScript program, not weights"),
        (other, "no network that is known has such weights"),
        (array, "the file holds a Tensor, not named weights"),
    ):
        with pytest.raises(CheckpointError, match=message) as caught:
            resolve(file)
        assert file.name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="there is no such file"):
        read_weights(tmp_path / "none.pth")


def test_weights_that_lack_a_layer_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    state = network_of("compact").state_dict()
    del state["body.2.weight"]
    torch.save(state, tmp_path / "holes.pth")
    with pytest.raises(CheckpointError, match="the weights are damaged, or of another network"):
        resolve(tmp_path / "holes.pth")


def test_an_architecture_that_is_no_fixed_graph_is_refused_with_the_cause(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    from spandrel.architectures.SeemoRe import SeemoRe

    torch.save(SeemoRe(num_experts=3, num_layers=1, embedding_dim=12).state_dict(), tmp_path / "seemore.pth")
    with pytest.raises(
        CheckpointError, match="SeemoRe network, which cannot be used: which of its experts run"
    ):
        resolve(tmp_path / "seemore.pth")


def test_without_spandrel_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "some.pth")
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises((MissingExtraError, ModuleNotFoundError)) as caught:
        resolve(tmp_path / "some.pth")
    assert "spandrel" in str(caught.value)


def test_reading_spandrel_s_files_needs_no_import_of_it_elsewhere() -> None:
    code = "import sys, edgeir.checkpoint.resolve, edgeir.models; assert 'spandrel' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
