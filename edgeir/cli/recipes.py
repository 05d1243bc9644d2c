"""``edgeir recipes``: list what can be trained, or show one recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import Json, Quiet
from edgeir.cli.output import Output, table

__all__ = ["recipes"]

recipes = typer.Typer(
    name="recipes",
    help="List the recipes for `edgeir train` and `edgeir distill`, or show one.",
    add_completion=False,
)


@recipes.callback(invoke_without_command=True)
def _list(context: typer.Context, quiet: Quiet = False, json: Json = False) -> None:
    if context.invoked_subcommand is not None:
        return
    with Output(quiet=quiet, json=json) as output:
        from edgeir.core.assets import find_asset, list_assets

        found = [
            {"name": name, "path": str(path), "summary": _summary(path)}
            for name in list_assets("recipes")
            for path in [find_asset("recipes", name)]
        ]
        output.emit(found, table([(entry["name"], entry["summary"]) for entry in found]))


@recipes.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name from `edgeir recipes`.", show_default=False)],
    *,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Print a recipe, to read or to save and change."""
    with Output(quiet=quiet, json=json) as output:
        from edgeir.core.assets import find_asset
        from edgeir.core.config import read_yaml

        path = find_asset("recipes", name)
        content = read_yaml(path)
        text = path.read_text(encoding="utf-8").rstrip("\n")
        output.emit({"name": name, "path": path, "recipe": content}, text.split("\n"))


def _summary(path: Path) -> str:
    """The first comment line of a recipe."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""
