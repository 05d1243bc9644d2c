"""Every recipe, profile, suite and rules file that comes with edgeir, with mistakes in it: one plain line each.

Typing mistakes name the right word; odd values (enormous, negative, not finite, of another type) are valid or refused.
"""

from __future__ import annotations

import contextlib
import copy
import difflib
import random
import re
import typing
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from edgeir.benchmarking.suite import Suite
from edgeir.core.assets import AssetKind, find_asset, list_assets
from edgeir.core.config import dump_yaml, parse, read_yaml
from edgeir.core.errors import ConfigError
from edgeir.exporting.lint.rules import Delegate
from edgeir.exporting.profile import ExportProfile
from edgeir.training.recipe import Recipe

SCHEMAS: dict[AssetKind, type[BaseModel]] = {
    "recipes": Recipe,
    "profiles": ExportProfile,
    "suites": Suite,
    "lint": Delegate,
}
FREE = {"attributes", "attributes_not"}
"""Mappings whose keys are not edgeir's."""
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
    keys = [path for path in places(content) if not FREE & set(path[:-1])]
    for path in draw.sample(keys, min(8, len(keys))):
        values = copy.deepcopy(content)
        section, key = at(values, path[:-1]), path[-1]
        wrong = misspelt(key, draw)
        section[wrong] = section.pop(key)
        problem = only_problem(kind, values)
        dotted = ".".join(map(str, (*path[:-1], wrong)))
        assert problem.startswith(f"unknown key `{dotted}`, did you mean `"), problem
        suggested = re.findall(r"`([^`]+)`", problem)[-1]  # `atch` is as near to `patch` as to `batch`
        assert suggested == key or nearness(wrong, suggested) >= nearness(wrong, key), problem


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
        wrong, suggested = re.findall(r"`([^`]+)`", problem)[-2:]
        assert wrong == section["kind"]
        # A short word may be as near to another one: `nnn` is neither more `ncnn` than `onnx`, nor less.
        assert suggested == right or nearness(wrong, suggested) >= nearness(wrong, right), problem


def nearness(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a, b).ratio()


def values_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value, at any depth; of sections and lists too."""
    for key, entry in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield (*path, key)
        yield from values_in(entry, (*path, key))


ODD = [
    0, -1, 2**31, 2**63, 10**30, -(10**30), 1e300, 1e-300, -1e300, 0.0001, 1.5, float("nan"), float("inf"), True, None,
    "", "x", "x" * 5000, "\n", "1e400", [], [[]], [0], [-1, 1], [10**30], [None], {}, {"a": 1}, {"kind": "x"}, {1: 2},
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_an_odd_value_is_valid_or_one_line(kind: AssetKind, name: str) -> None:
    """In a file with all of its settings, those left to their defaults too."""
    draw, schema = random.Random(name), SCHEMAS[kind]
    content = yaml.safe_load(dump_yaml(parse(schema, read_yaml(find_asset(kind, name)), where="file")))
    for path in draw.choices(list(values_in(content)), k=25):
        values, odd = copy.deepcopy(content), draw.choice(ODD)
        at(values, path[:-1])[path[-1]] = odd
        problems: tuple[str, ...] = ()
        try:
            parse(schema, values, where="file")
        except ConfigError as error:
            problems = error.problems
        for problem in problems:
            assert "\n" not in problem, problem
            assert len(problem) < 1000, problem


LIMITED = ("edgeir.data", "edgeir.models", "edgeir.losses", "edgeir.distill", "edgeir.benchmarking")


def test_every_number_has_an_upper_bound() -> None:
    """Or a slip of the keyboard ends in a full memory, an overflow or a loop without end."""
    models: dict[type[BaseModel], None] = {}
    for schema in SCHEMAS.values():
        reachable(schema, models)
    unbounded, numbers = [], 0
    for model in (model for model in models if model.__module__.startswith(LIMITED)):
        for name, field in model.model_fields.items():
            adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, "with", *field.metadata])
            numbers += accepts(
                adapter, [1, [1], *([1] * count for count in (2, 4, 5)), 8, 32, [8], [0.5, 0.7]]
            )
            huge = [10**30, -(10**30), 1e30, *([1e30] * count for count in (1, 2, 4, 5))]
            if name not in MEASURED and accepts(adapter, huge):
                unbounded.append(f"{model.__name__}.{name}")
    assert numbers > 100
    assert not unbounded


MEASURED = {"psnr_db", "ssim", "ms_ssim", "parameters"}
"""Published figures, with which nothing is computed."""


def accepts(adapter: TypeAdapter[Any], values: list[Any]) -> bool:
    for value in values:
        with contextlib.suppress(ValidationError):
            adapter.validate_python(value)
            return True
    return False


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
