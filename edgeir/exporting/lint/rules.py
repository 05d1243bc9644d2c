"""The rules of a delegate: one YAML file each, those of ``export/lint`` come with edgeir.

A file lists the operators that a delegate takes and, for each type of number where they differ, what it takes of these;
rules then refuse some by what they are, or warn of them. Every file says where its rules are from and when they were
compared with that.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from edgeir.core.assets import find_asset, list_assets
from edgeir.core.config import Config, parse, read_yaml
from edgeir.core.errors import ConfigError
from edgeir.exporting.lint.condition import Condition, Dtype, Names
from edgeir.runtime import catalog

__all__ = ["Delegate", "Evidence", "Rule", "Taken", "Text", "choose", "read_delegate", "shipped_delegates"]

Text = Annotated[str, Field(min_length=1, max_length=1000)]
Evidence = Literal["measured", "documented", "reported"]
"""``measured``: the runtime was asked; ``documented``: its code or documents say so; ``reported``: users do."""


class Taken(Config):
    """Operators that the delegate takes, with computed inputs of some types."""

    dtypes: Annotated[tuple[Dtype, ...], Field(min_length=1)] | None = None
    """Types of the first computed input; all by default."""
    operators: Names


class Rule(Config):
    """One thing that a delegate refuses, or that goes wrong on it."""

    name: Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    """For ``--json``; unique in the file."""
    verdict: Literal["refused", "warning"] = "refused"
    """``warning``: the operator is taken, but see the reason."""
    operators: Names | None = None
    """Kinds that it is about; all by default."""
    when: Condition | None = None
    """What must hold of the operator; by default nothing more."""
    unless: Condition | None = None
    """Where this holds, the rule does not."""
    reason: Text
    remedy: Text
    evidence: Evidence | None = None
    source: Text | None = None
    """By default those of the file."""

    @model_validator(mode="after")
    def _is_about_something(self) -> Rule:
        if self.operators is None and self.when is None:
            raise ValueError("needs `operators` or `when`, or it would hold for everything")
        return self


class Delegate(Config):
    """What a delegate takes."""

    name: Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
    """For ``--delegate``."""
    title: Text
    formats: Names
    """Formats whose files it is given, names of the catalog."""
    version: Text
    """Of the runtime whose word the rules are."""
    checked: datetime.date
    """Day on which the rules were last compared with the source."""
    source: Text
    """Document, thread or program that the rules are from."""
    evidence: Evidence
    fallback: Text
    """Where the operators run that it does not take."""
    notes: tuple[Text, ...] = ()
    """What holds for every file."""
    remedy: Text = "use an operator that it takes, or leave this part of the network to the fallback"
    """For an operator that no rule speaks of."""
    takes: Annotated[tuple[Taken, ...], Field(min_length=1)]
    rules: tuple[Rule, ...] = ()
    """The first one that refuses counts; all warnings do."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Delegate:
        known = [entry.name for entry in catalog.TARGETS]
        if strangers := [name for name in self.formats if name not in known]:
            raise ValueError(f"`formats` names `{strangers[0]}`, which is none of {', '.join(known)}")
        names = [rule.name for rule in self.rules]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two rules have the name `{twice[0]}`")
        return self


def shipped_delegates() -> list[str]:
    """Names of the delegates whose rules come with edgeir."""
    return list_assets("lint")


def read_delegate(name: str | Path) -> Delegate:
    """The rules of a delegate, by its name or the path of a rules file.

    Raises:
        ConfigError: there are none, or the file is wrong (every problem at once).
    """
    path = find_asset("lint", name)
    return parse(Delegate, read_yaml(path), where=path)


def choose(names: Sequence[str], rules: Sequence[str | Path]) -> list[Delegate]:
    """The delegates to ask: those of `rules` and, of the shipped ones, those in `names`.

    Args:
        names: delegates, shipped or of `rules`; none: all, or those of `rules` where there are any.
        rules: rules files; one with the name of a shipped delegate stands in its place.

    Raises:
        ConfigError: an unknown delegate, or a rules file that is wrong.
    """
    own = {delegate.name: delegate for delegate in map(read_delegate, rules)}
    wanted = list(dict.fromkeys(names)) or list(own) or shipped_delegates()
    shipped = shipped_delegates()
    for name in wanted:
        if name not in own and name not in shipped:
            find_asset("lint", name)  # says what there is
            raise ConfigError([f"`{name}` is a rules file: give it with --rules"])
    return [own[name] if name in own else read_delegate(name) for name in wanted]
