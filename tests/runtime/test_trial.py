"""A file that this machine has not met is run by a child first: its crash is an error of one line, met once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import flatbuffers
import numpy as np
import onnx
import pytest

from edgeir.core.errors import ArtifactError
from edgeir.core.files import sha256_file
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.runtime import catalog, trial
from edgeir.runtime.loading import load
from edgeir.runtime.trial_child import CANNOT_IMPORT, CANNOT_LOAD, CANNOT_RUN

TARGETS = ["tflite", "onnx", "ort"]
NAMES = {"tflite": "LiteRT", "onnx": "ONNX Runtime", "ort": "ONNX Runtime"}


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache in which no file is known."""
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of the children that were started."""
    started: list[list[str]] = []
    run = trial._run

    def recorded(command: list[str], seconds: float) -> tuple[int, str]:
        started.append(command)
        return run(command, seconds)

    monkeypatch.setattr(trial, "_run", recorded)
    return started


@pytest.fixture
def child_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Let the child do something else."""

    def does(code: str) -> None:
        (tmp_path / "child.py").write_text(code)
        monkeypatch.setattr(trial, "CHILD", tmp_path / "child.py")

    return does


@pytest.mark.parametrize("target", TARGETS)
def test_one_child_per_file(target, made, fresh, children) -> None:
    first, second = load(made / target), load(made / target)
    assert len(children) == 1
    image = np.random.default_rng(0).random((12, 10, 3), dtype=np.float32)
    np.testing.assert_array_equal(first.run(image), second.run(image))
    [mark] = [path for path in fresh.rglob("*") if path.is_file()]
    assert mark.name == sha256_file(next((made / target).glob("model.*")))


def test_another_version_of_the_runtime_tries_again(made, fresh, children, monkeypatch) -> None:
    load(made / "tflite")
    monkeypatch.setattr(catalog, "installed_version", lambda name: "99")
    load(made / "tflite")
    assert len(children) == 2


