"""A model file of an export as its manifest describes it, and what all files of one export have in common.

``artifact.json`` and a bundle's ``edgeir.json`` are made of these.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from edgeir.core.config import Config
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.ladder import Ladder
from edgeir.manifest.parity import AnyParity, Change, NativeRun

__all__ = [
    "Count",
    "Exported",
    "Golden",
    "Inside",
    "ModelFile",
    "RuntimeNeeds",
    "Statistics",
    "TensorSpec",
]

Statistics = Literal["image", "constant"]
"""Source of a network's global statistics: its input image, or calibration."""


Side = Annotated[int, Field(ge=1, le=1_000_000)]
"""Of a tensor."""
Count = Annotated[int, Field(ge=0, le=10**18)]
"""A number of bytes, weights or operations."""


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    plain = value.isprintable() and not set(value) & set("\\:") and path.as_posix() == value
    if not plain or not path.parts or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"`{value}` is no path inside the artifact")
    return value


Inside = Annotated[str, AfterValidator(_inside)]
"""A path of a file or folder that lies below the manifest's folder, its parts separated by ``/``."""


class TensorSpec(Config):
    """One input or output of a model file; integer values are real = (q - zero_point) * quant_scale."""

    name: str
    shape: tuple[Side | None, Side | None, Side | None, Side | None]
    """`None` marks a dynamic dimension."""
    layout: Literal["NHWC", "NCHW"]
    dtype: Literal["float32", "float16", "uint8", "int8"]
    value_range: tuple[float, float] = (0.0, 1.0)
    quant_scale: float | None = Field(None, gt=0, le=1e6)
    zero_point: int | None = Field(None, ge=-128, le=255)

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Height and width; None where dynamic."""
        return self.shape[1:3] if self.layout == "NHWC" else self.shape[2:4]

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """Height and width, or None where one of them is dynamic."""
        height, width = self.size
        return None if height is None or width is None else (height, width)


class RuntimeNeeds(Config):
    """How old a runtime may be that runs a file."""

    stamp: str
    """The version of the format that the file says it is, in the format's own words."""
    runtime: str
    """The distribution whose versions follow."""
    stated: str | None = None
    """The oldest version that reads the stamp, by the runtime's own table of versions; None: none that is known."""
    measured: str | None = None
    """The oldest version on which files of this kind were run and were right; None: they were on none."""


class Golden(Config):
    """An input of a model file and its output, ``.npy`` arrays to test an app with, and how far the output may be off.

    The arrays have the batch dimension, and the layout of the file's input and output.
    """

    input: Inside
    """In the type of the file's input."""
    output: Inside
    """What the file made of it when it was exported, in the type of its output."""
    expected: Inside
    """What the network makes of it: float32 in [0, 1], in the layout of `output`."""
    max_abs_error: float = Field(gt=0)
    """Largest difference of any value from `expected` that is right, on the [0, 1] scale: that of the export's gate."""
    p99_abs_error: float = Field(gt=0)
    """Largest 99th percentile of these differences that is right."""


class ModelFile(Config):
    """One model file of an artifact: format and precision, input and output, and its proof."""

    path: Inside
    """Of the file, or of the folder that the format is; in the manifest's folder."""
    target: str
    """The format, a name of `edgeir.runtime.catalog`."""
    precision: str
    """Short name of the quantisation plan."""
    profile: str
    """Name of its export profile."""
    inputs: Annotated[tuple[TensorSpec, ...], Field(min_length=1)]
    outputs: Annotated[tuple[TensorSpec, ...], Field(min_length=1)]
    bytes: Count
    """Of the file, or of all files of the folder."""
    sha256: str
    """Of the file, or of the tree (`edgeir.core.files.sha256_tree`)."""
    macs: Count
    """Multiply-accumulates of one run at the input size (dynamic: per 1280x720 output)."""
    needs: RuntimeNeeds | None = None
    """How old a runtime may be; None where nothing is known of it."""
    parity: AnyParity
    native_runs: tuple[NativeRun, ...] = ()
    """Proofs of `edgeir prove` where the file's own runtime is; the latest for each engine and system."""
    golden: Golden | None = None
    """An input and its output; None where none was written."""
    worst: Inside | None = None
    """A picture of the photograph on which the file loses most: truth, network, file and difference; None: there is
    none."""
    sizes: tuple[tuple[int, int], ...] = ()
    """The only input heights and widths that it takes, where it takes several, its default first."""

    @property
    def size(self) -> tuple[int, int] | None:
        """The only input height and width that it takes, of several the default; None: any."""
        return self.sizes[0] if self.sizes else self.inputs[0].fixed_size

    def at(self, size: tuple[int, int]) -> ModelFile:
        """The same file, to be run at one of its `sizes`."""
        return self.model_copy(update={"sizes": (size,)})


class Exported(Config):
    """What a manifest says of one or more model files that were made of one network with the same settings."""

    format: str
    """Name and version of the schema."""
    source: str
    """Name of the checkpoint or zoo entry."""
    checkpoint_sha256: str
    facts: NetworkFacts
    parameters: Count
    files: Annotated[tuple[ModelFile, ...], Field(min_length=1)]
    """The first one is the default."""
    statistics: Statistics | None = None
    """Source of its global statistics; None for a network without any."""
    constants: Change | None = None
    """Change by constant statistics: the torch network with constants against that with each image's statistics."""
    ladder: Ladder | None = None
    """What was tried, where the precision was chosen among several."""
    versions: dict[str, str] = {}
    revision: str | None = None

    @property
    def main(self) -> ModelFile:
        """The first file."""
        return self.files[0]
