"""Options of `edgeir export` that only some formats have: those that the catalog lists, under names of their own.

A format says in its entry which of its settings are worth an option; nothing here knows what they are. An option is a
short way to write an override: ``--opset 13`` is ``target.opset=13``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from edgeir.core.errors import ConfigError
from edgeir.runtime import catalog

__all__ = ["with_target_options"]

PANEL = "Options of some formats"


def with_target_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each `edgeir.runtime.catalog.TargetOption`; what is given goes into `changes`.

    Raises:
        ConfigError: by the command, for an option that a chosen format does not have.
    """
    offered = {option.name: option for entry in catalog.written_targets() for option in entry.options}

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> None:
        given = {name: value for name in offered if (value := arguments.pop(name)) is not None}
        if given:
            _refuse_others(given, arguments["target"] or ())
            overrides = [f"target.{name}={value}" for name, value in given.items()]
            arguments["changes"] = [*(arguments["changes"] or ()), *overrides]
        command(**arguments)

    signature = inspect.signature(command, eval_str=True)
    added = [_parameter(option) for option in offered.values()]
    own = list(signature.parameters.values())
    wrapped.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in (*own, *added)}
    return wrapped


def _parameter(option: catalog.TargetOption) -> inspect.Parameter:
    formats = " and ".join(_having(option.name))
    words = typer.Option(
        f"--{option.name}",
        metavar=option.metavar,
        help=f"{option.help}, of {formats}. Default: {option.default}.",
        rich_help_panel=PANEL,
        show_default=False,
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(option.name, kind, default=None, annotation=Annotated[str | None, words])


def _refuse_others(given: dict[str, str], targets: Sequence[str]) -> None:
    """A profile that is named instead of a format says itself whether it has the setting."""
    for name, value in given.items():
        formats = _having(name)
        if without := [str(target) for target in targets if target not in formats]:
            raise ConfigError(
                [f"--{name} {value} is an option of {' and '.join(formats)}, not of {without[0]}"],
                where="command line",
                fix=f"leave it out, or export to {formats[0]} alone",
            )


def _having(name: str) -> list[str]:
    """The formats that have an option."""
    entries = catalog.written_targets()
    return [entry.name for entry in entries if any(option.name == name for option in entry.options)]
