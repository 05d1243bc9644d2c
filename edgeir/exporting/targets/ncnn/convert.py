"""A network through pnnx: traced by torch, rewritten by pnnx in a process of its own, and every layer accounted for.

pnnx writes its files whatever it could not convert, and ncnn ends the process that runs such a layer. So what pnnx says
it ignored, and every layer that this ncnn does not know, is refused here by the name of the operator and its place in
the network.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeir.core.errors import ArtifactError, ExportError
from edgeir.core.files import scratch_dir
from edgeir.core.requires import require
from edgeir.exporting.prepared import prepared
from edgeir.runtime.child_process import NO_WINDOW, ending
from edgeir.runtime.ncnn_file import Layer, parse_param

if TYPE_CHECKING:
    from torch import nn

    from edgeir.models import Network

__all__ = ["Converted", "convert"]

Size = tuple[int, int]
PATIENCE_S = 600.0
_SIDES, _OTHER_SIDES = (8, 6), (9, 10)
"""Of the images that a graph of any size is made with, in units of the network's size multiple: unequal, so that pnnx
takes no side for another one or for a constant."""
_KNOWN = frozenset({"mish", "group_norm", "adaptive_max_pool2d", "conv_transpose2d"})
"""Operators of other authors' networks that need no equivalent."""
_NAME = "net"
"""Of pnnx's files; no dash, which it would replace."""
_IGNORED = re.compile(r"^ignore (\S+) (\S+) param (.*)$", re.MULTILINE)
_UNSUPPORTED = re.compile(r"^(.*\b(?:not supported|unsupported)\b.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Converted:
    """What pnnx wrote: the layers, and the weights in their order."""

    layers: list[Layer]
    weights: bytes


def convert(network: Network, size: Size | None, *, half: bool) -> Converted:
    """The deployed network as ncnn's layers and weights.

    Args:
        size: input height and width; None: a graph for any.
        half: weights in 16 bits.

    Raises:
        ExportError: the network branches on the image's values, pnnx fails, or ncnn lacks an operator.
    """
    multiple = network.facts.size_multiple
    sizes = (
        [size] if size else [(units[0] * multiple, units[1] * multiple) for units in (_SIDES, _OTHER_SIDES)]
    )
    # A recorded graph is of one size; one for any size is traced as the network is written.
    module = prepared(network, size, known=_KNOWN).module if size else network.deploy()
    traced = _traced(module, network.facts.channels, sizes[0])
    with scratch_dir("pnnx") as folder:
        traced.save(str(folder / f"{_NAME}.pt"))
        said = _run_pnnx(folder, sizes, network.facts.channels, half)
        text = _read(folder / f"{_NAME}.ncnn.param").decode(errors="replace")
        weights = _read(folder / f"{_NAME}.ncnn.bin")
    _check_operators(text, said, traced, any_size=size is None)
    try:
        return Converted(parse_param(text, where="pnnx"), weights)
    except ArtifactError as error:
        raise ExportError(f"pnnx wrote no usable ncnn graph: {error.what}") from error


def _traced(module: nn.Module, channels: int, size: Size) -> Any:
    """TorchScript of a deployed network, the same for different images."""
    import torch

    jit: Any = torch.jit
    shape = (1, channels, *size)
    first, second = (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    try:
        with torch.no_grad():
            return jit.trace(module, first, check_inputs=[(second,), (torch.zeros(shape),)])
    except jit.TracingCheckError as error:
        raise ExportError(
            "the network computes in another way for another image, and an ncnn graph holds one way",
            fix="choose another network, or take the branch on the image's values out of its forward",
        ) from error


def _run_pnnx(folder: Path, sizes: list[Size], channels: int, half: bool) -> str:
    """What pnnx said."""
    program = require("pnnx", "exporting to ncnn").EXEC_PATH
    words = [
        f"inputshape{number}=[1,{channels},{height},{width}]f32"
        for number, (height, width) in zip(("", "2"), sizes, strict=False)
    ]
    command = [program, f"{_NAME}.pt", *words, f"fp16={int(half)}"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE_S,
            creationflags=NO_WINDOW,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"pnnx was not done in {PATIENCE_S:.0f} s") from error
    except OSError as error:
        raise ExportError(f"pnnx cannot be started: {error.strerror}") from error
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        last = (said.strip().splitlines() or [""])[-1][:150]
        raise ExportError(f"pnnx failed ({ending(done.returncode)}): {last}")
    return said


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExportError(f"pnnx wrote no {path.name}") from error


def _check_operators(text: str, said: str, traced: Any, *, any_size: bool) -> None:
    """Refuse what pnnx ignored and what this ncnn does not know."""
    known = require("ncnn", "exporting to ncnn").layer_to_index
    kinds = [line.split()[0] for line in text.splitlines()[2:] if line.strip()]
    missing = [kind for kind in dict.fromkeys(kinds) if known(kind) < 0]
    ignored = [f"{kind} ({what})" for kind, _, what in _IGNORED.findall(said)]
    said_at_the_end = said.rpartition("pass_ncnn")[2]
    doubts = [line.strip() for line in _UNSUPPORTED.findall(said_at_the_end)]
    if not (missing or ignored or doubts):
        return
    # Arithmetic on sizes stands in front of the operator that matters.
    real = [kind for kind in missing if kind != "pnnx.Expression"] or missing
    if real:
        what = f"ncnn has no operator `{real[0]}`{_place(real[0], traced)}"
    else:
        what = f"pnnx cannot convert the network: {(ignored or doubts)[0][:120]}"
    if any_size:
        raise ExportError(
            f"{what}, in a graph for images of any size",
            fix="pass --size HEIGHTxWIDTH: many graphs of one size need less",
        )
    raise ExportError(what, fix="choose another target, or write the network without it")


def _place(kind: str, traced: Any) -> str:
    """Where the network uses an operator that pnnx calls ``torch.name``, ``Tensor.name``, ``aten::name`` or so."""
    name = re.split(r"[.:]+", kind)[-1]
    for node in traced.inlined_graph.nodes():
        own = node.kind().partition("::")[2]
        if own == name or own.endswith(f"_{name}"):
            path = node.scopeName().rpartition("/")[2].removeprefix("__module").strip(".")
            return f", which `{path}` uses" if path else ""
    return ""
