"""Proof and choice on a device, with a device that is made up here: it runs files as this machine does, or wrongly."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from edgeir.benchmarking.timing.device_files import device_timer
from edgeir.benchmarking.timing.untrained import save_network
from edgeir.cli.app import main
from edgeir.core.errors import ConfigError, DeviceError, ParityError
from edgeir.devices.device import DeviceRun
from edgeir.exporting.bundle.export import export_bundle
from edgeir.exporting.ladder.run import export_auto
from edgeir.exporting.prove.repeat import prove_again
from edgeir.exporting.run import export
from edgeir.manifest.artifact import read_artifact
from edgeir.models import PlainSRConfig

from ..made_up_device import MadeUp, only_device

SIZE = (24, 32)


class Beads(MadeUp):
    """Counts bytes as if they were instructions; `wrong` loses a bead, `clock` has milliseconds, `mute` nothing."""

    name, title, runtime, system = "abacus", "an abacus", "wire {manner}", "beech"

    def spoiled(self, output):
        return output + np.float32(0.7) if self.manner == "wrong" else output

    def time(self, path, artifact, file, *, size, threads=1, runs=None, budget_s=30.0, progress):
        assert size == SIZE
        if self.manner == "clock":
            return DeviceRun(runs_ms=(100.0, 3.0, 1.0, 2.0))
        return DeviceRun(instructions=None if self.manner == "mute" else {"total": file.bytes})


@pytest.fixture(autouse=True)
def _made_up(monkeypatch):
    with only_device(monkeypatch, Beads, emulated=True):
        yield


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network") / "tiny"
    save_network(PlainSRConfig(channels=4, blocks=1, scale=2), "tiny", folder)
    return folder


@pytest.fixture
def artifact(checkpoint, tmp_path):
    export(checkpoint, target="onnx", sizes=[SIZE], out=tmp_path / "a", worst_image=False)
    return tmp_path / "a"


def test_an_export_is_proved_there_and_refused_where_it_is_wrong(checkpoint, tmp_path):
    made = export(
        checkpoint, target="onnx", sizes=[SIZE], out=tmp_path / "a", worst_image=False, prove_on=["abacus"]
    )
    assert [(run.engine, run.system, run.drift) for run in made.main.native_runs] == [
        ("wire ", "an abacus, beech", 0.0)
    ]
    assert read_artifact(tmp_path / "a")[0].main.native_runs == made.main.native_runs
    with pytest.raises(ParityError, match=r"on the golden input wire wrong differs .* on abacus:wrong"):
        export(
            checkpoint, target="onnx", sizes=[SIZE], out=tmp_path / "b", prove_on=["abacus", "abacus:wrong"]
        )
    with pytest.raises(ConfigError, match="abacus runs onnx files, not ncnn"):
        export(checkpoint, target="ncnn", sizes=[SIZE], out=tmp_path / "b", prove_on=["abacus"])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_prove_adds_the_run_to_the_manifest_once(artifact, capsys):
    for _ in range(2):
        found = prove_again(artifact, on=["abacus", "abacus:right"])
        assert set(found.devices) == {"abacus", "abacus:right"}
        runs = read_artifact(artifact)[0].main.native_runs
        assert [run.engine for run in runs] == ["wire ", "wire right"]
    with pytest.raises(ParityError, match="wire wrong differs from the network by"):
        prove_again(artifact, on=["abacus:wrong"])
    assert len(read_artifact(artifact)[0].main.native_runs) == 2
    assert main(["prove", str(artifact), "--on", "abacus:again"]) == 0
    assert "on abacus:again (wire again)" in capsys.readouterr().out
    assert main(["prove", str(artifact), "--on", "slate"]) == 2
    assert "there is no device `slate`" in capsys.readouterr().err


@pytest.mark.slow
def test_a_bundle_runs_what_the_device_runs_and_stays_as_it_was(checkpoint, tmp_path):
    bundle = export_bundle(
        checkpoint, targets=["onnx", "ort"], sizes=[SIZE], out=tmp_path / "b", prove_on=["abacus"]
    )
    assert [len(file.native_runs) for file in bundle.files] == [1, 0]
    before = (tmp_path / "b" / "edgeir.json").read_bytes()
    found = prove_again(tmp_path / "b", on=["abacus:right"])
    assert list(found.devices["abacus:right"]) == [bundle.files[0].path]
    assert (tmp_path / "b" / "edgeir.json").read_bytes() == before
    with pytest.raises(ConfigError, match="abacus runs onnx files, not ort"):
        export_bundle(checkpoint, targets=["ort"], sizes=[SIZE], out=tmp_path / "c", prove_on=["abacus"])


def test_a_device_without_a_clock_counts_and_one_with_a_clock_times(artifact):
    name, [cost] = device_timer("abacus", target="onnx")([artifact])
    assert name == "wire , an abacus"
    assert (cost.p50_ms, cost.instructions) == (None, read_artifact(artifact)[0].main.bytes)
    name, [cost] = device_timer("abacus:clock", target="onnx", threads=2)([artifact])
    assert name == "wire clock, an abacus, 2 threads"
    assert (cost.p50_ms, cost.instructions) == (2.0, None)  # the first run is not counted
    with pytest.raises(DeviceError, match="abacus:mute: neither times nor counts"):
        device_timer("abacus:mute", target="onnx")([artifact])
    with pytest.raises(ConfigError, match="counts instructions, and they are not milliseconds"):
        device_timer("abacus", target="onnx", milliseconds=True)
    with pytest.raises(ConfigError, match="abacus runs onnx files, not ncnn"):
        device_timer("abacus", target="ncnn")


@pytest.mark.slow
def test_the_ladder_takes_the_cheapest_by_instructions(checkpoint, tmp_path):
    names = ("max_abs_error", "p99_abs_error", "worst_psnr_drop_db", "colour_shift", "extreme_shift")
    made = export_auto(
        checkpoint,
        target="onnx",
        gate_db=50.0,
        timer=device_timer("abacus", target="onnx"),
        overrides=[f"gate.{name}=100" for name in names],
        sizes=[SIZE],
        out=tmp_path / "a",
    )
    counts = [tried.instructions for tried in made.ladder.tried if tried.passed]
    assert counts == sorted(counts)
    assert all(tried.latency_ms is None for tried in made.ladder.tried)
    chosen = next(tried for tried in made.ladder.tried if tried.chosen)
    assert chosen.instructions <= counts[0] * 1.05


def test_choosing_on_a_device_is_for_auto(checkpoint, tmp_path, capsys):
    words = ["export", str(checkpoint), "--target", "onnx", "--out", str(tmp_path / "a"), "--on", "abacus"]
    assert main(words) == 2
    assert "--on is for --precision auto" in capsys.readouterr().err
    assert main([*words, "--precision", "auto", "--target-latency", "1"]) == 2
    assert "they are not milliseconds" in capsys.readouterr().err
