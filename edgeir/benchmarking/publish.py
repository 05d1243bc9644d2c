"""`publish`: a zoo entry of a trained network: fused weights, and a card with licence, sources and measured figures.

A zoo entry is a checkpoint folder, so every command takes it by its path; the ones in edgeir's own zoo have names.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.benchmarking.result import Result
from edgeir.benchmarking.suite import Suite, load_suite
from edgeir.checkpoint.load import load_checkpoint
from edgeir.checkpoint.resolve import resolve_checkpoint
from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.config import Config, parse
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.core.files import atomic_dir, refuse_existing, write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.exporting.run import export
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME, Card
from edgeir.runtime import catalog

__all__ = ["Published", "ZooNotes", "publish"]

DIGITS = 4
"""Decimals of a figure on a card."""
METRICS = ("psnr_db", "ssim", "ms_ssim")


class ZooNotes(Config):
    """The texts of a card; None takes the text of the checkpoint's own card."""

    about: str | None = None
    """One paragraph: what the network is, and how it was trained and chosen."""
    use: str | None = None
    """What it is for, in a few words, for lists: "enlarge x4, best". By default the task and the scale."""
    licence: str | None = None
    """Licence of the weights, and restrictions on their use, for example by the training images."""
    training_data: str | None = None
    """By default the image sources of the recipe."""
    citations: tuple[str, ...] | None = None
    """Papers that users of the network should cite."""


@dataclass(frozen=True)
class Published:
    """A new zoo entry."""

    folder: Path
    """``weights.safetensors`` and ``card.json``; every command takes it as MODEL."""
    card: Card
    results: list[Path]
    """The result files of the measurements, one per suite."""


