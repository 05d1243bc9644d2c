"""LiteRT (``.tflite``): litert-torch, rewritten to a clean NHWC graph, quantised after training.

The graph that comes out takes and gives NHWC images and holds no TRANSPOSE, no RESHAPE, nothing above rank 4, and no
more DEPTH_TO_SPACE than the network has pixel shuffles; `clean_problems` lists exceptions, for networks with operations
that the rewrites do not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgeir.core.config import Config
from edgeir.core.errors import ExportError
from edgeir.core.requires import require
from edgeir.exporting.calibration import fitted
from edgeir.exporting.converting import conversion_errors, explained
from edgeir.exporting.layers import (
    DYNAMIC,
    SIXTEEN_BITS,
    WEIGHTS_ONLY,
    check_plan,
    float_layers,
    sixteen_bit_layers,
)
from edgeir.exporting.prepared import Prepared, prepared
from edgeir.exporting.target import Job, Written, equalised_job, refuse_grid, rounded_job
from edgeir.exporting.targets.litert.passes.clip import ClipStyle, hoist_clip, write_clip
from edgeir.exporting.targets.litert.passes.deformable import expand_deformable
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.half import halve_weights
from edgeir.exporting.targets.litert.passes.layout import (
    cancel_transposes,
    write_reshapes_as_transposes,
)
from edgeir.exporting.targets.litert.passes.mean import split_means
from edgeir.exporting.targets.litert.passes.pool import pad_pools_with_zeros
from edgeir.exporting.targets.litert.passes.prelu import fuse_prelu
from edgeir.exporting.targets.litert.passes.rank import keep_mean_rank
from edgeir.exporting.targets.litert.passes.residual import merge_added_convolutions
from edgeir.exporting.targets.litert.passes.root import divide_by_roots
from edgeir.exporting.targets.litert.passes.shuffle import fold_pixel_shuffle
from edgeir.exporting.targets.litert.passes.split import slice_partial_splits
from edgeir.exporting.targets.litert.quantize.bias import correct_output_bias
from edgeir.exporting.targets.litert.quantize.fit import is_bound_to_size
from edgeir.exporting.targets.litert.quantize.int8 import finish, quantise, take_tail
from edgeir.exporting.targets.litert.quantize.moves import keep_moves_integer
from edgeir.exporting.targets.litert.quantize.named import outputs_of
from edgeir.exporting.targets.litert.quantize.sixteen import finish_sixteen
from edgeir.exporting.targets.litert.quantize.trained import set_trained_weights, trained_ranges
from edgeir.exporting.targets.litert.quantize.weights import store_weights
from edgeir.exporting.targets.litert.releases import needs_of
from edgeir.manifest.artifact import TensorSpec
from edgeir.quantize.plan import PLANS, Plan
from edgeir.quantize.ranges import RangeRule
from edgeir.runtime.litert_metadata import FACTS_ENTRY

if TYPE_CHECKING:
    from edgeir.models import Network

__all__ = ["LiteRT", "clean_problems", "pixel_shuffles"]


class LiteRT(Config):
    """Settings of a LiteRT export."""

    kind: Literal["tflite"] = "tflite"
    precision: Plan = PLANS["fp32"]
    """The quantisation plan. fp16 stores the weights in 16 bits, the runtime computes in 32 or 16; w8 and dynamic store
    them in 8; int8, int8-tensor and int16x8 are integer from end to end."""
    clip: ClipStyle = "relu_n1_to_1"
    """How fp32 and fp16 write the clip to [0, 1] (see `passes.clip`); int8 needs none."""
    merge_residual: bool = True
    """Fold an image-space residual convolution into the one it is added to."""
    ranges: RangeRule = "minmax"
    """int8: how activation ranges follow from the calibration images."""
    flat_rounding: bool = True
    """8-bit weights: round them so that their errors cancel on flat areas (`edgeir.quantize.rounding`)."""
    equalise: bool = False
    """Precisions with 8-bit weights: equalise the channels between convolutions first (`edgeir.quantize.equalise`)."""
    correct_bias: bool = True
    """8-bit weights: shift the last biases so that the mean colour on the calibration images is the float network's."""
    require_clean: bool = True
    """Fail when a layout operator or a tensor above rank 4 is left in the graph."""

    # Fields above are settings of a profile; what follows is the `Target` protocol.

    @property
    def calibrates(self) -> bool:
        return self.precision.default.weights == "int8"

    @property
    def dynamic(self) -> bool:
        return False

    def write(self, job: Job, path: Path) -> Written:
        """See `edgeir.exporting.target.Target`; needs a fixed size."""
        check_plan(
            self.precision, job.network, more=(WEIGHTS_ONLY, DYNAMIC, SIXTEEN_BITS), single=(SIXTEEN_BITS,)
        )
        if (size := job.size) is None:
            raise ExportError("LiteRT files have a fixed input size", fix="pass --size HEIGHTxWIDTH")
        if not self.precision.default.integer and job.io != "float":
            raise ExportError(f"--io {job.io} needs --precision int8 or int16x8", fix="or keep --io float")
        if self.precision.default.integer and "deformable sampling" in job.network.facts.global_operations:
            raise ExportError(
                f"{self.precision.name} is not possible for a LiteRT graph with deformable sampling, which computes "
                "positions in float32",
                fix="choose --precision fp16 or fp32, or --target onnx",
            )
        refuse_grid(job, "LiteRT")
        job = equalised_job(job) if self.equalise and self.calibrates else job
        job = rounded_job(job, self.precision) if self.flat_rounding else job
        with conversion_errors("LiteRT"):
            require("litert_torch", "exporting to LiteRT")
            made = prepared(job.network, size)
            data = self._convert(made, job, size)
        graph = Graph(data)
        graph.metadata[FACTS_ENTRY] = job.network.facts.model_dump_json().encode()
        data = graph.to_bytes()
        if self.require_clean and (
            problems := clean_problems(graph, shuffles=pixel_shuffles(job.network, made))
        ):
            raise ExportError(
                f"the LiteRT graph is not clean: {', '.join(problems)}{_place(made)}",
                fix="set target.require_clean to false to export it anyway",
            )
        path.write_bytes(data)
        needs = needs_of(graph, job.network.config.operators, self.precision.name)
        return Written(path, _spec(graph, graph.inputs[0]), _spec(graph, graph.outputs[0]), needs)

    def _convert(self, made: Prepared, job: Job, size: tuple[int, int]) -> bytes:
        graph = Graph(_as_it_comes(made, job, size))
        while fold_pixel_shuffle(graph):  # a shuffle behind another one shows once the first is folded
            cancel_transposes(graph)
        write_reshapes_as_transposes(graph)
        cancel_transposes(graph)
        keep_mean_rank(graph)
        split_means(graph)
        pad_pools_with_zeros(graph)
        hoist_clip(graph)
        expand_deformable(graph)  # after the passes above: it adds many operators
        slice_partial_splits(graph)
        if self.precision.default.integer:
            return self._integers(graph, job, size)
        if self.merge_residual:
            merge_added_convolutions(graph)
        divide_by_roots(graph)
        fuse_prelu(graph)
        if self.precision.default.weights == "int8":
            graph = self._eight_bit_weights(graph, job, size)
        write_clip(graph, self.clip)
        if self.precision.default.weights == "float16":
            halve_weights(graph)
        return graph.to_bytes()

    def _eight_bit_weights(self, graph: Graph, job: Job, size: tuple[int, int]) -> Graph:
        """The float graph with 8-bit weights, which shift its colours until the last bias is corrected."""
        reference = graph.to_bytes()
        floats = float_layers(self.precision, job.network)
        outputs_of(graph, floats)
        dynamic = self.precision.default.activations == "dynamic"
        store_weights(graph, dynamic=dynamic, floats=floats.values())
        if not self.correct_bias:
            return graph
        inputs = job.calibration.inputs
        if is_bound_to_size(Graph(reference)):
            inputs = fitted(inputs, size)
        return Graph(correct_output_bias(graph.to_bytes(), reference, inputs))

    def _integers(self, graph: Graph, job: Job, size: tuple[int, int]) -> bytes:
        """The integer graph of a float one, by the plan and the calibration images."""
        tail = take_tail(graph)
        if self.merge_residual:
            merge_added_convolutions(graph)
        core = graph.to_bytes()
        default = self.precision.default
        ranged, inputs = job.calibration.range_inputs, job.calibration.inputs
        if is_bound_to_size(graph):
            ranged, inputs = fitted(ranged, size), fitted(inputs, size)
        trained = job.trained
        integer = quantise(
            core,
            ranged,
            rule=self.ranges,
            per_tensor=default.granularity == "tensor",
            sixteen_bits=default.activations == "int16",
            floats=float_layers(self.precision, job.network),
            sixteens=sixteen_bit_layers(self.precision, job.network),
            given=None if trained is None else trained_ranges(trained, core, size),
        )
        integer = keep_moves_integer(integer)
        if trained is not None:
            integer = set_trained_weights(integer, Graph(core), trained)
        elif self.correct_bias:
            integer = correct_output_bias(integer, core, inputs)
        return (finish_sixteen if default.activations == "int16" else finish)(integer, tail, job.io)


