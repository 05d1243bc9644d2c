"""Restore a photo file, or every photo of a folder: read, run in tiles, write whole or not at all.

A folder means the images lying in it; its sub-folders are left alone. An image that cannot be restored is listed in
the report and the rest is done; what concerns all of them (the output exists, the disk is full) stops the run.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edgeir.core.errors import ArtifactError, ConfigError, ImageError, OutputError
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import honours_trust
from edgeir.imaging.files import DEFAULT_MAX_PIXELS, Photo, check_writable, read_photo, write_photo
from edgeir.imaging.remarks import remark, remarks
from edgeir.restoring.image import plan_photo, restore_photo
from edgeir.restoring.jobs import Job, file_jobs, folder_jobs, suffix_of
from edgeir.restoring.report import FailedPhoto, RestoredPhoto, RestoreReport

if TYPE_CHECKING:
    from edgeir.runtime.loading import RuntimeName
    from edgeir.runtime.session import Session

__all__ = ["Restoration", "restore"]


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
    format: str | None = None,
    overwrite: bool = False,
    skip_existing: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    trust_code: bool = False,
    progress: Progress = no_progress,
) -> RestoreReport:
    """Restore a photo or a folder of photos.

    The result is that of the network on the photo mirrored beyond its border by the receptive radius, with colours
    under an alpha of zero replaced by those of the nearest visible pixels (`edgeir.restoring.image`); `edgeir.evaluate`
    measures the network on the image alone, zero-padded, as published figures are measured.

    Args:
        input: an image file, or a folder (its sub-folders are left alone).
        output: for a file: the file to write, whose suffix decides the format, or an existing folder to write it
            into. For a folder: the folder to write into.
        model: a zoo name, a checkpoint, an artifact, or a session that `edgeir.load` gave.
        runtime, threads, sigma: see `edgeir.load`; without effect on a session.
        tile: side of the largest tile in pixels of the photo; for networks that take any size.
        format: ``png``, ``jpg``, ``tif``, ``webp`` or ``bmp`` for all results that go into a folder, and for an output
            without suffix. Where `output` does not name the file, a result that its format cannot hold (too large,
            transparent) becomes a PNG, with a remark.
        overwrite: replace what exists.
        skip_existing: leave out images whose results exist.
        max_pixels: refuse larger photos before decoding them.
        trust_code: see `edgeir.load`.
        progress: called with the tiles done, or for a folder with the images done.

    Returns:
        The report; for a folder `failed` and `skipped` list the images that were not restored.

    Raises:
        ImageError: the file cannot be read or the result cannot be written in the format asked for.
        DataError: the folder holds no image.
        OutputError: the output exists, is the input, or cannot be written.
        ArtifactError, CheckpointError, MissingExtraError, UntrustedCodeError: the model cannot be run.
        ConfigError: a tile size for an artifact that takes one size only, an unknown format, or options that exclude
            each other.
    """
    run = Restoration(
        input,
        output,
        model=model,
        tile=tile,
        format=format,
        overwrite=overwrite,
        skip_existing=skip_existing,
        max_pixels=max_pixels,
    )
    return run.run(runtime=runtime, threads=threads, sigma=sigma, progress=progress)


class Restoration:
    """A run of `restore` that can say what it has done when an error or Ctrl-C ends it.

    The arguments are those of `restore`, and so are the errors: what cannot work is found when it is made.

    Attributes:
        folder: it is a folder that is restored.
    """

    def __init__(
        self,
        input: str | Path,
        output: str | Path,
        *,
        model: str | Path | Session,
        tile: int | None = None,
        format: str | None = None,
        overwrite: bool = False,
        skip_existing: bool = False,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> None:
        if overwrite and skip_existing:
            raise ConfigError(
                ["existing outputs cannot be both replaced and skipped"],
                fix="pass one of --overwrite and --skip-existing",
            )
        source = Path(input)
        self.folder = source.is_dir()
        self._plan = (folder_jobs if self.folder else file_jobs)(
            source, Path(output), suffix=suffix_of(format), overwrite=overwrite, skip_existing=skip_existing
        )
        self._model, self._tile, self._max_pixels, self._overwrite = model, tile, max_pixels, overwrite
        self._name, self._runtime = str(model), ""
        self._restored: list[RestoredPhoto] = []
        self._failed = list(self._plan.failed)
        self._tried = 0

    def run(
        self,
        *,
        runtime: RuntimeName = "auto",
        threads: int = 1,
        sigma: float | None = None,
        progress: Progress = no_progress,
    ) -> RestoreReport:
        """Restore everything, once. Without anything to do the model is not loaded."""
        jobs = self._plan.jobs
        if not jobs:
            return self.report()
        session = _session(self._model, runtime, threads, sigma)
        self._name, self._runtime = session.name, session.runtime
        try:
            for index, job in enumerate(jobs):
                step = _counted(progress, index, len(jobs), job.source.name) if self.folder else progress
                self._try(job, session, step)
                self._tried += 1
            if self.folder:
                progress(len(jobs), len(jobs), "done")
        finally:
            if session is not self._model:
                session.close()
        return self.report()

    def report(self, stopped: str | None = None) -> RestoreReport:
        """What was done so far; `stopped` says why it is not all."""
        return RestoreReport(
            model=self._name,
            runtime=self._runtime,
            restored=tuple(self._restored),
            failed=tuple(self._failed),
            skipped=self._plan.skipped,
            existing=self._plan.existing,
            stopped=stopped,
            pending=tuple(job.source for job in self._plan.jobs[self._tried :]),
        )

    def _try(self, job: Job, session: Session, progress: Progress) -> None:
        try:
            self._restored.append(self._restore_file(job, session, progress))
        except (ImageError, ArtifactError) as error:
            if not self.folder:
                raise
            self._failed.append(FailedPhoto(input=job.source, error=str(error)))
        except (OutputError, OSError) as error:
            if not self.folder or _concerns_all(error, job.target):
                raise
            what = error if isinstance(error, OutputError) else _as_output_error(error, job.target)
            self._failed.append(FailedPhoto(input=job.source, error=str(what)))

    def _restore_file(self, job: Job, session: Session, progress: Progress) -> RestoredPhoto:
        started = time.perf_counter()
        with remarks() as remarked:
            try:
                photo = read_photo(job.source, max_pixels=self._max_pixels)
                target = self._target(job, photo, session.facts.scale)
                tiles = len(plan_photo(photo.height, photo.width, session, self._tile))
                result = restore_photo(photo, session, tile=self._tile, progress=progress)
                write_photo(result, target)
            except MemoryError as error:
                raise ImageError(
                    "the result does not fit into memory", where=job.source, fix="cut the photo into parts"
                ) from error
        return RestoredPhoto(
            input=job.source,
            output=target,
            width=result.width,
            height=result.height,
            tiles=tiles,
            seconds=time.perf_counter() - started,
            remarks=tuple(remarked),
        )

    def _target(self, job: Job, photo: Photo, scale: int) -> Path:
        """Where the result goes: what its format cannot hold becomes a PNG, or is refused before the network runs."""
        try:
            check_writable(
                job.target,
                photo.width * scale,
                photo.height * scale,
                transparent=photo.transparent,
                colour=photo.colour,
            )
        except ImageError as error:
            if job.fallback is None:
                raise
            remark(job.target, f"{error.what}: written as `{job.fallback.name}`")
            return job.fallback
        return job.target


def _session(model: str | Path | Session, runtime: RuntimeName, threads: int, sigma: float | None) -> Session:
    if not isinstance(model, (str, Path)):
        return model
    from edgeir.runtime.loading import load

    return load(model, runtime=runtime, threads=threads, sigma=sigma)


def _counted(progress: Progress, index: int, count: int, name: str) -> Progress:
    """The progress of one image as a part of all."""

    def report(done: float, total: float, label: str) -> None:
        progress(index + done / total, count, f"image {min(index + 1, count)} of {count}: {name}")

    return report


def _concerns_all(error: OutputError | OSError, target: Path) -> bool:
    """The next file would meet the same: no space, or nothing may be written in the folder."""
    cause = error if isinstance(error, OSError) else error.__cause__
    number = cause.errno if isinstance(cause, OSError) else None
    if number in (errno.EACCES, errno.EPERM):
        return not os.access(target.parent, os.W_OK | os.X_OK)
    return number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def _as_output_error(error: OSError, target: Path) -> OutputError:
    return OutputError(
        error.strerror or str(error), where=error.filename or target, fix="choose another name for the image"
    )
