"""The two high-level networks of `high_level.py`, trained on clean digits and frozen, and their scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from edgeir.core.files import atomic_file
from edgeir.data.labelled.sources import Digits
from edgeir.models.backbones.digits import DigitClassifier, StrokeSegmenter
from edgeir.models.backbones.frozen import Frozen, ImportedModule

NETWORKS: dict[str, type[nn.Module]] = {"classification": DigitClassifier, "segmentation": StrokeSegmenter}
LABELS = {"classification": "digit", "segmentation": "stroke"}
FILES = {"classification": "classifier", "segmentation": "segmenter"}
SIZE = 8
SETTINGS = {
    "steps": 300,
    "batch": 64,
    "optimiser": "Adam",
    "lr": 2e-3,
    "schedule": "cosine",
    "data": "clean train part",
}


def load_digits(part: str, labels: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 3, 8, 8) on [0, 1], and their labels: (N,), or (N, 8, 8) for strokes."""
    refs = Digits(part=part, labels=labels, size=SIZE).images()
    images = torch.from_numpy(np.stack([ref.load() for ref in refs])).permute(0, 3, 1, 2).float() / 255
    values = [ref.label() if callable(ref.label) else ref.label for ref in refs]
    return images, torch.from_numpy(np.array(values)).long()


def train_network(task: str, seed: int, path: Path) -> None:
    """Train one network on clean digits and write its weights, unless they are there."""
    if path.is_file():
        return
    torch.manual_seed(seed)
    network = NETWORKS[task]().train()
    images, labels = load_digits("train", LABELS[task])
    optimizer = torch.optim.Adam(network.parameters(), lr=SETTINGS["lr"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, SETTINGS["steps"])
    generator = torch.Generator().manual_seed(seed)
    for _ in range(SETTINGS["steps"]):
        chosen = torch.randint(len(images), (SETTINGS["batch"],), generator=generator)
        loss = F.cross_entropy(network(images[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with atomic_file(path) as temporary:
        save_file(network.state_dict(), temporary)


def load_network(task: str, path: Path) -> Frozen:
    """The frozen network."""
    return ImportedModule(target=target(task), weights=str(path)).build()


def target(task: str) -> str:
    """Its import path, as a recipe names it."""
    return f"{NETWORKS[task].__module__}:{NETWORKS[task].__name__}"


def score(task: str, network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Accuracy, or mean intersection over union of background and stroke over all pixels of the set; in per cent."""
    with torch.inference_mode():
        guess = torch.cat([network(part).argmax(1) for part in images.split(100)])
    if task == "classification":
        return 100 * (guess == labels).double().mean().item()
    unions = [((guess == k) & (labels == k)).sum() / ((guess == k) | (labels == k)).sum() for k in (0, 1)]
    return 100 * sum(value.item() for value in unions) / 2