def clean_problems(graph: Graph, *, shuffles: int = 1) -> list[str]:
    """What delegates on phones do not run well: layout changes, high ranks, more DEPTH_TO_SPACE than `shuffles`."""
    kinds = graph.kinds()
    problems = [f"{kinds.count(kind)} {kind}" for kind in ("TRANSPOSE", "RESHAPE") if kind in kinds]
    if kinds.count("DEPTH_TO_SPACE") > shuffles:
        problems.append(f"{kinds.count('DEPTH_TO_SPACE')} DEPTH_TO_SPACE")
    indices = {int(i) for op in graph.operators for i in (*op.inputs, *op.outputs) if i >= 0}
    high = max((len(graph.shape(index)) for index in indices), default=0)
    return [*problems, f"rank {high}"] if high > 4 else problems


def _place(made: Prepared) -> str:
    """Where another author's network goes above rank 4, the usual cause of what is not clean."""
    if made.program is None:
        return ""
    from edgeir.exporting.recording import line_of_rank

    return line_of_rank(made.program, 4)


def pixel_shuffles(network: Network, made: Prepared | None = None) -> int:
    """How many DEPTH_TO_SPACE a clean graph of the network may hold: its pixel shuffles, at least one.

    Each is one native operator, and two of x2 are cheaper than one of x4: a 3x3 convolution between them, moved in
    front of both, has four times the products (measured on EDSR's upsampler: three times the time).
    """
    from torch import nn

    if made is not None and made.program is not None:
        from edgeir.exporting.equivalents import count_pixel_shuffles

        return max(1, count_pixel_shuffles(made.program))
    return max(1, sum(isinstance(module, nn.PixelShuffle) for module in network.deploy().modules()))


def _as_it_comes(made: Prepared, job: Job, size: tuple[int, int]) -> bytes:
    """litert-torch's conversion with NHWC input and output."""
    import litert_torch
    import torch

    from edgeir.exporting.targets.litert.passes.stand_in import put_stand_ins

    module = litert_torch.to_channel_last_io(put_stand_ins(made.module), args=[0], outputs=[0]).eval()
    with explained("LiteRT", made.program):
        converted: Any = litert_torch.convert(module, (torch.zeros(1, *size, job.network.facts.channels),))
    return bytes(converted.model_content())


def _spec(graph: Graph, index: int) -> TensorSpec:
    dtype = graph.dtype(index).lower()
    scale, zero_point = (None, None) if dtype == "float32" else graph.quantisation(index)
    return TensorSpec(
        name=graph.name(index),
        shape=graph.shape(index),
        layout="NHWC",
        dtype=dtype,
        quant_scale=scale,
        zero_point=zero_point,
    )
