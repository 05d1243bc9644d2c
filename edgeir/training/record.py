"""The run folder: resolved recipe, metrics, samples, checkpoints."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.config import dump_yaml, parse, read_yaml
from edgeir.core.environment import git_revision, versions
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.core.files import atomic_file, output_errors, refuse_existing, settle_dir
from edgeir.data.degrade.base import to_bytes, to_unit
from edgeir.data.degrade.bicubic import upscale
from edgeir.manifest.card import read_card
from edgeir.metrics.psnr import psnr
from edgeir.models.base import Network
from edgeir.training.recipe import Recipe
from edgeir.training.state import State, pack
from edgeir.training.validation import ValidationPair, validation_pairs

__all__ = ["RunFolder"]

Pixels = npt.NDArray[np.uint8]


class RunFolder:
    """Writes everything that a run leaves behind (the loop's `Recorder`)."""

    def __init__(self, path: Path, recipe: Recipe, backbones: tuple[dict[str, Any], ...] = ()) -> None:
        self.path, self.recipe, self.backbones = path, recipe, backbones
        self._held_out: list[ValidationPair] | None = None

    def held_out(self) -> list[ValidationPair]:
        """The validation pictures, decoded at the first call; errors as for `validation_pairs`."""
        if self._held_out is None:
            self._held_out = validation_pairs(self.recipe)
        return self._held_out

    def refuse_existing(self, *, overwrite: bool) -> None:
        """Raise `OutputError` when the folder holds something and may not be replaced."""
        if (self.path / "checkpoints" / "last").is_dir():
            fix = "pass --resume to go on with the run, choose another --out, or pass --overwrite"
            self._refuse(overwrite, fix=fix)
        self._refuse(overwrite)

    def _refuse(self, overwrite: bool, **how: str) -> None:
        owned = ("metrics.jsonl", "samples", "checkpoints", ".*")
        refuse_existing(self.path, overwrite=overwrite, marker="recipe.yaml", owned=owned, **how)

    def start(self) -> None:
        """Begin a new run: an empty metrics file, the resolved recipe, and nothing of a run that was here before."""
        with output_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            for name in ("checkpoints", "samples"):  # an old `best` must not pass for this run's
                if (self.path / name).is_dir():
                    shutil.rmtree(self.path / name)
            (self.path / "metrics.jsonl").write_text("")
        self._write_recipe()

    def discard_unused(self) -> None:
        """Take back what `start` wrote when the run failed before anything came of it."""
        metrics = self.path / "metrics.jsonl"
        if (self.path / "checkpoints").exists() or (metrics.is_file() and metrics.stat().st_size):
            return
        for path in (metrics, self.path / "recipe.yaml"):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.path / "samples", ignore_errors=True)  # of a first validation that failed midway
        with contextlib.suppress(OSError):  # something else lies there
            self.path.rmdir()

    def _write_recipe(self) -> None:
        with output_errors(self.path), atomic_file(self.path / "recipe.yaml") as temporary:
            temporary.write_text(dump_yaml(self.recipe), encoding="utf-8")

    def check_resumable(self) -> None:
        """Raise when there is nothing to resume, or when the recipe changed in more than its length and bookkeeping."""
        for name in ("last", "best"):
            settle_dir(self.path / "checkpoints" / name)
        if not (self.path / "checkpoints" / "last" / "state.json").is_file():
            raise CheckpointError(
                "there is nothing to resume from", where=self.path, fix="run without --resume"
            )
        before = parse(Recipe, read_yaml(self.path / "recipe.yaml"), where=self.path / "recipe.yaml")
        old, new = (_essence(recipe) for recipe in (before, self.recipe))
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        if changed:
            raise ConfigError(
                [f"`{key}` is {new.get(key)!r}, but the run has {old.get(key)!r}" for key in changed],
                where=self.path,
                fix="resume with the run's own recipe.yaml",
            )
        trained_on = read_card(self.path / "checkpoints" / "last").provenance.get("backbones", [])
        if [entry["sha256"] for entry in trained_on] != [entry["sha256"] for entry in self.backbones]:
            files = ", ".join(f"{entry['file']} with sha256 {entry['sha256']}" for entry in trained_on)
            raise CheckpointError(
                "the run was trained on other weights of a frozen network",
                where=self.path,
                fix=f"resume with what it was trained on, {files or 'no recorded file'}",
            )
        self._write_recipe()

    def truncate(self, step: int) -> None:
        """Drop rows that a killed run wrote after its last checkpoint."""
        path = self.path / "metrics.jsonl"
        rows = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            try:
                if json.loads(line)["step"] <= step:
                    rows.append(line + "\n")
            except (ValueError, KeyError):
                break  # the line that the kill cut short
        with output_errors(path), atomic_file(path) as temporary:
            temporary.write_text("".join(rows), encoding="utf-8")

    def log(self, row: dict[str, Any]) -> None:
        """Append a row to metrics.jsonl."""
        with output_errors(self.path), (self.path / "metrics.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def validate(self, network: Network, step: int) -> float:
        """Mean PSNR in dB over the validation pictures; writes the first ones to samples/."""
        values: list[float] = []
        scale = network.facts.scale
        for index, pair in enumerate(self.held_out()):
            lr, hr = pair.lr, pair.hr
            enlarged = lr if scale == 1 else to_unit(upscale(to_bytes(lr), scale))
            given = enlarged if network.facts.input_kind == "bicubic" else lr
            if network.reads == "clean":
                given = to_unit(hr)
            device = next(network.parameters()).device
            tensor = torch.from_numpy(given.copy()).permute(2, 0, 1)[None].to(device)
            with torch.no_grad():
                output = network(tensor)[0].permute(1, 2, 0).cpu().numpy()
            restored = np.round(np.clip(output, 0, 1) * 255).astype(np.uint8)
            channel, crop = self.recipe.validation.channel, scale if scale > 1 else 0
            values.append(psnr(output, pair.reference, channel=channel, crop=crop))
            if index < self.recipe.train.samples:
                shown = to_bytes(enlarged)[:, :, : hr.shape[2]]  # without a plane that tells the noise level
                self._sample(f"{pair.name}-{step:07d}", [shown, restored, hr])
        mean = float(np.mean(values))
        self.log({"step": step, "val/psnr_db": mean, "val/images": len(values)})
        return mean

    def save(self, state: State) -> None:
        """Write ``checkpoints/last``, and ``checkpoints/best`` when the last validation is the best so far."""
        metrics = {"validation_psnr_db": state.validation.get("psnr_db"), "step": state.step}
        arguments: dict[str, Any] = {
            "name": self.recipe.name,
            "metrics": metrics,
            "provenance": self._provenance(state.step),
        }
        folder = self.path / "checkpoints"
        save_checkpoint(folder / "last", state.network, state.weights(), state=pack(state), **arguments)
        if state.validation.get("step") == state.step and state.validation["psnr_db"] >= state.best_psnr_db:
            save_checkpoint(folder / "best", state.network, state.weights(), **arguments)

    def _provenance(self, step: int) -> dict[str, Any]:
        read = {"backbones": list(self.backbones)} if self.backbones else {}
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            **read,
            "steps": step,
            "seed": self.recipe.train.seed,
            "versions": versions(),
            "revision": git_revision(),
        }

    def _sample(self, name: str, images: list[Pixels]) -> None:
        """Input (enlarged), network and original side by side."""
        path = self.path / "samples" / f"{name}.png"
        with output_errors(path), atomic_file(path) as temporary:
            picture = np.concatenate(images, axis=1)
            Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture).save(temporary)


def _essence(recipe: Recipe) -> dict[str, Any]:
    """The settings that must not change between a run and its resumption, by dotted key."""
    values = recipe.model_dump(mode="json", exclude={"about": True, "validation": True})
    for key in ("steps", "log_every", "validate_every", "save_every", "samples"):
        values["train"].pop(key)
    return _flatten(values)


def _flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    result: dict[str, Any] = {}
    for key, inner in value.items():
        result |= _flatten(inner, f"{prefix}.{key}" if prefix else key)
    return result
