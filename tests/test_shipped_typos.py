"""Typing mistakes in every recipe, profile and suite that comes with edgeir: one plain line with the right name."""

from __future__ import annotations

import copy
import difflib
import random
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from edgeir.benchmarking.suite import Suite
from edgeir.core.assets import AssetKind, find_asset, list_assets
from edgeir.core.config import parse, read_yaml
from edgeir.core.errors import ConfigError
from edgeir.exporting.profile import ExportProfile
from edgeir.training.recipe import Recipe

SCHEMAS: dict[AssetKind, type[BaseModel]] = {"recipes": Recipe, "profiles": ExportProfile, "suites": Suite}
SHIPPED = [(kind, name) for kind in SCHEMAS for name in list_assets(kind)]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key of a mapping, at any depth."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield (*path, key)
            yield from places(entry, (*path, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from places(entry, (*path, index))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def misspelt(word: str, draw: random.Random) -> str:
    """One letter doubled, exchanged with the next or, of a longer word, dropped (``l`` may be l1 or l2)."""
    while True:
        index = draw.randrange(len(word))
        changed = draw.choice([
            word[:index] + word[index + (len(word) > 2) :],
            word[:index] + word[index] + word[index:],
            word[:index] + word[index + 1 : index + 2] + word[index] + word[index + 2 :],
        ])  # fmt: skip
        if changed != word and difflib.get_close_matches(changed, [word], cutoff=0.5):
            return changed


def only_problem(kind: AssetKind, values: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(SCHEMAS[kind], values, where="file")
    assert len(caught.value.problems) == 1, caught.value.problems
    (problem,) = caught.value.problems
    assert "\n" not in problem
    assert "tagged-union" not in problem
    return problem


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_a_misspelt_key_is_one_line_that_names_it_and_the_right_one(kind: AssetKind, name: str) -> None:
    draw, content = random.Random(name), read_yaml(find_asset(kind, name))
    keys = list(places(content))
    for path in draw.sample(keys, min(8, len(keys))):
        values = copy.deepcopy(content)
        section, key = at(values, path[:-1]), path[-1]
        wrong = misspelt(key, draw)
        section[wrong] = section.pop(key)
        problem = only_problem(kind, values)
        dotted = ".".join(map(str, (*path[:-1], wrong)))
        assert problem.startswith(f"unknown key `{dotted}`, did you mean `"), problem
        assert problem.endswith(f"`{key}`?"), problem


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_a_misspelt_kind_is_one_line_that_names_it_and_the_right_one(kind: AssetKind, name: str) -> None:
    draw = random.Random(name)
    content = read_yaml(find_asset(kind, name))
    for path in [path for path in places(content) if path[-1] == "kind"][:6]:
        values = copy.deepcopy(content)
        section = at(values, path[:-1])
        right = section["kind"]
        section["kind"] = misspelt(right, draw)
        problem = only_problem(kind, values)
        assert problem.startswith(f"`{'.'.join(map(str, path))}` must be one of "), problem
        assert problem.endswith(f"not `{section['kind']}`, did you mean `{right}`?"), problem


def unions(annotation: Any) -> Iterator[list[type[BaseModel]]]:
    """The configurations of every union inside an annotation, at any depth."""
    members = [
        part for part in typing.get_args(annotation) if isinstance(part, type) and issubclass(part, BaseModel)
    ]
    if len(members) > 1:
        yield members
    for part in typing.get_args(annotation):
        yield from unions(part)


def reachable(model: type[BaseModel], found: dict[type[BaseModel], None]) -> None:
    if model in found:
        return
    found[model] = None
    stack = [field.annotation for field in model.model_fields.values()]
    while stack:
        part = stack.pop()
        if isinstance(part, type) and issubclass(part, BaseModel):
            reachable(part, found)
        stack += typing.get_args(part)


def test_every_union_of_configurations_is_told_apart_by_kind() -> None:
    """Or the locations of pydantic's errors would hold names of classes, which no file has."""
    models: dict[type[BaseModel], None] = {}
    for schema in SCHEMAS.values():
        reachable(schema, models)
    assert len(models) > 60
    checked = 0
    for model in models:
        for field in model.model_fields.values():
            for members in unions(field.annotation):
                kinds = [typing.get_args(member.model_fields["kind"].annotation) for member in members]
                assert len({tag for tags in kinds for tag in tags}) == sum(map(len, kinds)) == len(members), (
                    members
                )
                checked += 1
    assert checked >= 8
