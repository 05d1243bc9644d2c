"""``edgeir recipes``: list what can be trained, or show one recipe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import typer

from edgeir.cli.options import Json, Quiet
from edgeir.cli.output import Output, table
from edgeir.core.errors import ConfigError

__all__ = ["recipes"]

_ABBREVIATIONS = [
    "eq",
    "eqs",
    "Eq",
    "Eqs",
    "fig",
    "figs",
    "Fig",
    "Figs",
    "sec",
    "Sec",
    "al",
    "vs",
    "cf",
    "e.g",
    "i.e",
]
_SENTENCE_END = re.compile(
    "".join(rf"(?<!\b{re.escape(word)})" for word in _ABBREVIATIONS) + r"\.(?=\s+[A-Z])"
)


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Recipe to show: a name from the list, or a YAML file.", show_default=False
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="Settings that replace those of the recipe, like `train.steps=100`.",
            show_default=False,
        ),
    ] = None,
    *,
    as_written: Annotated[
        bool,
        typer.Option(
            "--as-written", help="Show the file itself: with comments, without defaults; needs no torch."
        ),
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """List the recipes for `edgeir train` and `edgeir distill`, or show one with every setting.

    Example: `edgeir recipes super-resolution/demo train.steps=100`
    """
    words = [] if name is None else [name, *(changes or ())]
    with Output(quiet=quiet, json=json) as output:
        if words[:1] == ["show"]:  # as this command was called before
            words = words[1:]
            if not words:
                raise ConfigError(["no recipe is named"], where="command line", fix="see `edgeir recipes`")
        if words:
            _show(output, words[0], words[1:], as_written)
        elif as_written:
            raise ConfigError(["--as-written needs the name of a recipe"], where="command line")
        else:
            _list(output)


def _list(output: Output) -> None:
    from edgeir.core.assets import find_asset, list_assets
    from edgeir.core.config import read_yaml
    from edgeir.core.shipped import command_of

    found = []
    for name in list_assets("recipes"):
        path = find_asset("recipes", name)
        content = read_yaml(path)
        about = " ".join(str(content.get("about", "")).split())
        found.append({"name": name, "path": str(path), "command": command_of(content), "about": about})
    rows = [(entry["name"], entry["command"], _first_sentence(entry["about"])) for entry in found]
    output.emit(found, table(rows))


def _show(output: Output, name: str, changes: Sequence[str], as_written: bool) -> None:
    import yaml

    from edgeir.core.assets import find_asset
    from edgeir.core.config import read_yaml

    path = find_asset("recipes", name)
    if as_written:
        if changes:
            raise ConfigError(["--as-written prints the file, so it takes no changes"], where="command line")
        content = read_yaml(path)
        text = path.read_text(encoding="utf-8-sig").rstrip("\n")
    else:
        from edgeir.training.recipe import load_recipe

        content = load_recipe(name, changes).model_dump(mode="json")
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110).rstrip("\n")
    output.emit({"name": name, "path": path, "recipe": content}, text.split("\n"))


def _first_sentence(text: str) -> str:
    """Up to the first full stop that a capital follows, unless it ends an abbreviation (``et al.``)."""
    end = _SENTENCE_END.search(text)
    return (text[: end.start()] if end else text).rstrip(".")
