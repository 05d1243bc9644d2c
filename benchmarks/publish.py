"""Put a trained network into the zoo: fuse it, measure it, write weights and card.

    python benchmarks/publish.py runs/sr-x4 sr-x4 --about "..." --suite sr-x4 --suite embedded-x4

The card says what the network was trained on and carries every figure measured here, with the file that holds it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.checkpoint.load import load_checkpoint
from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.files import write_json

ROOT = Path(__file__).resolve().parent.parent
ZOO, RESULTS = ROOT / "edgeir" / "zoo", ROOT / "benchmarks" / "results"


def main(arguments: list[str]) -> None:
    """Publish one run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a run or checkpoint folder; a run gives its last checkpoint")
    parser.add_argument("name", help="name in the zoo")
    parser.add_argument("--about", required=True, help="one paragraph for the card")
    parser.add_argument("--suite", action="append", default=[], help="measure on this suite (repeatable)")
    options = parser.parse_args(arguments)
    last = options.run / "checkpoints" / "last"
    network, card, _ = load_checkpoint(last if last.is_dir() else options.run)
    fused = network.fused()
    provenance = {
        "about": options.about,
        "licence": "Apache-2.0 (weights); the training images are for research use",
        "training_data": "BSDS500 train and test (400 JPEG images; Arbelaez et al. 2011) and T91 (Yang et al. 2010)",
        **card.provenance,
    }
    folder = ZOO / options.name
    save_checkpoint(folder, fused, fused.state_dict(), name=options.name, metrics={}, provenance=provenance)
    metrics: dict[str, Any] = {}
    for suite in options.suite:
        result = evaluate(options.name, suite, runtime="torch", threads=1)
        path = RESULTS / f"zoo-{options.name}-{suite}.json"
        write_json(path, result)
        for entry in result["rows"][0]["quality"]["sets"]:
            figures = {
                key: round(entry[key], 4)
                for key in ("psnr_db", "ssim", "ms_ssim")
                if entry.get(key) is not None
            }
            metrics[entry["name"]] = {
                **figures,
                "images": entry["images"],
                "from": f"benchmarks/results/{path.name}",
            }
            print(f"{options.name} {entry['name']}: {figures}")
    save_checkpoint(
        folder, fused, fused.state_dict(), name=options.name, metrics=metrics, provenance=provenance
    )


if __name__ == "__main__":
    main(sys.argv[1:])
