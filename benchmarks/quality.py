"""One table of quality: the zoo's students beside bicubic and the published compact networks, colour beside colour.

    python benchmarks/quality.py

Measures bicubic, takes the zoo's figures from the results that `edgeir publish` wrote
(benchmarks/results/zoo-*-sr-x4.json) and the published rows from the suite, and writes
benchmarks/results/quality-x4.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edgeir.benchmarking.quality.evaluate import BICUBIC, evaluate
from edgeir.benchmarking.result import Result, environment, read_result, timestamp
from edgeir.benchmarking.suite import load_suite
from edgeir.core.assets import list_zoo, zoo_folder
from edgeir.core.config import parse
from edgeir.core.files import write_json
from edgeir.manifest.card import read_card
from edgeir.reporting.table import colours

RESULTS = Path(__file__).resolve().parent / "results"
SUITE = "sr-x4"


def main() -> None:
    """Collect and write."""
    suite = load_suite(SUITE)
    bicubic = parse(Result, evaluate(BICUBIC, SUITE), where=BICUBIC)
    rows = [measured("bicubic", None, bicubic)]
    published: dict[str, dict[str, Any]] = {}
    for entry in suite.sets:
        for row in entry.published:
            line = published.setdefault(
                row.model,
                {"model": row.model, "parameters": row.parameters, "colours": colours(row.colours)},
            )
            line[entry.name] = shown(row.psnr_db, row.ssim)
            line["source"] = f"published: {row.source}"
    rows += [row for name, row in published.items() if name.lower() != BICUBIC]
    for name in list_zoo():
        path = RESULTS / f"zoo-{name}-{SUITE}.json"
        folder = zoo_folder(name)
        if path.is_file() and folder is not None:
            rows.append(measured(f"edgeir {name}", read_card(folder).parameters, read_result(path)))
    # Colour networks first: a network of luma alone has an easier task.
    rows.sort(key=lambda row: (row["colours"] == colours("y"), row["parameters"] or 0))
    about = (
        "PSNR in dB / SSIM on Y, x4, MATLAB-style bicubic, border of 4 cropped; "
        "networks of Y only do less work than those of RGB"
    )
    write_json(
        RESULTS / "quality-x4.json",
        {
            "kind": "quality",
            "about": about,
            "created": timestamp(),
            "protocol": suite.resolved_protocol().model_dump(mode="json"),
            "environment": environment().model_dump(mode="json"),
            "rows": rows,
        },
    )
    for row in rows:
        print(row)


def measured(model: str, parameters: int | None, result: Result) -> dict[str, Any]:
    """A row of our own."""
    quality = result.rows[0].quality
    assert quality is not None
    sets = {entry.name: shown(entry.psnr_db, entry.ssim) for entry in quality.sets}
    return {
        "model": model,
        "parameters": parameters,
        "colours": colours(result.rows[0].colours),
        **sets,
        "source": "measured here",
    }


def shown(psnr_db: float, ssim: float | None) -> str:
    """``28.42 / .8104``, as papers print it."""
    return f"{psnr_db:.2f}" + (f" / {ssim:.4f}".replace("0.", ".") if ssim is not None else "")


if __name__ == "__main__":
    sys.exit(main())
