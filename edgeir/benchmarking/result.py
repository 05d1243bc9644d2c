"""The result file: one JSON per benchmark run, which tables, plots and reports are made from.

Everything needed to trust a figure is in it: the suite as it was, the machine and its load, versions, threads,
warm-up and repeats, the SHA-256 of what ran, the git revision. `read_result` refuses anything else in one line.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from edgeir.benchmarking.score import PirmScore
from edgeir.core.config import Config, parse
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import ConfigError
from edgeir.core.files import write_json

__all__ = [
    "Environment",
    "ImageScore",
    "Latency",
    "Quality",
    "Ratio",
    "Result",
    "Row",
    "SetQuality",
    "TimingFacts",
    "environment",
    "read_result",
    "timestamp",
    "write_result",
]

FORMAT = "edgeir-result-1"


class Environment(Config):
    """Where and with what a run was made."""

    machine: dict[str, Any]
    versions: dict[str, str]
    revision: str | None
    """Git revision of the edgeir checkout; `None` for an installed wheel."""


class ImageScore(Config):
    """The metrics of one image; `None` where the suite does not ask for it."""

    name: str
    psnr_db: float
    """Equal images count as 100 dB, so that a mean stays finite."""
    ssim: float | None = None
    ms_ssim: float | None = None


class SetQuality(Config):
    """Means over one image set, with the rows they are the means of."""

    name: str
    images: int
    psnr_db: float
    ssim: float | None = None
    ms_ssim: float | None = None
    comparable: bool = True
    """The images are those of the published tables."""
    note: str = ""
    """Why not."""
    per_image: tuple[ImageScore, ...]


class Quality(Config):
    """What the file that ran scored on every set of the suite."""

    sets: tuple[SetQuality, ...]
    tiled: bool = False
    """The artifact has a fixed size, so that images went through it in tiles."""

    def get(self, name: str) -> SetQuality | None:
        """The set called `name`, if it was measured."""
        return next((entry for entry in self.sets if entry.name == name), None)


class Latency(Config):
    """Times of one contender, in milliseconds, at one output size."""

    height: int
    """Output size."""
    width: int
    threads: int
    init_ms: float
    """Loading the file up to a session that can run."""
    first_run_ms: float
    warmup_runs: int
    repeats: int
    min_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    pirm_ms: float | None = None
    """PIRM's rule: four images after loading the file, the first two discarded, mean of the rest."""
    gmac_s: float | None = None
    """Multiply-accumulates per second at the median, in billions."""
    gemm_share: float | None = None
    """`gmac_s` over the machine's fp32 matrix product rate of the same run and thread count."""
    samples_ms: tuple[float, ...] = ()


class Ratio(Config):
    """Another contender's time over this one's, paired round by round (above 1: this one is faster)."""

    against: str
    """Name of the row compared with."""
    median: float
    p10: float
    p90: float
    rounds: int


class Row(Config):
    """One contender: an artifact or checkpoint on one runtime."""

    name: str
    """Unique in the result."""
    model: str
    runtime: str
    precision: str = "fp32"
    role: Literal["candidate", "baseline"] = "candidate"
    input_kind: Literal["lr", "bicubic"] | None = None
    parameters: int | None = None
    macs: int | None = None
    """Of one picture of the timed output size."""
    file_bytes: int | None = None
    sha256: str | None = None
    """Of the model file that ran."""
    sigma: float | None = None
    """The noise level (on the 0-255 scale) that was given to a network which takes one."""
    quality: Quality | None = None
    latency: Latency | None = None
    peak_mib: float | None = None
    """Largest resident memory of a process of its own that loads the file and runs it."""
    import_mib: float | None = None
    """The same before the file was loaded: Python, numpy and the runtime's library."""
    ratios: tuple[Ratio, ...] = ()
    pirm: PirmScore | None = None
    mobile_ai_relative: float | None = None
    note: str = ""


class TimingFacts(Config):
    """How the times of a run were taken."""

    height: int
    width: int
    threads: int
    rule: Literal["median", "pirm"]
    rounds: int
    warmup_s: float
    turn_s: float
    budget_s: float
    gemm_gmac_s: tuple[float, float] | None
    """fp32 matrix product rate of `threads` threads before and after, in GMAC/s."""
    load_average: tuple[float, float] | None = None
    """One-minute load average before and after; the run itself adds about `threads`. None where there is none."""
    others_cores: float | None = None
    """Cores that other processes (and the hypervisor) kept busy while the rounds ran; Linux only."""
    input: str = "seeded uniform noise, in the layout and type of the file's input"


class Result(Config):
    """One run: `rows` measured on one machine, with one suite."""

    format: Literal["edgeir-result-1"] = "edgeir-result-1"
    kind: Literal["bench", "eval"]
    name: str
    title: str
    created: str
    """UTC, ISO 8601."""
    suite: dict[str, Any] | None
    """The suite as it was, with its protocol; `None` for a run of times only."""
    protocol: dict[str, Any] | None = None
    comparable: bool = True
    """The images are those of the published tables the suite quotes."""
    notes: tuple[str, ...] = ()
    environment: Environment
    timing: TimingFacts | None = None
    rows: tuple[Row, ...] = Field(min_length=1)

    def row(self, name: str) -> Row | None:
        """The row called `name`."""
        return next((row for row in self.rows if row.name == name), None)


def environment() -> Environment:
    """This machine, these packages, this revision."""
    return Environment(machine=machine(), versions=versions(), revision=git_revision())


def timestamp() -> str:
    """Now, UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_result(path: str | Path, result: Result) -> Path:
    """Write `result` as JSON, atomically."""
    write_json(path, result.model_dump(mode="json"))
    return Path(path)


def read_result(path: str | Path) -> Result:
    """Read a result file.

    Raises:
        ConfigError: it cannot be read, is not JSON, is no result of edgeir, or does not fit the schema.
    """
    fix = "give the JSON files that edgeir bench and edgeir eval wrote"
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"cannot be read: {error.strerror or error}"], where=path, fix=fix) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"is not JSON: {str(error).splitlines()[0]}"], where=path, fix=fix) from error
    found = value.get("format") if isinstance(value, dict) else None
    if found != FORMAT:
        what = f"its format is `{found}`" if isinstance(found, str) else "it has no `format`"
        raise ConfigError([f"is not a result of edgeir: {what}, expected `{FORMAT}`"], where=path, fix=fix)
    return parse(Result, value, where=path)
