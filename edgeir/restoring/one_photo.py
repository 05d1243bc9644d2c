"""What is done with one photo of a run, the same in every engine: read, restore in tiles, write whole or not at all."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from edgeir.core.errors import ArtifactError, ImageError, OutputError
from edgeir.core.progress import Progress
from edgeir.imaging.files import Photo, check_writable, read_photo, write_photo
from edgeir.imaging.remarks import remark, remarks
from edgeir.restoring.image import plan_photo, restore_photo
from edgeir.restoring.jobs import Job
from edgeir.restoring.report import FailedPhoto, RestoredPhoto

if TYPE_CHECKING:
    from edgeir.runtime.session import Session

__all__ = ["OnePhoto", "Outcome"]

Outcome: TypeAlias = RestoredPhoto | FailedPhoto


@dataclass(frozen=True)
class OnePhoto:
    """The settings of a run, called once for every photo; other processes get a copy."""

    tile: int | None
    """Side of the largest tile in pixels of the photo."""
    max_pixels: int
    """Larger photos are refused before they are decoded."""
    several: bool
    """It is a folder that is restored: what concerns one photo only is an outcome, not an error."""

    def __call__(self, job: Job, session: Session, progress: Progress) -> Outcome:
        """Restore one photo.

        Args:
            progress: called with the tiles done.

        Raises:
            OutputError, OSError: the next photo would meet the same (the disk is full), or it is the only photo.
            ImageError, ArtifactError: it is the only photo.
        """
        try:
            return self._restored(job, session, progress)
        except (ImageError, ArtifactError) as error:
            if not self.several:
                raise
            return FailedPhoto(input=job.source, error=str(error))
        except (OutputError, OSError) as error:
            if not self.several or _concerns_all(error, job.target):
                raise
            what = error if isinstance(error, OutputError) else _as_output_error(error, job.target)
            return FailedPhoto(input=job.source, error=str(what))

    def _restored(self, job: Job, session: Session, progress: Progress) -> RestoredPhoto:
        started = time.perf_counter()
        with remarks() as remarked:
            try:
                photo = read_photo(job.source, max_pixels=self.max_pixels)
                target = _target(job, photo, session.facts.scale)
                tiles = len(plan_photo(photo.height, photo.width, session, self.tile))
                result = restore_photo(photo, session, tile=self.tile, progress=progress)
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


def _target(job: Job, photo: Photo, scale: int) -> Path:
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
