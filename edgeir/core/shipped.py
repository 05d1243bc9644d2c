"""Facts about the shipped recipes, read as plain YAML: the command that runs a recipe, the recipe that made a run."""

from __future__ import annotations

from typing import Any

from edgeir.core.assets import asset_root, list_assets
from edgeir.core.config import read_yaml

__all__ = ["command_of", "recipe_of_run"]


def command_of(content: dict[str, Any]) -> str:
    """Which of ``edgeir train`` and ``edgeir distill`` runs a recipe with this content."""
    return "distill" if (content.get("objective") or {}).get("distillation") is not None else "train"


def recipe_of_run(run: str) -> tuple[str, str] | None:
    """Name and command of the shipped recipe whose run is ``runs/<run>`` by default; None where there is none."""
    for recipe in list_assets("recipes"):
        file = asset_root("recipes") / f"{recipe}.yaml"
        if run not in file.read_text(encoding="utf-8"):  # parsing all of them takes seconds
            continue
        content = read_yaml(file)
        if content.get("name") == run:
            return recipe, command_of(content)
    return None
