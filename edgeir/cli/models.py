"""``edgeir models``: the trained networks that come with edgeir."""

from __future__ import annotations

from edgeir.cli.options import Json, Quiet
from edgeir.cli.output import Output, table

__all__ = ["models"]


def models(quiet: Quiet = False, json: Json = False) -> None:
    """List the trained networks that come with edgeir: task, scale, parameters, licence.

    Their names can be given wherever a checkpoint is asked for. `--json` prints their whole cards.

    Example: `edgeir models`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.core.assets import find_zoo, list_zoo
        from edgeir.manifest.card import read_card

        cards = {name: read_card(find_zoo(name)) for name in list_zoo()}
        rows = [("name", "task", "scale", "network", "parameters", "licence")]
        for name, card in cards.items():
            facts = card.facts
            licence = str(card.provenance.get("licence", ""))
            rows.append(
                (
                    name,
                    facts.task,
                    f"x{facts.scale}",
                    str(card.model.get("kind")),
                    str(card.parameters),
                    licence,
                )
            )
        empty = ["this installation holds no trained network; `edgeir train` makes one"]
        output.emit(cards, table(rows) if cards else empty)