def publish(
    run: str | Path,
    name: str,
    *,
    zoo: str | Path,
    results: str | Path,
    notes: ZooNotes | None = None,
    suites: Sequence[str | Path | Suite] = (),
    file_size: tuple[int, int] | None = None,
    file_precision: str = "int8",
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Published:
    """Fuse a trained network, measure it, and write it as ``<zoo>/<name>``.

    Args:
        run: a run folder (its last checkpoint), a checkpoint folder, or a zoo name.
        name: of the entry: lower case, digits, ``.`` and ``-``.
        zoo: folder of the entries; ``edgeir/zoo`` of a checkout is edgeir's own.
        results: folder for the measurements, ``zoo-<name>-<suite>.json``.
        notes: texts of the card; a licence is required, here or on the checkpoint's own card.
        suites: what the entry is measured on; each set becomes an entry under the card's ``metrics``, by its own name,
            or by that of the suite where several suites degrade the same set.
        file_size: input height and width of a file of the first target that comes with the entry, so that it runs where
            torch is not installed; None: no file.
        file_precision: of that file.
        overwrite: replace an entry and results of that name.

    Raises:
        ConfigError: the name or a suite is wrong, the licence is missing, or the network does not fit a suite.
        CheckpointError: there is no checkpoint, or it is an auto-encoder of clean images.
        DataError: the images of a suite are not there.
        ExportError, ParityError, MissingExtraError: the file cannot be made, or differs too much from the network.
        OutputError: the entry or a result exists already, or cannot be written.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name):
        raise ConfigError(
            [f"the name `{name}` must be lower-case letters, digits, `.` and `-`"], where="publish"
        )
    entry, measured_on = Path(zoo) / name, [_suite(suite) for suite in suites]
    paths = [Path(results) / f"zoo-{name}-{suite.name}.json" for suite in measured_on]
    refuse_existing(
        entry, overwrite=overwrite, marker=CARD_NAME, owned=(WEIGHTS_NAME, *catalog.runtime_names())
    )
    for path in paths:
        refuse_existing(path, overwrite=overwrite)
    folder = _checkpoint(run)
    network, card, _ = load_checkpoint(folder)
    if network.reads != "degraded":
        raise CheckpointError(
            "the network is an auto-encoder of clean images, which restores nothing", where=folder
        )
    provenance, target = _provenance(card, notes or ZooNotes(), folder), catalog.TARGETS[0]
    fused = network.fused()
    with tempfile.TemporaryDirectory(prefix="edgeir-publish-") as scratch:
        draft = Path(scratch) / name
        save_checkpoint(draft, fused, fused.state_dict(), name=name, metrics={}, provenance=provenance)
        made = Path(scratch) / "file"
        if file_size is not None:  # first: a file that is refused leaves nothing behind
            export(
                draft, target=target.name, precision=file_precision, sizes=[file_size], out=made, golden=False,
                worst_image=False, progress=progress
            )  # fmt: skip
        measured = [_measure(draft, name, suite, progress) for suite in measured_on]
        metrics: dict[str, Any] = {}
        sets = Counter(entry.name for suite in measured_on for entry in suite.sets)
        for result, suite, path in zip(measured, measured_on, paths, strict=True):
            write_json(path, result.model_dump(mode="json"))
            figures = _figures(result, path)
            alone = len(suite.sets) == 1
            metrics |= {
                name if sets[name] == 1 else suite.name if alone else f"{name}, {suite.name}": value
                for name, value in figures.items()
            }
        written = save_checkpoint(
            entry,
            fused,
            fused.state_dict(),
            name=name,
            metrics=metrics,
            provenance=provenance,
            fitted=card.fitted,
        )
        if file_size is not None:
            with atomic_dir(entry / str(target.runtime)) as temporary:
                shutil.copytree(made, temporary, dirs_exist_ok=True)
    return Published(entry, written, paths)


def _suite(suite: str | Path | Suite) -> Suite:
    return suite if isinstance(suite, Suite) else load_suite(suite)


def _checkpoint(run: str | Path) -> Path:
    """A run's last checkpoint, not its best one: that is selected on the validation set, which biases the figure."""
    last = Path(run) / "checkpoints" / "last"
    return last if (last / CARD_NAME).is_file() else resolve_checkpoint(run)


def _provenance(card: Card, notes: ZooNotes, where: Path) -> dict[str, Any]:
    """The texts of the checkpoint's card, replaced by those given for this entry."""
    own = card.provenance
    recipe = own.get("recipe")
    described = recipe if isinstance(recipe, dict) else {}
    facts = {
        "about": notes.about or own.get("about") or described.get("about"),
        "use": notes.use or own.get("use"),
        "licence": notes.licence or own.get("licence"),
        "training_data": notes.training_data or own.get("training_data") or _sources(described, own),
        "citations": list(notes.citations) if notes.citations is not None else own.get("citations"),
    }
    missing = [key for key in ("about", "licence") if not facts[key]]
    if missing:
        raise ConfigError(
            [f"the card needs `{key}`, and the checkpoint's own card has none" for key in missing],
            where=where,
            fix=f"pass {' and '.join(f'--{key}' for key in missing)}",
        )
    kept = {key: value for key, value in facts.items() if value}
    return {**kept, **{key: value for key, value in own.items() if key not in facts}}


def _sources(recipe: dict[str, Any], trained_on: dict[str, Any]) -> str | None:
    """The image sources of a recipe in a few words, with their licences: ``standard BSDS500, standard T91``."""
    sources = (recipe.get("data") or {}).get("sources") or []
    shown = [
        " ".join(str(source[key]) for key in ("kind", "name", "path") if source.get(key))
        for source in sources
    ]
    licences = (trained_on.get("images") or {}).get("licences") or {}
    stated = ", ".join(f"{count} {name}" for name, count in licences.items())
    return (", ".join(shown) + (f" (licences: {stated})" if stated else "")) or None


def _measure(draft: Path, name: str, suite: Suite, progress: Progress) -> Result:
    """Measure the entry on a suite, under its future name."""
    value = evaluate(draft, suite, runtime="torch", threads=1, progress=progress)
    value["rows"][0]["model"] = name
    return parse(Result, value, where=name)


def _figures(result: Result, path: Path) -> dict[str, Any]:
    """The card's figures for each set, with the result file as their source."""
    quality = result.rows[0].quality
    assert quality is not None
    figures: dict[str, Any] = {}
    for entry in quality.sets:
        values = {key: getattr(entry, key) for key in METRICS}
        figures[entry.name] = {
            **{key: round(value, DIGITS) for key, value in values.items() if value is not None},
            "images": entry.images,
            "protocol": result.protocol,
            "from": path.as_posix() if not path.is_absolute() else path.name,
            **({"note": entry.note} if entry.note else {}),
        }
    return figures
