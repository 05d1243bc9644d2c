"""What a target is asked for and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeir.manifest.artifact import TensorSpec

if TYPE_CHECKING:
    from edgeir.models import Network

__all__ = ["Converted", "Job", "Precision", "Target"]

Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class Job:
    """One model file to make.

    Attributes:
        network: in its training form; a target exports ``network.deploy()``.
        size: fixed input height and width; None asks for dynamic ones.
        io: what the file takes and gives: float32 images in [0, 1], or bytes.
        calibration: (N, H, W, C) float32 network inputs in [0, 1], for int8; any H and W.
    """

    network: Network
    size: tuple[int, int] | None
    io: Literal["float", "uint8"]
    calibration: NDArray[np.float32]


@dataclass(frozen=True)
class Converted:
    """One model file, not yet written."""

    data: bytes
    input: TensorSpec
    output: TensorSpec


class Target(Protocol):
    """A file format: the seam that `export/litert.py` and `export/onnx.py` implement."""

    @property
    def suffix(self) -> str:
        """Of the model file, with the dot."""
        ...

    @property
    def precision(self) -> Precision: ...

    @property
    def dynamic(self) -> bool:
        """The format can leave height and width open."""
        ...

    def convert(self, job: Job) -> Converted:
        """Convert the network.

        Raises:
            ExportError: it cannot be converted.
            MissingExtraError: the converter is not installed.
        """
        ...
