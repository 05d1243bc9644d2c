"""Whether a run may be resumed, and its metrics as they were at its checkpoint.

What is read here was written by another process, perhaps long ago, perhaps not to its end: it is checked before
training goes on with it.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeir.checkpoint.state import damaged_state, load_values
from edgeir.core.config import parse, read_yaml
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.core.files import atomic_file
from edgeir.manifest.card import read_card
from edgeir.training.recipe import Recipe
from edgeir.training.state import checked_values

if TYPE_CHECKING:
    from edgeir.training.record import RunFolder

__all__ = ["METRICS", "check_images", "check_resumable", "drop_later_rows"]

METRICS = "metrics.jsonl"
_LOG = logging.getLogger(__name__)


def check_resumable(run: RunFolder) -> None:
    """Raise when there is nothing to resume, or when the run's settings or files changed.

    Raises:
        CheckpointError: there is no state, it is damaged, or a frozen network has other weights.
        ConfigError: the recipe changed in more than its length and bookkeeping, or is shorter than what was done.
    """
    last = run.path / "checkpoints" / "last"
    if not last.is_dir():
        raise CheckpointError("there is nothing to resume from", where=run.path, fix="run without --resume")
    before = parse(Recipe, read_yaml(run.path / "recipe.yaml"), where=run.path / "recipe.yaml")
    old, new = (_essence(recipe) for recipe in (before, run.recipe))
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    if changed:
        raise ConfigError(
            [f"`{key}` is {new.get(key)!r}, but the run has {old.get(key)!r}" for key in changed],
            where=run.path,
            fix="resume with the run's own recipe.yaml",
        )
    values = load_values(last)
    checked_values(values, last)
    if values["step"] > run.recipe.train.steps:
        problem = (
            f"`train.steps` is {run.recipe.train.steps}, but the run has done {values['step']} steps already"
        )
        raise ConfigError([problem], where=run.path, fix="resume it for as many or more")
    recorded = _records(last, "backbones")
    if [entry["sha256"] for entry in recorded] != [entry["sha256"] for entry in run.backbones]:
        files = ", ".join(f"{entry['file']} with sha256 {entry['sha256']}" for entry in recorded)
        raise CheckpointError(
            "the run was trained on other weights of a frozen network",
            where=run.path,
            fix=f"resume with what it was trained on, {files or 'no recorded file'}",
        )
    for then in _records(last, "teacher"):
        now = run.trained_on.get("teacher", then)
        if now["sha256"] != then["sha256"]:
            raise CheckpointError(
                f"the teacher {now['file']} has other weights than when the run began",
                where=run.path,
                fix=f"resume with those of sha256 {then['sha256']}",
            )


def check_images(run: RunFolder, *, allow_changed: bool) -> None:
    """Raise when the training images are not those of the run's checkpoint; with `allow_changed`, log it.

    A run of an earlier version has no record of them.

    Raises:
        CheckpointError: they are not, and may not be others.
    """
    now = run.trained_on["images"]
    for then in _records(run.path / "checkpoints" / "last", "images"):
        if then["sha256"] == now["sha256"]:
            return
        numbers = f"{then['count']} images then, {now['count']} now"
        if then["count"] == now["count"]:
            numbers = f"still {now['count']} images, but with other pixels"
        what = f"the training images have changed since the run began ({numbers})"
        if not allow_changed:
            raise CheckpointError(
                what, where=run.path, fix="restore them, or go on with these: --allow-changed-data"
            )
        _LOG.warning("%s: %s", run.path, what)


def drop_later_rows(run: Path, step: int) -> None:
    """Drop the metrics that a killed run wrote after its last checkpoint, at `step`.

    Lines that are no metrics are dropped too, and reported; the last one may have been cut short by the kill.
    """
    path = run / METRICS
    lines = path.read_bytes().splitlines() if path.is_file() else []
    kept: list[bytes] = []
    unreadable: list[int] = []
    for number, line in enumerate(lines, start=1):
        at = _step_of(line)
        if at is None:
            unreadable += [number] if number < len(lines) else []
        elif at <= step:
            kept.append(line + b"\n")
    if unreadable:
        shown = ", ".join(map(str, unreadable[:5])) + (" …" if len(unreadable) > 5 else "")
        _LOG.warning("%s: %d damaged lines were left out (%s)", path, len(unreadable), shown)
    with atomic_file(path) as temporary:
        temporary.write_bytes(b"".join(kept))


def _step_of(line: bytes) -> int | None:
    """The step of a row of metrics, None where the line is no such row."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    step = row.get("step") if isinstance(row, dict) else None
    return step if type(step) is int else None


def _records(checkpoint: Path, key: str) -> list[dict[str, Any]]:
    """What the card records under `key`, one mapping or a list of them, each with the ``sha256`` of something."""
    found = read_card(checkpoint).provenance.get(key, [])
    records: list[Any] = found if isinstance(found, list) else [found]
    name = "count" if key == "images" else "file"
    if all(isinstance(entry, dict) and entry.keys() >= {"sha256", name} for entry in records):
        return records
    raise damaged_state(checkpoint, f"the card's `{key}` is {found!r}")


def _essence(recipe: Recipe) -> dict[str, Any]:
    """The settings that must not change between a run and its resumption, by dotted key."""
    values = recipe.model_dump(mode="json", exclude={"about": True, "validation": True})
    for key in ("steps", "log_every", "validate_every", "save_every", "samples"):
        values["train"].pop(key)
    values["data"].pop("on_error")  # what it leads to is compared, the images
    return _flatten(values)


def _flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    result: dict[str, Any] = {}
    for key, inner in value.items():
        result |= _flatten(inner, f"{prefix}.{key}" if prefix else key)
    return result
