"""The result file: one JSON per benchmark run, the source of tables, plots and reports.

It holds everything needed to trust a figure: the suite as it was, the machine and its load, versions, threads, warm-up
and repeats, the SHA-256 of the files that ran, the git revision. `read_result` refuses anything else in one line.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from edgeir.benchmarking.score import PirmScore
from edgeir.benchmarking.suite import Suite
from edgeir.core.config import Config, parse
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import ConfigError
from edgeir.core.files import write_json
from edgeir.devices.device import Detail, DeviceFacts

__all__ = [
    "Environment",
    "GoldenScore",
    "ImageScore",
    "Latency",
    "Quality",
    "Ratio",
    "Result",
    "Row",
    "SetQuality",
    "TimingFacts",
    "environment",
    "is_result",
    "read_result",
    "timestamp",
    "write_result",
]

FORMAT = "edgeir-result-1"

# Wide bounds, so that a corrupt file, or one that another program wrote, is refused here and not by the plot.
Decibel: TypeAlias = Annotated[float, Field(ge=-200, le=200)]
Milliseconds: TypeAlias = Annotated[float, Field(ge=0, le=1e9)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, le=1e9)]
Similarity: TypeAlias = Annotated[float, Field(ge=-1, le=1)]
Pixels: TypeAlias = Annotated[int, Field(ge=1, le=10**6)]
Count: TypeAlias = Annotated[int, Field(ge=0, le=10**18)]
Factor: TypeAlias = Annotated[float, Field(gt=0, le=1e9)]


class Environment(Config):
    """Where and with what a run was made."""

    machine: dict[str, Any]
    versions: dict[str, str]
    revision: str | None
    """Git revision of the edgeir checkout; `None` for an installed wheel."""


class ImageScore(Config):
    """The metrics of one image; `None` for metrics that the suite does not have."""

    name: str
    psnr_db: Decibel
    """Equal images count as 100 dB, so that a mean stays finite."""
    ssim: Similarity | None = None
    ms_ssim: Similarity | None = None


class SetQuality(Config):
    """Means over one image set, with the metrics of every image."""

    name: str
    images: Count
    psnr_db: Decibel
    ssim: Similarity | None = None
    ms_ssim: Similarity | None = None
    comparable: bool = True
    """The images are those of the published tables."""
    note: str = ""
    """Why not."""
    per_image: tuple[ImageScore, ...]


class Quality(Config):
    """The quality of the file on every set of the suite."""

    sets: tuple[SetQuality, ...] = Field(min_length=1)
    tiled: bool = False
    """The artifact has a fixed size, so that images were restored in tiles."""

    def get(self, name: str) -> SetQuality | None:
        """The set called `name`, if it was measured."""
        return next((entry for entry in self.sets if entry.name == name), None)


class Latency(Config):
    """Times of one contender, in milliseconds, at one output size."""

    height: Pixels
    """Output size."""
    width: Pixels
    threads: Count
    init_ms: Milliseconds
    """Loading the file up to a session that can run."""
    first_run_ms: Milliseconds
    warmup_runs: Count
    repeats: Count
    min_ms: Milliseconds
    p50_ms: Annotated[float, Field(gt=0, le=1e9)]
    p90_ms: Milliseconds
    p99_ms: Milliseconds
    mean_ms: Milliseconds
    pirm_ms: Milliseconds | None = None
    """PIRM's rule: four images after loading the file, the first two discarded, mean of the rest."""
    gmac_s: float | None = None
    """Multiply-accumulates per second at the median, in billions."""
    gemm_share: float | None = None
    """`gmac_s` over the machine's fp32 matrix product rate of the same run and thread count."""
    samples_ms: tuple[Milliseconds, ...] = ()


class Ratio(Config):
    """Another contender's time over this one's, paired round by round (above 1: this one is faster)."""

    against: str
    """Name of the row compared with."""
    median: Factor
    p10: Factor
    p90: Factor
    rounds: Count


class GoldenScore(Config):
    """The golden images of a file on a device: its output against the network's."""

    psnr_db: Decibel
    max_abs_error: Annotated[float, Field(ge=0, le=1e9)]
    """On the [0, 1] scale."""
    right: bool
    """Within the tolerances of the export's gate."""


class Row(Config):
    """One contender: an artifact or checkpoint on one runtime, here or on a device."""

    name: str
    """Unique in the result."""
    model: str
    runtime: str
    """A runtime of this machine, or the device."""
    target: str | None = None
    """The format of the file; None: a checkpoint, or it was not recorded."""
    precision: str = "fp32"
    role: Literal["candidate", "baseline"] = "candidate"
    input_kind: Literal["lr", "bicubic"] | None = None
    colours: Literal["rgb", "y"] | None = None
    """Channels of the network's input and output: colour, or luma alone; None where it was not recorded."""
    parameters: Count | None = None
    macs: Count | None = None
    """Of one image of the timed output size."""
    output_size: tuple[Pixels, Pixels] | None = None
    """Height and width of the output of one timed or counted run; None: it was not recorded, or nothing was run."""
    file_bytes: Count | None = None
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
    device: DeviceFacts | None = None
    """Where it ran; None: on this machine, in this process or one beside it."""
    placed: str | None = None
    """Where its operators really ran, in words; None where the runtime does not say."""
    golden: GoldenScore | None = None
    """As the device computed it."""
    instructions: dict[str, Count] | None = None
    """Of one inference, by kind; `total` is all of them."""
    details: dict[str, Detail] = {}
    """What else the device said of the run."""
    note: str = ""


class TimingFacts(Config):
    """How the times of a run were taken."""

    height: Pixels
    width: Pixels
    threads: Count
    rule: Literal["median", "pirm"]
    rounds: Count
    warmup_s: Seconds
    turn_s: Seconds
    budget_s: Seconds
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
    kind: Literal["bench", "eval", "fit"]
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


def is_result(path: Path) -> bool:
    """Whether a JSON file says that it is a result of edgeir; False for one that cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.get("format") == FORMAT


def read_result(path: str | Path) -> Result:
    """Read a result file.

    Raises:
        ConfigError: it cannot be read, is not JSON, is no result of edgeir, or it or its suite does not fit the schema.
    """
    fix = "give the JSON files that edgeir bench and edgeir eval wrote"
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"cannot be read: {error.strerror or error}"], where=path, fix=fix) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"is not JSON: {str(error).splitlines()[0]}"], where=path, fix=fix) from error
    actual = value.get("format") if isinstance(value, dict) else None
    if actual != FORMAT:
        what = f"its format is `{actual}`" if isinstance(actual, str) else "it has no `format`"
        raise ConfigError([f"is not a result of edgeir: {what}, expected `{FORMAT}`"], where=path, fix=fix)
    result = parse(Result, value, where=path)
    if result.suite is not None:
        parse(Suite, result.suite, where=f"{path}: suite")
    return result
