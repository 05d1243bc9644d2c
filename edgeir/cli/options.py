"""Options that several commands share, so that one name means one thing everywhere."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from edgeir.core.errors import ConfigError
from edgeir.quantize.names import PLAN_NAMES
from edgeir.runtime.catalog import runtime_names, target_names

__all__ = [
    "AUTO",
    "EngineChoice",
    "ExportPrecision",
    "Json",
    "NewFolder",
    "OpenSize",
    "Overwrite",
    "PrecisionChoice",
    "Quiet",
    "ReceptiveRadius",
    "RuntimeChoice",
    "Sigma",
    "SizeMultiple",
    "StatedScale",
    "Suite",
    "TargetChoice",
    "Threads",
    "TimedRuntime",
    "TrustCode",
    "Weights",
    "parse_size",
]

AUTO = "auto"
"""The precision that is chosen among all: the fastest within a gate."""

if TYPE_CHECKING:  # Typer wants an enumeration, and what can be chosen is the catalog's affair
    EngineChoice: TypeAlias = str
    RuntimeChoice: TypeAlias = str
    TimedRuntime: TypeAlias = str
    TargetChoice: TypeAlias = str
    PrecisionChoice: TypeAlias = str
    ExportPrecision: TypeAlias = str
else:

    def _choice(name: str, values: list[str]) -> type[StrEnum]:
        return StrEnum(name, {value: value for value in values})

    EngineChoice = _choice("EngineChoice", ["local", "ray"])
    RuntimeChoice = _choice("RuntimeChoice", ["auto", *runtime_names()])
    TimedRuntime = _choice("TimedRuntime", runtime_names())
    TargetChoice = _choice("TargetChoice", target_names())
    PrecisionChoice = _choice("PrecisionChoice", list(PLAN_NAMES))
    ExportPrecision = _choice("ExportPrecision", [*PLAN_NAMES, AUTO])

Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only the result: no progress, no remarks.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Overwrite: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing output that edgeir wrote.")
]
NewFolder: TypeAlias = Annotated[
    Path, typer.Option("--out", "-o", help="Folder to write; created if it does not exist.")
]
Threads: TypeAlias = Annotated[
    int, typer.Option("--threads", "-t", min=1, help="CPU threads that run the network.")
]
TrustCode: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--trust-code",
        help="Allow a stranger's code to run: networks of `kind: module`, `.pt2` files. Read it first.",
    ),
]
Sigma: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--sigma",
        min=0,
        max=255,
        help="Noise level to remove (standard deviation, of 255), for a network that takes one. Default: its own.",
        show_default=False,
    ),
]
Suite: TypeAlias = Annotated[
    str,
    typer.Option("--suite", "-s", help="Benchmark suite: a name listed by `edgeir doctor`, or a YAML file."),
]
OpenSize: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="HxW",
        help="Input height and width, for files that leave them open.",
        show_default=False,
    ),
]
_OWN_NETWORK = "Your own network"
Weights: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Weights of `package.module:factory`: a `.safetensors` or `.pth` file with its state dict.",
        rich_help_panel=_OWN_NETWORK,
        show_default=False,
    ),
]
StatedScale: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--scale",
        min=1,
        max=16,
        help="Enlargement per side. Default: as seen from its output.",
        rich_help_panel=_OWN_NETWORK,
        show_default=False,
    ),
]
SizeMultiple: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--size-multiple",
        min=1,
        max=1024,
        help="Number that height and width must be multiples of. Default: the smallest that works.",
        rich_help_panel=_OWN_NETWORK,
        show_default=False,
    ),
]
ReceptiveRadius: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--receptive-radius",
        min=0,
        max=100_000,
        help="Pixels that tiles overlap on each side; fewer than the network reads leave seams. Default: all it reads.",
        rich_help_panel=_OWN_NETWORK,
        show_default=False,
    ),
]


def parse_size(text: str) -> tuple[int, int]:
    """``HxW`` to (height, width) in pixels of the network's input.

    Raises:
        ConfigError: it does not look like that.
    """
    match = re.fullmatch(r"([1-9]\d{0,4})[x×]([1-9]\d{0,4})", text.strip().lower())
    if match is None:
        raise ConfigError([f"--size must be HEIGHTxWIDTH like 180x320, not `{text}`"], where="command line")
    return int(match[1]), int(match[2])
