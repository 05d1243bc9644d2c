"""The output file of every image: names, formats, existing files, problems.

Results keep the names of their images. An image of a format that is not written becomes a .png (a JPEG under another
name a .jpg); with a format asked for, all results have that. Where two images would get one name, each whose name
changes keeps its own suffix in front of the new one: ``a.gif`` beside ``a.png`` becomes ``a.gif.png``.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edgeir.core.errors import ConfigError, DataError, ImageError, OutputError
from edgeir.core.files import refuse_existing
from edgeir.imaging.files import WRITE_SUFFIXES, check_writable, survey_images
from edgeir.restoring.report import FailedPhoto, SkippedPhoto

__all__ = ["Job", "Jobs", "file_jobs", "folder_jobs", "suffix_of"]

SAME_FORMAT = {
    ".jfif": ".jpg",
    ".jif": ".jpg",
    ".jpe": ".jpg",
    ".mpo": ".jpg",
    ".dib": ".bmp",
    ".btf": ".tif",
}
"""Suffixes of formats that are written under another one."""


@dataclass(frozen=True)
class Job:
    """One image and where its result goes."""

    source: Path
    target: Path
    fallback: Path | None = None
    """A PNG for a result that the target's format cannot hold; None where the user named the file."""


@dataclass(frozen=True)
class Jobs:
    """All of one run, and what is not in them."""

    jobs: tuple[Job, ...]
    failed: tuple[FailedPhoto, ...] = ()
    skipped: tuple[SkippedPhoto, ...] = ()
    existing: tuple[Path, ...] = ()


def suffix_of(format: str | None) -> str | None:
    """``.png`` for ``png`` (or ``.PNG``); None for None.

    Raises:
        ConfigError: it names no format that is written.
    """
    if format is None:
        return None
    suffix = f".{format.lower().removeprefix('.')}"
    if suffix not in WRITE_SUFFIXES:
        known = ", ".join(entry.removeprefix(".") for entry in WRITE_SUFFIXES)
        raise ConfigError(
            [f"`{format}` is no format that is written"], where="format", fix=f"use one of {known}"
        )
    return suffix


def file_jobs(
    source: Path, target: Path, *, suffix: str | None, overwrite: bool, skip_existing: bool
) -> Jobs:
    """The job of a single image; see `edgeir.restoring.photo.restore`."""
    if not source.exists():
        raise ImageError("no such file or folder", where=source, fix="check the path")
    if target.is_dir():
        target = target / _name(source, suffix)
        fallback = _fallback(target)
    else:
        fallback = None
        if suffix is not None and not target.suffix:
            target = target.with_name(target.name + suffix)
    if suffix is not None and not _same_format(target.suffix.lower(), suffix):
        raise ConfigError(
            [f"the output `{target.name}` and the format `{suffix.removeprefix('.')}` contradict each other"],
            fix="leave one of them out",
        )
    check_writable(target, 1, 1)
    if target.exists() and target.samefile(source):
        raise OutputError("the output is the input itself", where=target, fix="choose another name")
    job = Job(source, target, fallback)
    if skip_existing and _exists(job):
        return Jobs((), existing=(source,))
    refuse_existing(target, overwrite=overwrite)
    return Jobs((job,))


def folder_jobs(
    source: Path, target: Path, *, suffix: str | None, overwrite: bool, skip_existing: bool
) -> Jobs:
    """The jobs of the images that lie in a folder; see `edgeir.restoring.photo.restore`."""
    if target.exists() and not target.is_dir():
        raise OutputError(
            "is a file, but a folder goes into a folder", where=target, fix="choose another output"
        )
    if target.exists() and target.samefile(source):
        raise OutputError("the output is the input itself", where=target, fix="choose another folder")
    images, unread = survey_images(source)
    if not images and unread:
        first, reason = unread[0]
        raise DataError(f"holds no image that can be read here: `{first.name}` {reason}", where=source)
    if not images:
        raise DataError("holds no image", where=source, fix="name a folder with images directly in it")
    jobs, failed = _named(images, target, suffix)
    done = [job for job in jobs if _exists(job)]
    if done and skip_existing:
        jobs = [job for job in jobs if not _exists(job)]
    elif done and not overwrite:
        raise OutputError(
            f"{len(done)} of {len(images)} outputs exist already, such as `{done[0].target.name}`",
            where=target,
            fix="choose another folder, or pass --overwrite or --skip-existing",
        )
    return Jobs(
        tuple(jobs),
        tuple(failed),
        tuple(SkippedPhoto(input=path, reason=reason) for path, reason in unread),
        tuple(job.source for job in done) if skip_existing else (),
    )


def _named(images: list[Path], target: Path, suffix: str | None) -> tuple[list[Job], list[FailedPhoto]]:
    names = [_name(image, suffix) for image in images]
    count = Counter(name.casefold() for name in names)
    names = [
        name if count[name.casefold()] == 1 or name == image.name else image.name + (suffix or ".png")
        for name, image in zip(names, images, strict=True)
    ]
    count = Counter(names)
    jobs, failed = [], []
    for name, image in zip(names, images, strict=True):
        if count[name] > 1:
            error = DataError(
                f"several images would be written as `{name}`", where=image, fix="rename one of them"
            )
            failed.append(FailedPhoto(input=image, error=str(error)))
            continue
        fallback = _fallback(target / name)
        taken = fallback is not None and fallback.name in count
        jobs.append(Job(image, target / name, None if taken else fallback))
    return jobs, failed


def _name(source: Path, suffix: str | None) -> str:
    own = source.suffix.lower()
    if suffix is None and own in WRITE_SUFFIXES:
        return source.name
    if suffix is not None and _same_format(own, suffix):
        return source.name
    return source.stem + (suffix or SAME_FORMAT.get(own, ".png"))


def _same_format(one: str, other: str) -> bool:
    return one == other or any({one, other} == pair for pair in ({".jpg", ".jpeg"}, {".tif", ".tiff"}))


def _fallback(target: Path) -> Path | None:
    return None if target.suffix.lower() == ".png" else target.with_name(f"{target.name}.png")


def _exists(job: Job) -> bool:
    """By os.path, which takes a name that is too long for one that does not exist."""
    return os.path.exists(job.target) or (job.fallback is not None and os.path.exists(job.fallback))
