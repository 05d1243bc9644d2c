"""``edgeir models``: the trained networks that come with edgeir."""

from __future__ import annotations

from typing import Annotated

import typer

from edgeir.cli.options import Json, Quiet
from edgeir.cli.output import Output, table

__all__ = ["models"]


def models(
    time: Annotated[
        bool, typer.Option("--time", help="Time each of them here, a few seconds each, in one thread.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """List the trained networks that come with edgeir: what each is for, its size and its quality.

    Their names can be given wherever a checkpoint is asked for. `--json` prints their whole cards, with the licences.

    Example: `edgeir models`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.core.assets import find_zoo, list_zoo
        from edgeir.manifest.card import read_card
        from edgeir.reporting.zoo_table import ZOO_HEADER, zoo_row

        cards = {name: read_card(find_zoo(name)) for name in list_zoo()}
        if not cards:
            output.emit({}, ["this installation holds no trained network; `edgeir train` makes one"])
            return
        rows = [zoo_row(name, card, find_zoo(name)) for name, card in cards.items()]
        if not time:
            output.emit(cards, table([ZOO_HEADER, *rows]))
            return
        from edgeir.benchmarking.timing.zoo import time_zoo

        with output.progress() as progress:
            times = time_zoo(
                {name: (card, find_zoo(name)) for name, card in cards.items()}, progress=progress
            )
        shown = [(*row, f"{times[row[0]][0]:.0f}", times[row[0]][1]) for row in rows]
        timed = {
            name: {
                **card.model_dump(mode="json"),
                "ms_per_megapixel": times[name][0],
                "runtime": times[name][1],
            }
            for name, card in cards.items()
        }
        output.emit(timed, table([(*ZOO_HEADER, "ms per output MP", "with"), *shown]))
