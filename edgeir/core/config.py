"""Typed configuration: frozen pydantic models, YAML files and ``a.b=c`` overrides.

`parse` reports every problem of a file at once, each with its dotted key, and suggests the nearest
known key for a misspelt one.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from edgeir.core.errors import ConfigError

__all__ = ["Config", "apply_overrides", "dump_yaml", "parse", "read_yaml"]


class Config(BaseModel):
    """Base of every configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


ConfigT = TypeVar("ConfigT", bound=BaseModel)


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice (plain YAML keeps the last one silently)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key}` is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _load_yaml(text: str) -> Any:
    return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigError: the file is missing, is not YAML, or is not a mapping.
    """
    path = Path(path)
    try:
        value = _load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            [f"cannot be read: {getattr(error, 'strerror', None) or error}"], where=path
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError([f"is not valid YAML: {error}"], where=path) from error
    if not isinstance(value, dict):
        raise ConfigError([f"must be a mapping of keys to values, not {type(value).__name__}"], where=path)
    return value


def dump_yaml(config: BaseModel) -> str:
    """The fully resolved configuration as YAML (all defaults written out)."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def apply_overrides(values: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a copy of `values` with ``a.b=c`` overrides applied; values are read as YAML.

    A list element is addressed by its index (``data.sources.0.name=Set5``). Every malformed override is reported.
    """
    result: dict[str, Any] = yaml.safe_load(yaml.safe_dump(values))
    problems: list[str] = []
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip(". "):
            problems.append(f"override `{override}` must look like a.b=value")
            continue
        try:
            _assign(result, key.strip().split("."), _load_yaml(text))
        except yaml.YAMLError:
            problems.append(f"override `{override}`: `{text}` is not a YAML value")
        except LookupError as error:
            problems.append(f"override `{override}`: {error.args[0]}")
    if problems:
        raise ConfigError(problems, where="command line")
    return result


def _assign(target: Any, keys: Sequence[str], value: Any) -> None:
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(target, list):
            if not key.isdigit() or int(key) >= len(target):
                raise LookupError(
                    f"`{'.'.join(keys[:depth])}` has {len(target)} entries, so `{key}` is no index of it"
                )
            if last:
                target[int(key)] = value
            else:
                target = target[int(key)]
        elif isinstance(target, dict):
            if last:
                target[key] = value
            else:
                if target.get(key) is None:
                    target[key] = {}
                target = target[key]
        else:
            raise LookupError(f"`{'.'.join(keys[:depth])}` is a value, not a section")


def parse(model: type[ConfigT], values: object, *, where: object) -> ConfigT:
    """Validate `values` against `model`.

    Raises:
        ConfigError: with every problem, each naming its dotted key, what was expected and what was found.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [_problem(model, detail) for detail in error.errors()]
        raise ConfigError(problems, where=where) from error


def _problem(model: type[BaseModel], detail: Any) -> str:
    parts = [str(part) for part in detail["loc"]]
    owner, keys = _owner(model, parts)
    dotted = ".".join(keys) or "the file"
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
    message = detail["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    shown = "" if isinstance(value, (dict, list)) else f", not `{value}`"
    return f"`{dotted}`: {message}{shown}"


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
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        fields = [owner.model_fields[part] for owner in owners if part in owner.model_fields]
        # Among several owners the next part is the tag of one, even where a key has the same name.
        tagged = [owner for owner in owners if _tag(owner) == part] if len(owners) > 1 else []
        if tagged:
            owners = tagged
        elif fields:
            keys.append(part)
            leaves = [leaf for field in fields for leaf in _members(field.annotation)]
            if not last:
                owners = [leaf for leaf in leaves if isinstance(leaf, type) and issubclass(leaf, BaseModel)]
        elif not last and (tagged := [owner for owner in owners if _tag(owner) == part]):
            owners = tagged
        else:
            keys.append(part)
    return owners, keys


def _tag(owner: type[BaseModel]) -> str | None:
    field = owner.model_fields.get("kind")
    arguments = typing.get_args(field.annotation) if field else ()
    return str(arguments[0]) if arguments else None
