"""A result with every kind of row, made by hand."""

import pytest

from edgeir.benchmarking.result import (
    Environment,
    ImageScore,
    Latency,
    Quality,
    Ratio,
    Result,
    Row,
    SetQuality,
    TimingFacts,
)
from edgeir.benchmarking.score import PirmScore
from edgeir.benchmarking.suite import load_suite


def make_quality(psnr, *, ssim=0.8, ms_ssim=None, name="Set5", images=2):
    scores = tuple(
        ImageScore(name=f"{index}", psnr_db=psnr, ssim=ssim, ms_ssim=ms_ssim) for index in range(images)
    )
    return Quality(
        sets=(
            SetQuality(name=name, images=images, psnr_db=psnr, ssim=ssim, ms_ssim=ms_ssim, per_image=scores),
        )
    )


def make_latency(p50):
    return Latency(
        height=720,
        width=1280,
        threads=1,
        init_ms=5.0,
        first_run_ms=2 * p50,
        warmup_runs=4,
        repeats=3,
        min_ms=0.9 * p50,
        p50_ms=p50,
        p90_ms=1.1 * p50,
        p99_ms=1.2 * p50,
        mean_ms=p50,
        pirm_ms=p50,
        gmac_s=40.0,
        gemm_share=0.5,
        samples_ms=(0.9 * p50, p50, 1.2 * p50),
    )


def make_row(model, p50, psnr, *, runtime="litert", precision="fp32", slower=None):
    ratios = (
        ()
        if slower is None
        else (Ratio(against=f"SRCNN {runtime} fp32", median=slower, p10=slower, p90=slower, rounds=9),)
    )
    return Row(
        name=f"{model} {runtime} {precision}",
        model=model,
        runtime=runtime,
        precision=precision,
        role="baseline" if model == "SRCNN" else "candidate",
        parameters=12_345,
        macs=1_500_000_000,
        file_bytes=50_000,
        sha256="ab" * 32,
        quality=None if psnr is None else make_quality(psnr),
        latency=None if p50 is None else make_latency(p50),
        peak_mib=None if p50 is None else 80.5,
        ratios=ratios,
        pirm=None
        if psnr is None or p50 is None
        else PirmScore(track="A", a=12.0, b=14.0, c=13.0, speedup=4.0),
    )


@pytest.fixture
def make():
    """The row builder, since test modules cannot import each other."""
    return make_row


@pytest.fixture
def result():
    suite = load_suite("set5-x4")
    return Result(
        kind="bench",
        name=suite.name,
        title=suite.title,
        created="2026-01-02T03:04:05Z",
        suite=suite.model_dump(mode="json"),
        protocol=suite.resolved_protocol().model_dump(mode="json"),
        environment=Environment(
            machine={"cpu": "A <fast> & good CPU | x", "cores": 2, "os": "Linux"},
            versions={"python": "3.11", "edgeir": "0.1.0"},
            revision="0123456789abcdef",
        ),
        timing=TimingFacts(
            height=720,
            width=1280,
            threads=1,
            rule="median",
            rounds=9,
            warmup_s=0.5,
            turn_s=0.1,
            budget_s=30.0,
            gemm_gmac_s=(50.0, 51.5),
            load_average=(0.1, 1.0),
        ),
        rows=(
            make_row("student-s", 20.0, 30.9, slower=60.0),
            make_row("student-s", 9.0, 30.8, precision="int8", slower=130.0),
            make_row("student-l", 110.0, 31.5, slower=11.0),
            make_row("student-l", 108.0, 31.5, runtime="onnxruntime"),
            make_row("slow|and_bad", 300.0, 30.0),
            make_row("SRCNN", 1200.0, None),
            make_row("bicubic", None, 28.43, runtime="-", precision="-"),
        ),
    )
