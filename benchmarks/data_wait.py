"""The time that training waits for data: the demo student, without its teacher, on 2K images.

    python benchmarks/data_wait.py [--steps 300]

The embedded photographs are enlarged to 2040 pixels (DIV2K's size), decoded once into the store, and sampled while the
smallest network trains: the case in which the loop needs most patches per second. Writes
benchmarks/results/data-wait.json; the same figure is in every run's metrics.jsonl as ``data_wait_share``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.files import write_json
from edgeir.data.sources.embedded import Embedded
from edgeir.training.run import train

RESULT = Path(__file__).resolve().parent / "results" / "data-wait.json"
SIDE, COPIES = 2040, 4


def main(arguments: list[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = enlarge(folder / "images")
        overrides = [
            f"data.sources=[{{kind: folder, path: {folder / 'images'}}}]",
            "objective.distillation=null",
            f"train.steps={options.steps}",
            "train.log_every=50",
            f"train.validate_every={options.steps}",
        ]
        started = time.perf_counter()
        run = train("super-resolution/demo", overrides=overrides, out=folder / "run").run_dir
        elapsed = time.perf_counter() - started
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    rows = [row for row in rows if "data_wait_share" in row]
    result = {
        "kind": "data-wait",
        "about": "share of the time of a training step that is spent waiting for patches, by 50 steps",
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "threads": torch.get_num_threads(),
        "images": images,
        "image_side": SIDE,
        "steps": options.steps,
        "seconds_with_decoding": round(elapsed, 1),
        "rows": [
            {key: round(row[key], 5) for key in ("step", "steps_per_s", "images_per_s", "data_wait_share")}
            for row in rows
        ],
        "largest_share_after_the_first_50_steps": round(max(row["data_wait_share"] for row in rows[1:]), 5),
    }
    write_json(RESULT, result)
    print(f"largest share: {result['largest_share_after_the_first_50_steps']:.2%}")


def enlarge(folder: Path) -> int:
    """Write the embedded photographs at DIV2K's size, several times; how many images."""
    folder.mkdir()
    refs = Embedded().images()
    for copy in range(COPIES):
        for ref in refs:
            image = Image.fromarray(ref.load())
            factor = SIDE / max(image.size)
            size = (round(image.width * factor), round(image.height * factor))
            image.resize(size, Image.Resampling.BICUBIC).save(
                folder / f"{ref.name}-{copy}.png", compress_level=1
            )
    return COPIES * len(refs)


if __name__ == "__main__":
    main(sys.argv[1:])
