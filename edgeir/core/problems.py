"""What is wrong with a configuration, in the terms of its YAML file instead of pydantic's.

pydantic tries every branch of a union and reports each. Of several tagged unions in one (``A | B``, each discriminated
by ``kind``) only the one that knows the tag is told here.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ValidationError

__all__ = ["problems_of"]

Detail = dict[str, Any]
"""What pydantic tells of one error: ``type``, ``loc``, ``msg``, ``input``, ``ctx``."""
Place = tuple[int | str, ...]


def problems_of(model: type[BaseModel], error: ValidationError) -> list[str]:
    """One line for each problem of the values that were validated against `model`, with its dotted key."""
    details: list[Detail] = [dict(detail) for detail in error.errors()]
    while (place := _union_place(details)) is not None:
        details = _one_branch(details, place)
    places = [detail["loc"] for detail in details]
    told = [_problem(model, detail) for detail in details if not _by_its_entries(detail, places)]
    return list(dict.fromkeys(told))


def _union_place(details: Sequence[Detail]) -> Place | None:
    """The first location at which several tagged unions were tried, or None."""
    for detail in details:
        for index in range(len(detail["loc"])):
            if _names_union(detail, index):
                place: Place = detail["loc"][:index]
                return place
    return None


def _names_union(detail: Detail, index: int) -> bool:
    """Whether this part of the location tells which tagged union was tried, and is no key of the file."""
    part, last = detail["loc"][index], index == len(detail["loc"]) - 1
    is_key = last and detail["type"] == "extra_forbidden"
    return isinstance(part, str) and part.startswith("tagged-union[") and not is_key


def _one_branch(details: Sequence[Detail], place: Place) -> list[Detail]:
    """The same, with those of the fitting union alone at `place`, or one for all where none knows the tag."""
    depth = len(place)
    tried = [
        detail for detail in details
        if detail["loc"][:depth] == place and len(detail["loc"]) > depth and _names_union(detail, depth)
    ]  # fmt: skip
    refused = [
        detail for detail in tried
        if len(detail["loc"]) == depth + 1 and detail["type"].startswith(("union_tag", "model_attributes"))
    ]  # fmt: skip
    left = [detail for detail in tried if detail not in refused] or refused[:1]
    if left == refused[:1] and left[0]["type"] == "union_tag_invalid":
        tags = ", ".join(detail["ctx"]["expected_tags"] for detail in refused)
        left = [left[0] | {"ctx": left[0]["ctx"] | {"expected_tags": tags}}]
    shorter = [detail | {"loc": (*place, *detail["loc"][depth + 1 :])} for detail in left]
    first = next(index for index, detail in enumerate(details) if detail in tried)
    others = [detail for detail in details if detail not in tried]
    return [*others[:first], *shorter, *others[first:]]


def _by_its_entries(detail: Detail, places: Sequence[Place]) -> bool:
    """Whether a sequence is only too short because entries of it are wrong, which are told themselves."""
    if detail["type"] != "too_short" or len(detail["input"]) < detail["ctx"]["min_length"]:
        return False
    depth = len(detail["loc"])
    return any(len(place) > depth and place[:depth] == detail["loc"] for place in places)


def _problem(model: type[BaseModel], detail: Detail) -> str:
    parts = [str(part) for part in detail["loc"]]
    owner, keys = _owner(model, parts)
    dotted = ".".join(keys)
    kind, value = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        known = _known_keys(owner)
        near = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(known)}"
        return f"unknown key `{dotted}`, {hint}"
    if kind == "missing":
        return f"`{dotted}` is missing"
    if kind in ("union_tag_invalid", "literal_error"):
        context = detail.get("ctx", {})
        expected = str(context.get("expected_tags") or context.get("expected", ""))
        found = str(context.get("tag", value))
        options = [option.strip().strip("'") for option in expected.replace(" or ", ", ").split(",")]
        near = difflib.get_close_matches(found, options, n=1, cutoff=0.5)
        hint = f", did you mean `{near[0]}`?" if near else ""
        tag = (
            f"{dotted}.{str(context['discriminator']).strip(chr(39))}"
            if "discriminator" in context
            else dotted
        )
        return f"`{tag}` must be one of {', '.join(options)}, not `{found}`{hint}"
    if kind == "union_tag_not_found":
        tag = str(detail["ctx"]["discriminator"]).strip("'")
        return f"`{dotted}.{tag}` is missing"
    shown = "" if isinstance(value, (dict, list)) else f", not `{value}`"
    if kind in ("model_type", "model_attributes_type"):
        found = f"`{value}`" if keys else type(value).__name__
        return f"{f'`{dotted}` ' if keys else ''}must be a mapping of keys to values, not {found}"
    if kind == "too_short":
        least, count = detail["ctx"]["min_length"], len(detail["input"])
        return f"`{dotted}` must have at least {least} item{'s' if least != 1 else ''}, not {count}"
    message = detail["msg"].removeprefix("Value error, ")
    if message == detail["msg"]:  # pydantic's sentence, not one of ours
        message = message[:1].lower() + message[1:]
    # What concerns several sections belongs to the whole file, which the error names in front of it.
    return f"`{dotted}`: {message}{shown}" if keys else f"{message}{shown}"


def _members(annotation: Any) -> list[Any]:
    """The leaf types of an annotation: through Annotated, unions, lists and tuples."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType, list, tuple, dict):
        return [leaf for part in typing.get_args(annotation) for leaf in _members(part)]
    if isinstance(annotation, typing.TypeAliasType) if hasattr(typing, "TypeAliasType") else False:
        return _members(annotation.__value__)
    return [annotation]


def _known_keys(owners: list[type[BaseModel]]) -> list[str]:
    return sorted({field.alias or name for owner in owners for name, field in owner.model_fields.items()})


def _owner(model: type[BaseModel], parts: list[str]) -> tuple[list[type[BaseModel]], list[str]]:
    """The models that could own the last key of a location, and the location without union tags."""
    owners: list[type[BaseModel]] = [model]
    keys: list[str] = []
    alternatives = False
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        fields = [owner.model_fields[part] for owner in owners if part in owner.model_fields]
        # Among several owners the next part is the tag of one, even where a key has the same name.
        tagged = [owner for owner in owners if _tag(owner) == part] if len(owners) > 1 else []
        if tagged:
            owners = tagged
        elif fields:
            keys.append(part)
            alternatives = any(_has_labels(field.annotation) for field in fields)
            leaves = [leaf for field in fields for leaf in _members(field.annotation)]
            if not last:
                owners = [leaf for leaf in leaves if isinstance(leaf, type) and issubclass(leaf, BaseModel)]
        elif not last and (tagged := [owner for owner in owners if _tag(owner) == part]):
            owners = tagged
        elif alternatives and not part.isdigit() and (not owners or part in map(_name, owners)):
            owners = [owner for owner in owners if _name(owner) == part]  # a branch of an untagged union
        else:
            keys.append(part)
    return owners, keys


def _name(owner: type[BaseModel]) -> str:
    return owner.__name__


def _has_labels(annotation: Any) -> bool:
    """Whether pydantic puts the name of a type into the location: a union of others than None, and no mapping."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _has_labels(parts[0])
    if origin in (typing.Union, types.UnionType):
        several = [part for part in parts if part is not type(None)]
        return len(several) > 1 or any(_has_labels(part) for part in several)
    return origin in (list, tuple) and any(_has_labels(part) for part in parts)


def _tag(owner: type[BaseModel]) -> str | None:
    field = owner.model_fields.get("kind")
    arguments = typing.get_args(field.annotation) if field else ()
    return str(arguments[0]) if arguments else None
