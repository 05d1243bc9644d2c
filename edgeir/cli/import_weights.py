"""``edgeir import``: a shell over `edgeir.checkpoint.foreign.convert.import_weights`."""

from __future__ import annotations

from typing import Annotated

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

__all__ = ["import_weights"]


def import_weights(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="Weights of another author (`.pth`, `.safetensors`, `.npz`), a `.pt2` program, or "
            "`package.module:factory` with --weights.",
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
            help="Network of edgeir that the weights belong to: dncnn, ffdnet, ppcn-enhance or srcnn. "
            "Default: the network that spandrel recognises.",
            show_default=False,
        ),
    ] = None,
    weights: Weights = None,
    scale: StatedScale = None,
    size_multiple: SizeMultiple = None,
    receptive_radius: ReceptiveRadius = None,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Turn weights of another author into a checkpoint that every command takes.

    Weights are read without running code. What the file does not say about the network (how far it sees, which sizes
    it takes) is found by running it. `edgeir export` and the other commands take such a file directly, too.

    Example: `edgeir import RealESRGAN_x4plus.pth --out checkpoints/realesrgan`
    """
    with Output(quiet=quiet, json=json) as output:
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