@pytest.mark.parametrize("target", TARGETS)
def test_a_crash_is_one_line_and_is_not_remembered(target, made, fresh, child_that) -> None:
    child_that("import os; os._exit(200)")
    for _ in range(2):
        with pytest.raises(ArtifactError, match=f"the file crashes {NAMES[target]} .exit code 200") as caught:
            load(made / target)
        assert "\n" not in str(caught.value)
        assert "model." in str(caught.value)
    assert not any(path.is_file() for path in fresh.rglob("*"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no signals")
def test_a_signal_is_named(made, fresh, child_that) -> None:
    child_that("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(ArtifactError, match=r"crashes LiteRT \(SIGSEGV\)"):
        load(made / "tflite")


def test_an_endless_run_is_ended(made, fresh, child_that, monkeypatch) -> None:
    child_that("import time; time.sleep(60)")
    monkeypatch.setattr(trial, "PATIENCE_S", 0.2)
    with pytest.raises(ArtifactError, match="LiteRT did not finish a first run of the file in 0 s"):
        load(made / "tflite")


def packed(graph: Graph) -> bytes:
    """The graph as it is, without the clean-up of `to_bytes`."""
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(graph.model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_a_file_that_really_crashes_litert(made, fresh, tmp_path, rewritten) -> None:
    """A convolution without weights: ai-edge-litert 2.3 reads memory that is not there, and crashes or does not, as it
    happens; where the child gets a reason, this process does not try its luck."""

    def change(model: Path) -> None:
        graph = Graph(model.read_bytes())
        convolution = next(op for op in graph.operators if graph.kind(op) == "CONV_2D")
        convolution.inputs = [int(convolution.inputs[0]), -1, -1]
        model.write_bytes(packed(graph))

    with pytest.raises(ArtifactError, match="crashes LiteRT|LiteRT cannot load it"):
        load(rewritten(made / "tflite", tmp_path / "copy", change))


@pytest.mark.parametrize(("code", "loads"), [(CANNOT_IMPORT, True), (CANNOT_RUN, True), (CANNOT_LOAD, False)])
def test_what_the_child_reports(code, loads, made, fresh, child_that) -> None:
    child_that(f"import sys; print('the reason'); sys.exit({code})")
    if loads:
        load(made / "onnx")
    else:
        with pytest.raises(ArtifactError, match="ONNX Runtime cannot load it: the reason$"):
            load(made / "onnx")
    assert not any(path.is_file() for path in fresh.rglob("*"))


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_runtime_refuses_with_a_reason_keeps_its_reason(
    target, made, fresh, children, tmp_path, rewritten
) -> None:
    folder = rewritten(
        made / target, tmp_path / "copy", lambda model: model.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(99))
    )
    with pytest.raises(ArtifactError, match=f"{NAMES[target]} cannot load it: ."):
        load(folder)
    assert len(children) == 1


def test_where_no_child_can_be_started_the_file_is_loaded(made, fresh, monkeypatch) -> None:
    def refuse(command: list[str], seconds: float) -> tuple[int, str]:
        raise PermissionError("no processes here")

    monkeypatch.setattr(trial, "_run", refuse)
    assert load(made / "tflite").fixed_size == (12, 10)


def test_a_frozen_application_starts_no_second_self(made, fresh, children, monkeypatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    load(made / "tflite")
    assert children == []


def test_a_cache_that_cannot_be_written_only_costs_time(made, monkeypatch, tmp_path, children) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "file" / "cache"))
    for _ in range(2):
        load(made / "tflite")
    assert len(children) == 2


def test_a_manifest_with_enormous_numbers_is_refused(made, fresh, tmp_path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made / "onnx", folder)
    manifest = json.loads((folder / "artifact.json").read_text())
    manifest["files"][0]["macs"], manifest["facts"]["size_multiple"] = 10**18, 10**30
    (folder / "artifact.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="the file itself says size_multiple 1"):
        load(folder)


@pytest.mark.parametrize("target", TARGETS)
def test_the_child_needs_nothing_of_edgeir_and_no_torch(target, made) -> None:
    code = (
        "import runpy, sys\n"
        "sys.modules['edgeir'] = sys.modules['torch'] = sys.modules['pydantic'] = None\n"
        "sys.argv = ['child', *sys.argv[2:]]\n"
        f"runpy.run_path({str(trial.CHILD)!r}, run_name='__main__')\n"
    )
    runtime = "litert" if target == "tflite" else "onnxruntime"
    model = str(next((made / target).glob("model.*")))
    for path, expected in ((model, 0), (str(trial.CHILD), CANNOT_LOAD)):
        loader = str(trial.CHILD.with_name(f"{runtime}_trial.py"))
        command = [sys.executable, "-P", "-c", code, "--", loader, path, "32"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stderr


def test_an_output_that_nothing_computes_is_one_line(made, fresh, tmp_path, rewritten) -> None:
    def change(model: Path) -> None:
        graph = Graph(model.read_bytes())
        spare = graph.add_tensor("restored", graph.shape(graph.outputs[0]))
        graph.set_io(graph.inputs, [spare])
        model.write_bytes(packed(graph))

    with pytest.raises(ArtifactError, match="LiteRT cannot load it") as caught:
        load(rewritten(made / "tflite", tmp_path / "copy", change))
    assert "\n" not in str(caught.value)


def test_an_onnx_file_that_fails_while_it_runs_prints_nothing(
    made, fresh, tmp_path, rewritten, capfd
) -> None:
    """It takes even sizes only, and does not say so."""

    def change(model: Path) -> None:
        proto = onnx.load(model)
        make = onnx.helper.make_node
        del proto.graph.node[:], proto.graph.initializer[:], proto.graph.value_info[:]
        proto.graph.node.extend(
            [
                make("SpaceToDepth", ["image"], ["small"], blocksize=2),
                make("DepthToSpace", ["small"], ["same"], blocksize=2),
                make("Concat", ["same"] * 16, ["many"], axis=1),
                make("DepthToSpace", ["many"], ["restored"], blocksize=4),
            ]
        )
        onnx.save(proto, model)

    folder = rewritten(made / "onnx", tmp_path / "copy", change)
    session = load(folder)
    assert session.run(np.zeros((12, 10, 3), np.float32)).shape == (48, 40, 3)
    with pytest.raises(ArtifactError, match="ONNX Runtime failed") as caught:
        session.run(np.zeros((11, 9, 3), np.float32))
    assert caught.value.where == str(folder / "model.onnx")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_property_that_is_no_text_is_one_line(made, fresh, tmp_path, rewritten) -> None:
    """ONNX Runtime reads it without a look, and fails at the question for it."""

    def change(model: Path) -> None:
        content = model.read_bytes()
        assert content.count(b"receptive_radius") == 1
        model.write_bytes(content.replace(b"receptive_radius", b"receptive\x97radius"))

    folder = rewritten(made / "onnx", tmp_path / "copy", change)
    with pytest.raises(ArtifactError, match="names or properties are no text") as caught:
        load(folder)
    assert caught.value.where == str(folder / "model.onnx")


def test_an_input_whose_name_is_no_text_is_one_line(made, fresh, tmp_path, rewritten) -> None:
    def change(model: Path) -> None:
        content = model.read_bytes()
        graph = Graph(content)
        name = graph.name(graph.inputs[0]).encode()
        model.write_bytes(content.replace(name, b"\xf6" + name[1:]))

    folder = rewritten(made / "tflite", tmp_path / "copy", change)
    with pytest.raises(ArtifactError, match="LiteRT cannot load it: 'utf-8' codec") as caught:
        load(folder)
    assert caught.value.where == str(folder / "model.tflite")


def test_a_damaged_onnx_file_prints_nothing(made, fresh, tmp_path, rewritten, capfd) -> None:
    folder = rewritten(made / "onnx", tmp_path / "copy", lambda model: model.write_bytes(b"nothing"))
    with pytest.raises(ArtifactError, match="ONNX Runtime cannot load it"):
        load(folder)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
