"""A study file: a recipe, variants of it, seeds, and the suites on which every run is measured.

name: depth
about: How should a network of 12 thousand parameters spend them?
recipe: super-resolution/plainsr-xs
common: [train.steps=2000]
reference: wide
seeds: [0, 1, 2]
suites: [sr-x4]
variants:
  wide: {about: 16 channels, overrides: [model.channels=16, model.blocks=2]}
  deep: {about: 10 channels, overrides: [model.channels=10, model.blocks=9]}
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from edgeir.benchmarking.suite import Suite, load_suite
from edgeir.core.config import Config, parse, read_yaml
from edgeir.core.errors import ConfigError
from edgeir.training.recipe import Recipe, load_recipe

__all__ = ["PREVIOUS", "Study", "Variant", "load_study", "recipes_of", "suites_of"]

PREVIOUS = "previous"
"""Value of `reference`: each variant is compared with the one it follows."""


def _file_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"`{name}` must be letters, digits, `.`, `_` and `-`: folders are named by it")
    return name


FileName = Annotated[str, AfterValidator(_file_name)]


class Variant(Config):
    """One way of training."""

    about: str
    published: str | None = None
    """The paper's figure for this difference, and where it is; the evidence table compares it with the measured one."""
    overrides: tuple[str, ...] = ()
    """``a.b=value`` settings, after the study's common ones."""
    follows: str | None = None
    """Variant whose overrides are applied first, so that cumulative changes need not repeat them."""


class Study(Config):
    """The settings of a study."""

    name: FileName
    about: str
    recipe: str
    """Name or file of the recipe that every variant changes."""
    needs: tuple[str, ...] = ()
    """Recipes whose runs the study's own recipe refers to; trained first, into ``runs/<name>``."""
    common: tuple[str, ...] = ()
    """Overrides of every run."""
    equal: Literal["steps", "pixels"] = "steps"
    """Training cost that all variants must have in common: steps, or clean pixels (steps x batch x patch²)."""
    reference: str
    """The variant that the others are compared with; ``previous`` compares each with the one it follows."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field((0,), min_length=1)
    suites: tuple[str, ...] = Field(("sr-x4",), min_length=1)
    variants: dict[FileName, Variant] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Study:
        wanted = [variant.follows for variant in self.variants.values() if variant.follows]
        if self.reference != PREVIOUS:
            wanted.append(self.reference)
        problems = [
            f"no variant is called {name}" for name in dict.fromkeys(wanted) if name not in self.variants
        ]
        if not problems:
            problems = [f"`{name}` follows itself" for name in self.variants if self._circular(name)]
        if len(set(self.seeds)) < len(self.seeds):
            problems.append("a seed is given twice")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _circular(self, name: str) -> bool:
        seen = {name}
        follows = self.variants[name].follows
        while follows is not None and follows not in seen:
            seen.add(follows)
            follows = self.variants[follows].follows
        return follows == name

    def overrides(self, name: str) -> list[str]:
        """All overrides of a variant, in order."""
        variant = self.variants[name]
        inherited = self.overrides(variant.follows) if variant.follows else list(self.common)
        return [*inherited, *variant.overrides]

    def against(self, name: str) -> str | None:
        """The variant that `name` is compared with; None for the reference itself."""
        reference = self.variants[name].follows if self.reference == PREVIOUS else self.reference
        return None if reference == name else reference


def load_study(path: str | Path) -> Study:
    """Read a study file.

    Raises:
        ConfigError: it cannot be read, or is wrong (every problem at once).
    """
    return parse(Study, read_yaml(path), where=path)


def recipes_of(study: Study) -> dict[str, Recipe]:
    """The recipe of every variant, resolved.

    Raises:
        ConfigError: a recipe is wrong, two variants are the same, or their steps or pixels differ.
    """
    where = f"study {study.name}"
    recipes: dict[str, Recipe] = {}
    for name in study.variants:
        try:
            recipes[name] = load_recipe(study.recipe, study.overrides(name))
        except ConfigError as error:
            raise ConfigError(error.problems, where=f"{where}, variant {name}", fix=error.fix) from error
    spent = {name: _spent(recipe, study.equal) for name, recipe in recipes.items()}
    problems = []
    if len(set(spent.values())) > 1:
        each = ", ".join(f"{name} {count:,}" for name, count in spent.items())
        problems.append(f"the variants do not have equal {study.equal}: {each}")
    seen: dict[str, str] = {}
    for name, recipe in recipes.items():
        same = seen.setdefault(recipe.model_dump_json(), name)
        if same != name:
            problems.append(f"the variants {same} and {name} are the same training")
    if problems:
        raise ConfigError(problems, where=where)
    return recipes


def _spent(recipe: Recipe, what: Literal["steps", "pixels"]) -> int:
    steps = recipe.train.steps
    return steps if what == "steps" else steps * recipe.data.batch * recipe.data.patch**2


def suites_of(study: Study) -> list[Suite]:
    """The suites of a study.

    Raises:
        ConfigError: there is none of a name, or two of them have a set of one name.
    """
    suites = [load_suite(name) for name in study.suites]
    names = [entry.name for suite in suites for entry in suite.sets]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            [
                f"the set {name} is in two of the suites, and its name must be unique to tell the figures apart"
                for name in twice
            ],
            where=f"study {study.name}",
            fix="put the suites into studies of their own",
        )
    return suites
