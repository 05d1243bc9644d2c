"""Real files of members, measured on a device that is made up here and on the runtime of this machine."""

import pytest

pytest.importorskip("onnxruntime")

from edgeir.core.errors import ConfigError, DeviceError
from edgeir.devices.device import DeviceRun
from edgeir.fitting.measuring import Here, OnDevice
from edgeir.fitting.members import export_member
from edgeir.fitting.run import fit
from edgeir.manifest.artifact import read_artifact
from edgeir.models import PlainSRConfig

from ..made_up_device import MadeUp, only_device

SIZE = (24, 32)


class Scales(MadeUp):
    """Weighs files: their multiply-accumulates are its instructions; `clock` has milliseconds, `mute` nothing."""

    name, title, runtime = "scales", "a pair of scales", "brass {manner}"

    def time(self, path, artifact, file, *, size, threads=1, runs=None, budget_s=30.0, progress):
        assert size == file.size == SIZE
        progress(1, 1, "weighed")
        if self.manner == "clock":
            return DeviceRun(runs_ms=(100.0, 3.0, 1.0, 2.0))
        return DeviceRun(instructions=None if self.manner == "mute" else {"total": file.macs})


@pytest.fixture(autouse=True)
def _made_up(monkeypatch):
    with only_device(monkeypatch, Scales, emulated=True):
        yield


def test_members_are_exported_and_counted_there(recipe, family):
    found = fit(recipe, budget="2.3M", on="scales", size=SIZE, precisions=["fp32"], plan_only=True)
    fitted = found.fitted
    assert (fitted.target, fitted.unit, fitted.measured_on) == (
        "onnx",
        "instructions",
        "brass , a pair of scales, 1 thread",
    )
    assert fitted.chosen.cost <= 2.3e6
    assert all(member.cost == member.macs for member in fitted.members)
    better = [member for member in fitted.members if member.capacity_macs > fitted.chosen.capacity_macs]
    assert all(member.cost > 2.3e6 for member in better)


def test_a_device_that_says_nothing_and_a_format_that_it_does_not_run(recipe, family):
    with pytest.raises(DeviceError, match="brass mute, a pair of scales, 1 thread: gave no instructions"):
        fit(recipe, budget="9M", on="scales:mute", size=SIZE, precisions=["fp32"], plan_only=True)
    with pytest.raises(ConfigError, match="scales runs onnx files, not tflite"):
        fit(recipe, budget="9M", on="scales", target="tflite", size=SIZE, plan_only=True)


def test_rows_have_the_form_of_a_result_here_and_there(tmp_path):
    tmp_path = tmp_path / "one"
    tmp_path.mkdir()
    config = PlainSRConfig(channels=4, blocks=1, branches=())
    folder = export_member(config, "plainsr x", "onnx", "fp32", SIZE, tmp_path)
    artifact, _ = read_artifact(folder)
    assert artifact.main.size == SIZE
    assert artifact.main.parity.status == "not run"
    assert artifact.main.golden is None
    (there,) = OnDevice("scales:clock", "onnx", 2, 0.1)([folder], lambda *_: None)
    assert (there.latency.p50_ms, there.latency.threads, there.latency.height) == (2.0, 2, 96)
    assert there.device.device == "scales:clock"
    measurer = Here("onnx", 1, 0.01)
    assert "1 thread" in measurer.where
    (here,) = measurer([folder], lambda *_: None)
    assert here.latency.repeats >= 5
    assert (here.runtime, here.macs, here.sha256) == ("onnxruntime", artifact.main.macs, artifact.main.sha256)
    assert here.ratios == ()
