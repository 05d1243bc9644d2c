"""``edgeir train`` and ``edgeir distill``: shells over `edgeir.training.run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from edgeir.cli.options import Json, Overwrite, Quiet, TrustCode
from edgeir.cli.output import Output

if TYPE_CHECKING:
    from edgeir.training.run import TrainResult

__all__ = ["Changes", "Recipe", "RunFolder", "distill", "show_run", "train"]

Recipe: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="Recipe: a name from `edgeir recipes`, or a YAML file.", show_default=False
    ),
]
Changes: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...",
        help="Settings that replace those of the recipe, like `optim.lr=1e-4`.",
        show_default=False,
    ),
]
RunFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="Folder of the run. Default: `runs/NAME`, with the recipe's name.",
        show_default=False,
    ),
]
Resume: TypeAlias = Annotated[
    bool, typer.Option("--resume", help="Resume an interrupted run; bit-exact on a CPU with as many threads.")
]
ChangedData: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--allow-changed-data",
        help="With --resume: go on although the training images are no longer those that the run began with.",
    ),
]
Devices: TypeAlias = Annotated[
    int, typer.Option("--devices", min=1, help="Processes to train with on this machine, one for each GPU.")
]
Nodes: TypeAlias = Annotated[
    int, typer.Option("--num-nodes", min=1, help="Machines to train with. Under torchrun leave both out.")
]
Precision: TypeAlias = Annotated[
    Literal["32-true", "16-mixed", "bf16-mixed"] | None,
    typer.Option(
        "--precision", help="Number format of training; 16-mixed needs a GPU. Default: the recipe's."
    ),
]


def train(
    recipe: Recipe,
    changes: Changes = None,
    *,
    out: RunFolder = None,
    resume: Resume = False,
    allow_changed_data: ChangedData = False,
    devices: Devices = 1,
    num_nodes: Nodes = 1,
    precision: Precision = None,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train a network without a teacher, as a recipe describes.

    The folder of the run gets `metrics.jsonl`, sample images and `checkpoints/best`. Ctrl-C saves and stops;
    `--resume` continues. Most recipes train on data sets that lie in the folder `$EDGEIR_DATA`; `edgeir doctor`
    shows which it finds.

    Example: `edgeir train super-resolution/plainsr-xs --out runs/xs train.steps=2000`

    Example without any data set: `edgeir train denoising/digits-separate-small --out runs/digits`
    """
    _run(
        "train",
        recipe,
        changes,
        out,
        resume,
        allow_changed_data,
        devices,
        num_nodes,
        precision,
        trust_code,
        overwrite,
        quiet,
        json,
    )


def distill(
    recipe: Recipe,
    changes: Changes = None,
    *,
    out: RunFolder = None,
    resume: Resume = False,
    allow_changed_data: ChangedData = False,
    devices: Devices = 1,
    num_nodes: Nodes = 1,
    precision: Precision = None,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train a student network with the help of a teacher (knowledge distillation), as a recipe describes.

    The recipe names the teacher and the distillation methods. Everything else is as in `edgeir train`.

    Example: `edgeir distill super-resolution/demo --out runs/first`
    """
    _run(
        "distill",
        recipe,
        changes,
        out,
        resume,
        allow_changed_data,
        devices,
        num_nodes,
        precision,
        trust_code,
        overwrite,
        quiet,
        json,
    )


def _run(
    command: Literal["train", "distill"],
    recipe: str,
    changes: list[str] | None,
    out: Path | None,
    resume: bool,
    allow_changed_data: bool,
    devices: int,
    num_nodes: int,
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] | None,
    trust_code: bool,
    overwrite: bool,
    quiet: bool,
    json: bool,
) -> None:
    from edgeir.training.torchrun import launched

    processes = launched()
    first = processes is None or processes.first  # the others say nothing
    with Output(quiet=quiet or not first, json=json) as output:
        from edgeir.training import run

        function = run.train if command == "train" else run.distill
        with output.progress(processes=devices * num_nodes) as progress:
            result = function(
                recipe,
                overrides=changes or (),
                out=out,
                resume=resume,
                allow_changed_data=allow_changed_data,
                devices=devices,
                num_nodes=num_nodes,
                precision=precision,
                trust_code=trust_code,
                overwrite=overwrite,
                progress=progress,
            )
        if first:
            show_run(output, result, command)
        elif result.stopped:
            raise typer.Exit(130)


def show_run(
    output: Output,
    run: TrainResult,
    command: str,
    *,
    result: Any = None,
    before: Sequence[str] = (),
    export: str | None = None,
) -> None:
    """Print what a run left behind, and end with the code of an interruption where it was stopped.

    Args:
        result: to be printed as JSON in place of the run.
        before: lines above.
        export: options of the export that comes next; None: the first format.
    """
    lines = [*before, *_run_lines(run, command, export)]
    output.emit(run if result is None else result, lines)
    if run.stopped:
        raise typer.Exit(130)


def _run_lines(result: TrainResult, command: str, export: str | None) -> list[str]:
    lines = [f"{'stopped' if result.stopped else 'finished'} after {result.steps} steps: {result.run_dir}"]
    lines += [f"  {name}: {value:.4g}" for name, value in result.metrics.items() if isinstance(value, float)]
    lines += [
        f"  {entry['loss']}: {entry['network']} from {entry['file']}, sha256 {entry['sha256']}"
        for entry in result.backbones
    ]
    if result.unreadable:
        lines.append(
            f"note: {len(result.unreadable)} of {result.images} images could not be read and were not used, "
            f"the first: {result.unreadable[0]}"
        )
    if result.too_small:
        lines.append(
            f"note: {result.too_small} of {result.images} images are smaller than a patch and were not used "
            "(a lower data.patch uses them)"
        )
    if result.stopped:
        lines.append(f"go on with: edgeir {command} … --out {result.run_dir} --resume")
    elif not result.restores:
        lines.append(
            f"next: train the network that starts from it, with `fine_tune_from: {result.run_dir}` in its recipe"
        )
    else:
        from edgeir.runtime.catalog import target_names

        best = result.run_dir / "checkpoints" / "best"
        options = export or f"--target {target_names()[0]}"
        lines.append(f"next: edgeir export {best} {options} --out …")
    return lines
