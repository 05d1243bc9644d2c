"""The difference between Y measured unrounded, as in papers on colour networks, and in whole levels (SRCNN, FSRCNN).

    python benchmarks/luma_rounding.py

Measures bicubic and the zoo's super-resolution networks on Set5, Set14 and B100 by both protocols (`sr-x4` and
`sr-x4-whole-y`) and writes benchmarks/results/luma-rounding.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edgeir.benchmarking.quality.evaluate import BICUBIC, evaluate
from edgeir.benchmarking.result import environment, timestamp
from edgeir.benchmarking.suite import load_suite
from edgeir.core.files import write_json

OUT = Path(__file__).resolve().parent / "results" / "luma-rounding.json"
SUITE, OTHER = "sr-x4", "sr-x4-whole-y"
MODELS = (BICUBIC, "sr-x4", "sr-x4-xs")


def main() -> None:
    """Measure and write."""
    rows = [row for model in MODELS for row in compare(model)]
    suite = load_suite(SUITE)
    write_json(
        OUT,
        {
            "kind": "luma-rounding",
            "about": "PSNR in dB and SSIM on Y, unrounded (as RCAN, BasicSR) or in whole levels (as SRCNN), x4",
            "created": timestamp(),
            "protocols": {
                name: suite.model_copy(update={"protocol": name}).resolved_protocol().model_dump(mode="json")
                for name in (SUITE, OTHER)
            },
            "environment": environment().model_dump(mode="json"),
            "rows": rows,
        },
    )


def compare(model: str) -> list[dict[str, Any]]:
    """One row per set of a network (or of bicubic)."""
    suite = load_suite(SUITE)
    unrounded, whole = (
        evaluate(model, suite.model_copy(update={"protocol": name}), runtime="torch")["rows"][0]["quality"]
        for name in (SUITE, OTHER)
    )
    rows = []
    for a, b in zip(unrounded["sets"], whole["sets"], strict=True):
        rows.append(
            {
                "model": model,
                "set": a["name"],
                "unrounded dB": f"{a['psnr_db']:.3f}",
                "whole levels dB": f"{b['psnr_db']:.3f}",
                "difference dB": f"{b['psnr_db'] - a['psnr_db']:+.3f}",
                "unrounded SSIM": f"{a['ssim']:.4f}",
                "whole levels SSIM": f"{b['ssim']:.4f}",
            }
        )
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
