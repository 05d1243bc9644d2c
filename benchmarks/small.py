"""Train every small recipe of the papers' systems to its end and measure it.

    python benchmarks/small.py [RECIPE ...]

Each recipe is trained as it stands (seed 0), after the runs it starts from or learns from, and measured on one suite
beside the unrestored input. Runs unattended; called again it goes on where it was stopped, and what is measured already
is not measured again: the measurements are kept under ``runs/small``. Writes the recipes measured so far into
``benchmarks/results/small-recipes.json``. The recipes on digits are measured by ``high_level.py``, the ones of the
zoo by ``edgeir publish``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from edgeir.benchmarking.quality.evaluate import BICUBIC, INPUT, evaluate
from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.study.run import StudyStopped, finish
from edgeir.benchmarking.suite import Suite, load_suite
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.files import write_json
from edgeir.core.shipped import recipe_of_run
from edgeir.manifest.card import read_card
from edgeir.training.recipe import Recipe, load_recipe

RESULTS = Path(__file__).resolve().parent / "results"
SUITES = {
    "super-resolution/edsr-stft-small": "unknown-x4",
    "super-resolution/rcan-stft-small": "unknown-x4",
    "super-resolution/ppcn-sr-small": "sr-x4",
    "super-resolution/danet-realsr-small": "sr-zoom2",
    "denoising/dncnn-small": "cbsd68-awgn25",
    "denoising/dncnn-stft-small": "cbsd68-awgn25",
    "denoising/dncnn-teacher-small": "cbsd68-awgn25",
    "denoising/dncnn-features-small": "cbsd68-awgn25",
    "denoising/dncnn-mutual-small": "cbsd68-awgn25",
    "denoising/ffdnet-stft-small": "cbsd68-awgn25",
    "denoising/multiscale-small": "cbsd68-awgn25",
    "denoising/danet-small": "cbsd68-awgn25",
    "denoising/danet-pisr-small": "cbsd68-awgn25",
    "denoising/danet-gray-small": "bsd68-awgn25",
    "denoising/danet-phone-small": "cbsd68-phone",
    "jpeg/arcnn-stft-small": "classic5-jpeg10",
    "jpeg/danet-jpeg-small": "classic5-jpeg10",
    "dehazing/aod-stft-small": "cbsd68-haze",
    "dehazing/ppdn-stft-small": "cbsd68-haze",
    "deblurring/fdrnet-small": "cbsd68-blur",
    "deraining/fdrnet-small": "cbsd68-rain",
    "mixed/fdrnet-small": "cbsd68-hybrid",
    "mixed/fdrnet-did-hy-small": "cbsd68-did-hy",
    "enhancement/ppcn-teacher-small": "pirm-b-heldout",
    "enhancement/ppcn-student-small": "pirm-b-heldout",
    "enhancement/ppcn-submitted-small": "pirm-b-heldout",
}
"""What each recipe is measured on."""


def main(arguments: list[str] | None = None) -> None:
    """Train what is missing, measure, write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", nargs="*", default=list(SUITES), help="all by default")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the runs are kept")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.recipe if name not in SUITES]
    if unknown:
        parser.error(f"no suite is known for {', '.join(unknown)}; known: {', '.join(SUITES)}")
    for recipe in options.recipe:
        kept = measurement(options.runs, recipe)
        if not kept.is_file():
            try:
                write_json(kept, measure(options.runs, recipe))
            except StudyStopped as error:
                sys.exit(str(error))
        print(recipe, json.loads(kept.read_text())["restored dB"], flush=True)
    rows = [
        json.loads(measurement(options.runs, recipe).read_text())
        for recipe in SUITES
        if measurement(options.runs, recipe).is_file()
    ]
    write_json(RESULTS / "small-recipes.json", summary(rows))


def measurement(runs: Path, recipe: str) -> Path:
    """Where a recipe's row is kept."""
    return runs / "small" / f"{recipe.replace('/', '-')}.json"


def measure(runs: Path, recipe: str) -> dict[str, Any]:
    """Train a recipe and what it needs; its row."""
    settings = load_recipe(recipe)
    for run in runs_named_in(settings):
        if (needed := recipe_of_run(run)) is not None:
            finish(needed[0], [], runs / run)
    folder = runs / settings.name
    checkpoint = finish(recipe, [], folder)
    suite = load_suite(SUITES[recipe])
    before = quality(INPUT if suite.scale == 1 else BICUBIC, suite)
    after = quality(checkpoint, suite)
    return {
        "recipe": recipe,
        "suite": suite.name,
        "parameters": read_card(checkpoint).parameters,
        "steps": settings.train.steps,
        "minutes": minutes(folder / "metrics.jsonl"),
        "input dB": before["psnr_db"],
        "restored dB": after["psnr_db"],
        "gain dB": after["psnr_db"] - before["psnr_db"],
        "input SSIM": before["ssim"],
        "restored SSIM": after["ssim"],
    }


def runs_named_in(recipe: Recipe) -> list[str]:
    """The runs of other recipes that it starts from or learns from, ``runs/<name>``."""
    distillation = recipe.objective.distillation
    named = [recipe.fine_tune_from, distillation.teacher if distillation is not None else None]
    return [Path(path).parts[1] for path in named if path is not None and Path(path).parts[0] == "runs"]


def quality(model: str | Path, suite: Suite) -> dict[str, Any]:
    """PSNR in dB and SSIM (None where the suite has none), means over the images of all sets."""
    row = evaluate(model, suite, runtime="torch", threads=1)["rows"][0]
    images = [image for entry in row["quality"]["sets"] for image in entry["per_image"]]
    return {
        key: statistics.fmean(image[key] for image in images) if key in ("psnr_db", *suite.metrics) else None
        for key in ("psnr_db", "ssim")
    }


def minutes(metrics: Path) -> float:
    """Wall time of the training steps, from the rates that were logged."""
    total, last = 0.0, 0
    for line in metrics.read_text().splitlines():
        entry = json.loads(line)
        if "steps_per_s" in entry:
            total += max(0, entry["step"] - last) / entry["steps_per_s"]
            last = entry["step"]
    return total / 60


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The result file's content."""
    return {
        "kind": "small-recipes",
        "about": "the small recipes, trained as they stand (seed 0), measured beside the unrestored input",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "rows": [shown(row) for row in rows],
    }


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with as many digits as a table needs."""
    digits = {"minutes": 0, "input SSIM": 4, "restored SSIM": 4}
    return {
        key: round(value, digits.get(key, 2)) if isinstance(value, float) else value
        for key, value in row.items()
    }


if __name__ == "__main__":
    main()
