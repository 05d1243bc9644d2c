"""``edgeir inspect``: a shell over `edgeir.exporting.inspect.run.inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgeir.cli.options import Json, OpenSize, Quiet, parse_size
from edgeir.cli.output import Output, table

if TYPE_CHECKING:
    from edgeir.exporting.inspect.graph import Reach, TensorEntry
    from edgeir.exporting.inspect.run import FileReport, Inspection

__all__ = ["inspect"]


def inspect(
    path: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Model file of any origin, artifact, checkpoint, zoo name, or file of weights.",
            show_default=False,
        ),
    ],
    *,
    size: OpenSize = None,
    operators: Annotated[
        bool,
        typer.Option("--operators", help="List every operator, or every tensor of weights, with its shape."),
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Show what a file is: operators, shapes, parameters, work, memory, largest constants, receptive field.

    The file is read, not run, and need not come from edgeir. Memory is that of all tensors alive at once, without the
    weights; the receptive field follows from the graph, a bound for networks whose crops undo their paddings.

    Example: `edgeir inspect sr-x4`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.exporting.inspect.run import inspect as inspect_path

        found = inspect_path(path, size=parse_size(size) if size else None)
        lines: list[str] = []
        if found.artifact is not None:
            lines.append(f"artifact of {found.artifact.source}, {found.artifact.parameters:,} parameters")
        for file in found.files:
            lines += _file_lines(file, operators)
        if found.weights or found.card is not None:
            lines += _weight_lines(path, found, operators)
        output.emit(found, lines)


def _file_lines(file: FileReport, operators: bool) -> list[str]:
    kinds = ", ".join(f"{kind} {count}" for kind, count in file.kinds.items())
    open_sizes = "depends on the size of the input" if _is_open(file) else "not known"
    rows = [
        ("  format", file.format),
        *(("  input", _tensor(tensor)) for tensor in file.inputs),
        *(("  output", _tensor(tensor)) for tensor in file.outputs),
        ("  operators", f"{sum(file.kinds.values())}: {kinds}"),
        ("  parameters", "not known" if file.parameters is None else f"{file.parameters:,}"),
        ("  work", open_sizes if file.macs is None else f"{file.macs / 1e9:.3f} GMAC"),
        ("  memory", open_sizes if file.activations is None else _memory(file)),
        ("  receptive", _receptive(file)),
    ]
    if (described := file.described) is not None:
        rows.append(
            ("  edgeir says", f"{described.target} {described.precision}, {described.macs / 1e9:.3f} GMAC")
        )
    rows += [("  constant", f"{_bytes(tensor.bytes)}  {_tensor(tensor)}") for tensor in file.largest]
    lines = [f"{file.path}  {_bytes(file.bytes)}", *table(rows)]
    if operators:
        tensors = {tensor.name: tensor for tensor in file.tensors}
        lines += table(
            [
                (
                    f"  {at}",
                    entry.kind,
                    _reach(entry.reach),
                    " ".join(_tensor(tensors[name]) for name in entry.outputs),
                )
                for at, entry in enumerate(file.operators)
            ]
        )
    return lines


def _is_open(file: FileReport) -> bool:
    return any(tensor.shape is None or None in tensor.shape for tensor in file.inputs)


def _memory(file: FileReport) -> str:
    assert file.activations is not None
    return (
        f"{_bytes(file.activations.bytes)} at operator {file.activations.operator}, {file.activations.kind}"
    )


def _receptive(file: FileReport) -> str:
    found = file.receptive_field
    if found.radius is None:
        return f"not bounded: {found.reason}"
    return f"at most {found.radius} pixels on each side"


def _reach(reach: Reach) -> str:
    if isinstance(reach, str):
        return "" if reach == "pixel" else reach
    extent, stride, enlarge = reach.extent, reach.stride, reach.enlarge
    said = [f"{extent[0]}x{extent[1]}"] if extent != (1, 1) else []
    said += [f"/{stride}"] if stride > 1 else []
    said += [f"x{enlarge}"] if enlarge > 1 else []
    return " ".join(said)


def _weight_lines(path: str, found: Inspection, all_of_them: bool) -> list[str]:
    total = sum(tensor.count or 0 for tensor in found.weights)
    lines = [f"{path}  {found.kind}: {len(found.weights)} tensors, {total:,} values"]
    if (card := found.card) is not None:
        facts = card.facts
        radius = (
            "the whole image: " + ", ".join(facts.global_operations)
            if facts.global_operations
            else f"{facts.receptive_radius} pixels on each side"
        )
        rows = [
            ("  network", str(card.model.get("kind"))),
            ("  task", f"{facts.task}, x{facts.scale}"),
            ("  parameters", f"{card.parameters:,}"),
            ("  receptive", radius),
        ]
        lines += table(rows)
    shown = found.weights if all_of_them else sorted(found.weights, key=lambda t: -(t.bytes or 0))[:5]
    return lines + [f"  {_tensor(tensor)}" for tensor in shown]


def _tensor(tensor: TensorEntry) -> str:
    shape = (
        "?" if tensor.shape is None else "x".join("?" if side is None else str(side) for side in tensor.shape)
    )
    return f"{tensor.name} {shape or 'scalar'} {tensor.dtype}"


def _bytes(count: int | None) -> str:
    if count is None:
        return "?"
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 1024:.1f} KiB"
