"""Denoising and high-level vision on handwritten digits: separate, joint and cross-task, over seeds.

    python benchmarks/high_level.py            # everything, into benchmarks/results/high-level.json
    python benchmarks/high_level.py --networks # only the high-level networks of seed 0, for digits-joint-small
    python benchmarks/high_level.py --rows     # only the table, computed anew from the runs in the result file

The protocol of "When Image Denoising Meets High-Level Vision Tasks" (Liu et al., IJCAI 2018, section 3.2) in small: for
each seed a classifier and a stroke segmentation are trained on clean images and frozen. For each noise level three
denoisers are trained with equal steps: `separate` (image loss), and one with the joint loss of each task. A joint
denoiser is measured in front of its own task's network (`joint`) and of the other's (`cross-task`). Accuracy, mean
intersection over union and PSNR are of the test part, on which nothing was chosen.

Digits are at their own 8x8 pixels: enlarged to 32x32 they are so redundant that sigma 60 costs the separate denoiser
next to nothing. Runs unattended; called again it goes on where it was stopped: runs are kept under ``runs/high-level``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from high_level_networks import (
    FILES,
    LABELS,
    NETWORKS,
    SETTINGS,
    SIZE,
    load_digits,
    load_network,
    score,
    target,
    train_network,
)

from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.spread import INTERVAL, with_interval
from edgeir.checkpoint.load import load_checkpoint
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.files import write_json
from edgeir.data.degrade.base import Degraded
from edgeir.data.degrade.noise import AWGN
from edgeir.data.labelled.sources import Digits
from edgeir.models.backbones.frozen import Frozen
from edgeir.training.recipe import load_recipe
from edgeir.training.run import distill, train

RESULTS = Path(__file__).resolve().parent / "results"
SEPARATE, JOINT = "denoising/digits-separate-small", "denoising/digits-joint-small"
LAMBDA = {"classification": 0.25, "segmentation": 0.5}
METRICS = {"classification": "accuracy", "segmentation": "miou"}
SIGMAS, SEEDS = (15, 30, 45, 60), (0, 1, 2)
"""The paper's noise levels."""
DRAWS = 5
"""Of the noise, for every test image."""


def main(arguments: list[str]) -> None:
    """Train what is missing, measure, write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs") / "high-level", help="where the runs are kept"
    )
    parser.add_argument(
        "--networks", action="store_true", help="train the high-level networks of seed 0 only"
    )
    parser.add_argument("--rows", action="store_true", help="make the table anew from the result's runs only")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.rows:
        value = json.loads((RESULTS / "high-level.json").read_text(encoding="utf-8"))
        write_json(RESULTS / "high-level.json", value | table_of(value["runs"]))
        return
    if options.networks:
        for task in NETWORKS:
            train_network(task, 0, network_file(options.runs, task, 0))
        return
    runs = [measure(options.runs, sigma, seed) for sigma in reversed(SIGMAS) for seed in SEEDS]
    write_json(RESULTS / "high-level.json", summary(options.runs, runs))


def network_file(folder: Path, task: str, seed: int) -> Path:
    """Where the weights of a high-level network are."""
    return folder / "networks" / f"{FILES[task]}-{seed}.safetensors"


def measure(folder: Path, sigma: float, seed: int) -> dict[str, Any]:
    """Every figure of one noise level and seed; trains what it needs first."""
    networks: dict[str, Frozen] = {}
    for task in NETWORKS:
        train_network(task, seed, network_file(folder, task, seed))
        networks[task] = load_network(task, network_file(folder, task, seed))
    clean = repeated(load_digits("test", "digit")[0])
    given = noisy(sigma)
    images = {"clean": clean, "noisy": given}
    for variant in ("separate", *NETWORKS):
        images[variant] = restore(train_once(folder, variant, sigma, seed), given)
    result: dict[str, Any] = {"sigma": sigma, "seed": seed}
    for name, values in images.items():
        entry = {METRICS[task]: score(task, networks[task], values, labels(task)) for task in NETWORKS}
        if name != "clean":
            entry["psnr_db"] = mean_psnr(values, clean)
        result[name] = entry
    print(result, flush=True)
    return result


def labels(task: str) -> torch.Tensor:
    """Labels of the test part."""
    return repeated(load_digits("test", LABELS[task])[1])


def repeated(values: torch.Tensor) -> torch.Tensor:
    """Once per draw of the noise."""
    return torch.cat([values] * DRAWS)


def noisy(sigma: float) -> torch.Tensor:
    """The test part with noise that is seeded by the image's index, the same for every denoiser; not clipped."""
    degradation = AWGN(sigma=sigma, gray=True)
    refs = Digits(part="test", size=SIZE).images()
    images: list[Degraded] = [
        degradation.degrade(ref.load(), np.random.default_rng([draw, index]))
        for draw in range(DRAWS)
        for index, ref in enumerate(refs)
    ]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def overrides(folder: Path, variant: str, sigma: float, seed: int) -> list[str]:
    """What a run changes in its recipe."""
    common = [f"data.degradation.sigma={sigma}", f"train.seed={seed}"]
    if variant == "separate":
        return common
    network = f'{{kind: module, target: "{target(variant)}", weights: {network_file(folder, variant, seed)}}}'
    return [
        *common,
        f"data.sources=[{{kind: digits, part: train, size: {SIZE}, labels: {LABELS[variant]}}}]",
        "objective.distillation.methods=[{kind: high-level, "
        f"weight: {LAMBDA[variant]}, network: {network}}}]",
    ]


