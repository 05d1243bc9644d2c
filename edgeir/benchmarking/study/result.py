"""The result of a study: every run's figures, and per variant the mean and the difference paired by seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from edgeir.benchmarking.result import Environment
from edgeir.benchmarking.spread import spread, with_interval
from edgeir.core.config import Config, parse
from edgeir.core.errors import ConfigError

__all__ = [
    "StudyResult",
    "StudyRun",
    "VariantResult",
    "paired",
    "read_study_result",
    "rows_of",
    "variant_result",
]


class StudyRun(Config):
    """One training, measured."""

    seed: int
    psnr_db: dict[str, float]
    """By image set."""


class Summary(Config):
    """Of one figure over the seeds; see `edgeir.benchmarking.spread`."""

    mean: float
    std: float
    min: float
    max: float
    ci95: float | None = None
    """None for one run, and in files of before this was recorded."""


class VariantResult(Config):
    """One way of training."""

    about: str
    overrides: tuple[str, ...] = ()
    runs: tuple[StudyRun, ...] = Field(min_length=1)
    psnr_db: dict[str, Summary] = {}
    against: str | None = None
    """The variant it is compared with."""
    difference_db: dict[str, Summary] = {}
    """Paired by seed: this variant's PSNR less that of `against`, of the same seed."""


class StudyResult(Config):
    """The file's content."""

    kind: Literal["study"] = "study"
    name: str
    about: str
    created: str
    """UTC, ISO 8601."""
    recipe: str
    teacher: dict[str, Any] | None = None
    """Name, parameters and SHA-256 of the teacher's weights."""
    seeds: tuple[int, ...]
    protocols: dict[str, dict[str, Any]] = {}
    """By suite; not in older files, which were measured on unrounded Y."""
    notes: tuple[str, ...] = ()
    environment: Environment
    variants: dict[str, VariantResult] = Field(min_length=1)
    rows: tuple[dict[str, str], ...] = ()
    """The same as texts, for a table; `rows_of` makes them."""


def variant_result(
    about: str,
    overrides: Sequence[str],
    runs: Mapping[int, Mapping[str, float]],
    against: str | None = None,
    reference: Mapping[int, Mapping[str, float]] | None = None,
) -> VariantResult:
    """Summarise the runs of a variant, by seed, against those of its reference."""
    sets = list(next(iter(runs.values())))

    def over(values: Sequence[float]) -> Summary:
        return Summary.model_validate(spread(values).model_dump())

    difference = {}
    if reference is not None:
        difference = {
            name: over([figures[name] - reference[seed][name] for seed, figures in runs.items()])
            for name in sets
        }
    return VariantResult(
        about=about,
        overrides=tuple(overrides),
        runs=tuple(StudyRun(seed=seed, psnr_db=dict(figures)) for seed, figures in runs.items()),
        psnr_db={name: over([figures[name] for figures in runs.values()]) for name in sets},
        against=against,
        difference_db=difference,
    )


def rows_of(variants: Mapping[str, VariantResult], *, digits: int = 3) -> list[dict[str, str]]:
    """One flat row per variant, computed from its runs.

    ``27.103 ± 0.026``, and for the difference ``+0.020 ± 0.010 (+0.016 to +0.025)``: the 95 % intervals over the seeds
    and in brackets the smallest and largest.
    """
    rows = []
    for name, variant in variants.items():
        cells = {"variant": name, "what": variant.about}
        for key in variant.runs[0].psnr_db:
            cells[f"{key} dB"] = with_interval([run.psnr_db[key] for run in variant.runs], digits=digits)
        for key, values in paired(variant, variants).items():
            text = with_interval(values, digits=digits, sign=True)
            if len(values) > 1:
                text += f" ({min(values):+.{digits}f} to {max(values):+.{digits}f})"
            cells[f"{key} difference dB"] = text
        rows.append(cells)
    return rows


def paired(variant: VariantResult, variants: Mapping[str, VariantResult]) -> dict[str, list[float]]:
    """The differences to what a variant is compared with, per set, in dB, one per seed that both have."""
    if variant.against is None or variant.against not in variants:
        return {}
    reference = {run.seed: run.psnr_db for run in variants[variant.against].runs}
    return {
        key: [
            run.psnr_db[key] - reference[run.seed][key]
            for run in variant.runs
            if key in reference.get(run.seed, {})
        ]
        for key in variant.runs[0].psnr_db
    }


def read_study_result(path: str | Path) -> StudyResult:
    """Read the result of a study.

    Raises:
        ConfigError: it cannot be read, is not JSON, or is no result of a study.
    """
    fix = "give a file that `edgeir study` wrote"
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"cannot be read: {error.strerror or error}"], where=path, fix=fix) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"is not JSON: {str(error).splitlines()[0]}"], where=path, fix=fix) from error
    if not isinstance(value, dict) or value.get("kind") != "study":
        raise ConfigError(["is not the result of a study"], where=path, fix=fix)
    return parse(StudyResult, value, where=path)
