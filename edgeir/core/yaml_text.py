"""YAML as configuration needs it: plain data, each key once, merge keys, and bounds on depth and size.

Mappings, lists, text, numbers, true, false and null are read; a date is text; other tags are refused. Aliases and merge
keys (``<<: *base``) work, but what they expand to counts, so that a few lines cannot stand for gigabytes. Whatever is
wrong with a text is one `ValueError` of one line.
"""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["MAX_DEPTH", "MAX_DIGITS", "MAX_SIZE", "load_yaml"]

MAX_DEPTH = 50
"""Levels of mappings and lists inside each other."""
MAX_DIGITS = 40
"""Characters of a number."""
MAX_SIZE = 1_000_000
"""Characters of all values, plus one for each value, every alias counted as what it stands for."""

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_PLAIN = {f"{_TAG}{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")}
_NAMES = {"int": "whole number", "float": "number", "bool": "boolean"}
_NUMBERS = {f"{_TAG}int", f"{_TAG}float"}


def load_yaml(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        ValueError: one line that names the place and the fault: no YAML, a key given twice, a value that its tag does
            not fit, too deep, too large.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ValueError(
            f"line {line}: the character U+{ord(text[error.position]):04X} is not allowed"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise ValueError(" ".join(f"{where}{_reason(error)}".split())) from error
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _reason(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "not YAML"
    if problem.startswith("found character '\\t'"):
        return "a tab where only spaces are allowed"
    if problem == "second occurrence":
        return "the anchor's name is used already"
    return f"{error.context} {problem}" if problem.startswith("but ") and error.context else problem


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_TAG}timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._sizes: dict[int, int] = {}
        self._checked: set[int] = set()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node, keeping count of depth and size."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        is_alias = self.check_event(yaml.AliasEvent)
        if self._depth > MAX_DEPTH:
            raise _error(f"nested deeper than {MAX_DEPTH} levels", mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias and id(node) not in self._sizes:
            raise _error("the alias stands for something that contains it", mark)
        size = self._sizes.setdefault(id(node), 1 + self._size_inside(node))
        if size > MAX_SIZE:
            raise _error(f"the values take more than {MAX_SIZE:,} characters", mark)
        return node

    def _size_inside(self, node: yaml.Node | None) -> int:
        if isinstance(node, yaml.MappingNode):
            return sum(self._sizes[id(part)] for pair in node.value for part in pair)
        if isinstance(node, yaml.SequenceNode):
            return sum(self._sizes[id(part)] for part in node.value)
        return len(node.value) if node is not None else 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge what ``<<`` names; the mapping's own keys are checked first, as they were written."""
        if id(node) not in self._checked:
            self._checked.add(id(node))
            self._check_keys(node)
        super().flatten_mapping(node)

    def _check_keys(self, node: yaml.MappingNode) -> None:
        keys: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _error("a key must be plain text, not a list or a mapping", key_node.start_mark)
            key = _MERGE if key_node.tag == _MERGE else self.construct_object(key_node)
            if key in keys:
                raise _error(f"the key `{key_node.value}` is given twice", key_node.start_mark)
            keys.add(key)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Construct a value; what its tag does not fit is an error of YAML like others."""
        tag = node.tag.removeprefix(_TAG)
        if node.tag not in _PLAIN:
            raise _error(f"the tag `{tag}` is not allowed", node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            if node.tag in _NUMBERS and len(node.value) > MAX_DIGITS:
                raise _error(f"a number of {len(node.value):,} characters is too long", node.start_mark)
            if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in node.value):
                raise _error("text must not hold NUL or halves of surrogate pairs", node.start_mark)
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
            # what PyYAML's constructors raise for `!!int ''`, `!!float x`, `!!bool x`
            shown = f"`{str(node.value)[:MAX_DIGITS]}`" if node.value else "an empty value"
            raise _error(f"{shown} is no {_NAMES.get(tag, tag)}", node.start_mark) from error


def _error(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)
