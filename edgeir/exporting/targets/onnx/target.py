"""ONNX: torch's dynamo exporter, static QDQ int8 by onnxruntime.quantization.

Height and width are dynamic unless a size is asked for. Float files take and give NCHW float32 (fp16 ones too: the
casts are inside); ``--io uint8`` takes and gives **NHWC** bytes, which is how cameras and image decoders lay them out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.errors import ExportError
from edgeir.core.requires import require
from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.converting import conversion_errors
from edgeir.exporting.layers import check_plan, float_layers
from edgeir.exporting.target import Job, Written
from edgeir.exporting.targets.onnx.passes.bytes_in_out import bytes_in_and_out
from edgeir.exporting.targets.onnx.saturation import WeightRule
from edgeir.manifest.artifact import TensorSpec
from edgeir.quantize.plan import PLANS, Plan
from edgeir.runtime.onnxruntime import FACTS_PROPERTY

if TYPE_CHECKING:
    from edgeir.models import Network

__all__ = ["ONNX"]


class ONNX(Config):
    """Settings of an ONNX export."""

    kind: Literal["onnx"] = "onnx"
    precision: Plan = PLANS["fp32"]
    """The quantisation plan. fp16 computes in 16 bits between float32 ends; int8 is QDQ, per-channel weights."""
    opset: int = Field(20, ge=18, le=25)
    """Version of the operator set."""
    ranges: Literal["minmax", "percentile", "entropy"] = "minmax"
    """int8: how activation ranges follow from the calibration images."""
    activations: Literal["uint8", "int8"] = "uint8"
    """int8: type of the activations; weights are always int8."""
    weights: WeightRule = "pairs"
    """int8: `pairs` gives each output channel the finest scale with which no x86 CPU saturates; `reduced` uses 7 of 8
    bits, which holds in whatever order a kernel adds; `full` uses all 8: x86 CPUs without VNNI give wrong images."""
    correct_bias: bool = True
    """int8: shift the last biases so that the mean colour on the calibration images is that of the float network."""

    @property
    def calibrates(self) -> bool:
        return self.precision.default.integer

    @property
    def dynamic(self) -> bool:
        return True

    def write(self, job: Job, path: Path) -> Written:
        """See `edgeir.exporting.target.Target`."""
        check_plan(self.precision, job.network)
        if job.io == "int8":
            raise ExportError(
                "an ONNX file takes float32 or uint8, not int8", fix="choose --io uint8 or float"
            )
        with conversion_errors("ONNX"):
            require("onnxscript", "exporting to ONNX")
            require("onnxruntime", "exporting to ONNX")
            if self.precision.default.integer:  # calibration crops have a size of their own
                model = self._quantise(_as_it_comes(job, self.opset, None), job.network, job.calibration)
                _fix_size(model, job)
            else:
                model = _as_it_comes(job, self.opset, job.size)
            if self.precision.default.weights == "float16":
                model = _halve(model)
            if job.io == "uint8":
                model = bytes_in_and_out(model)
            model.metadata_props.add(key=FACTS_PROPERTY, value=job.network.facts.model_dump_json())
            data = model.SerializeToString()
        spatial = (None, None) if job.size is None else job.size
        scale = job.network.facts.net_scale
        out = (None, None) if job.size is None else (job.size[0] * scale, job.size[1] * scale)
        channels = job.network.facts.channels
        path.write_bytes(data)
        return Written(
            path, _spec("image", spatial, channels, job.io), _spec("restored", out, channels, job.io)
        )

    def _quantise(self, model: Any, network: Network, calibration: CalibrationData) -> Any:
        from edgeir.exporting.targets.onnx.qdq import correct_bias, quantise_qdq

        _drop_clip(model)
        settings: dict[str, Any] = {
            "ranges": self.ranges,
            "activations": self.activations,
            "weights": self.weights,
            "per_tensor": self.precision.default.granularity == "tensor",
            "floats": float_layers(self.precision, network),
        }
        integer = quantise_qdq(model, calibration.range_inputs, **settings)
        if self.correct_bias and correct_bias(model, integer, calibration.inputs):
            integer = quantise_qdq(model, calibration.range_inputs, **settings)
        return integer


def _as_it_comes(job: Job, opset: int, size: tuple[int, int] | None) -> Any:
    """The exporter's model for inputs of `size` or of any: input ``image``, output ``restored``, NCHW float32."""
    import torch

    multiple = job.network.facts.size_multiple
    height, width = size or (multiple * 8, multiple * 6)  # unequal, so that no symbol is shared
    shapes: Any = None
    if size is None:
        shapes = ({2: _dimension("height", multiple), 3: _dimension("width", multiple)},)
    program: Any = torch.onnx.export(
        job.network.deploy(),
        (torch.zeros(1, job.network.facts.channels, height, width),),
        input_names=["image"],
        output_names=["restored"],
        dynamic_shapes=shapes,
        opset_version=opset,
        dynamo=True,
        optimize=True,
        verbose=False,
    )
    model = program.model_proto
    _clean(model)
    return model


