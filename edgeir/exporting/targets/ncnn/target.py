"""ncnn (``.ncnn``, a folder): traced by torch, converted by pnnx, and checked layer by layer.

The folder holds the two files that ncnn reads, ``model.ncnn.param`` and ``model.ncnn.bin``, and ``facts.json``, which
edgeir compares with the manifest. Input ``in0`` and output ``out0`` are float32 planes in [0, 1]. Height and width are
open unless a size is asked for, which some networks need.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from edgeir.core.config import Config
from edgeir.core.errors import ExportError
from edgeir.core.requires import require
from edgeir.exporting.converting import conversion_errors
from edgeir.exporting.layers import check_plan, float_layers
from edgeir.exporting.target import Job, Written, equalised_job, refuse_grid, rounded_job
from edgeir.exporting.targets.ncnn.convert import Converted, convert
from edgeir.manifest.artifact import TensorSpec
from edgeir.quantize.plan import PLANS, Plan
from edgeir.quantize.ranges import RangeRule
from edgeir.runtime.ncnn import FACTS
from edgeir.runtime.ncnn_file import BIN, INPUT, OUTPUT, PARAM, format_param

__all__ = ["NCNN"]


class NCNN(Config):
    """Settings of an ncnn export."""

    kind: Literal["ncnn"] = "ncnn"
    unmade: ClassVar[dict[str, str]] = {
        "w8": "its convolutions read 8-bit weights with 8-bit inputs only",
        "dynamic": "the scale of an input is a constant of the file",
        "int16x8": "it has no convolution of 16-bit integers",
    }
    """See `edgeir.exporting.target.reason_against`."""
    precision: Plan = PLANS["fp32"]
    """The quantisation plan. fp16 stores the weights in 16 bits, and ncnn computes in 16 where the processor can; int8
    has convolutions of 8-bit weights and inputs between float layers."""
    ranges: RangeRule = "minmax"
    """int8: how activation ranges follow from the calibration images; they are symmetric, as ncnn's are."""
    image_layers: Literal["float", "int8"] = "float"
    """int8: convolutions that read the image itself. ncnn's bytes are signed, so that an image has 7 bits of them."""
    flat_rounding: bool = True
    """8-bit weights: round them so that their errors cancel on flat areas (`edgeir.quantize.rounding`)."""
    equalise: bool = False
    """int8: equalise the channels between convolutions first (`edgeir.quantize.equalise`)."""
    correct_bias: bool = True
    """int8: shift the last biases so that the mean colour on the calibration images is that of the float network."""

    @property
    def calibrates(self) -> bool:
        return self.precision.default.integer

    @property
    def dynamic(self) -> bool:
        return True

    def write(self, job: Job, path: Path) -> Written:
        """See `edgeir.exporting.target.Target`: the folder `path`."""
        check_plan(self.precision, job.network)
        if job.io != "float":
            raise ExportError(
                f"an ncnn file takes float32, not {job.io}",
                fix="choose --io float; ncnn::Mat::from_pixels reads bytes",
            )
        refuse_grid(job, "ncnn")
        job = equalised_job(job) if self.equalise and self.calibrates else job
        job = rounded_job(job, self.precision) if self.flat_rounding else job
        with conversion_errors("ncnn"):
            require("ncnn", "exporting to ncnn")
            require("pnnx", "exporting to ncnn")
            half = self.precision.default.weights == "float16"
            made = convert(job.network, job.size, half=half)
            if self.precision.default.integer:
                made = self._quantise(made, job)
        return _written(made, job, path)

    def _quantise(self, made: Converted, job: Job) -> Converted:
        from edgeir.exporting.targets.ncnn.int8 import quantise

        return quantise(
            made,
            job.calibration,
            rule=self.ranges,
            floats=float_layers(self.precision, job.network),
            per_tensor=self.precision.default.granularity == "tensor",
            image_layers=self.image_layers == "int8",
            correct_bias=self.correct_bias,
            size=job.size,
        )


def _written(made: Converted, job: Job, path: Path) -> Written:
    facts = job.network.facts
    height, width = job.size or (0, 0)
    entry = next(layer for layer in made.layers if layer.kind == "Input")
    # ncnn reads them as a hint, edgeir as what the file takes; 0 is an open side.
    entry.settings = {0: str(width), 1: str(height), 2: str(facts.channels)}
    path.mkdir()
    (path / PARAM).write_bytes(format_param(made.layers).encode())
    (path / BIN).write_bytes(made.weights)
    (path / FACTS).write_bytes(facts.model_dump_json().encode())
    return Written(path, *_specs(job))


def _specs(job: Job) -> tuple[TensorSpec, TensorSpec]:
    scale, channels = job.network.facts.net_scale, job.network.facts.channels
    enters = (None, None) if job.size is None else job.size
    leaves = (None, None) if job.size is None else (job.size[0] * scale, job.size[1] * scale)
    common: Any = {"layout": "NCHW", "dtype": "float32"}
    return (
        TensorSpec(name=INPUT, shape=(1, channels, *enters), **common),
        TensorSpec(name=OUTPUT, shape=(1, channels, *leaves), **common),
    )
