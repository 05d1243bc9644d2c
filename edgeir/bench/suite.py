"""A benchmark suite: which pictures, degraded how, measured by which protocol, timed at which size.

Suites are YAML files under ``benchmarks/suites`` (in a wheel under ``edgeir/_data/suites``); a file of your own
works wherever a name does. Published figures are quoted beside the measured ones, each with its source.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from edgeir.core.assets import find_asset
from edgeir.core.config import Config, parse, read_yaml
from edgeir.core.errors import DataError
from edgeir.data.degrade import AnyDegradation
from edgeir.data.sources import AnySource, ImageRef
from edgeir.metrics.protocol import PROTOCOLS, Protocol

__all__ = ["ImageSet", "MetricName", "Published", "Suite", "SuiteTiming", "load_suite"]

MetricName = Literal["psnr", "ssim", "ms_ssim"]


class Published(Config):
    """A figure from the literature, for the tables; never mixed with measured ones."""

    model: str
    psnr_db: float
    ssim: float | None = None
    ms_ssim: float | None = None
    parameters: int | None = None
    source: str
    """Where it was published."""


class ImageSet(Config):
    """One set of pictures; its mean is one column of a table."""

    name: str
    source: AnySource
    fallback: AnySource | None = None
    """Used where `source` is not found; the scores are then labelled as not comparable with `published`."""
    published: tuple[Published, ...] = ()

    def images(self) -> tuple[list[ImageRef], bool]:
        """The pictures, and whether they are those of `source`.

        Raises:
            DataError: neither the source nor the fallback is there.
        """
        try:
            return self.source.images(), True
        except DataError:
            if self.fallback is None:
                raise
        return self.fallback.images(), False


class SuiteTiming(Config):
    """What `edgeir bench` times."""

    height: int = Field(720, ge=1)
    """Output size in pixels."""
    width: int = Field(1280, ge=1)
    rule: Literal["median", "pirm"] = "median"
    """Which time enters scores: the median of all runs, or PIRM's mean of the third and fourth picture."""
    baseline: Literal["srcnn"] | None = "srcnn"
    """A network timed in the same run, to compare with."""


class Suite(Config):
    """A benchmark suite."""

    name: str
    title: str
    """One line for tables and pages."""
    description: str = ""
    sets: tuple[ImageSet, ...] = Field(min_length=1)
    degradation: AnyDegradation
    protocol: str
    """A name of `edgeir.metrics.protocol.PROTOCOLS`."""
    metrics: tuple[MetricName, ...] = Field(("psnr", "ssim"), min_length=1)
    timing: SuiteTiming = SuiteTiming()
    score: Literal["pirm-a", "pirm-b"] | None = None
    """The challenge whose scores are computed, from the first set's PSNR and MS-SSIM."""

    @model_validator(mode="after")
    def _consistent(self) -> Suite:
        problems = []
        if self.protocol not in PROTOCOLS:
            problems.append(f"there is no protocol `{self.protocol}`, only {', '.join(sorted(PROTOCOLS))}")
        names = [entry.name for entry in self.sets]
        problems += [
            f"the set `{name}` is given twice" for name in sorted({n for n in names if names.count(n) > 1})
        ]
        if "psnr" not in self.metrics:
            problems.append("`metrics` must have psnr")
        if self.score is not None and "ms_ssim" not in self.metrics:
            problems.append(f"the score {self.score} needs the metric ms_ssim")
        if self.score is not None and self.timing.baseline != "srcnn":
            problems.append(f"the score {self.score} needs timing.baseline srcnn")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def scale(self) -> int:
        """Output pixels per input pixel, per side."""
        return self.degradation.scale

    def resolved_protocol(self) -> Protocol:
        """The protocol with every convention explicit."""
        return PROTOCOLS[self.protocol]


def load_suite(name: str | Path) -> Suite:
    """A suite by its name, or from a YAML file.

    Raises:
        ConfigError: there is none of that name (did you mean …), or the file is wrong (every problem at once).
    """
    path = find_asset("suites", str(name))
    return parse(Suite, read_yaml(path), where=path)
