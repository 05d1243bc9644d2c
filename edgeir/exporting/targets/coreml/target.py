"""Core ML (``.mlpackage``): an ML program by coremltools, from torch's exported program.

With ``--io float`` input and output are NCHW arrays in [0, 1]; with ``--io uint8`` they are RGB images (pixel buffers),
the scales 1/255 and 255 inside. Two exports of one network give the same bytes: `normalise` takes out what is drawn
or dated. int8 weights are coremltools' own (`linear_quantize_weights`); 8-bit activations are in `activations`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from edgeir.core.config import Config
from edgeir.core.errors import ExportError
from edgeir.core.requires import require
from edgeir.exporting.converting import conversion_errors, explained
from edgeir.exporting.layers import WEIGHTS_ONLY, check_plan
from edgeir.exporting.prepared import prepared
from edgeir.exporting.target import Job, Written, refuse_grid, rounded_job
from edgeir.exporting.targets.coreml.normalise import normalise
from edgeir.manifest.artifact import TensorSpec
from edgeir.quantize.plan import PLANS, Plan
from edgeir.runtime.mil.package import FACTS_KEY

__all__ = ["CoreML"]

_KNOWN = frozenset({"mish", "conv_transpose2d", "pixel_unshuffle"})
"""Operators that need no equivalent."""
Deployment = Literal["iOS15", "iOS16", "iOS17", "iOS18"]
_OLDEST_FOR_ACTIVATIONS = "iOS17"


class CoreML(Config):
    """Settings of a Core ML export."""

    kind: Literal["coreml"] = "coreml"
    unmade: ClassVar[dict[str, str]] = {
        "dynamic": "it has no activations that are quantised as they run",
        "int8-tensor": "its 8-bit weights have a scale per channel",
        "int16x8": "its integer activations have 8 bits",
    }
    """See `edgeir.exporting.target.reason_against`."""
    precision: Plan = PLANS["fp32"]
    """The quantisation plan: fp32; fp16; w8 stores weights in 8 bits and computes in 16; int8 also has 8-bit
    activations at the convolutions."""
    deployment: Deployment | None = None
    """Oldest system that takes the package (macOS 12 to 15 likewise); None: iOS16, or iOS17 for int8."""

    enumerated: bool = False
    """One package for all sizes that are asked for, as enumerated shapes, in place of one for each; the first one is
    its default."""

    flat_rounding: bool = True
    """8-bit weights: round them so that their errors cancel on flat areas (`edgeir.quantize.rounding`)."""

    # Fields above are settings of a profile; what follows is the `Target` protocol.

    @property
    def calibrates(self) -> bool:
        return self.precision.default.integer

    @property
    def dynamic(self) -> bool:
        return False

    @property
    def joins_sizes(self) -> bool:
        """See `edgeir.exporting.target.joins_sizes`."""
        return self.enumerated

    def write(self, job: Job, path: Path) -> Written:
        """See `edgeir.exporting.target.Target`; needs a fixed size."""
        check_plan(self.precision, job.network, more=(WEIGHTS_ONLY,))
        size = self._checked(job)
        job = rounded_job(job, self.precision) if self.flat_rounding else job
        with conversion_errors("Core ML"):
            require("coremltools", "exporting to Core ML")
            model = self._convert(job, size)
            model.user_defined_metadata[FACTS_KEY] = job.network.facts.model_dump_json()
            model.save(str(path))
            normalise(path)
        if job.more_sizes:
            ends = (_spec("image", job, (None, None)), _spec("restored", job, (None, None)))
            return Written(path, *ends, sizes=(size, *job.more_sizes))
        scale = job.network.facts.net_scale
        return Written(
            path,
            _spec("image", job, size),
            _spec("restored", job, (size[0] * scale, size[1] * scale)),
        )

    def _checked(self, job: Job) -> tuple[int, int]:
        if job.size is None:
            raise ExportError("Core ML files have a fixed input size", fix="pass --size HEIGHTxWIDTH")
        if job.io == "int8":
            raise ExportError(
                "a Core ML package takes float32 or an image, not int8", fix="choose --io uint8 or float"
            )
        if self.precision.layers:
            raise ExportError(
                "a Core ML package cannot keep single layers at another precision yet",
                fix="choose --precision fp16 or w8",
            )
        if self.precision.default.granularity == "tensor":
            raise ExportError(
                "int8 weights of a Core ML package have a scale per channel", fix="leave granularity out"
            )
        if self.calibrates and job.more_sizes:
            raise ExportError(
                "8-bit activations are traced at one size: a package of several sizes cannot have them",
                fix="choose --precision w8, or leave target.enumerated out",
            )
        if self.calibrates and self.deployment in ("iOS15", "iOS16"):
            raise ExportError(
                f"8-bit activations need {_OLDEST_FOR_ACTIVATIONS} or newer, not {self.deployment}",
                fix="choose --precision w8, or another target.deployment",
            )
        if self.precision.default == WEIGHTS_ONLY and self.deployment == "iOS15":
            raise ExportError("8-bit weights need iOS16 or newer", fix="choose --precision fp16")
        refuse_grid(job, "Core ML")
        return job.size

    def _convert(self, job: Job, size: tuple[int, int]) -> Any:
        import coremltools as ct
        import torch

        from edgeir.exporting.targets.coreml.activations import quantise_activations
        from edgeir.exporting.targets.coreml.ends import Ends

        channels, image = job.network.facts.channels, job.io == "uint8"
        example = torch.zeros(1, channels, *size)
        made = prepared(job.network, None if job.more_sizes else size, known=_KNOWN)
        network = made.module
        if self.calibrates:
            network = quantise_activations(network, job.calibration, example)
        sides: Any = None
        if job.more_sizes:
            multiple = job.network.facts.size_multiple
            sides = ({2: _open_side("height", multiple), 3: _open_side("width", multiple)},)
        program = torch.export.export(
            Ends(network, image=image).eval(), (example,), dynamic_shapes=sides
        ).run_decompositions({})
        # It writes a factor and a shift as a batch normalisation whose epsilon, 1e-5, changes the factor.
        passes = ct.PassPipeline.DEFAULT
        passes.remove_passes({"common::fuse_elementwise_to_batchnorm"})
        default = self.precision.default
        oldest = self.deployment or (_OLDEST_FOR_ACTIVATIONS if self.calibrates else "iOS16")
        with explained("Core ML", made.program):
            model = ct.convert(
                program,
                convert_to="mlprogram",
                skip_model_load=True,
                pass_pipeline=passes,
                minimum_deployment_target=getattr(ct.target, oldest),
                compute_precision=(
                    ct.precision.FLOAT32 if default.activations == "float32" else ct.precision.FLOAT16
                ),
                inputs=[_entry(ct, [(1, channels, *each) for each in (size, *job.more_sizes)], image=image)],
                outputs=[_exit(ct, channels, image=image)],
            )
        if default.weights != "int8":
            return model
        from coremltools.optimize import coreml as optimize

        settings = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=0)
        return optimize.linear_quantize_weights(model, optimize.OptimizationConfig(global_config=settings))


def _open_side(name: str, multiple: int) -> Any:
    import torch

    if multiple == 1:
        return torch.export.Dim(name, min=1)
    return multiple * torch.export.Dim(f"{name}_units", min=1)


def _entry(ct: Any, shapes: list[tuple[int, ...]], *, image: bool) -> Any:
    shape: Any = shapes[0] if len(shapes) == 1 else ct.EnumeratedShapes(shapes=shapes, default=shapes[0])
    if not image:
        return ct.TensorType(name="image", shape=shape, dtype=np.float32)
    layout = ct.colorlayout.GRAYSCALE if shapes[0][1] == 1 else ct.colorlayout.RGB
    return ct.ImageType(name="image", shape=shape, color_layout=layout)


def _exit(ct: Any, channels: int, *, image: bool) -> Any:
    if not image:
        return ct.TensorType(name="restored", dtype=np.float32)
    layout = ct.colorlayout.GRAYSCALE if channels == 1 else ct.colorlayout.RGB
    return ct.ImageType(name="restored", color_layout=layout)


def _spec(name: str, job: Job, size: tuple[int | None, int | None]) -> TensorSpec:
    channels = job.network.facts.channels
    if job.io == "float":
        return TensorSpec(name=name, shape=(1, channels, *size), layout="NCHW", dtype="float32")
    return TensorSpec(
        name=name, shape=(1, *size, channels), layout="NHWC", dtype="uint8", quant_scale=1 / 255, zero_point=0
    )
