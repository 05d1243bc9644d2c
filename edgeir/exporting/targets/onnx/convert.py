"""From a network to a tidy ONNX graph for float images, by torch's dynamo exporter."""

from __future__ import annotations

from typing import Any

from edgeir.core.requires import require
from edgeir.exporting.converting import explained
from edgeir.exporting.prepared import prepared
from edgeir.exporting.target import Job

__all__ = ["as_it_comes", "drop_clip", "fix_size"]


def as_it_comes(job: Job, opset: int, size: tuple[int, int] | None) -> Any:
    """The exporter's model for inputs of `size` or of any: input ``image``, output ``restored``, NCHW float32."""
    import torch

    multiple = job.network.facts.size_multiple
    least = -(-job.network.least_side // multiple)
    height, width = size or (
        multiple * (least + 8),
        multiple * (least + 6),
    )  # unequal, so that no symbol is shared
    recording = prepared(job.network, (height, width))  # refuses what cannot be recorded, with the line
    shapes: Any = None
    if size is None:
        shapes = ({2: _dimension("height", multiple, least), 3: _dimension("width", multiple, least)},)
    with explained("ONNX", recording.program):
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


def fix_size(model: Any, job: Job) -> None:
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


def _dimension(name: str, multiple: int, least: int) -> Any:
    import torch

    return (
        torch.export.Dim(name, min=least)
        if multiple == 1
        else multiple * torch.export.Dim(f"{name}_units", min=least)
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


def drop_clip(model: Any) -> None:
    """Remove the final Clip: the quantised range of the output is [0, 1] and saturates."""
    last = next(node for node in model.graph.node if "restored" in node.output)
    if last.op_type == "Clip":
        before = next(node for node in model.graph.node if last.input[0] in node.output)
        users = [node for node in model.graph.node if last.input[0] in node.input]
        if len(users) == 1:
            before.output[0] = "restored"
            model.graph.node.remove(last)
            _clean(model)
