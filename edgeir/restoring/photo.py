"""Restore a photo file, or every photo of a folder: read, run in tiles, write whole or not at all.

A folder means the images lying in it; its sub-folders are left alone. An image that cannot be restored is listed in
the report and the rest is done; what concerns all of them (the output exists, the disk is full) stops the run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeir.core.errors import ConfigError
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import honours_trust
from edgeir.imaging.files import DEFAULT_MAX_PIXELS
from edgeir.restoring.engines import AnyEngine, Local
from edgeir.restoring.engines.base import Network
from edgeir.restoring.jobs import file_jobs, folder_jobs, suffix_of
from edgeir.restoring.one_photo import OnePhoto, Outcome
from edgeir.restoring.report import FailedPhoto, RestoredPhoto, RestoreReport

if TYPE_CHECKING:
    from edgeir.runtime.loading import RuntimeName
    from edgeir.runtime.session import Session

__all__ = ["Restoration", "restore"]

HERE = Local()


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
    engine: AnyEngine = HERE,
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
        engine: where the photos are restored; `edgeir.restoring.engines.Ray` does a folder on a cluster.
        trust_code: see `edgeir.load`.
        progress: called with the tiles done, or for a folder with the images done.

    Returns:
        The report; for a folder `failed` and `skipped` list the images that were not restored.

    Raises:
        ImageError: the file cannot be read or the result cannot be written in the format asked for.
        DataError: the folder holds no image.
        OutputError: the output exists, is the input, or cannot be written.
        ArtifactError, CheckpointError, MissingExtraError, UntrustedCodeError: the model cannot be run.
        ConfigError: a tile size for an artifact that takes one size only, an unknown format, options that exclude
            each other, or a run that the engine cannot do.
        DeviceError: the cluster cannot be reached, or its machines do not see the photos.
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
        engine=engine,
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
        engine: AnyEngine = HERE,
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
        self._one = OnePhoto(tile=tile, max_pixels=max_pixels, several=self.folder)
        self._model, self._engine = model, engine
        self._name, self._runtime = str(model), ""
        self._outcomes: dict[int, Outcome] = {}

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
        network = Network(self._model, runtime, threads, sigma)
        self._engine.check(network, several=self.folder)
        if jobs:
            self._engine.run(jobs, network, self._one, self, progress)
        return self.report()

    def loaded(self, name: str, runtime: str) -> None:
        """See `Record`: the engine has loaded the network."""
        self._name, self._runtime = name, runtime

    def tried(self, index: int, outcome: Outcome) -> None:
        """See `Record`: the engine has tried the job of this index."""
        self._outcomes[index] = outcome

    def report(self, stopped: str | None = None) -> RestoreReport:
        """What was done so far; `stopped` says why it is not all."""
        outcomes = [self._outcomes[index] for index in sorted(self._outcomes)]
        return RestoreReport(
            model=self._name,
            runtime=self._runtime,
            restored=tuple(entry for entry in outcomes if isinstance(entry, RestoredPhoto)),
            failed=(*self._plan.failed, *(entry for entry in outcomes if isinstance(entry, FailedPhoto))),
            skipped=self._plan.skipped,
            existing=self._plan.existing,
            stopped=stopped,
            pending=tuple(
                job.source for index, job in enumerate(self._plan.jobs) if index not in self._outcomes
            ),
        )
