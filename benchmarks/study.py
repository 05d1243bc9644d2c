"""Compare ways of training: a study file names a recipe, variants of it and seeds; every run is trained and measured.

    python benchmarks/study.py benchmarks/studies/distillation.yaml

Runs unattended. Called again it goes on where it was stopped: finished runs are kept under ``runs/studies/``, an
interrupted one resumes from its checkpoint. Recipes that the study needs (a teacher, an auto-encoder) are trained
first, into ``runs/<name>``. Writes ``benchmarks/results/study-<name>.json``: per run the PSNR on every
set, per variant mean and standard deviation over the seeds, and the difference to the study's reference variant,
paired by seed (mean, standard deviation, smallest, largest); the same once more as flat rows for a table.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.benchmarking.result import timestamp
from edgeir.checkpoint.resolve import resolve_checkpoint
from edgeir.core.config import Config, parse, read_yaml
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.files import write_json
from edgeir.manifest.card import read_card
from edgeir.training.recipe import load_recipe
from edgeir.training.run import distill, train

RESULTS = Path(__file__).resolve().parent / "results"


class Variant(Config):
    """One way of training."""

    about: str
    published: str | None = None
    """What the paper gives for this difference, with its place; `tables.py` sets it beside the measured one."""
    overrides: tuple[str, ...] = ()
    follows: str | None = None
    """Variant whose overrides come first, so that a ladder of remedies need not repeat them."""


class Study(Config):
    """What is compared."""

    name: str
    about: str
    recipe: str
    needs: tuple[str, ...] = ()
    """Recipes whose runs the study's own recipe refers to."""
    common: tuple[str, ...] = ()
    """Overrides of every run."""
    reference: str
    """The variant that the others are compared with; ``previous`` compares each with the one it follows."""
    seeds: tuple[int, ...] = (0,)
    suites: tuple[str, ...] = Field(("sr-x4",), min_length=1)
    variants: dict[str, Variant]

    @model_validator(mode="after")
    def _known(self) -> Study:
        names = [self.reference] if self.reference != "previous" else []
        names += [variant.follows for variant in self.variants.values() if variant.follows]
        unknown = [name for name in names if name not in self.variants]
        if unknown:
            raise ValueError(f"no variant is called {', '.join(unknown)}")
        return self

    def overrides(self, name: str) -> list[str]:
        """All overrides of a variant, in order."""
        variant = self.variants[name]
        inherited = self.overrides(variant.follows) if variant.follows else list(self.common)
        return [*inherited, *variant.overrides]


def main(arguments: list[str]) -> None:
    """Train what is missing, measure, write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs") / "studies", help="where the runs are kept")
    options = parser.parse_args(arguments)
    study = parse(Study, read_yaml(options.study), where=options.study)
    for recipe in study.needs:
        finish(recipe, [], options.runs.parent / load_recipe(recipe).name)
    scores: dict[str, dict[int, dict[str, float]]] = {name: {} for name in study.variants}
    for seed in study.seeds:
        for name in study.variants:
            run = train_once(study, name, seed, options.runs / study.name / f"{name}-{seed}")
            scores[name][seed] = measure(study, run)
            print(f"{name} seed {seed}: {scores[name][seed]}", flush=True)
    write_json(RESULTS / f"study-{study.name}.json", summary(study, scores))


def train_once(study: Study, name: str, seed: int, out: Path) -> Path:
    """Train, or finish, one run; its folder."""
    return finish(study.recipe, [*study.overrides(name), f"train.seed={seed}"], out)


def finish(name: str, overrides: list[str], out: Path) -> Path:
    """Train a recipe to its end in the run folder `out`, from wherever it stands there; its last checkpoint."""
    recipe = load_recipe(name, overrides)
    run = train if recipe.objective.distillation is None else distill
    resume = (out / "checkpoints" / "last" / "state.json").is_file()
    result = run(name, overrides=overrides, out=out, resume=resume, overwrite=True)
    if result.stopped:
        sys.exit(f"stopped in {out}; call again to go on")
    return result.run_dir / "checkpoints" / "last"


def measure(study: Study, checkpoint: Path) -> dict[str, float]:
    """PSNR in dB per set."""
    result: dict[str, float] = {}
    for suite in study.suites:
        row = evaluate(checkpoint, suite, runtime="torch", threads=1)["rows"][0]
        result |= {entry["name"]: entry["psnr_db"] for entry in row["quality"]["sets"]}
    return result


def summary(study: Study, scores: dict[str, dict[int, dict[str, float]]]) -> dict[str, Any]:
    """The result file's content."""
    variants = {}
    for name, variant in study.variants.items():
        reference = variant.follows if study.reference == "previous" else study.reference
        entry: dict[str, Any] = {
            "about": variant.about,
            "overrides": study.overrides(name),
            "runs": [{"seed": seed, "psnr_db": values} for seed, values in scores[name].items()],
            "psnr_db": {
                key: spread([run[key] for run in scores[name].values()])
                for key in scores[name][study.seeds[0]]
            },
        }
        if reference is not None and reference != name:
            entry["against"] = reference
            entry["difference_db"] = {
                key: spread([scores[name][seed][key] - scores[reference][seed][key] for seed in study.seeds])
                for key in entry["psnr_db"]
            }
        variants[name] = entry
    return {
        "kind": "study",
        "name": study.name,
        "about": study.about,
        "created": timestamp(),
        "recipe": study.recipe,
        "teacher": teacher(study),
        "seeds": list(study.seeds),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "variants": variants,
        "rows": [row(name, entry) for name, entry in variants.items()],
    }


def teacher(study: Study) -> dict[str, Any] | None:
    """Which weights taught: a zoo name may hold others tomorrow."""
    distillation = load_recipe(study.recipe, study.common).objective.distillation
    if distillation is None or distillation.teacher is None:  # a companion is no weights that somebody has
        return None
    card = read_card(resolve_checkpoint(distillation.teacher))
    return {
        "name": distillation.teacher,
        "parameters": card.parameters,
        "weights_sha256": card.weights_sha256,
    }


def row(name: str, entry: dict[str, Any]) -> dict[str, str]:
    """One variant, flat: ``27.10 ± 0.01`` and the difference ``+0.020 ± 0.004 (+0.016 to +0.025)`` per set."""
    many = len(entry["runs"]) > 1
    cells = {"variant": name, "what": entry["about"]}
    for key, value in entry["psnr_db"].items():
        cells[f"{key} dB"] = f"{value['mean']:.3f}" + (f" ± {value['std']:.3f}" if many else "")
    for key, value in entry.get("difference_db", {}).items():
        spread_text = f" ± {value['std']:.3f} ({value['min']:+.3f} to {value['max']:+.3f})" if many else ""
        cells[f"{key} difference dB"] = f"{value['mean']:+.3f}{spread_text}"
    return cells


def spread(values: list[float]) -> dict[str, float]:
    """Mean, standard deviation (0 for one value), smallest and largest."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": statistics.fmean(values), "std": deviation, "min": min(values), "max": max(values)}


if __name__ == "__main__":
    main(sys.argv[1:])
