"""The networks that come with edgeir, as a table: what each is for, its size, its quality."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.card import Card
from edgeir.runtime.loading import packaged_files

__all__ = ["ZOO_HEADER", "use_of", "zoo_row"]

ZOO_HEADER = ("name", "for", "parameters", "file", "quality")


def use_of(card: Card) -> str:
    """What the network is for, in a few words: what its card says, else its task and scale."""
    scale = f" x{card.facts.scale}" if card.facts.scale > 1 else ""
    return str(card.provenance.get("use") or f"{card.facts.task}{scale}")


def zoo_row(name: str, card: Card, folder: Path) -> tuple[str, ...]:
    """The cells below `ZOO_HEADER` for the entry of the zoo in `folder`.

    ``file`` is the exported file that comes with it, ``quality`` the PSNR of the first set on its card.
    """
    return (name, use_of(card), f"{card.parameters:,}", _file(folder), _quality(card.metrics))


def _file(folder: Path) -> str:
    packaged = packaged_files(folder)
    if not packaged:
        return "-"
    file = read_artifact(next(iter(packaged.values())), verify=False)[0].main
    return f"{file.target} {file.precision}, {file.bytes / 1024:.0f} KiB"


def _quality(metrics: Mapping[str, object]) -> str:
    for name, value in metrics.items():
        if isinstance(value, dict) and "psnr_db" in value:
            return f"{value['psnr_db']:.2f} dB on {name}"
    return "-"
