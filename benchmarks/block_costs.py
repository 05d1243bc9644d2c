"""Costs of the variants of a study of super-resolution students, beside their quality: one row for each.

    python benchmarks/block_costs.py [--study benchmarks/studies/blocks.yaml] [--runs runs/studies] [--cache FOLDER]

Of every variant's run with the study's first seed: instructions per pixel of its int8 LiteRT file on the emulated
cores (None where the emulator is absent), the time of its int8 and fp32 files here, one thread, 320x180 in, all files
in turns in one run, and what int8 loses on the study's first suite, fp32 and int8 run as files, output rounded to 8
bits. PSNR is that of ``benchmarks/results/study-NAME.json``. Writes ``benchmarks/results/block-costs.json``.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from instructions import counted
from numpy.typing import NDArray

from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.study.config import Study, load_study
from edgeir.benchmarking.study.result import StudyResult, read_study_result
from edgeir.benchmarking.suite import load_suite
from edgeir.benchmarking.timing.machine_load import load_average
from edgeir.benchmarking.timing.measure import Contender, Measured, Schedule, latency_of, measure, ratio_of
from edgeir.checkpoint.load import load_checkpoint
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import DeviceError, EdgeIRError
from edgeir.core.files import write_json
from edgeir.data.degrade.bicubic import downscale
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.facts import NetworkFacts
from edgeir.metrics.psnr import psnr
from edgeir.models.base import Network, parameter_count
from edgeir.restoring.tiling import plan
from edgeir.runtime.loading import load
from edgeir.runtime.session import Session

HERE = Path(__file__).resolve().parent
TIMED = (180, 320)
PHOTO = (3000, 4000)
PRECISIONS = ("int8", "fp32")
COUNTED = (("int8", "a76"), ("int8", "a53"))
"""Files, and the emulated cores that they are counted on."""
MIN_ROUNDS = 30
Pairs = list[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Degraded and clean images, HWC in [0, 1]."""


def main() -> int:
    """Export, count, time, score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--study", type=Path, default=HERE / "studies" / "blocks.yaml")
    parser.add_argument("--runs", type=Path, default=Path("runs") / "studies", help="folder of the runs")
    parser.add_argument("--cache", type=Path, help="keep the files and counts here, and use them again")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to time")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "block-costs.json")
    options = parser.parse_args()
    study = load_study(options.study)
    quality = read_study_result(HERE / "results" / f"study-{study.name}.json")
    images = pairs(study)
    sizes = [TIMED, *dict.fromkeys(degraded.shape[:2] for degraded, _ in images)]
    seed = study.seeds[0]
    with tempfile.TemporaryDirectory() as folder:
        cache, rows, made = options.cache or Path(folder), [], {}
        for name in quality.variants:
            checkpoint = options.runs / study.name / f"{name}-{seed}" / "checkpoints" / "last"
            network, made[name] = exported(checkpoint, name, sizes, cache)
            height, width = TIMED
            rows.append(
                {
                    "variant": name,
                    "what": study.variants[name].about,
                    "parameters": parameter_count(network.fused()),
                    "macs_per_pixel": round(network.macs(*TIMED) / (height * width)),
                    "receptive_radius": network.facts.receptive_radius,
                    "windows_per_pixel": windows_per_pixel(network.facts),
                    **measured_quality(quality, name),
                    "int8_loss_db": int8_loss(made[name], images),
                    **instructions(made[name]),
                }
            )
            print(json.dumps(rows[-1]), flush=True)
        before = load_average()
        times(made, rows, study.reference, options.seconds)
    write_json(options.out, {
        "kind": "block-costs",
        "about": f"Costs and quality of the variants of the study {study.name}: LiteRT files, {width}x{height} in",
        "created": timestamp(),
        "study": study.name,
        "seed": seed,
        "threads": 1,
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "load_average": {"before": before, "after": load_average()},
        "rows": rows,
    })  # fmt: skip
    print(f"wrote {options.out}")
    return 0


def exported(checkpoint: Path, name: str, sizes: list[tuple[int, int]], cache: Path) -> tuple[Network, Path]:
    """The network of a checkpoint, and a folder of its LiteRT files by precision, from the cache where it is there."""
    network, card, _ = load_checkpoint(checkpoint)
    folder = cache / f"{name}-{card.weights_sha256[:12]}"
    for precision in PRECISIONS:
        if not (folder / precision).is_dir():
            export_network(
                network, card, read_profile(f"tflite-{precision}"), name=name, sizes=sizes, out=folder / precision,
                golden=False, worst_image=False, refuse=False,
            )  # fmt: skip
    return network, folder


def pairs(study: Study) -> Pairs:
    """The images of the study's first suite."""
    suite = load_suite(study.suites[0])
    found = []
    for entry in suite.sets:
        for ref in entry.images().refs:
            clean = ref.load()
            small = downscale(clean, suite.scale)
            found.append(
                (small.astype(np.float32) / np.float32(255), clean.astype(np.float32) / np.float32(255))
            )
    return found


