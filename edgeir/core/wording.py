"""One problem of a configuration as a sentence: the dotted key, the rule or the nearest known word, the value."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

__all__ = ["Problem", "line_of", "meant_key", "shown"]

LONGEST = 80
"""Characters of a value that a problem shows."""
_RULES = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
}
"""Where pydantic's sentence is in the terms of Python."""


@dataclass(frozen=True)
class Problem:
    """One error of pydantic, with its location in the terms of the file."""

    key: tuple[str, ...]
    """The keys and indices that lead to it in the file."""
    owner: type[BaseModel] | None
    """The configuration in which the last one was looked for."""
    kind: str
    value: Any
    message: str
    context: dict[str, Any]

    @property
    def dotted(self) -> str:
        return ".".join(self.key)


def line_of(problem: Problem) -> str:
    """The problem in one line, unless a message of ours has several."""
    dotted, value, context = problem.dotted, problem.value, problem.context
    match problem.kind:
        case "extra_forbidden":
            return _unknown_key(problem)
        case "missing":
            return f"`{dotted}` is missing"
        case "union_tag_not_found":
            tag = ".".join((*problem.key, _discriminator(context)))
            near = _nearest("kind", [str(key) for key in value])
            if near is not None:
                return f"unknown key `{'.'.join((*problem.key, near))}`, did you mean `kind`?"
            return f"`{tag}` is missing"
        case "union_tag_invalid" | "literal_error":
            return _wrong_choice(problem)
        case "model_type" | "model_attributes_type":
            subject = f"`{dotted}` must" if dotted else "must"
            kind = (
                f"`{shown(value)}`" if dotted and not isinstance(value, list | dict) else type(value).__name__
            )
            return f"{subject} be a mapping of keys to values, not {kind}"
        case "too_short":
            least = context["min_length"]
            return f"`{dotted}` must have at least {least} item{'s' if least != 1 else ''}, not {len(value)}"
        case _:
            return _wrong_value(problem)


def _unknown_key(problem: Problem) -> str:
    meant, key = meant_key(problem), shown(problem.dotted)
    if meant is None:
        known = sorted(problem.owner.model_fields) if problem.owner is not None else []
        return f"unknown key `{key}`, known keys: {', '.join(known)}"
    if problem.key[-1] in getattr(problem.owner, "renamed", {}):
        return f"unknown key `{key}`, which is called `{meant}` now"
    return f"unknown key `{key}`, did you mean `{meant}`?"


def _wrong_choice(problem: Problem) -> str:
    context = problem.context
    expected = str(context.get("expected_tags") or context.get("expected", ""))
    options = [option.strip().strip("'") for option in expected.replace(" or ", ", ").split(",")]
    key, value = problem.key, shown(problem.value)
    if "discriminator" in context:
        key, value = (*key, _discriminator(context)), shown(context["tag"])
    near = _nearest(value, options)
    hint = f", did you mean `{near}`?" if near is not None else ""
    return f"`{'.'.join(key)}` must be one of {', '.join(options)}, not `{value}`{hint}"


def _discriminator(context: dict[str, Any]) -> str:
    return str(context["discriminator"]).strip("'")


def _wrong_value(problem: Problem) -> str:
    end = "" if isinstance(problem.value, dict | list | tuple) else f", not `{shown(problem.value)}`"
    own = problem.message.removeprefix("Value error, ")
    if own != problem.message:
        # What concerns several sections belongs to the whole file, which the error names in front of it.
        colon = "" if own.startswith("must ") else ":"
        return f"`{problem.dotted}`{colon} {own}{end}" if problem.key else f"{own}{end}"
    if problem.kind == "too_long":
        return f"`{problem.dotted}` must have at most {problem.context['max_length']} items, not {len(problem.value)}"
    rule = _RULES.get(problem.kind, problem.message.replace("Input should be", "must be"))
    if rule.startswith("must "):
        return f"`{problem.dotted}` {rule}{end}"
    return f"`{problem.dotted}`: {rule[:1].lower()}{rule[1:]}{end}"


def meant_key(problem: Problem) -> str | None:
    """The key that an unknown one was meant to be."""
    if problem.kind != "extra_forbidden" or problem.owner is None:
        return None
    renamed: dict[str, str] = getattr(problem.owner, "renamed", {})
    if problem.key[-1] in renamed:
        return renamed[problem.key[-1]]
    return _nearest(problem.key[-1], list(problem.owner.model_fields))


def _nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that `word` was probably meant to be: one of the same letters, or else the most similar one."""
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    same_letters = [other for other in near if sorted(other) == sorted(word)]
    return next(iter([*same_letters, *near]), None)


def shown(value: object) -> str:
    """A value in an error: short, whatever it is."""
    try:
        text = str(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
