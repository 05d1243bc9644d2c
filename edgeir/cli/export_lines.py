"""What ``edgeir export`` says of a file that it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeir.cli.output import table

if TYPE_CHECKING:
    from edgeir.manifest.artifact import ModelFile, RuntimeNeeds

__all__ = ["file_lines"]


def file_lines(folder: Path, file: ModelFile) -> list[str]:
    """Path, size, work, what it needs, and how it compares with its network."""
    from edgeir.exporting.prove.gate import figures, gate_lines
    from edgeir.manifest.parity import Parity

    rows = [
        ("  size", f"{file.bytes / 1024:.1f} KiB"),
        ("  work", f"{file.macs / 1e9:.2f} GMAC for input {_shape(file.inputs[0].shape)}"),
    ]
    if file.sizes:
        rows.append(("  sizes", ", ".join(f"{height}x{width}" for height, width in file.sizes)))
    if (needs := file.needs) is not None:
        rows.append(
            ("  needs", f"{needs.stamp}: {needs.runtime} {needs.stated or '?'} or newer{_run_on(needs)}")
        )
    if isinstance(file.parity, Parity):
        compared = f"{file.parity.images} photographs, {file.parity.extremes} extremes, {file.parity.engine}"
        rows += [
            ("  compared on", compared),
            *((f"  {what}", text) for what, text, _ in gate_lines(file.parity)),
            *figures(file.parity),
        ]
        if file.worst is not None:
            rows.append(("  shown in", str(folder / file.worst)))
        rows += [
            ("  on a device", f"{run.max_abs_error:.2e} from the network, {run.engine}, {run.system}")
            for run in file.native_runs
        ]
    else:
        rows.append(("  not proved", f"{file.parity.reason} ({file.parity.command})"))
    return [f"wrote {folder / file.path}", *table(rows)]


def _run_on(needs: RuntimeNeeds) -> str:
    return f", run on {needs.measured} and newer" if needs.measured else ""


def _shape(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)
