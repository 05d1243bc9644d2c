"""From a job to the ONNX graph of a file, at any precision: what the formats that hold such a graph have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.errors import ExportError
from edgeir.core.requires import require
from edgeir.exporting.converting import conversion_errors
from edgeir.exporting.layers import WEIGHTS_ONLY, check_plan, float_layers
from edgeir.exporting.target import Job, Written, equalised_job, rounded_job
from edgeir.exporting.targets.onnx.convert import as_it_comes, drop_clip, fix_size
from edgeir.exporting.targets.onnx.opset import OLDEST, at_opset
from edgeir.exporting.targets.onnx.passes.bytes_in_out import bytes_in_and_out
from edgeir.exporting.targets.onnx.passes.eight_bit_weights import store_weights
from edgeir.exporting.targets.onnx.passes.half import halve
from edgeir.exporting.targets.onnx.qdq import copied, correct_bias, own_output_bias, quantise_qdq
from edgeir.manifest.artifact import RuntimeNeeds, TensorSpec
from edgeir.quantize.plan import PLANS, Plan
from edgeir.quantize.weight_scales import WeightRule
from edgeir.runtime.onnxruntime import FACTS_PROPERTY

__all__ = ["UNMADE", "GraphSettings", "described"]

UNMADE = {
    "dynamic": "ONNX Runtime's convolution of bytes scaled as it runs took 7 times as long as float (sr-x4-xs)",
    "int16x8": "ONNX Runtime has no convolution of 16-bit by 8-bit integers on a CPU, and would compute in float",
}
"""Why some precisions are not written."""
_MADE_IN = 20
"""The operator set that graphs are made in, before they are written in an older one."""


class GraphSettings(Config):
    """Settings of an ONNX graph."""

    precision: Plan = PLANS["fp32"]
    """The quantisation plan. fp16 computes in 16 bits between float32 ends; w8 stores the weights in 8 bits and
    computes in 32; int8 is QDQ, per-channel weights, int8-tensor the same with one weight scale per layer."""
    opset: int | None = Field(None, ge=OLDEST, le=25)
    """Version of the operator set; by default the oldest from 11 on that has the operators and computes the same."""
    quantizer: Literal["onnxruntime", "nncf"] = "onnxruntime"
    """int8: which tool quantises. NNCF also corrects the bias of every layer, and quantises fewer tensors."""
    ranges: Literal["minmax", "mean", "percentile", "entropy"] = "minmax"
    """int8: how activation ranges follow from the calibration images; `mean`, the mean of each image's ends, is
    NNCF's own and `entropy` onnxruntime's."""
    activations: Literal["uint8", "int8"] = "uint8"
    """int8: type of the activations; weights are always int8."""
    weights: WeightRule = "pairs"
    """int8: `pairs` gives each output channel the finest scale with which no x86 CPU saturates; `reduced` uses 7 of 8
    bits, which holds in whatever order a kernel adds; `full` uses all 8: x86 CPUs without VNNI give wrong images."""
    flat_rounding: bool = True
    """8-bit weights: round them so that their errors cancel on flat areas (`edgeir.quantize.rounding`)."""
    equalise: bool = False
    """Precisions with 8-bit weights: equalise the channels between convolutions first (`edgeir.quantize.equalise`)."""
    correct_bias: bool = True
    """8-bit weights: shift the last biases so that the mean colour on the calibration images is the float network's."""

    @property
    def calibrates(self) -> bool:
        return self.precision.default.weights == "int8"

    @property
    def dynamic(self) -> bool:
        return True

    def graph(self, job: Job) -> Any:
        """The graph for a job: input ``image``, output ``restored``, the network's facts in its properties.

        Raises:
            ExportError: it cannot be converted.
            MissingExtraError: a package is not installed.
        """
        check_plan(self.precision, job.network, more=(WEIGHTS_ONLY,))
        if job.io == "int8":
            raise ExportError(
                "an ONNX file takes float32 or uint8, not int8", fix="choose --io uint8 or float"
            )
        job = equalised_job(job) if self.equalise and self.calibrates else job
        if self.flat_rounding:
            job = rounded_job(job, self.precision, self.weights if self.precision.default.integer else "full")
        with conversion_errors("ONNX"):
            require("onnxscript", "exporting to ONNX")
            require("onnxruntime", "exporting to ONNX")
            return self._converted(job)

    def _converted(self, job: Job) -> Any:
        made_in = max(_MADE_IN, self.opset or 0)
        if self.calibrates:  # calibration crops have a size of their own
            model = as_it_comes(job, made_in, None)
            own_output_bias(model)
            integer = self.precision.default.integer
            model = self._quantise(model, job) if integer else self._eight_bit_weights(model, job)
            fix_size(model, job)
        else:
            model = as_it_comes(job, made_in, job.size)
        if self.precision.default.weights == "float16":
            model = halve(model)
        if job.io == "uint8":
            model = bytes_in_and_out(model)
        model = at_opset(model, self.opset, job.network.facts.size_multiple)
        del model.metadata_props[:]  # the quantiser's
        model.metadata_props.add(key=FACTS_PROPERTY, value=job.network.facts.model_dump_json())
        return model

    def _eight_bit_weights(self, model: Any, job: Job) -> Any:
        """The float graph with 8-bit weights, which shift its colours until the last bias is corrected."""
        floats = float_layers(self.precision, job.network)
        stored = store_weights(copied(model), floats)
        if self.correct_bias and correct_bias(model, stored, job.calibration.inputs):
            return store_weights(model, floats)
        return stored

    def _quantise(self, model: Any, job: Job) -> Any:
        from edgeir.exporting.targets.onnx.nncf_quantiser import quantise_nncf
        from edgeir.exporting.targets.onnx.trained import trained_overrides

        drop_clip(model)
        calibration, trained = job.calibration, job.trained
        settings: dict[str, Any] = {
            "ranges": self.ranges,
            "activations": self.activations,
            "weights": self.weights if trained is None else trained.settings.weights,
            "per_tensor": self.precision.default.granularity == "tensor",
            "floats": float_layers(self.precision, job.network),
        }
        if trained is not None:
            given = trained_overrides(trained, model, self.activations)
            return quantise_qdq(model, calibration.range_inputs, **settings, given=given)
        if self.quantizer == "nncf":
            bias_images = calibration.inputs if self.correct_bias else None
            return quantise_nncf(model, calibration.range_inputs, **settings, bias_images=bias_images)
        integer = quantise_qdq(model, calibration.range_inputs, **settings)
        if self.correct_bias and correct_bias(model, integer, calibration.inputs):
            integer = quantise_qdq(model, calibration.range_inputs, **settings)
        return integer


def described(path: Path, job: Job, needs: RuntimeNeeds) -> Written:
    """What was written at `path` for a job."""
    spatial = (None, None) if job.size is None else job.size
    scale = job.network.facts.net_scale
    out = (None, None) if job.size is None else (job.size[0] * scale, job.size[1] * scale)
    channels = job.network.facts.channels
    image, restored = (_spec("image", spatial, channels, job.io), _spec("restored", out, channels, job.io))
    return Written(path, image, restored, needs)


def _spec(name: str, spatial: tuple[int | None, int | None], channels: int, io: str) -> TensorSpec:
    if io == "uint8":
        shape = (1, *spatial, channels)
        return TensorSpec(
            name=name, shape=shape, layout="NHWC", dtype="uint8", quant_scale=1 / 255, zero_point=0
        )
    return TensorSpec(name=name, shape=(1, channels, *spatial), layout="NCHW", dtype="float32")
