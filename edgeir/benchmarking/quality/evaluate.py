"""The quality of a checkpoint, zoo network or exported file, on the images and by the protocol of a suite.

The degraded image is 8 bit, as it would be in a file. A network that takes the enlarged image gets it
enlarged by the suite's own bicubic flavour; an artifact of a fixed size gets tiles. ``model="bicubic"`` is the
enlargement alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.benchmarking.quality.images import quality_of
from edgeir.benchmarking.result import Quality, Result, Row, environment, timestamp
from edgeir.benchmarking.suite import Suite, load_suite
from edgeir.core.errors import ConfigError
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import honours_trust
from edgeir.data.degrade.base import Degraded, enlargement_of, to_bytes, to_unit
from edgeir.data.degrade.bicubic import upscale
from edgeir.data.degrade.noise import AWGN
from edgeir.imaging.luma import luma_of
from edgeir.restoring.tiling import run_tiled
from edgeir.runtime.loading import RuntimeName, load
from edgeir.runtime.session import Session

__all__ = ["BICUBIC", "evaluate", "measure_quality"]

BICUBIC, INPUT = "bicubic", "input"
Image = NDArray[np.float32]


@honours_trust
def evaluate(
    model: str | Path,
    suite: str | Path | Suite,
    *,
    runtime: RuntimeName = "auto",
    threads: int = 1,
    sigma: float | None = None,
    limit: int | None = None,
    trust_code: bool = False,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Measure `model` on every image of `suite`.

    Args:
        model: a checkpoint folder, zoo name, artifact, or ``"bicubic"`` or ``"input"`` for the baseline alone.
        suite: a name, a YAML file, or a `Suite`.
        sigma: the noise level given to a network which takes one (see `edgeir.load`); by default the suite's, where
            that is fixed. An artifact keeps its own.
        limit: at most this many images of each set (labelled as not comparable).
        trust_code: see `edgeir.load`.

    Returns:
        A `Result` as plain JSON values: per-image rows, means, SHA-256, protocol, versions, machine.

    Raises:
        ConfigError: no such suite, or the network's scale is not the suite's.
        DataError: a set's images are not there.
        ArtifactError, CheckpointError, UntrustedCodeError: the model cannot run.
    """
    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    if str(model) in (BICUBIC, INPUT):
        row = bicubic_row(suite, limit=limit, progress=progress)
    else:
        session = load(model, runtime=runtime, threads=threads, clip=suite.clips, sigma=sigma)
        level = _noise_level(suite)
        if (
            sigma is None
            and session.artifact is None
            and session.facts.sigma is not None
            and level is not None
        ):
            session.close()
            session = load(model, runtime=runtime, threads=threads, clip=suite.clips, sigma=level)
        try:
            row = Row(
                name=session.name,
                model=session.artifact.source if session.artifact else str(model),
                runtime=session.runtime,
                precision=session.file.precision if session.file else "fp32",
                input_kind=session.facts.input_kind,
                colours=session.facts.colour,
                parameters=session.artifact.parameters if session.artifact else None,
                file_bytes=session.file.bytes if session.file else None,
                sha256=session.source_sha256 or None,
                sigma=session.facts.sigma,
                note=_sigma_note(session.facts.sigma, level),
                quality=measure_quality(session, suite, limit=limit, progress=progress),
            )
        finally:
            session.close()
    assert row.quality is not None
    result = Result(
        kind="eval",
        name=suite.name,
        title=suite.title,
        created=timestamp(),
        suite=suite.model_dump(mode="json"),
        protocol=suite.resolved_protocol().model_dump(mode="json"),
        comparable=all(entry.comparable for entry in row.quality.sets),
        notes=tuple(note for note in (row.note, *(entry.note for entry in row.quality.sets)) if note),
        environment=environment(),
        rows=(row,),
    )
    return result.model_dump(mode="json")


def _noise_level(suite: Suite) -> float | None:
    """The suite's noise level on the 0-255 scale, if noise is its only degradation and the same for every image."""
    noise = suite.degradation
    return float(noise.sigma) if isinstance(noise, AWGN) and not isinstance(noise.sigma, tuple) else None


def _sigma_note(given: float | None, level: float | None) -> str:
    """A note where the noise level given to the network is not the suite's."""
    if given is None or level is None or given == level:
        return ""
    return f"the network was given a noise level of {given:g}, the suite has {level:g}"


def bicubic_row(suite: Suite, *, limit: int | None = None, progress: Progress = no_progress) -> Row:
    """The baseline, measured like a network: the bicubic enlargement, or the degraded input itself."""

    name = INPUT if suite.scale == 1 else BICUBIC

    def enlarge(lr: Degraded) -> Image:
        return _enlarged(lr, suite)

    return Row(
        name=name,
        model=name,
        runtime="-",
        precision="-",
        role="baseline",
        quality=quality_of(enlarge, suite, tiled=False, limit=limit, progress=progress),
    )


def measure_quality(
    session: Session, suite: Suite, *, limit: int | None = None, progress: Progress = no_progress
) -> Quality:
    """Every set of `suite` through `session`.

    Raises:
        ConfigError: the network enlarges by another factor than the suite shrinks by, or has one channel where the
            suite is measured on RGB.
        DataError: a set's images are not there.
    """
    facts = session.facts
    if facts.scale != suite.scale:
        raise ConfigError(
            [f"the network enlarges x{facts.scale}, the suite shrinks by {suite.scale}"],
            where=f"{session.name} on {suite.name}",
            fix="choose a suite of the network's scale",
        )
    if facts.colour == "y" and suite.resolved_protocol().channel == "rgb":
        raise ConfigError(
            ["the network has one channel, the suite is measured on RGB"],
            where=f"{session.name} on {suite.name}",
            fix="choose a suite that is measured on gray or on Y",
        )

    def restore(lr: Degraded) -> Image:
        given = _enlarged(lr, suite) if facts.input_kind == "bicubic" else to_unit(lr)
        if facts.colour == "y":
            given = luma_of(given)
        elif given.shape[2] == 1:
            given = np.repeat(given, 3, axis=2)
        return run_tiled(session.run, given, facts, session.fixed_size)

    return quality_of(restore, suite, tiled=session.fixed_size is not None, limit=limit, progress=progress)


def _enlarged(lr: Degraded, suite: Suite) -> Image:
    """The bicubic enlargement of a degraded image; where nothing was shrunk, the image itself."""
    if suite.scale == 1:
        return to_unit(lr)
    return to_unit(upscale(to_bytes(to_unit(lr)), suite.scale, enlargement_of(suite.degradation)))