def windows_per_pixel(facts: NetworkFacts) -> float:
    """Pixels that the windows of the timed size read, per pixel of a large photo: what the reach costs in tiles."""
    height, width = PHOTO
    return round(len(plan(height, width, facts, fixed=TIMED, largest=None, mirrored=True)) * TIMED[0] * TIMED[1]
                 / (height * width), 3)  # fmt: skip


def measured_quality(quality: StudyResult, name: str) -> dict[str, float]:
    """Mean PSNR over the seeds, by set."""
    return {f"{key} dB": round(value.mean, 3) for key, value in quality.variants[name].psnr_db.items()}


def int8_loss(folder: Path, images: Pairs) -> float:
    """Mean PSNR of the fp32 file less that of the int8 file."""
    scores = {}
    for precision in PRECISIONS:
        each = []
        for degraded, clean in images:
            height, width = degraded.shape[:2]
            session = session_of(folder / precision, (height, width))
            restored = np.round(np.clip(session.run(degraded), 0, 1) * 255).astype(np.float32) / np.float32(
                255
            )
            each.append(psnr(restored, clean, channel="y", crop=clean.shape[0] // height))
        scores[precision] = statistics.fmean(each)
    return round(scores["fp32"] - scores["int8"], 4)


def session_of(folder: Path, size: tuple[int, int]) -> Session:
    """The file of a size in the folder of an export."""
    artifact, place = read_artifact(folder)
    return load(place / next(file.path for file in artifact.files if file.size == size))


def instructions(folder: Path) -> dict[str, Any]:
    """Instructions per pixel of the second inference, by precision and core, and where int8's operators ran.

    Kept beside the files, for those of the same hash.
    """
    kept = folder / "instructions.json"
    found: dict[str, Any] = {}
    earlier = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    for precision, core in COUNTED:
        artifact, place = read_artifact(folder / precision)
        key = f"{core}_{precision}"
        cell = earlier.get(key)
        if cell is None or cell["sha256"] != artifact.main.sha256:
            try:
                cell = counted(f"android-arm64:{core}", place, artifact)
            except DeviceError as error:
                print(f"not counted: {error}", file=sys.stderr)
                found[key] = None
                continue
            earlier[key] = cell
            write_json(kept, earlier)
        found[key] = cell["per_pixel"]
        if key == "a76_int8":
            found["int8_placed"] = cell["placed"]
    return found


def times(made: dict[str, Path], rows: list[dict[str, Any]], reference: str, seconds: float) -> None:
    """Time all files in turns, and add to every row: median, spread, and the ratio to the reference within a round."""
    height, width = (4 * side for side in TIMED)
    contenders = [
        Contender(
            f"{row['variant']}/{precision}",
            functools.partial(session_of, made[row["variant"]] / precision, TIMED),
            height,
            width,
        )
        for row in rows
        for precision in PRECISIONS
    ]
    found: dict[str, Measured] = {
        entry.name: entry for entry in measure(contenders, Schedule(budget_s=seconds, min_rounds=MIN_ROUNDS))
    }
    for row in rows:
        for precision in PRECISIONS:
            entry = found[f"{row['variant']}/{precision}"]
            latency = latency_of(entry, height=height, width=width, threads=1, macs=None, gemm_gmac_s=None)
            ratio = ratio_of(found[f"{reference}/{precision}"], entry)
            row |= {
                f"{precision}_ms": latency.p50_ms,
                f"{precision}_ms_p90": latency.p90_ms,
                f"{precision}_time_ratio": ratio.median,
                f"{precision}_ratio_p10": ratio.p10,
                f"{precision}_ratio_p90": ratio.p90,
                "rounds": ratio.rounds,
            }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/block_costs.py: error: {error}")
