"""The interface of a target format.

A target writes a model file to a given path and describes it; nothing else in edgeir knows the format, except its entry
in `edgeir.runtime.catalog`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from edgeir.core.errors import ExportError
from edgeir.exporting.calibration import CalibrationData
from edgeir.manifest.artifact import RuntimeNeeds, TensorSpec
from edgeir.quantize.plan import QuantizationPlan
from edgeir.quantize.weight_scales import WeightRule

if TYPE_CHECKING:
    from edgeir.models import Network
    from edgeir.quantize.network import FakeQuantized

__all__ = [
    "Io",
    "Job",
    "Target",
    "Written",
    "equalised_job",
    "joins_sizes",
    "reason_against",
    "refuse_grid",
    "rounded_job",
]

Io = Literal["float", "uint8", "int8"]
"""Type of a file's input and output: float32 images in [0, 1], bytes, or bytes less 128."""


@dataclass(frozen=True)
class Job:
    """One model file to make.

    Attributes:
        network: in its training form; a target exports ``network.deploy()``.
        size: fixed input height and width; None asks for dynamic ones.
        more_sizes: others that the same file takes (see `joins_sizes`).
        trained: ranges and integers of a network that was trained for its file, which `network` is the float form of.
        io: type of input and output.
        calibration: sets integer ranges; any height and width.
    """

    network: Network
    size: tuple[int, int] | None
    io: Io
    calibration: CalibrationData
    more_sizes: tuple[tuple[int, int], ...] = ()
    trained: FakeQuantized | None = None


@dataclass(frozen=True)
class Written:
    """One model file that was written.

    Attributes:
        path: of the file, or of the folder that the format is.
        input, output: their shape, layout and type.
        needs: how old a runtime may be; None where the target does not say.
        sizes: all that the file takes, where the job had more than one.
    """

    path: Path
    input: TensorSpec
    output: TensorSpec
    needs: RuntimeNeeds | None = None
    sizes: tuple[tuple[int, int], ...] = ()


class Target(Protocol):
    """Settings of a target format, a member of `edgeir.exporting.profile.AnyTarget`."""

    @property
    def kind(self) -> str:
        """Its name in `edgeir.runtime.catalog`."""
        ...

    @property
    def precision(self) -> QuantizationPlan:
        """The quantisation plan."""
        ...

    @property
    def dynamic(self) -> bool:
        """The format can leave height and width open."""
        ...

    @property
    def calibrates(self) -> bool:
        """It uses `Job.calibration`."""
        ...

    def write(self, job: Job, path: Path) -> Written:
        """Convert the network and write it to `path`, a new name with the suffix of the format.

        Raises:
            ExportError: it cannot be converted.
            MissingExtraError: the converter is not installed.
        """
        ...


def equalised_job(job: Job) -> Job:
    """The job with a network whose convolutions are equalised.

    Raises:
        ConfigError: its deployed form cannot be recorded.
        ExportError: its integers come from training, which chose them for the weights as they are.
    """
    from edgeir.quantize.equalise import equalised

    if job.trained is not None:
        raise ExportError(
            "a checkpoint of quantisation-aware training has its weights already", fix="leave equalise out"
        )
    return replace(job, network=equalised(job.network))


def rounded_job(job: Job, plan: QuantizationPlan, rule: WeightRule = "full") -> Job:
    """The job with a network whose 8-bit weights are rounded for flat areas (`edgeir.quantize.rounding`).

    A network that was trained in integers has its weights already: the job stays as it is.

    Args:
        rule: of the target's scales.
    """
    if job.trained is not None or plan.default.weights != "int8":
        return job
    from edgeir.quantize.rounding import rounded

    deployed = job.network.deploy()
    layers = [name for name, _ in deployed.named_modules() if plan.format_of(name).weights == "int8"]
    per_tensor = plan.default.granularity == "tensor"
    images = job.calibration.inputs
    return replace(job, network=rounded(job.network, layers, rule=rule, per_tensor=per_tensor, images=images))


def reason_against(settings: type[Target], precision: str) -> str | None:
    """Why a format is not written at a precision: its own `unmade`, a table of short names; None: nothing is said."""
    reasons: dict[str, str] = getattr(settings, "unmade", {})
    return reasons.get(precision)


def refuse_grid(job: Job, title: str) -> None:
    """Refuse a size that a format without a choice of rows cannot pool on the network's grid, and open sides.

    Args:
        title: of the format, for the error.

    Raises:
        ExportError: the network has such a grid (`edgeir.models.blocks.image_grid`), and the size does not suit it; or
            sides are open, and it continues the image by what they lack (`edgeir.models.blocks.gates`).
    """
    from edgeir.models.blocks.image_grid import GRID

    network = job.network
    grid = GRID in network.facts.global_operations
    if not grid and not getattr(network, "continues", False):  # need not be a `Network`
        return
    cell = network.cell
    if job.size is None or job.more_sizes:
        does, holds = "lays a grid over the image", "that"
        if not grid:
            does, holds = f"continues the image to cells of {cell} pixels", "the border"
        raise ExportError(
            f"`{network.config.kind}` {does}, and a {title} file holds {holds} of one size",
            fix="pass one --size HEIGHTxWIDTH, or choose --target onnx",
        )
    if grid and any(side % cell for side in job.size):
        height, width = (max(cell, side // cell * cell) for side in job.size)
        raise ExportError(
            f"`{network.config.kind}` pools on a grid of cells of {cell} pixels, and a {title} file can do so only "
            f"where {cell} divides both sides, not for {job.size[0]}x{job.size[1]}",
            fix=f"choose --size {height}x{width}, for example, or --target onnx",
        )


def joins_sizes(target: Target) -> bool:
    """Whether the target writes one file for all sizes; one without a `joins_sizes` of its own writes one for each."""
    return bool(getattr(target, "joins_sizes", False))
