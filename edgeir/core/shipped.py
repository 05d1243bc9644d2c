"""Facts about the shipped recipes, read as plain YAML: the command that runs a recipe, the recipe that made a run."""

from __future__ import annotations

import re
from typing import Any

from edgeir.core.assets import asset_root, list_assets
from edgeir.core.config import read_yaml

__all__ = ["command_of", "import_of_run", "recipe_of_run"]


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


def import_of_run(run: str) -> str | None:
    """The `edgeir import` that makes ``runs/<run>`` of another author's weights, by the recipe that needs it; or None.

    A recipe states it in its `about`, in one piece that ends with ``--out runs/<run>``.
    """
    wanted = re.compile(rf"edgeir import (?:(?!edgeir import)\S+ )+--out runs/{re.escape(run)}(?![\w-])")
    for recipe in list_assets("recipes"):
        file = asset_root("recipes") / f"{recipe}.yaml"
        if f"--out runs/{run}" not in " ".join(file.read_text(encoding="utf-8").split()):
            continue
        found = wanted.search(" ".join(str(read_yaml(file).get("about", "")).split()))
        if found is not None:
            return found.group()
    return None
