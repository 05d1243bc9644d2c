"""``edgeir export --bundle``: several exports of one network, and what an app developer needs, in one folder or zip.

Every model file is made by `edgeir.exporting.run.export`, which proves it, in a scratch folder; nothing appears at the
output before all of them are there. The same checkpoint, versions and machine give the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeir.checkpoint.resolve import resolve_checkpoint
from edgeir.core.archive import check_sizes, holds, write_zip
from edgeir.core.claim import sole_writer
from edgeir.core.errors import ArtifactError, OutputError
from edgeir.core.files import atomic_dir, atomic_file, refuse_existing, scratch_dir
from edgeir.core.progress import Progress, no_progress
from edgeir.core.requires import require
from edgeir.core.trust import honours_trust
from edgeir.devices.catalog import check_runs, device_entry
from edgeir.exporting.bundle.assemble import assemble
from edgeir.exporting.bundle.licence import licence_of
from edgeir.exporting.bundle.parts import Part, parts
from edgeir.exporting.bundle.verify import listed
from edgeir.exporting.run import export
from edgeir.exporting.target import Io
from edgeir.manifest.artifact import Artifact, Statistics
from edgeir.manifest.bundle import BUNDLE_NAME, Bundle, read_bundle
from edgeir.manifest.card import CARD_NAME, read_card

__all__ = ["export_bundle"]


@honours_trust
def export_bundle(
    checkpoint: str | Path,
    *,
    targets: Sequence[str] = (),
    precisions: Sequence[str] = (),
    profiles: Sequence[str] = (),
    sizes: Sequence[tuple[int, int]] = (),
    io: Io = "float",
    statistics: Statistics = "image",
    overrides: Sequence[str] = (),
    out: str | Path,
    calibration: str | Path | NDArray[np.generic] | None = None,
    proof: str | Path | None = None,
    worst_image: bool = True,
    prove_on: Sequence[str] = (),
    sigma: float | None = None,
    weights: str | Path | None = None,
    scale: int | None = None,
    size_multiple: int | None = None,
    receptive_radius: int | None = None,
    licence: str | Path | None = None,
    trust_code: bool = False,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Bundle:
    """Export a checkpoint or zoo network to several files and pack them with manifest, golden pairs, card and README.

    Args:
        targets, precisions: every target is exported in every precision (fp32 where none is named).
        profiles: instead of both, the export profiles, one for each file: names or paths. ``tflite-int8=uint8`` has an
            input and output type of its own instead of `io`.
        sizes: of every file; see `edgeir.export`, as for all that is not explained here.
        out: a folder, or a zip if its name ends in ``.zip``.
        prove_on: devices that the golden inputs of the files that they run are run on as well.
        licence: a text file with the network's licence; by default what its card states.

    Raises:
        ConfigError: a combination has no profile; nothing is exported then.
        CheckpointError, ExportError, ParityError, MissingExtraError, OutputError, DataError, UntrustedCodeError: as for
            `edgeir.export`; nothing is left behind.
    """
    out = Path(out)
    _refuse_existing(out, overwrite)
    require("torch", "exporting")
    from edgeir.checkpoint.foreign.adopt import Stated, stand_in

    stated = Stated(scale=scale, size_multiple=size_multiple, receptive_radius=receptive_radius)
    folder = resolve_checkpoint(stand_in(checkpoint, weights, stated))
    card = read_card(folder)
    wanted = parts(
        card.facts,
        targets=targets,
        precisions=precisions,
        profiles=profiles,
        sizes=sizes,
        io=io,
        overrides=overrides,
    )
    for name in prove_on:
        if not any(part.target in device_entry(name).targets for part in wanted):
            check_runs(name, wanted[0].target, "bundle")
    text = licence_of(card, licence)
    with sole_writer(out), scratch_dir("bundle") as scratch:
        made: list[tuple[Part, Artifact, Path]] = []
        for index, part in enumerate(wanted):
            artifact = export(
                folder,
                target=part.target,
                precision=part.precision,
                profile=part.profile,
                sizes=() if part.size is None else (part.size,),
                io=part.io,
                statistics=statistics,
                overrides=overrides,
                out=scratch / str(index),
                calibration=calibration,
                proof=proof,
                worst_image=worst_image,
                prove_on=[name for name in prove_on if part.target in device_entry(name).targets],
                sigma=sigma,
                progress=_share(progress, index, len(wanted), part.path),
            )
            made.append((part, artifact, scratch / str(index)))
        whole = scratch / "bundle"
        whole.mkdir()
        bundle = assemble(made, card=folder / CARD_NAME, licence=text, into=whole)
        _publish(whole, out)
        progress(len(wanted), len(wanted), "done")
    return bundle


def _share(progress: Progress, index: int, count: int, name: str) -> Progress:
    """The progress of one export as a part of all of them."""

    def report(done: float, total: float, label: str) -> None:
        progress(index + done / max(total, 1e-9), count, f"{name}: {label}")

    return report


def _publish(whole: Path, out: Path) -> None:
    check_sizes([path.stat().st_size for path in whole.rglob("*") if path.is_file()], where=out)
    if _is_zip(out):
        with atomic_file(out) as temporary:
            write_zip(whole, temporary)
        return
    with atomic_dir(out) as temporary:
        for entry in sorted(whole.iterdir()):
            shutil.move(entry, temporary / entry.name)  # perhaps to another disk


def _is_zip(out: Path) -> bool:
    return out.suffix.lower() == ".zip"


def _refuse_existing(out: Path, overwrite: bool) -> None:
    """Only what edgeir wrote, and nothing else beside it, is replaced."""
    if not _is_zip(out):
        refuse_existing(out, overwrite=overwrite, marker=BUNDLE_NAME, owned=["*"])
        if (out / BUNDLE_NAME).is_file():
            _refuse_strangers(out)
        return
    refuse_existing(out, overwrite=overwrite)
    if out.is_file() and not holds(out, BUNDLE_NAME):
        raise OutputError(
            f"the zip has no {BUNDLE_NAME}, so edgeir did not write it and does not replace it",
            where=out,
            fix="choose another output",
        )


def _refuse_strangers(folder: Path) -> None:
    """Refuse to replace a bundle's folder in which lies, however deep, what its manifest does not list."""
    try:
        known = {BUNDLE_NAME, *read_bundle(folder).contents}
    except ArtifactError as error:
        raise OutputError(
            f"{error.what}: what edgeir wrote into it is not known, and it is not replaced",
            where=folder,
            fix="choose another output",
        ) from error
    there, links = listed(folder)
    if strangers := sorted((there | links) - known):
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        raise OutputError(
            f"the folder also holds `{strangers[0]}`{more}, which edgeir did not write and does not replace",
            where=folder,
            fix="move that away or choose another output",
        )
