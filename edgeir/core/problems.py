"""Problems of a configuration, in the terms of its YAML file instead of pydantic's.

Every union of configurations is one flat union discriminated by `kind`, so that pydantic reports only the branch that
was meant. Its locations hold the tag of that branch, which is not a key of the file and is left out here.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ValidationError

from edgeir.core.wording import Problem, line_of, meant_key

__all__ = ["problems_of"]

MOST = 50
"""Problems listed at most."""


def problems_of(model: type[BaseModel], error: ValidationError) -> list[str]:
    """One line for each problem of the values that were validated against `model`, with its dotted key."""
    problems = [
        Problem(
            *_locate(model, detail["loc"]),
            detail["type"],
            detail["input"],
            detail["msg"],
            detail.get("ctx", {}),
        )
        for detail in error.errors(include_url=False)[: 4 * MOST]
    ]
    meant = {(*problem.key[:-1], near) for problem in problems if (near := meant_key(problem)) is not None}
    lines = [
        line_of(problem)
        for problem in problems
        if not (_is_second(problem, problems) or (problem.kind == "missing" and problem.key in meant))
    ]
    unique = list(dict.fromkeys(" ".join(line.split()) for line in lines))
    more = error.error_count() - len(problems) + max(0, len(unique) - MOST)
    return [*unique[:MOST], *([f"and {more} more"] if more else [])]


def _locate(
    model: type[BaseModel], location: Sequence[int | str]
) -> tuple[tuple[str, ...], type[BaseModel] | None]:
    """The keys of a location, without what pydantic adds for unions, and the configuration that owns the last one."""
    annotation: Any = model
    owner: type[BaseModel] | None = None
    keys: list[str] = []
    for part in map(str, location):
        branches = _branches(annotation)
        if len(branches) > 1:  # the tag of the branch, or the name of its type
            tagged = [branch for branch in branches if _tag(branch) == part]
            nested = [branch for branch in branches if typing.get_origin(branch) is not None]
            annotation = (tagged or nested or branches)[0]
            continue
        keys.append(part)
        owner, annotation = _inside(branches[0] if branches else None, part)
    return tuple(keys), owner


def _inside(annotation: Any, part: str) -> tuple[type[BaseModel] | None, Any]:
    """The configuration that has the key `part`, if it is one, and the type of what lies there."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(part)
        return annotation, field.annotation if field is not None else None
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is dict:
        return None, arguments[1]
    if arguments and Ellipsis not in arguments and part.isdecimal() and int(part) < len(arguments):
        return None, arguments[int(part)]
    return None, arguments[0] if arguments else None


def _branches(annotation: Any) -> list[Any]:
    """The types that a value may have, other than None; several mean that pydantic names one in the location."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _branches(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [
            leaf for part in typing.get_args(annotation) for leaf in _branches(part) if leaf is not type(None)
        ]
    return [annotation]


def _tag(branch: Any) -> str | None:
    field = getattr(branch, "model_fields", {}).get("kind")
    tags = typing.get_args(field.annotation) if field is not None else ()
    return str(tags[0]) if tags else None


def _is_second(problem: Problem, problems: Sequence[Problem]) -> bool:
    """Whether the problem only follows from another one.

    A list may be too short only because some of its entries are wrong; a value that may be a number or a list of
    numbers fits neither, and only the branch of its own shape counts.
    """
    depth = len(problem.key)
    below = any(len(other.key) > depth and other.key[:depth] == problem.key for other in problems)
    if problem.kind == "too_short":
        return below and len(problem.value) >= problem.context["min_length"]
    beside = any(other is not problem and other.key == problem.key for other in problems)
    if problem.kind == "tuple_type":
        return beside
    return problem.kind.endswith("_type") and isinstance(problem.value, list | tuple) and (below or beside)
