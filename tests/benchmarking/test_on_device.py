"""Rows that a device measured, with a device that is made up here: it runs files as this machine does, and can fail."""

import numpy as np
import pytest
from PIL import Image

from edgeir.benchmarking.result import read_result
from edgeir.benchmarking.run import bench
from edgeir.benchmarking.timing.untrained import save_network
from edgeir.cli.scores import score_lines
from edgeir.core.errors import ArtifactError, ConfigError, DeviceError
from edgeir.devices.device import DeviceRun
from edgeir.manifest.artifact import read_artifact
from edgeir.reporting.tables import TABLES

from ..made_up_device import MadeUp, only_device

pytest.importorskip("torch")


class OnTheBench(MadeUp):
    """`darker` changes its output, `gone` leaves after the first file, `picky` refuses others, `slow` falls back."""

    name, title = "bench", "a bench"
    sent = 0

    def spoiled(self, output):
        return output * np.float32(0.9) if self.manner == "darker" else output

    def time(self, path, artifact, file, *, size, threads=1, runs=None, budget_s=30.0, progress):
        self.sent += 1
        if self.manner == "gone" and self.sent > 1:
            raise DeviceError("the cable was pulled", where=self.facts.device)
        if self.manner == "picky" and self.sent > 1:
            raise ArtifactError("wood cannot run it", where=path)
        assert file.size in (None, size)
        return DeviceRun(
            init_ms=3.0,
            runs_ms=(9.0, 2.0, 4.0, 6.0, 3.0)[: (runs or 4) + 1],
            placed="all on wood" if self.manner != "slow" else "3 of 9 operators on wood",
            fell_back=self.manner == "slow",
            instructions={"total": 2_000_000_000},
        )


@pytest.fixture(autouse=True)
def _made_up(monkeypatch):
    with only_device(monkeypatch, OnTheBench):
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An ONNX artifact, the same under another name, the checkpoint, and a suite of one image."""
    from edgeir.exporting.run import export
    from edgeir.models import PlainSRConfig

    folder = tmp_path_factory.mktemp("made")
    (folder / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "images" / "a.png")
    (folder / "mine.yaml").write_text(
        "name: mine\ntitle: mine\n"
        f"sets: [{{name: one, source: {{kind: folder, path: {folder / 'images'}}}}}]\n"
        "degradation: {kind: bicubic, scale: 4, flavour: pillow}\n"
        "protocol: pirm-a\nmetrics: [psnr]\ntiming: {height: 32, width: 48, baseline: null}\n"
    )
    checkpoint = save_network(PlainSRConfig(channels=4, blocks=1, branches=()), "tiny", folder / "tiny")
    export(checkpoint, target="onnx", out=folder / "artifact")
    return folder


def run(made, tmp_path, device, models=("artifact",), **more):
    path = tmp_path / "result.json"
    bench([made / model for model in models], made / "mine.yaml", devices=device, out=path, **more)
    return read_result(path)


def test_what_a_device_computed_and_how_long_it_took(made, tmp_path):
    result = run(made, tmp_path, ["here", "bench"], repeats=4)
    here, there, _ = result.rows
    for row in (here, there):
        assert (row.target, row.output_size) == ("onnx", (32, 48))
    assert (here.runtime, here.device) == ("onnxruntime", None)
    assert (there.name, there.runtime) == ("tiny bench fp32", "bench")
    assert there.quality.sets[0].psnr_db == pytest.approx(here.quality.sets[0].psnr_db, abs=1e-6)
    assert there.golden.right
    assert there.golden.psnr_db > 60
    assert there.latency.samples_ms == (2.0, 4.0, 6.0, 3.0)
    assert (there.latency.first_run_ms, there.latency.p50_ms, there.latency.pirm_ms) == (9.0, 3.5, 5.0)
    assert there.macs == here.macs
    assert (there.latency.height, there.latency.width) == (32, 48)
    table = TABLES["devices"](result)
    assert table.rows == (
        ("bench, a bench", "tiny", "fp32", "wood 1.0", "all on wood", "1",
         f"{there.golden.psnr_db:.1f}", "3.50", "5.40", "5.94", "9.00", "–", "2.000"),
    )  # fmt: skip
    assert len(TABLES["latency"](result).rows) == 1
    head, *lines = (line.split() for line in score_lines(result.model_dump(mode="json"))[1:])
    assert head[-2:] == ["instructions,", "G"]
    ours = next(line for line in lines if line[1] == "bench")
    assert ours[-1] == "2.000"
    assert f"{there.golden.psnr_db:.1f}" in ours


def test_a_device_that_computes_another_image_is_marked(made, tmp_path):
    result = run(made, tmp_path, ["bench:darker"], quality=False)
    assert "WRONG" in score_lines(result.model_dump(mode="json"))[2]
    row = result.rows[0]
    assert not row.golden.right
    assert row.note == "the device's output of the golden input is wrong"
    assert row.quality is None
    artifact, _ = read_artifact(made / "artifact")
    assert row.golden.max_abs_error > artifact.main.golden.max_abs_error


def test_a_device_that_goes_away_loses_nothing(made, tmp_path):
    with pytest.raises(DeviceError, match="the cable was pulled"):
        run(made, tmp_path, ["bench:gone"], models=["artifact", "artifact"], quality=False)
    result = read_result(tmp_path / "result.json")
    assert [row.name for row in result.rows] == ["tiny bench:gone fp32"]
    assert "the cable was pulled" in result.notes[0]
    with pytest.raises(DeviceError):
        bench([made / "artifact"], made / "mine.yaml", devices=["bench:slow"],
              out=tmp_path / "slow.json")  # fmt: skip
    assert not (tmp_path / "slow.json").exists()


def test_a_later_file_that_cannot_run_there_loses_nothing(made, tmp_path):
    with pytest.raises(ArtifactError, match="wood cannot run it"):
        run(made, tmp_path, ["bench:picky"], models=["artifact", "artifact"], quality=False)
    assert len(read_result(tmp_path / "result.json").rows) == 1


def test_what_a_device_says_is_printed(made, tmp_path):
    result = run(made, tmp_path, ["bench"], quality=False)
    lines = score_lines(result.model_dump(mode="json"))
    assert lines[-1] == "tiny bench fp32: a bench, wood 1.0, all on wood"


def test_a_setting_that_the_device_has_not(made, tmp_path):
    with pytest.raises(ConfigError, match="device bench: unknown key `cores`"):
        run(made, tmp_path, ["bench"], device_settings=["cores=1"])


def test_a_fall_back_is_named_and_refused_unless_allowed(made, tmp_path):
    with pytest.raises(DeviceError, match=r"bench:slow: model.onnx fell back: 3 of 9 operators on wood"):
        run(made, tmp_path, ["bench:slow"], quality=False)
    row = run(made, tmp_path, ["bench:slow"], quality=False, allow_fallback=True).rows[0]
    assert row.placed == "3 of 9 operators on wood"


def test_what_cannot_be_sent(made, tmp_path):
    with pytest.raises(
        ConfigError,
        match=r"tiny: is a checkpoint, and a device runs exported files \(edgeir export .*--target onnx",
    ):
        run(made, tmp_path, ["bench"], models=["tiny"])
    with pytest.raises(ConfigError, match=r"there is no device `sofa`"):
        run(made, tmp_path, ["sofa"])
