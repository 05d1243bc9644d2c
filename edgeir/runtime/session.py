"""The interface of every runtime: a `Session`, a loaded network that maps an image to an image.

Inside edgeir an image is float32 RGB in [0, 1], HWC. A session casts to the artifact's own layout and
integer type (real = (q - zero_point) * quant_scale) and back, so that callers never see either.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.core.moments import Accumulator, Moments
from edgeir.manifest.artifact import Artifact, ModelFile, TensorSpec
from edgeir.manifest.facts import NetworkFacts

__all__ = [
    "RemoteSession",
    "Session",
    "StagedSession",
    "check_image",
    "check_made",
    "from_native",
    "run_checked",
    "to_native",
]


class Session(Protocol):
    """A network loaded by one runtime."""

    name: str
    """The source checkpoint or zoo entry, and the precision: ``sr-x4 tflite-int8``."""
    runtime: str
    """A name of `edgeir.runtime.catalog`."""
    facts: NetworkFacts
    input: TensorSpec
    fixed_size: tuple[int, int] | None
    """The only accepted input height and width; None when any size goes."""
    artifact: Artifact | None
    """The manifest; None for a checkpoint."""
    file: ModelFile | None
    """The manifest's entry for the file that runs; None for a checkpoint."""
    source_sha256: str
    """SHA-256 of the file that runs: the model file, or the checkpoint's weights."""

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Image to image, both float32 HWC in [0, 1]; `x` is (H, W, `facts.channels`), of `fixed_size` where set."""
        ...

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """One run on a tensor already in the native layout and dtype, for timing.

        The result may be the runtime's own buffer: it is valid until the next call; copy it to keep it.
        """
        ...

    def close(self) -> None:
        """Release the runtime's memory; the session cannot run afterwards."""
        ...


@runtime_checkable
class RemoteSession(Session, Protocol):
    """A session whose network runs in a process of its own: its time and memory are measured there."""

    @property
    def transport_s(self) -> float:
        """Seconds that starting the process took, and of all runs so far the way there and back."""
        ...

    def memory_mib(self) -> tuple[float | None, float | None]:
        """The process's memory before the file was loaded, and its peak; None where the system does not say."""
        ...


@runtime_checkable
class StagedSession(Session, Protocol):
    """A session that accepts its network's global statistics, so that tiled output equals whole-image output."""

    stages: int
    """Number of layers with global statistics, in forward order; 0 where the network has none that can be set."""
    only_scale_features: bool
    """The statistics only scale features (channel attention): `all_stage_inputs` gathers them in one pass."""

    def stage_input(self, x: NDArray[np.float32], statistics: Sequence[Moments]) -> NDArray[np.float32]:
        """Input of the layer of stage ``len(statistics)``, (H, W, C), given the statistics of the earlier stages."""
        ...

    def all_stage_inputs(
        self, x: NDArray[np.float32], statistics: Sequence[Moments], rows: slice, columns: slice
    ) -> list[Accumulator]:
        """Moments of every stage's input over these rows and columns, given the statistics (of all stages, or none)."""
        ...

    def run_with_statistics(
        self, x: NDArray[np.float32], statistics: Sequence[Moments]
    ) -> NDArray[np.float32]:
        """Like `run`, with these statistics of all stages instead of those of `x`."""
        ...


def check_image(x: NDArray[Any], session: Session) -> None:
    """Raise `ArtifactError` when `x` is not an image of the channels and the size that the session takes."""
    channels = session.facts.channels
    if x.ndim != 3 or x.shape[2] != channels:
        raise ArtifactError(
            f"the input must have shape (H, W, {channels}), not {x.shape}", where=session.name
        )
    if session.fixed_size is not None and x.shape[:2] != session.fixed_size:
        height, width = session.fixed_size
        raise ArtifactError(
            f"takes {height}x{width} images only (height x width), not {x.shape[0]}x{x.shape[1]}",
            where=session.name,
            fix="tile the image (edgeir restore does) or export with another --size",
        )
    multiple = session.facts.size_multiple
    if x.shape[0] % multiple or x.shape[1] % multiple or 0 in x.shape:
        raise ArtifactError(
            f"height and width must be positive multiples of {multiple}, not {x.shape[0]}x{x.shape[1]}",
            where=session.name,
        )


def run_checked(
    x: NDArray[np.float32], session: Session, spec: TensorSpec, *, where: Path
) -> NDArray[np.float32]:
    """`Session.run` by way of `run_raw`, with the shapes on both sides checked; `spec` is that of the output, and
    `where` the model file, which an error names."""
    check_image(x, session)
    tensor = to_native(x, session.input)
    raw = session.run_raw(tensor)
    check_made(raw, tensor, spec, session, where=where)
    return from_native(raw, spec)


def check_made(
    raw: NDArray[Any], tensor: NDArray[Any], spec: TensorSpec, session: Session, *, where: Path
) -> None:
    """Raise `ArtifactError` if `raw`, made of the native `tensor`, has not the shape that the facts say.

    For files of any size, which show it only when they run.
    """
    scale, channels = session.facts.net_scale, session.facts.channels
    sides = tensor.shape[1:3] if session.input.layout == "NHWC" else tensor.shape[2:]
    height, width = (side * scale for side in sides)
    layouts = {"NHWC": (1, height, width, channels), "NCHW": (1, channels, height, width)}
    if raw.shape != layouts[spec.layout]:
        raise ArtifactError(
            f"made {raw.shape} of {tensor.shape}, the manifest says scale {scale} and {channels} channels",
            where=where,
            fix="the manifest or the file was changed: export it again",
        )


def to_native(x: NDArray[np.float32], spec: TensorSpec) -> NDArray[Any]:
    """(H, W, C) float in [0, 1] to the batched tensor of `spec`: layout, dtype, quantisation (round half to even)."""
    tensor: NDArray[Any] = x[None] if spec.layout == "NHWC" else x.transpose(2, 0, 1)[None]
    if spec.dtype in ("uint8", "int8"):
        limits = np.iinfo(spec.dtype)
        scale, zero_point = _quantisation(spec)
        tensor = np.clip(np.rint(tensor / np.float32(scale)) + zero_point, limits.min, limits.max)
    return np.ascontiguousarray(tensor, dtype=spec.dtype)


def from_native(tensor: NDArray[Any], spec: TensorSpec) -> NDArray[np.float32]:
    """The batched tensor of `spec` to a new (H, W, C) float32 image."""
    image = tensor[0] if spec.layout == "NHWC" else tensor[0].transpose(1, 2, 0)
    if spec.dtype in ("uint8", "int8"):
        scale, zero_point = _quantisation(spec)
        real: NDArray[np.float32] = (image.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
        return real
    return np.array(image, dtype=np.float32, order="C")


def _quantisation(spec: TensorSpec) -> tuple[float, int]:
    if spec.quant_scale is None or spec.zero_point is None:
        raise ArtifactError(f"the {spec.dtype} tensor `{spec.name}` has no quant_scale or zero_point")
    return spec.quant_scale, spec.zero_point
