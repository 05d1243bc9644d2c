"""Typed configuration: frozen pydantic models, YAML files and ``a.b=c`` overrides.

`parse` reports every problem of a file at once, each with its dotted key, and suggests the nearest
known key for a misspelt one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from edgeir.core.errors import ConfigError
from edgeir.core.problems import problems_of

__all__ = ["Config", "apply_overrides", "dump_yaml", "first_problem", "parse", "read_yaml"]


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
        raise ConfigError(problems_of(model, error), where=where) from error


def first_problem(error: Exception) -> str:
    """One line for a JSON file that does not fit its schema, or is no JSON."""
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        return f"`{'.'.join(map(str, detail['loc']))}`: {detail['msg']}"
    if isinstance(error, KeyError):
        return f"`{error.args[0]}` is missing"
    return (str(error).splitlines() or [type(error).__name__])[0]
