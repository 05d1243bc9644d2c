"""Speed-up and loss of quality by int8 on LiteRT: the student's own fp32 file against its int8 files.

    python benchmarks/int8_speed.py [--model CHECKPOINT]

Speed: 320x180 in, 1280x720 out, one thread, in turns in one process. Quality: PSNR on B100 (Y, border of 4 cropped)
of fp32 and int8, run as exported files, where ``$EDGEIR_DATA`` has the images. Writes
``benchmarks/results/int8-speed.json``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from paired import network_of, paired_result, show

from edgeir.core.errors import DataError, EdgeIRError
from edgeir.core.files import write_json
from edgeir.data.degrade.bicubic import downscale
from edgeir.data.sources.base import ImageRef
from edgeir.data.sources.standard import StandardSet
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.card import Card
from edgeir.metrics.psnr import psnr
from edgeir.runtime.loading import load
from edgeir.runtime.session import Session

RESULT = Path(__file__).resolve().parent / "results" / "int8-speed.json"
TIMED = (180, 320)
B100_SIZES = ((80, 120), (120, 80))
CONTENDERS = (
    ("fp32", "tflite-fp32", "float"),
    ("int8", "tflite-int8", "float"),
    ("int8-bytes", "tflite-int8", "uint8"),
)


def main() -> int:
    """Export, time, score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="sr-x4", help="checkpoint or zoo name")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long to time")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    network, card = network_of(options.model)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, profile, io in CONTENDERS:
            _export(network, card, profile, io, work / name)
        macs = network.macs(*TIMED)
        height, width = TIMED[0] * network.facts.net_scale, TIMED[1] * network.facts.net_scale
        result = paired_result(
            {name: lambda name=name: load(work / name) for name, _, _ in CONTENDERS},
            about="LiteRT int8 against the same network's own fp32",
            model=card.name,
            against="fp32",
            height=height,
            width=width,
            seconds=options.seconds,
            macs=macs,
        )
        scores = _b100(network.facts.scale, work)
        for row in result["rows"]:
            artifact, _ = read_artifact(work / row["name"])
            row["times_faster"] = round(1 / row["time_ratio"], 3)
            row["file_bytes"] = artifact.main.bytes
            row["b100_psnr_db"] = None if scores is None else round(scores[row["name"]], 4)
            row["b100_loss_db"] = None if scores is None else round(scores["fp32"] - scores[row["name"]], 4)
            row["parity"] = artifact.main.parity.model_dump(mode="json")
    result["b100_protocol"] = f"Y, {network.facts.scale} border pixels cropped, rounded to 8 bits"
    write_json(options.out, result)
    show(result, options.out)
    for row in result["rows"]:
        if row["b100_loss_db"] is not None:
            print(f"{row['name']:16s} B100 {row['b100_psnr_db']:.3f} dB, lost {row['b100_loss_db']:+.3f} dB")
    return 0


def _export(network: Any, card: Card, profile: str, io: Any, out: Path) -> None:
    export_network(
        network, card, read_profile(profile), name=profile, io=io, sizes=(TIMED, *B100_SIZES), out=out
    )  # fmt: skip


def _b100(scale: int, work: Path) -> dict[str, float] | None:
    """Mean PSNR of every contender, run as its file; None where the images are not there."""
    try:
        refs = StandardSet(name="B100").images()
    except DataError:
        return None
    scores = {}
    for name, _, _ in CONTENDERS:
        sessions = {(h, w): load(work / name / f"model-{h}x{w}.tflite") for h, w in B100_SIZES}
        scores[name] = float(np.mean([_score(ref, scale, sessions) for ref in refs]))
    return scores


def _score(ref: ImageRef, scale: int, sessions: dict[tuple[int, int], Session]) -> float:
    image = ref.load()
    small = downscale(image, scale)
    session = sessions.get((small.shape[0], small.shape[1]))
    if session is None:
        raise EdgeIRError(f"a B100 image is {image.shape[0]}x{image.shape[1]}", where=ref.name)
    restored = np.clip(session.run(small.astype(np.float32) / np.float32(255)), 0, 1)
    return psnr(restored, image.astype(np.float32) / np.float32(255), channel="y", crop=scale)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/int8_speed.py: error: {error}")
