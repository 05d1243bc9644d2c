"""Typed configuration: frozen pydantic models, YAML files and ``a.b=c`` overrides.

`parse` reports every problem of a file at once, each with its dotted key, and suggests the nearest
known key for a misspelt one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from edgeir.core.errors import ConfigError
from edgeir.core.problems import problems_of
from edgeir.core.wording import shown
from edgeir.core.yaml_text import load_yaml

__all__ = ["Config", "apply_overrides", "dump_yaml", "first_problem", "parse", "read_yaml"]


class Config(BaseModel):
    """Base of every configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    renamed: ClassVar[dict[str, str]] = {}
    """Renamed keys, old name to new name: the error for a file with an old name gives the new one."""


MAX_BYTES = 1 << 16
"""Largest size of a YAML file, thirty times that of the largest recipe; PyYAML takes seconds to read that much."""

ConfigT = TypeVar("ConfigT", bound=BaseModel)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping: UTF-8, with or without a byte order mark.

    Raises:
        ConfigError: the file is missing, too large, is not YAML, or is not a mapping.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ConfigError([f"is larger than {MAX_BYTES:,} bytes: not a configuration"], where=path)
        value = load_yaml(content.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError([f"cannot be read: {error.strerror or error}"], where=path) from error
    except UnicodeDecodeError as error:
        byte = f"the byte 0x{content[error.start]:02x} at position {error.start:,}"
        raise ConfigError(
            [f"cannot be read: not UTF-8 text, {byte}"], where=path, fix="save it as UTF-8"
        ) from error
    except ValueError as error:
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
    result: dict[str, Any] = _copy(values)
    problems: list[str] = []
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip(". "):
            problems.append(f"override `{shown(override)}` must look like a.b=value")
            continue
        try:
            if len(text) > MAX_BYTES:
                raise ValueError(f"larger than {MAX_BYTES:,} characters")
            _assign(result, key.strip().split("."), load_yaml(text))
        except ValueError as error:
            problems.append(f"override `{shown(override)}`: `{shown(text)}` is not a YAML value: {error}")
        except LookupError as error:
            problems.append(f"override `{shown(override)}`: {error.args[0]}")
    if problems:
        raise ConfigError(problems, where="command line")
    return result


def _copy(value: Any) -> Any:
    """A deep copy without shared values (YAML aliases and merge keys share them), so that overrides change one key."""
    if isinstance(value, dict):
        return {key: _copy(entry) for key, entry in value.items()}
    return [_copy(entry) for entry in value] if isinstance(value, list | tuple) else value


def _assign(target: Any, keys: Sequence[str], value: Any) -> None:
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        section = shown(".".join(keys[:depth]))
        if isinstance(target, list):
            if not _is_index(key, len(target)):
                raise LookupError(
                    f"`{section}` has {len(target)} entries, so `{shown(key)}` is no index of it"
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
            raise LookupError(f"`{section}` is a value, not a section")


def _is_index(key: str, length: int) -> bool:
    return key.isascii() and key.isdecimal() and len(key) <= len(str(length)) and int(key) < length


def parse(model: type[ConfigT], values: object, *, where: object) -> ConfigT:
    """Validate `values` against `model`.

    Raises:
        ConfigError: with every problem, each naming its dotted key, the expected value and the actual one.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(problems_of(model, error), where=where) from error
    except UnicodeEncodeError as error:  # pydantic cannot repeat such a text in a message
        raise ConfigError(
            ["a text holds halves of surrogate pairs, which are no characters"], where=where
        ) from error


def first_problem(error: Exception) -> str:
    """One line for a JSON file that does not fit its schema, or is no JSON."""
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        return f"`{'.'.join(map(str, detail['loc']))}`: {detail['msg']}"
    if isinstance(error, KeyError):
        return f"`{error.args[0]}` is missing"
    return (str(error).splitlines() or [type(error).__name__])[0]
