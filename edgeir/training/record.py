"""The run folder: resolved recipe, metrics, samples, checkpoints, and how the network's size was chosen."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.config import dump_yaml
from edgeir.core.environment import git_revision, versions
from edgeir.core.errors import OutputError, TrainingError
from edgeir.core.files import atomic_file, output_errors, settle_dir
from edgeir.data.degrade.base import to_bytes, to_unit
from edgeir.data.degrade.bicubic import upscale
from edgeir.manifest.fitted import Fitted
from edgeir.metrics.psnr import psnr
from edgeir.models.base import Network
from edgeir.training.fitted import FITTED_NAME, read_fitted, write_fitted
from edgeir.training.lock import LOCK_NAME, sole_user
from edgeir.training.recipe import Recipe
from edgeir.training.resume import METRICS, check_resumable
from edgeir.training.silent import silent_layers
from edgeir.training.state import State, pack
from edgeir.training.validation import ValidationPair, validation_pairs

__all__ = ["RunFolder"]

Pixels = npt.NDArray[np.uint8]

_LOG = logging.getLogger(__name__)
_PARTS = {"recipe.yaml", METRICS, FITTED_NAME, "samples", "checkpoints"}
"""What a run consists of."""


class RunFolder:
    """Writes everything that a run leaves behind (the loop's `Recorder`)."""

    def __init__(
        self,
        path: Path,
        recipe: Recipe,
        backbones: tuple[dict[str, Any], ...] = (),
        fitted: Fitted | None = None,
    ) -> None:
        """
        Args:
            backbones: files of frozen networks that the run reads.
            fitted: how the network's size was chosen; the run keeps it in a file, and every card gets it.
        """
        self.path, self.recipe, self.backbones, self.fitted = path, recipe, backbones, fitted
        self.trained_on: dict[str, Any] = {}
        """What decides the run beside its recipe, as its cards record it: `images` (their number and hash), `teacher`
        (folder and hash)."""
        self._held_out: list[ValidationPair] | None = None
        self._stuck: tuple[list[float], int] | None = None

    def held_out(self) -> list[ValidationPair]:
        """The validation images, decoded at the first call; errors as for `validation_pairs`."""
        if self._held_out is None:
            self._held_out = validation_pairs(self.recipe)
        return self._held_out

    def claimed(self) -> contextlib.AbstractContextManager[None]:
        """Hold the run's lock, see `sole_user`."""
        return sole_user(self.path)

    def begun(self) -> bool:
        """Whether the folder holds a run, with a checkpoint or without."""
        self._settle()
        return (self.path / "recipe.yaml").is_file()

    def refuse_existing(self, *, overwrite: bool) -> None:
        """Raise `OutputError` when the folder holds something and may not be replaced.

        A run that ended before its first checkpoint holds nothing yet, and a folder that is no run is never replaced.
        """
        self._settle()
        if self._has_only_begun():
            return
        entries = self._entries()
        if overwrite and entries and not (self.path / "recipe.yaml").is_file():
            raise OutputError(
                f"the folder is no run of edgeir, it holds `{entries[0].name}`",
                where=self.path,
                fix="choose another --out",
            )
        if not overwrite and entries:
            fix = "choose another --out or pass --overwrite"
            if (self.path / "checkpoints" / "last").is_dir():
                fix = "pass --resume to go on with the run, choose another --out, or pass --overwrite"
            raise OutputError("the output exists already", where=self.path, fix=fix)

    def start(self) -> None:
        """Begin a new run: an empty metrics file, the resolved recipe, and nothing of a run that was here before."""
        with output_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            for name in ("checkpoints", "samples"):  # an old `best` must not pass for this run's
                if (self.path / name).is_dir():
                    shutil.rmtree(self.path / name)
            self.write_recipe()  # first: it says that this is a run
            write_fitted(self.path, self.fitted)
            (self.path / METRICS).write_text("")

    def discard_unused(self) -> None:
        """Take back what `start` wrote when the run failed before anything came of it."""
        metrics = self.path / METRICS
        if (self.path / "checkpoints").exists() or (metrics.is_file() and metrics.stat().st_size):
            return
        for path in (metrics, self.path / "recipe.yaml", self.path / FITTED_NAME):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.path / "samples", ignore_errors=True)  # of a first validation that failed midway

    def write_recipe(self) -> None:
        """Write the resolved recipe."""
        with output_errors(self.path), atomic_file(self.path / "recipe.yaml") as temporary:
            temporary.write_text(dump_yaml(self.recipe), encoding="utf-8")

    def check_resumable(self) -> bool:
        """Whether the run has a checkpoint to go on from; a run that ended before its first one has none.

        Raises:
            CheckpointError: there is no run here, its state is damaged, or it was trained with other files.
            ConfigError: the recipe changed in more than its length and bookkeeping.
        """
        self._settle()
        self.fitted = self.fitted or read_fitted(self.path)
        if self._has_only_begun():
            _LOG.warning("%s has no checkpoint yet: it starts at step 0", self.path)
            return False
        check_resumable(self)
        return True

    def _entries(self) -> list[Path]:
        """What lies in the folder, the lock aside."""
        if self.path.exists() and not self.path.is_dir():
            raise OutputError("it is a file, not a folder", where=self.path, fix="choose another --out")
        found = self.path.iterdir() if self.path.exists() else ()
        return sorted(path for path in found if path.name != LOCK_NAME)

    def _has_only_begun(self) -> bool:
        """Whether this is a run, and none of its steps was saved."""
        names = {path.name for path in self._entries()}
        saved = self.path / "checkpoints"
        return "recipe.yaml" in names and names <= _PARTS and not (saved.is_dir() and any(saved.iterdir()))

    def _settle(self) -> None:
        """Undo what a kill may have left; with the lock held, no living process writes here."""
        for name in ("last", "best"):
            settle_dir(self.path / "checkpoints" / name)
        if (self.path / "recipe.yaml").is_file():
            for pattern in (".recipe.*.tmp*", ".metrics.*.tmp*", "samples/.*.tmp.png"):
                for leftover in self.path.glob(pattern):
                    leftover.unlink(missing_ok=True)

    def log(self, row: dict[str, Any]) -> None:
        """Append a row to metrics.jsonl."""
        with output_errors(self.path), (self.path / METRICS).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def validate(self, network: Network, step: int) -> float:
        """Mean PSNR in dB over the validation images; writes the first ones to samples/, and says which layers died.

        Raises:
            TrainingError: layers died, and every image is restored as at the validation before: nothing reaches the
                output any more, so that nothing will change.
        """
        with silent_layers(network) as silent:
            values = self._restored(network, step)
        mean = float(np.mean(values))
        found = {"val/silent_layers": sorted(silent)} if silent else {}
        self.log({"step": step, "val/psnr_db": mean, "val/images": len(values), **found})
        if silent:
            _LOG.warning(
                "step %d: %s zeros only, for all validation images (a lower optim.lr or a longer warmup helps)",
                step,
                f"the layer {next(iter(silent))} puts out"
                if len(silent) == 1
                else f"{len(silent)} layers put out",
            )
        before, self._stuck = self._stuck, (values, step) if silent else None
        if silent and before is not None and before[0] == values:
            raise TrainingError(
                f"step {step}: nothing is learnt any more: {', '.join(sorted(silent))} put out zeros only, and every"
                f" validation image is restored as after step {before[1]}",
                where=self.path,
                fix="start again with a lower optim.lr, a longer warmup, or fine_tune_from a trained network",
            )
        return mean

    def _restored(self, network: Network, step: int) -> list[float]:
        """PSNR of each validation image."""
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
        return values

    def save(self, state: State) -> None:
        """Write ``checkpoints/last``, and ``checkpoints/best`` when the last validation is the best so far."""
        metrics = {"validation_psnr_db": state.validation.get("psnr_db"), "step": state.step}
        arguments: dict[str, Any] = {
            "name": self.recipe.name,
            "metrics": metrics,
            "provenance": self._provenance(state.step),
            "fitted": self.fitted,
        }
        folder = self.path / "checkpoints"
        save_checkpoint(folder / "last", state.network, state.weights(), state=pack(state), **arguments)
        if state.validation.get("step") == state.step and state.validation["psnr_db"] >= state.best_psnr_db:
            save_checkpoint(folder / "best", state.network, state.weights(), **arguments)

    def _provenance(self, step: int) -> dict[str, Any]:
        read = self.trained_on | ({"backbones": list(self.backbones)} if self.backbones else {})
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
            image = np.concatenate(images, axis=1)
            Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(temporary)