def train_once(folder: Path, variant: str, sigma: float, seed: int) -> Path:
    """Train, or finish, one denoiser; its last checkpoint."""
    out = folder / f"sigma-{sigma:g}" / f"{variant}-{seed}"
    run: Callable[..., Any] = train if variant == "separate" else distill
    recipe = SEPARATE if variant == "separate" else JOINT
    resume = (out / "checkpoints" / "last" / "state.json").is_file()
    changes = overrides(folder, variant, sigma, seed)
    if run(recipe, overrides=changes, out=out, resume=resume, overwrite=True).stopped:
        sys.exit(f"stopped in {out}; call again to go on")
    return out / "checkpoints" / "last"


def restore(checkpoint: Path, given: torch.Tensor) -> torch.Tensor:
    """The denoised images as they go into the high-level network: not clipped, as in training."""
    network, _, _ = load_checkpoint(checkpoint)
    with torch.inference_mode():
        return torch.cat([network(part) for part in given.split(100)])


def mean_psnr(images: torch.Tensor, clean: torch.Tensor) -> float:
    """Mean over images of the PSNR in dB after clipping and rounding to 8 bit; clipping raises that of noisy ones."""
    error = (images.clamp(0, 1) * 255).round() / 255 - clean
    return float((-10 * error.square().mean((1, 2, 3)).log10()).mean())


def summary(folder: Path, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The result file's content: every run, and rows with mean and 95 % interval over seeds."""
    recipes = {name: load_recipe(name).model_dump(mode="json") for name in (SEPARATE, JOINT)}
    steps = {recipe["train"]["steps"] for recipe in recipes.values()}
    assert len(steps) == 1, "equal steps"
    return {
        "kind": "high-level",
        "about": "separate, joint and cross-task denoising in front of frozen networks, handwritten digits; "
        f"{len(SEEDS)} seeds, {steps.pop()} steps each",
        "created": timestamp(),
        "settings": {
            "lambda": LAMBDA,
            "high_level": SETTINGS,
            "size": SIZE,
            "draws": DRAWS,
            "recipes": recipes,
        },
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "weights_sha256": {
            f"{FILES[task]}-{seed}": load_network(task, network_file(folder, task, seed)).sha256
            for task in NETWORKS
            for seed in SEEDS
        },
        "runs": runs,
        **table_of(runs),
    }


def table_of(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows, and what their spreads are."""
    return {
        "caption": INTERVAL,
        "rows": [
            row(task, sigma, [run for run in runs if run["sigma"] == sigma])
            for task in NETWORKS
            for sigma in SIGMAS
        ],
    }


def row(task: str, sigma: float, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One line of the table: a task at a noise level; differences are paired by seed."""
    (other,) = set(NETWORKS) - {task}
    metric = METRICS[task]
    sides = {"clean": "clean", "noisy": "noisy", "separate": "separate", "joint": task, "cross-task": other}
    cells: dict[str, Any] = {"task": f"{task}, {metric} %", "sigma": sigma}
    for name, variant in sides.items():
        cells[name] = with_interval([run[variant][metric] for run in runs])
    for name in ("joint", "cross-task"):
        gains = [run[sides[name]][metric] - run["separate"][metric] for run in runs]
        cells[f"{name} - separate"] = with_interval(gains, sign=True)
    for name in ("noisy", "separate", "joint"):
        cells[f"{name} dB"] = with_interval([run[sides[name]]["psnr_db"] for run in runs])
    return cells


if __name__ == "__main__":
    main(sys.argv[1:])
