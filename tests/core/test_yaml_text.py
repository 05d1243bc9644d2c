"""YAML as configuration: merge keys, keys given twice, and texts that are odd, deep, enormous or not YAML at all."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgeir.core.config import apply_overrides, read_yaml
from edgeir.core.errors import ConfigError
from edgeir.core.yaml_text import MAX_DEPTH, load_yaml

MERGED = """
base: &base {a: 1, b: 2}
over: {<<: *base, a: 3}
list: {<<: [*base, {c: 4}], d: 5}
twice: &twice {<<: *base, b: 9}
chain: {<<: *twice, a: 0}
plain: *base
"""


def test_merge_keys_work_and_own_keys_win() -> None:
    assert load_yaml(MERGED) == {
        "base": {"a": 1, "b": 2},
        "over": {"a": 3, "b": 2},
        "list": {"a": 1, "b": 2, "c": 4, "d": 5},
        "twice": {"a": 1, "b": 9},
        "chain": {"a": 0, "b": 9},
        "plain": {"a": 1, "b": 2},
    }


def test_an_override_changes_one_place_of_what_an_alias_filled() -> None:
    values = load_yaml("a: &a {sources: [{n: 1}]}\nb: *a\nc: {<<: *a}")
    changed = apply_overrides(values, ["a.sources.0.n=2"])
    assert (changed["a"], changed["b"], changed["c"]) == ({"sources": [{"n": 2}]}, values["b"], values["c"])
    assert values["a"] == {"sources": [{"n": 1}]}


def bomb(first: str, line: str) -> str:
    return "\n".join(
        [f"a0: &a0 {first}", *(line.format(n=n, last=", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 12))]
    )


ODD = {
    "given twice": ("a: 1\nb: 2\na: 3", "line 3, column 1: the key `a` is given twice"),
    "twice in an anchor": ("b: &b {a: 1, a: 2}\nx: {<<: *b}", "line 1, column 14: the key `a` is given twice"),
    "twice beside a merge": ("b: &b {a: 1}\nx: {<<: *b, c: 1, c: 2}", "the key `c` is given twice"),
    "the same number": ("1: a\n0x1: b", "the key `0x1` is given twice"),
    "two merges": ("b: &b {a: 1}\nx:\n  <<: *b\n  <<: *b", "the key `<<` is given twice"),
    "merge of a number": ("<<: 3", "expected a mapping or list of mappings for merging"),
    "list key": ("? [a]\n: 1", "a key must be plain text, not a list or a mapping"),
    "mapping key": ("{{a: 1}: 2}", "a key must be plain text"),
    "nested list key": ("a: {b: {[c]: 1}}", "a key must be plain text"),
    "digits": ("a: " + "9" * 10_000, "a number of 10,000 characters is too long"),
    "hexadecimal digits": ("a: 0x" + "f" * 10_000, "a number of 10,002 characters is too long"),
    "empty number": ("a: !!int ''", "an empty value is no whole number"),
    "no number": ("a: !!float x", "`x` is no number"),
    "no boolean": ("a: !!bool x", "`x` is no boolean"),
    "date": ("a: !!timestamp 2001-99-99", "the tag `timestamp` is not allowed"),
    "set": ("a: !!set {1, 2}", "the tag `set` is not allowed"),
    "binary": ("a: !!binary xx", "the tag `binary` is not allowed"),
    "python": ("a: !!python/object/apply:os.system ['true']", "the tag `python/object/apply:os.system` is not"),
    "own tag": ("a: !mine 1", "the tag `!mine` is not allowed"),
    "deep list": ("a: " + "[" * 1500, f"nested deeper than {MAX_DEPTH} levels"),
    "deep mapping": ("{a: " * 1500, f"nested deeper than {MAX_DEPTH} levels"),
    "deep block": ("\n".join(" " * n + "a:" for n in range(300)), f"nested deeper than {MAX_DEPTH} levels"),
    "bomb of lists": (bomb("[x, x, x]", "a{n}: &a{n} [{last}]"), "the values take more than 1,000,000 characters"),
    "bomb of merges": (bomb("{x: 1}", "a{n}: &a{n} {{<<: [{last}]}}"), "the values take more than"),
    "bomb of text": (f"s: &s {'x' * 1000}\nl: [{', '.join(['*s'] * 2000)}]", "the values take more than"),
    "list in itself": ("a: &a [*a]", "the alias stands for something that contains it"),
    "merge of itself": ("a: &a {<<: *a}", "the alias stands for something that contains it"),
    "unknown alias": ("a: *x", "found undefined alias"),
    "anchor given twice": ("a: &x 1\nb: &x 2", "the anchor's name is used already"),
    "NUL": ("a: \0", "line 1: the character U+0000 is not allowed"),
    "escaped NUL": ('a: "\\0"', "text must not hold NUL"),
    "half a pair": ('a: "\\ud800"', "halves of surrogate pairs"),
    "tab": ("a:\n\tb: 1", "line 2, column 1: a tab where only spaces are allowed"),
    "tab before a value": ("a:\t1", "a tab where only spaces are allowed"),
    "two documents": ("a: 1\n---\nb: 2", "expected a single document in the stream but found another document"),
    "unfinished": ("a: [1", "line 1, column 6: expected ',' or ']'"),
    "equals sign": ("a: =", "the tag `value` is not allowed"),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_odd_yaml_is_one_line_and_quickly(case: str, tmp_path: Path) -> None:
    text, message = ODD[case]
    (tmp_path / "odd.yaml").write_bytes(text.encode())
    start = time.process_time()
    with pytest.raises(ConfigError) as caught:
        read_yaml(tmp_path / "odd.yaml")
    assert time.process_time() - start < 2
    (problem,) = caught.value.problems
    assert message in problem
    assert "\n" not in problem
    assert len(problem) < 200
    if "\n" not in text:
        with pytest.raises(ConfigError) as caught:
            apply_overrides({}, [f"a.b={text}"])
        assert message in str(caught.value)
        assert len(str(caught.value)) < 400


def test_odd_but_sound_yaml_is_read() -> None:
    assert load_yaml("a: 2001-99-99\nb: 2001-01-01") == {"a": "2001-99-99", "b": "2001-01-01"}
    numbers = load_yaml("[.nan, .inf, -.inf, 1_000, 0x10, 010, 1e300, 1:30]")
    assert math.isnan(numbers[0])
    assert numbers[1:] == [math.inf, -math.inf, 1000, 16, 8, "1e300", 90]
    assert load_yaml("on: 1\nnull: 2") == {True: 1, None: 2}
    assert load_yaml("") is None


@pytest.mark.parametrize("text", ["\ufeffa: {b: 1}\n", "a:\r\n  b: 1\r\n", "# x\r\n\r\na: {b: 1}"])
def test_files_of_other_editors_are_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_bytes(text.encode())
    assert read_yaml(tmp_path / "odd.yaml") == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: ä".encode("latin-1"), "not UTF-8 text, the byte 0xe4 at position 3 .save it as UTF-8"),
        ("a: 1".encode("utf-16"), "not UTF-8 text, the byte 0xff at position 0"),
        (b"a: " + b"x" * 100_000, "is larger than 65,536 bytes: not a configuration"),
        (b"\0" * 50, "the character U.0000 is not allowed"),
    ],
)
def test_what_is_no_configuration_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_yaml(tmp_path / "odd.yaml")
    with pytest.raises(ConfigError, match="cannot be read: "):
        read_yaml(tmp_path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("a.²=1", "`a` has 2 entries, so `²` is no index of it"),
        ("a.-1=1", "so `-1` is no index of it"),
        (f"a.{'9' * 5000}=1", "is no index of it"),
        ("a.0.b=1", "`a.0` is a value, not a section"),
        (f"b={'9' * 10_000}", "a number of 10,000 characters is too long"),
        ("b=" + "x" * 100_000, "is not a YAML value: larger than 65,536 characters"),
        ("." * 10_000, "must look like a.b=value"),
    ],
)
def test_an_odd_override_is_one_short_line(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply_overrides({"a": [1, 2]}, [override])
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


PIECES = ["a", "b", ": ", "- ", "[", "]", "{", "}", ", ", "\n", "  ", "&x ", "*x", "<<: ", "? ", "!!int ", "!!", "'",
          '"', "1", "2001-01-01", "0x", ".nan", "|", ">", "#", "%", "---",
          "\t", "\0", "é", "\ufeff", "\x85"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_text_is_a_value_or_one_line(text: str) -> None:
    problem, value = "", None
    try:
        value = load_yaml(text)
    except ValueError as error:
        problem = str(error) or "empty"
    assert "\n" not in problem
    assert problem != "empty"
    assert "nan" in text or load_yaml(yaml.safe_dump(value)) == value


plain: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(plain)
def test_what_is_written_is_read_again(value: Any) -> None:
    with contextlib.suppress(ValueError) if "\\0" in yaml.safe_dump(value) else contextlib.nullcontext():
        assert load_yaml(yaml.safe_dump(value)) == value
