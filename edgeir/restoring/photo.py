"""Restore a photo file, or every photo of a folder: read, run in tiles, write whole or not at all.

A folder means the images lying in it; its sub-folders are left alone. The results keep the names (an image of a
format that is not written, such as GIF, becomes .png). A file that cannot be restored is listed in the report and
the rest is done; what concerns all files (the output exists, the disk is full) stops the run.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, DataError, ImageError, OutputError
from edgeir.core.files import refuse_existing
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import honours_trust
from edgeir.imaging.files import (
    DEFAULT_MAX_PIXELS,
    WRITE_SUFFIXES,
    check_writable,
    list_images,
    read_photo,
    write_photo,
)
from edgeir.restoring.image import plan_photo, restore_photo

if TYPE_CHECKING:
    from edgeir.runtime import RuntimeName, Session

__all__ = ["FailedPhoto", "RestoreReport", "RestoredPhoto", "restore"]


class RestoredPhoto(Config):
    """One photo that was restored."""

    input: Path
    output: Path
    width: int
    """Of the result, in pixels."""
    height: int
    tiles: int
    seconds: float
    """Reading, restoring and writing."""


class FailedPhoto(Config):
    """One photo that was not."""

    input: Path
    error: str
    """One line: what, where, what to do."""


class RestoreReport(Config):
    """What `restore` did."""

    model: str
    runtime: str
    restored: tuple[RestoredPhoto, ...]
    failed: tuple[FailedPhoto, ...] = ()


@honours_trust
def restore(
    input: str | Path,
    output: str | Path,
    *,
    model: str | Path | Session,
    runtime: RuntimeName = "auto",
    threads: int = 1,
    tile: int | None = None,
    sigma: float | None = None,
    overwrite: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    trust_code: bool = False,
    progress: Progress = no_progress,
) -> RestoreReport:
    """Restore a photo or a folder of photos.

    Args:
        input: an image file, or a folder (its sub-folders are left alone).
        output: for a file: the file to write, whose suffix decides the format, or an existing folder to write it
            into. For a folder: the folder to write into.
        model: a zoo name, a checkpoint, an artifact, or a session that `edgeir.load` gave.
        runtime, threads, sigma: see `edgeir.load`; without effect on a session.
        tile: side of the largest tile in pixels of the photo; for networks that take any size.
        overwrite: replace what exists.
        max_pixels: refuse larger photos before decoding them.
        trust_code: see `edgeir.load`.
        progress: called with the tiles done, or for a folder with the photos done.

    Returns:
        The report; for a folder `failed` lists the photos that could not be restored.

    Raises:
        ImageError: the file cannot be read or the result cannot be written in the format asked for.
        DataError: the folder holds no image.
        OutputError: the output exists, is the input, or cannot be written.
        ArtifactError, CheckpointError, MissingExtraError, UntrustedCodeError: the model cannot be run.
        ConfigError: a tile size for an artifact that takes one size only.
    """
    input, output = Path(input), Path(output)
    folder = input.is_dir()
    jobs = _folder_jobs(input, output, overwrite) if folder else [_file_job(input, output, overwrite)]
    session = _session(model, runtime, threads, sigma)
    restored: list[RestoredPhoto] = []
    failed: list[FailedPhoto] = []
    try:
        for index, (source, target) in enumerate(jobs):
            step = _scaled(progress, index, len(jobs), source.name)
            try:
                restored.append(_restore_file(source, target, session, tile, max_pixels, step))
            except (ImageError, ArtifactError) as error:
                if not folder:
                    raise
                failed.append(FailedPhoto(input=source, error=str(error)))
        if folder:
            progress(len(jobs), len(jobs), "done")
    finally:
        if session is not model:
            session.close()
    return RestoreReport(
        model=session.name, runtime=session.runtime, restored=tuple(restored), failed=tuple(failed)
    )


def _session(model: str | Path | Session, runtime: RuntimeName, threads: int, sigma: float | None) -> Session:
    if not isinstance(model, (str, Path)):
        return model
    from edgeir.runtime import load

    return load(model, runtime=runtime, threads=threads, sigma=sigma)


def _file_job(source: Path, target: Path, overwrite: bool) -> tuple[Path, Path]:
    if not source.exists():
        raise ImageError("no such file or folder", where=source, fix="check the path")
    if target.is_dir():
        target = target / _name(source)
    check_writable(target, 1, 1)
    if target.exists() and target.samefile(source):
        raise OutputError("the output is the input itself", where=target, fix="choose another name")
    refuse_existing(target, overwrite=overwrite)
    return source, target


def _folder_jobs(source: Path, target: Path, overwrite: bool) -> list[tuple[Path, Path]]:
    if target.exists() and not target.is_dir():
        raise OutputError(
            "is a file, but a folder goes into a folder", where=target, fix="choose another output"
        )
    if target.exists() and target.samefile(source):
        raise OutputError("the output is the input itself", where=target, fix="choose another folder")
    images = list_images(source)
    if not images:
        raise DataError("holds no image", where=source, fix="name a folder with images directly in it")
    jobs = [(image, target / _name(image)) for image in images]
    names = [job[1].name for job in jobs]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"several images would be written as `{doubled[0]}`", where=source, fix="rename one of them"
        )
    existing = [job[1] for job in jobs if job[1].exists()]
    if existing and not overwrite:
        raise OutputError(
            f"{len(existing)} of {len(jobs)} outputs exist already, such as `{existing[0].name}`",
            where=target,
            fix="choose another folder or pass --overwrite",
        )
    return jobs


def _name(source: Path) -> str:
    return source.name if source.suffix.lower() in WRITE_SUFFIXES else f"{source.stem}.png"


def _scaled(progress: Progress, index: int, count: int, name: str) -> Progress:
    """The progress of one photo as part of the whole: tiles for a single photo, else photos."""

    def report(done: float, total: float, label: str) -> None:
        if count == 1:
            progress(done, total, f"{name}: {label}")
        else:
            progress(index + done / total, count, name)

    return report


def _restore_file(
    source: Path, target: Path, session: Session, tile: int | None, max_pixels: int, progress: Progress
) -> RestoredPhoto:
    started = time.perf_counter()
    try:
        photo = read_photo(source, max_pixels=max_pixels)
        scale = session.facts.scale
        top = 255 if photo.bits == 8 else 65535
        transparent = photo.alpha is not None and bool((photo.alpha != top).any())
        check_writable(target, photo.width * scale, photo.height * scale, transparent=transparent)
        tiles = len(plan_photo(photo.height, photo.width, session, tile))
        result = restore_photo(photo, session, tile=tile, progress=progress)
        write_photo(result, target)
    except MemoryError as error:
        raise ImageError(
            "the result does not fit into memory", where=source, fix="cut the photo into parts"
        ) from error
    return RestoredPhoto(
        input=source,
        output=target,
        width=result.width,
        height=result.height,
        tiles=tiles,
        seconds=time.perf_counter() - started,
    )