def _fix_size(model: Any, job: Job) -> None:
    """Give a model for any size the one that was asked for, if one was."""
    if job.size is None:
        return
    onnx = require("onnx", "exporting to ONNX")
    scale = job.network.facts.net_scale
    for value, factor in ((model.graph.input[0], 1), (model.graph.output[0], scale)):
        dimensions = value.type.tensor_type.shape.dim
        for dimension, length in zip(dimensions[2:], job.size, strict=True):
            dimension.dim_value = length * factor  # replaces the dimension's name
    del model.graph.value_info[:]
    model.CopyFrom(onnx.shape_inference.infer_shapes(model, strict_mode=True))


def _dimension(name: str, multiple: int) -> Any:
    import torch

    return (
        torch.export.Dim(name, min=1)
        if multiple == 1
        else multiple * torch.export.Dim(f"{name}_units", min=1)
    )


def _clean(model: Any) -> None:
    """Drop unused nodes and constants, and the exporter's module paths and source lines."""
    ir = require("onnx_ir", "exporting to ONNX")
    passes = require("onnx_ir.passes.common", "exporting to ONNX")
    read = ir.from_proto(model)
    passes.RemoveUnusedNodesPass()(read)
    passes.ClearMetadataAndDocStringPass()(read)
    graph = read.graph
    made = (value for node in ir.traversal.RecursiveGraphIterator(graph) for value in node.outputs)
    for value in (*graph.inputs, *graph.initializers.values(), *made):  # which the pass leaves alone
        value.metadata_props.clear()
    read.metadata_props.clear()
    model.CopyFrom(ir.to_proto(read))


def _drop_clip(model: Any) -> None:
    """Remove the final Clip: the quantised range of the output is [0, 1] and saturates."""
    last = next(node for node in model.graph.node if "restored" in node.output)
    if last.op_type == "Clip":
        before = next(node for node in model.graph.node if last.input[0] in node.output)
        users = [node for node in model.graph.node if last.input[0] in node.input]
        if len(users) == 1:
            before.output[0] = "restored"
            model.graph.node.remove(last)
            _clean(model)


def _halve(model: Any) -> Any:
    """Compute in float16 between float32 ends; the casts, which are appended at the end, are put where they can run."""
    ir = require("onnx_ir", "exporting to ONNX")
    passes = require("onnx_ir.passes.common", "exporting to ONNX")
    float16 = require("onnxruntime.transformers.float16", "fp16 for ONNX")
    halved = ir.from_proto(
        float16.convert_float_to_float16(model, keep_io_types=True, disable_shape_infer=True)
    )
    passes.TopologicalSortPass()(halved)
    return ir.to_proto(halved)


def _spec(name: str, spatial: tuple[int | None, int | None], channels: int, io: str) -> TensorSpec:
    if io == "uint8":
        shape = (1, *spatial, channels)
        return TensorSpec(
            name=name, shape=shape, layout="NHWC", dtype="uint8", quant_scale=1 / 255, zero_point=0
        )
    return TensorSpec(name=name, shape=(1, channels, *spatial), layout="NCHW", dtype="float32")
