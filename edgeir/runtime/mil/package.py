"""Read a Core ML package: its program, its input and output, what edgeir left in its metadata."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require
from edgeir.runtime.compare import FileTensor
from edgeir.runtime.quiet import libraries_silenced

__all__ = ["FACTS_KEY", "MODEL_PATH", "WEIGHTS_FOLDER", "Package", "read_package"]

FACTS_KEY = "edgeir_facts"
"""The key of the user-defined metadata that holds `NetworkFacts` as JSON."""
DATA = Path("Data") / "com.apple.CoreML"
MODEL_PATH = DATA / "model.mlmodel"
WEIGHTS_FOLDER = DATA / "weights"
MAX_BYTES = 1 << 31


@dataclass(frozen=True)
class Package:
    """A package, read.

    Attributes:
        function: the main function of the program (coremltools' `Function`).
        input, output: as the package describes them; an image is uint8, NHWC, with a scale of 1/255.
        facts: JSON of the network's facts; None in a package that edgeir did not write.
    """

    function: Any
    input: FileTensor
    output: FileTensor
    facts: str | None


def read_package(folder: Path) -> Package:
    """Read the package `folder`.

    Raises:
        ArtifactError: it is no package, or damaged, or holds something else than one program of one image.
        MissingExtraError: coremltools is not installed.
    """
    with libraries_silenced():  # what coremltools has to say of other packages when it is imported
        require("coremltools", "running a .mlpackage artifact")
    _check_files(folder)
    try:
        with libraries_silenced():
            function, description = _loaded(folder)
        found = Package(
            function,
            entry := _described(description.input),
            _described(description.output, entry.shape[3 if entry.layout == "NHWC" else 1]),
            dict(description.metadata.userDefined).get(FACTS_KEY),
        )
    except ArtifactError:
        raise
    except Exception as error:  # a damaged protobuf or weights file leads anywhere
        short = (str(error).splitlines() or [""])[0][:150]
        raise ArtifactError(
            f"the Core ML package is damaged: {type(error).__name__}: {short}", where=folder
        ) from error
    if len(function.outputs) != 1:
        raise ArtifactError(f"its program has {len(function.outputs)} outputs instead of one", where=folder)
    return found


def _check_files(folder: Path) -> None:
    for path in (Path("Manifest.json"), MODEL_PATH):
        if not (folder / path).is_file():
            raise ArtifactError(f"is no Core ML package: `{path.as_posix()}` is missing", where=folder)
    try:
        entries = json.loads((folder / "Manifest.json").read_text(encoding="utf-8"))["itemInfoEntries"]
        listed = {entry["path"] for entry in entries.values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError("the Manifest.json of the Core ML package is damaged", where=folder) from error
    if "com.apple.CoreML/model.mlmodel" not in listed:
        raise ArtifactError("the Manifest.json of the Core ML package does not list its model", where=folder)
    if (folder / MODEL_PATH).stat().st_size > MAX_BYTES:
        raise ArtifactError("the model of the Core ML package has more than 2 GiB", where=folder)


def _loaded(folder: Path) -> tuple[Any, Any]:
    from coremltools.converters.mil.frontend.milproto import load as milproto
    from coremltools.proto import Model_pb2

    spec = Model_pb2.Model()
    spec.ParseFromString((folder / MODEL_PATH).read_bytes())
    if spec.WhichOneof("Type") != "mlProgram":
        raise ArtifactError("holds no ML program", where=folder)
    program = milproto.load(
        spec, specification_version=spec.specificationVersion, file_weights_dir=str(folder / WEIGHTS_FOLDER)
    )
    return program.functions["main"], spec.description


def _described(features: Any, channels: int | None = None) -> FileTensor:
    """A feature; `channels` of an output array that does not say its shape."""
    (feature,) = features
    kind = feature.type.WhichOneof("Type")
    if kind == "imageType":
        image = feature.type.imageType
        planes = 1 if image.colorSpace == 10 else 3  # GRAYSCALE, else RGB
        sizes = tuple((int(size.height), int(size.width)) for size in image.enumeratedSizes.sizes)
        flexible = image.WhichOneof("SizeFlexibility") is not None
        height, width = (None, None) if flexible else (int(image.height), int(image.width))
        return FileTensor(
            feature.name,
            (1, height, width, planes),
            "uint8",
            "NHWC",
            (1 / 255, 0),
            _first(sizes, (int(image.height), int(image.width))),
        )
    if kind != "multiArrayType":
        raise ArtifactError(f"its `{feature.name}` is neither an image nor an array")
    array = feature.type.multiArrayType
    # Array types of the format: 65552 is float16, 65568 float32.
    dtype = {65552: "float16", 65568: "float32"}.get(array.dataType, f"type {array.dataType}")
    sizes = tuple((int(each.shape[2]), int(each.shape[3])) for each in array.enumeratedShapes.shapes)
    if sizes:
        default = (int(array.shape[2]), int(array.shape[3]))
        shape = (1, int(array.shape[1]), None, None)
        return FileTensor(feature.name, shape, dtype, "NCHW", sizes=_first(sizes, default))
    if not array.shape:  # the output of a program whose input has several sizes
        return FileTensor(feature.name, (1, channels, None, None), dtype, "NCHW")
    return FileTensor(feature.name, tuple(int(side) for side in array.shape), dtype, "NCHW")


def _first(sizes: tuple[tuple[int, int], ...], default: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """The sizes with the default in front; Core ML keeps no order."""
    return (default, *(size for size in sizes if size != default)) if default in sizes else sizes
