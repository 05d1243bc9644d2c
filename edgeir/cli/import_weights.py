"""``edgeir import``: a shell over `edgeir.checkpoint.foreign.convert.import_weights`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeir.cli.options import (
    Json,
    NewFolder,
    Overwrite,
    Quiet,
    ReceptiveRadius,
    SizeMultiple,
    StatedScale,
    TrustCode,
    Weights,
)
from edgeir.cli.output import Output, table
from edgeir.core.errors import ConfigError
from edgeir.runtime.catalog import target_of_file

if TYPE_CHECKING:
    from edgeir.manifest.artifact import Artifact

__all__ = ["import_weights"]


def import_weights(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="Weights of another author (`.pth`, `.safetensors`, `.npz`), a `.pt2` program, "
            "`package.module:factory` with --weights, or a model file (`.onnx`, `.tflite`, `.pb`, …).",
            show_default=False,
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="Settings of --model that the weights do not show, like `sigma=15`.",
            show_default=False,
        ),
    ] = None,
    *,
    out: NewFolder,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="KIND",
            help="Network of edgeir that the weights belong to: bsrn, dncnn, ffdnet, plainusr, ppcn-enhance, "
            "smfanet or srcnn. "
            "Default: the network that the weights say they are of.",
            show_default=False,
        ),
    ] = None,
    weights: Weights = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            help="What a model file does, for tables: denoising, jpeg, dehazing, …",
            show_default=False,
        ),
    ] = None,
    scale: StatedScale = None,
    size_multiple: SizeMultiple = None,
    receptive_radius: ReceptiveRadius = None,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Turn weights of another author into a checkpoint, or a model file into an artifact, that every command takes.

    Weights are read without running code. What the file does not say about the network (how far it sees, which sizes
    it takes) is found by running it. `edgeir export` and the other commands take weights directly, too. A model file,
    such as a `.pb` of the PIRM challenge, is ready for eval, bench and restore; there is no network to prove it by.

    Example: `edgeir import RealESRGAN_x4plus.pth --out checkpoints/realesrgan`
    """
    with Output(quiet=quiet, json=json) as output:
        if target_of_file(Path(source)) is not None:
            _refuse_with_a_model_file(settings, model, weights)
            artifact = _model_file(
                source,
                out=out,
                task=task,
                scale=scale,
                size_multiple=size_multiple or 1,
                receptive_radius=receptive_radius,
                overwrite=overwrite,
            )
            output.emit(artifact, _artifact_lines(out, artifact))
            return
        if task is not None:
            raise ConfigError(
                ["--task is for model files: weights have the task of their network"], where=source
            )
        from edgeir.checkpoint.foreign.convert import import_weights as run

        card = run(
            source,
            out=out,
            model=model,
            settings=settings or (),
            weights=weights,
            scale=scale,
            size_multiple=size_multiple,
            receptive_radius=receptive_radius,
            trust_code=trust_code,
            overwrite=overwrite,
        )
        facts = card.facts
        tiles = (
            f"overlap {facts.receptive_radius} pixels on each side, start at multiples of {facts.tile_step}"
        )
        whole = ", ".join(facts.global_operations)
        network = card.model.get("architecture") or card.model["kind"]
        rows = [
            ("  network", f"{network}, {card.parameters:,} parameters"),
            (
                "  image",
                f"{facts.colour}, enlarged {facts.scale} times, sides multiples of {facts.size_multiple}",
            ),
            ("  tiles", f"{tiles}; reads the whole image: {whole}" if whole else tiles),
        ]
        output.emit(card, [f"wrote {out}", *table(rows)])


def _model_file(source: str, **settings: Any) -> Artifact:
    from edgeir.exporting.import_file import import_file

    return import_file(source, **settings)


def _refuse_with_a_model_file(settings: list[str] | None, model: str | None, weights: Path | None) -> None:
    if settings or model is not None or weights is not None:
        raise ConfigError(["settings, --model and --weights are for weights, not for a model file"])


def _artifact_lines(out: Path, artifact: Artifact) -> list[str]:
    facts, file = artifact.facts, artifact.main
    whole = ", ".join(facts.global_operations)
    ends = "the image enlarged before" if facts.input_kind == "bicubic" else facts.colour
    rows = [
        (
            "  file",
            f"{file.target}, {artifact.parameters:,} parameters, {file.macs / 1e9:.2f} GMAC for 1280x720",
        ),
        ("  image", f"{ends}, scale {facts.scale}"),
        ("  tiles", f"none: {whole}" if whole else f"overlap {facts.receptive_radius} pixels on each side"),
        ("  proof", "none: there is no network to compare the file with"),
    ]
    return [f"wrote {out}", *table(rows)]
