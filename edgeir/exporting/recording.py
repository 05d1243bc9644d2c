"""Another author's network as a graph of operators, and where in its code an exporter stumbled.

edgeir's own networks are written so that they can be exported. Of others this is found out first, before a converter
sees them, so that a refusal names the line of the network and not one of the converter.
"""

from __future__ import annotations

import re
import traceback
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgeir.core.errors import ExportError

__all__ = ["line_of", "line_of_rank", "lines_of_parameters", "recorded"]

_OUTSIDE = ("torch", "edgeir", "einops", "litert_torch", "onnxscript", "coremltools")
"""Packages whose lines are not the network's."""
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in .*\n\s*(?P<code>.+)')
_DATA_DEPENDENT = (
    "the network decides by the values of the image, and a file computes the same for every image"
)


def recorded(network: nn.Module, example: torch.Tensor) -> Any:
    """The `torch.export` program of `network`, in functional form, with operators such as group_norm whole.

    Raises:
        ExportError: it cannot be recorded; with the line of the network where that shows.
    """
    _check_weights_stay(network, example)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.export's own, about its next release
            return torch.export.export(network, (example,)).run_decompositions({})
    except Exception as error:  # torch.export has no common base of its errors
        place = _place_in(error)
        if "data-dependent" in str(error).lower() or "DataDependent" in type(error).__name__:
            raise ExportError(
                f"{_DATA_DEPENDENT}{place}", fix="take that branch out of forward, or choose another network"
            ) from error
        reason = (str(error).strip().splitlines() or [""])[0][:150]
        raise ExportError(
            f"the network cannot be recorded as a graph: {type(error).__name__}: {reason}{place}",
            fix="write this line with tensor operations of fixed shapes",
        ) from error


def line_of(program: Any, message: str) -> str:
    """`` (at FILE:LINE: CODE)`` of the first operator of `program` that `message` names, itself or by the type that it
    returns; empty where there is none."""
    for node in program.graph.nodes:
        made = str(getattr(node.meta.get("val"), "dtype", "torch.float32"))
        if node.op == "call_function" and made != "torch.float32" and made in message:
            return _innermost(node.meta.get("stack_trace") or "")
        name = str(node.target).removeprefix("aten.").partition(".")[0].strip("_")
        if node.op == "call_function" and len(name) > 3 and re.search(rf"\b_?{re.escape(name)}\b", message):
            return _innermost(node.meta.get("stack_trace") or "")
    return ""


def line_of_rank(program: Any, above: int) -> str:
    """`` (at FILE:LINE: CODE)`` of the first tensor of `program` with more than `above` axes; empty where none is."""
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if node.op == "call_function" and isinstance(value, torch.Tensor) and value.ndim > above:
            return _innermost(node.meta.get("stack_trace") or "")
    return ""


def _check_weights_stay(network: nn.Module, example: torch.Tensor) -> None:
    """Refuse a network that changes its own weights while it runs: exporters crash on it, or store what was."""
    before = {name: value.detach().clone() for name, value in network.state_dict().items()}
    image = torch.full_like(example, 0.5)
    with torch.no_grad():
        network(image)
    if not bool((image == 0.5).all()):
        raise ExportError(
            "the network computes in place on its input", fix="let it work on a copy: x = x.clone()"
        )
    for name, value in network.state_dict().items():
        if name not in before or value.shape != before[name].shape or not torch.equal(value, before[name]):
            raise ExportError(
                f"the network changes `{name}` while it runs",
                fix="fold or fix these weights before exporting",
            )


def _place_in(error: BaseException) -> str:
    frames = [
        f'File "{frame.filename}", line {frame.lineno}, in {frame.name}\n {frame.line}'
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return _innermost("\n".join(frames)) or _innermost(str(error))


def _innermost(trace: str) -> str:
    """The last frame of a traceback that is in the network's own code."""
    for match in reversed(list(_FRAME.finditer(trace))):
        parts = Path(match["file"]).parts
        if not any(package in parts for package in _OUTSIDE):
            return f" (at {'/'.join(parts[-2:])}:{match['line']}: {match['code'].strip()[:100]})"
    return ""


def lines_of_parameters(program: Any) -> dict[str, list[tuple[str, str]]]:
    """What the network does with each of its parameters and behind it, up to the next one that it reads.

    Returns:
        Name of a parameter to pairs of an operator of `program` and ``FILE:LINE: CODE``, in the order of execution;
        operators whose line is not the network's are left out.
    """
    names = dict(program.graph_signature.inputs_to_parameters)
    found: dict[str, list[tuple[str, str]]] = {}
    at: list[list[tuple[str, str]]] = []
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        read = [names[source.name] for source in node.all_input_nodes if source.name in names]
        if read:
            at = [found.setdefault(name, []) for name in read]
        place = _innermost(node.meta.get("stack_trace") or "").removeprefix(" (at ").removesuffix(")")
        kind = str(node.target).removeprefix("aten.").partition(".")[0]
        for lines in at if place else ():
            lines.append((kind, place))
    return found
