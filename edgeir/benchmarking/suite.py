"""A benchmark suite: which images, degraded how, measured by which protocol, timed at which size.

Suites are YAML files under ``benchmarks/suites`` (in a wheel under ``edgeir/_data/suites``); a file of your own
works wherever a name does. Published figures are quoted beside the measured ones, each with its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from edgeir.core.assets import find_asset
from edgeir.core.config import Config, parse, read_yaml
from edgeir.core.errors import ConfigError, DataError
from edgeir.core.wording import shown
from edgeir.data.degrade import AnyDegradation
from edgeir.data.items import scale_of
from edgeir.data.locate import collect_count_warnings
from edgeir.data.paired.base import Paired, PairRef
from edgeir.data.sources.base import ImageRef
from edgeir.data.union import AnySource
from edgeir.metrics.protocol import PROTOCOLS, Protocol

__all__ = ["ImageSet", "MetricName", "Published", "SetImages", "Suite", "SuiteTiming", "load_suite"]

MetricName = Literal["psnr", "ssim", "ms_ssim"]


class Published(Config):
    """A figure from the literature, for the tables; never mixed with measured ones."""

    model: str
    colours: Literal["rgb", "y"] | None = None
    """Channels of the network's training and output: colour, or luma alone, which is easier; None where there is no
    difference, or it is unknown."""
    psnr_db: float
    ssim: float | None = None
    ms_ssim: float | None = None
    parameters: int | None = None
    source: str
    """Where it was published."""


class ImageSet(Config):
    """One set of images; its mean is one column of a table."""

    name: str
    source: AnySource
    fallback: AnySource | None = None
    """Used where `source` is not found; the scores are then labelled as not comparable with `published`."""
    published: tuple[Published, ...] = ()

    def images(self) -> SetImages:
        """The images of `source`, else of `fallback`.

        Raises:
            DataError: neither is there.
        """
        try:
            with collect_count_warnings() as notes:
                return SetImages(self.name, _listed(self.source), "; ".join(notes))
        except DataError:
            if self.fallback is None:
                raise
        used = self.fallback.kind
        note = f"{self.name} was not found, so the {used} images were used: not comparable with published figures"
        return SetImages(used, _listed(self.fallback), note)


@dataclass(frozen=True)
class SetImages:
    """The images of one set (pairs, of a paired source)."""

    name: str
    refs: Sequence[ImageRef | PairRef]
    note: str
    """Why figures on them are not comparable with published ones; empty where they are."""


def _listed(source: AnySource) -> Sequence[ImageRef | PairRef]:
    return source.pairs() if isinstance(source, Paired) else source.images()


class SuiteTiming(Config):
    """Settings of the timing by `edgeir bench`."""

    height: int = Field(720, ge=1, le=32_768)
    """Output size in pixels."""
    width: int = Field(1280, ge=1, le=32_768)
    rule: Literal["median", "pirm"] = "median"
    """Which time enters scores: the median of all runs, or PIRM's mean of the third and fourth image."""
    baseline: Literal["srcnn"] | None = "srcnn"
    """A network timed in the same run, to compare with."""


class Suite(Config):
    """A benchmark suite."""

    name: str
    title: str
    """One line for tables and pages."""
    description: str = ""
    sets: tuple[ImageSet, ...] = Field(min_length=1)
    degradation: AnyDegradation | None
    """None where the sets are paired: their images are degraded already."""
    protocol: str
    """A name of `edgeir.metrics.protocol.PROTOCOLS`."""
    ms_ssim_protocol: str | None = None
    """Another one for MS-SSIM. Where it does not clip, a checkpoint runs without its final clip (a file keeps it)."""
    metrics: tuple[MetricName, ...] = Field(("psnr", "ssim"), min_length=1)
    timing: SuiteTiming = SuiteTiming()
    score: Literal["pirm-a", "pirm-b"] | None = None
    """The challenge whose scores are computed, from the first set's PSNR and MS-SSIM."""

    @model_validator(mode="after")
    def _consistent(self) -> Suite:
        problems = [
            f"there is no protocol `{shown(name)}`, only {', '.join(sorted(PROTOCOLS))}"
            for name in (self.protocol, self.ms_ssim_protocol)
            if name is not None and name not in PROTOCOLS
        ]
        names = [entry.name for entry in self.sets]
        problems += [
            f"the set `{shown(name)}` is given twice"
            for name in sorted({n for n in names if names.count(n) > 1})
        ]
        for entry in self.sets:
            for source in (entry.source, entry.fallback):
                try:
                    _ = source is None or scale_of((source,), self.degradation)
                except ConfigError as error:
                    problems.append(f"the set `{shown(entry.name)}`: {error.problems[0]}")
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
        return scale_of((self.sets[0].source,), self.degradation)

    def resolved_protocol(self) -> Protocol:
        """The protocol with every convention explicit."""
        return PROTOCOLS[self.protocol]

    def resolved_ms_ssim_protocol(self) -> Protocol:
        """The same for MS-SSIM."""
        return PROTOCOLS[self.ms_ssim_protocol or self.protocol]

    @property
    def clips(self) -> bool:
        """Whether all metrics see a clipped output."""
        return self.resolved_protocol().clip and self.resolved_ms_ssim_protocol().clip


def load_suite(name: str | Path) -> Suite:
    """A suite by its name, or from a YAML file.

    Raises:
        ConfigError: there is none of that name (did you mean …), or the file is wrong (every problem at once).
    """
    path = find_asset("suites", str(name))
    return parse(Suite, read_yaml(path), where=path)
