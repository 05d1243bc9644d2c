"""Code that uses a model file, for the README of a bundle: what the templates of all targets have in common.

A target's own templates lie beside it (``usage.py``); its entry in the catalog names the function that fills them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from string import Template

from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.model_file import ModelFile

__all__ = ["Snippet", "filled"]


@dataclass(frozen=True)
class Snippet:
    """A piece of code.

    Attributes:
        language: of the fence.
        title: language and library, for people.
        code: without the fence.
    """

    language: str
    title: str
    code: str


class _Code(Template):
    """Names begin with §, for braces, $, @ and % mean something in one language or another."""

    delimiter = "§"


def filled(snippet: Snippet, file: ModelFile, facts: NetworkFacts, **more: str) -> Snippet:
    """The template `snippet` with the file's own names, sizes and types, and with `more`.

    For a file of any size, sizes are variables ``height`` and ``width`` of the code.
    """
    scale, channels = facts.net_scale, facts.channels
    height, width = ("height", "width") if file.size is None else map(str, file.size)
    out_height, out_width = (
        (_times("height", scale), _times("width", scale))
        if file.size is None
        else (str(file.size[0] * scale), str(file.size[1] * scale))
    )
    values = {
        "file": file.path,
        "stem": PurePosixPath(file.path).stem,
        "suffix": PurePosixPath(file.path).suffix.removeprefix("."),
        "input": file.inputs[0].name,
        "output": file.outputs[0].name,
        "height": height,
        "width": width,
        "out_height": out_height,
        "out_width": out_width,
        "channels": str(channels),
        "photo": _photo(file, facts),
        "tensor": _tensor(file, channels),
        "image": _image(file, channels),
        **more,
    }
    return Snippet(snippet.language, snippet.title, _Code(snippet.code.strip("\n")).substitute(values))


def _times(name: str, scale: int) -> str:
    return name if scale == 1 else f"{name} * {scale}"


def _photo(file: ModelFile, facts: NetworkFacts) -> str:
    """Python that opens a photo with Pillow and brings it to the size that the file takes."""
    steps = [f'photo = Image.open("photo.png").convert("{"RGB" if facts.channels == 3 else "L"}")']
    enlarge = facts.scale if facts.input_kind == "bicubic" else 1
    if enlarge > 1:
        bigger = f"photo.width * {enlarge}, photo.height * {enlarge}"
        steps.append(f"photo = photo.resize(({bigger}), Image.Resampling.BICUBIC)")
    if file.size is not None:
        steps.append(
            f"photo = photo.crop((0, 0, {file.size[1]}, {file.size[0]}))  # a tile of a larger photo"
        )
    elif (multiple := facts.size_multiple) > 1:
        sides = f"photo.width // {multiple} * {multiple}, photo.height // {multiple} * {multiple}"
        steps.append(f"photo = photo.crop((0, 0, {sides}))")
    return "\n".join(steps)


def _tensor(file: ModelFile, channels: int) -> str:
    """A Python expression: the photo as the array that the file takes."""
    spec = file.inputs[0]
    pixels = "np.asarray(photo)"
    if spec.dtype == "int8":
        pixels = "(np.asarray(photo) ^ 0x80).view(np.int8)"  # less 128
    elif spec.dtype != "uint8":
        pixels = "np.asarray(photo, np.float32)"
    if channels == 1:
        pixels += "[None, ..., None]" if spec.layout == "NHWC" else "[None, None]"
    else:
        pixels += "[None]" if spec.layout == "NHWC" else ".transpose(2, 0, 1)[None]"
    return pixels if spec.dtype in ("int8", "uint8") else f"np.ascontiguousarray({pixels} / 255)"


def _image(file: ModelFile, channels: int) -> str:
    """A Python expression: the array `output` of the file as bytes of an image."""
    spec = file.outputs[0]
    if channels == 1:
        pixels = "output[0, ..., 0]" if spec.layout == "NHWC" else "output[0, 0]"
    else:
        pixels = "output[0]" if spec.layout == "NHWC" else "output[0].transpose(1, 2, 0)"
    if spec.dtype == "int8":
        return f"{pixels}.view(np.uint8) ^ 0x80"
    return pixels if spec.dtype == "uint8" else f"np.rint({pixels} * 255).astype(np.uint8)"
