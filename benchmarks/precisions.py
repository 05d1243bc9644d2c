"""What every precision of a format costs and saves: quality on standard sets, and time in one run.

    python benchmarks/precisions.py [--model sr-x4-xs=sr-x4] [--trained RUN] [--target tflite]

Each network is exported by every profile of the format, and as a checkpoint of quantisation-aware training where one
is given; each file is measured on its suite, where ``$EDGEIR_DATA`` has the images, and all are timed in turns in one
process (one thread, input 96x96). The images of the suite are none of those that calibration, the gate or training
used. For the trained one, also the share of output bytes that equal the checkpoint's own. Writes
``benchmarks/results/precisions.json``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.timing.files import timer
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.data.sources.embedded import PROOF_PHOTOS, embedded
from edgeir.exporting.given import loaded
from edgeir.exporting.ladder.candidates import Candidate, plain_candidates, trained_candidates
from edgeir.exporting.run import export_network
from edgeir.manifest.parity import Parity
from edgeir.runtime.loading import load

RESULT = Path(__file__).resolve().parent / "results" / "precisions.json"
SIDE = 96


def main() -> int:
    """Export, score, time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", nargs="+", default=["sr-x4-xs=sr-x4"], help="MODEL=SUITE")
    parser.add_argument("--trained", nargs="*", default=[], help="MODEL=CHECKPOINT")
    parser.add_argument("--target", nargs="+", default=["tflite", "onnx"])
    parser.add_argument("--leave-out", nargs="*", default=[], help="precisions that are not measured")
    parser.add_argument("--seconds", type=float, default=10.0, help="of timing for each file, about")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    trained = dict(pair.split("=", 1) for pair in options.trained)
    rows: list[dict[str, Any]] = []
    timed_on = ""
    for pair in options.model:
        model, _, suite = pair.rpartition("=")
        floats = scores(model, suite)
        for target in options.target:
            with tempfile.TemporaryDirectory() as folder:
                made, timed_on = measured(
                    model, target, trained.get(model), suite, floats, Path(folder), options
                )
                rows += made
    write_json(
        options.out,
        {
            "kind": "precisions",
            "about": "quality lost against the float network, and time, by precision",
            "created": timestamp(),
            "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
            "timed_on": timed_on,
            "rows": rows,
        },
    )
    print(f"wrote {options.out}")
    return 0


def scores(model: str | Path, suite: str) -> dict[str, float]:
    """PSNR of each set."""
    row = evaluate(model, suite, threads=1)["rows"][0]
    return {
        entry["name"]: statistics.fmean(image["psnr_db"] for image in entry["per_image"])
        for entry in row["quality"]["sets"]
    }


def measured(
    model: str,
    target: str,
    trained: str | None,
    suite: str,
    floats: dict[str, float],
    folder: Path,
    options: Any,
) -> tuple[list[dict[str, Any]], str]:
    """The rows of a network in one format."""
    network, card = loaded(model)
    candidates = [
        *plain_candidates(target, network, card, ()),
        *trained_candidates(target, network, trained, ()),
    ]
    candidates = [one for one in candidates if one.profile.target.precision.name not in options.leave_out]
    made: list[tuple[Candidate, Path, dict[str, Any]]] = []
    for number, candidate in enumerate(candidates):
        out = folder / str(number)
        row: dict[str, Any] = {"network": model, "format": target, "file": candidate.name}
        try:
            artifact = export_network(
                candidate.network, candidate.card, candidate.profile, out=out, name=candidate.profile_name,
                sizes=[(SIDE, SIDE)], golden=False, refuse=False,
            )  # fmt: skip
        except EdgeIRError as error:
            print(f"{candidate.name}: {error}", file=sys.stderr)
            continue
        row["KiB"] = round(artifact.main.bytes / 1024, 1)
        for name, psnr_db in scores(out, suite).items():
            row[f"{name} lost (dB)"] = round(floats[name] - psnr_db, 3)
        parity = artifact.main.parity
        assert isinstance(parity, Parity)
        row["colour shift (of 255)"] = round(max(abs(value) for value in parity.colour_shift), 3)
        if candidate.network.quantization is not None:
            row["bytes equal (%)"], row["largest (levels)"] = agreement(candidate, out)
        made.append((candidate, out, row))
        print(row, flush=True)
    timed_on, times = timer(budget_s=options.seconds)([out for _, out, _ in made])
    for (_, _, row), time in zip(made, times, strict=True):
        row["ms"] = round(time.p50_ms, 3)
    return [row for _, _, row in made], timed_on


def agreement(candidate: Candidate, folder: Path) -> tuple[float, int]:
    """Share of bytes of the file's output that equal the checkpoint's, and the largest difference in levels."""
    import torch

    session, network = load(folder), candidate.network.deploy()
    equal, count, largest = 0, 0, 0
    for photo in embedded(PROOF_PHOTOS):
        pixels = photo.load()
        for top, left in ((0, 0), (100, 60)):
            cut = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
            if cut.shape != (SIDE, SIDE, 3):
                continue
            image = cut.astype(np.float32) / 255
            with torch.no_grad():
                wanted = network(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
            difference = np.abs(np.rint(session.run(image) * 255) - np.rint(wanted * 255))
            equal += int((difference == 0).sum())
            count += difference.size
            largest = max(largest, int(difference.max()))
    return round(100 * equal / count, 4), largest


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/precisions.py: error: {error}")
