"""A whole benchmark run on a tiny network and a tiny image: what is written, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from edgeir.benchmarking.result import read_result
from edgeir.benchmarking.run import bench
from edgeir.benchmarking.timing.child import gemm_rate, peak_memory
from edgeir.benchmarking.timing.untrained import save_network
from edgeir.core.errors import ConfigError, EdgeIRError, OutputError

pytest.importorskip("torch")


@pytest.fixture
def suite_file(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (224, 240, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\ntitle: mine\n"
        f"sets: [{{name: one, source: {{kind: folder, path: {folder}}}}}]\n"
        "degradation: {kind: bicubic, scale: 4, flavour: pillow}\n"
        "protocol: pirm-a\nmetrics: [psnr, ms_ssim]\nscore: pirm-a\n"
        "timing: {height: 32, width: 48, rule: pirm}\n"
    )
    return path


@pytest.fixture
def student(tmp_path):
    from edgeir.models import PlainSRConfig

    return save_network(PlainSRConfig(channels=4, blocks=1, branches=()), "tiny", tmp_path / "student")


def test_a_run_with_its_baseline_and_scores(suite_file, student, tmp_path):
    path = bench([student], suite_file, repeats=3, out=tmp_path / "results")
    assert path.parent == tmp_path / "results"
    assert path.name.startswith("mine-")
    result = read_result(path)
    assert [(row.name, row.role) for row in result.rows] == [
        ("tiny torch fp32", "candidate"),
        ("SRCNN torch fp32", "baseline"),
        ("bicubic", "baseline"),
    ]
    tiny, srcnn, bicubic = result.rows
    assert tiny.macs == (27 * 4 + 36 * 4 + 36 * 48 + 27 * 48) * 8 * 12
    assert tiny.parameters == (27 * 4 + 4) + (36 * 4 + 4) + (36 * 48 + 48) + (27 * 48 + 48)
    assert srcnn.macs == (81 * 3 * 64 + 25 * 64 * 32 + 25 * 32 * 3) * 32 * 48
    assert (tiny.latency.height, tiny.latency.width) == (32, 48)
    assert tiny.latency.min_ms <= tiny.latency.p50_ms <= tiny.latency.p90_ms <= tiny.latency.p99_ms
    assert tiny.latency.repeats == len(tiny.latency.samples_ms) >= 3
    assert result.timing.rounds == 3
    assert tiny.peak_mib > tiny.import_mib > 0
    ratio = next(ratio for ratio in tiny.ratios if ratio.against == "SRCNN torch fp32")
    assert ratio.median > 0
    quality = tiny.quality.get("one")
    expected = min(srcnn.latency.pirm_ms / tiny.latency.pirm_ms, 4)
    assert tiny.pirm.speedup == pytest.approx(expected)
    assert tiny.pirm.a == pytest.approx(
        4 * (quality.psnr_db - 26.5) + 100 * (quality.ms_ssim - 0.94) + expected
    )
    assert tiny.mobile_ai_relative == 1.0
    assert srcnn.quality is None
    assert bicubic.latency is None
    assert json.loads(path.read_text())["suite"]["name"] == "mine"


def test_refusals(suite_file, student, tmp_path):
    with pytest.raises(ConfigError, match="no model was given"):
        bench([], suite_file, out=tmp_path)
    with pytest.raises(ConfigError, match="`repeats` must be at least 1, not 0"):
        bench([student], suite_file, repeats=0, out=tmp_path)
    existing = tmp_path / "old.json"
    existing.write_text("{}")
    with pytest.raises(OutputError, match="exists already"):
        bench([student], suite_file, out=existing)
    assert existing.read_text() == "{}"
    with pytest.raises(EdgeIRError, match="nothing-there"):
        bench(["nothing-there"], suite_file, out=tmp_path)


def test_a_failing_process_is_one_line(tmp_path):
    with pytest.raises(EdgeIRError) as caught:
        peak_memory(tmp_path / "none.onnx", runtime="onnxruntime", threads=1, height=32, width=32)
    assert "the measuring process failed" in str(caught.value)
    assert "none.onnx" in str(caught.value)


def test_gemm_rate_is_plausible():
    assert 0.05 < gemm_rate(1) < 10_000


@pytest.mark.slow
def test_artifacts_of_every_format_and_their_baselines(suite_file, student, tmp_path):
    pytest.importorskip("ai_edge_litert")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("ncnn")
    out = tmp_path / "r.json"
    bench([student], suite_file, runtimes=["torch", "litert", "onnxruntime", "ncnn"], repeats=2, out=out)
    result = read_result(out)
    assert {row.name for row in result.rows if row.latency} == {
        f"{model} {runtime} fp32"
        for model in ("tiny", "SRCNN")
        for runtime in ("torch", "litert", "onnxruntime", "ncnn")
    }
    scores = [row.quality.sets[0].psnr_db for row in result.rows if row.model == "tiny"]
    assert scores == pytest.approx([scores[0]] * 4, abs=0.05)  # the fixed size is mirrored at two sides
