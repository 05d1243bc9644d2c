"""What a user may choose of an app: its name, its application id, and the processors that it is for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgeir.core.errors import ConfigError

__all__ = ["ABIS", "check_application_id", "check_name", "chosen_abis", "string_resource", "version_code"]

ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")
"""Of TensorFlow Lite's library: phones, older phones, emulators and Chromebooks."""
LONGEST_NAME, LONGEST_ID = 50, 150
_SEGMENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
        abstract assert boolean break byte case catch char class const continue default do double else enum extends
        false final finally float for goto if implements import instanceof int interface long native new null package
        private protected public return short static strictfp super switch synchronized this throw throws transient
        true try void volatile while
        """,
    )
)
"""Words that no Java package may have in its name."""
_TAKEN = ("android", "com.android", "com.example", "com.google.android")
"""Ids that begin so are the system's, or are refused by shops."""


def check_name(name: str) -> str:
    """The name under the app's icon, without blanks around it.

    Raises:
        ConfigError: it is empty, too long, or has characters that cannot be printed.
    """
    shown = name.strip()
    if not shown or len(shown) > LONGEST_NAME or not shown.isprintable():
        raise ConfigError(
            [f"the app's name is {name!r}"[:120]],
            fix=f"1 to {LONGEST_NAME} characters that can be printed, in one line",
        )
    return shown


def check_application_id(text: str) -> str:
    """The id by which phones and shops know the app, such as ``org.example.restore``.

    Raises:
        ConfigError: it is none.
    """
    problem = _problem(text)
    if problem is not None:
        raise ConfigError(
            [f"`{text[:160]}` is no application id: {problem}"],
            fix="two or more words with points between them, like org.mysite.restore",
        )
    return text


def chosen_abis(names: Sequence[str]) -> tuple[str, ...]:
    """Android's names of processors in their usual order, each once; all where none is named.

    Raises:
        ConfigError: there is no library for one of them.
    """
    if unknown := [name for name in names if name not in ABIS]:
        raise ConfigError([f"there is no library for `{unknown[0]}`"], fix=f"choose among {', '.join(ABIS)}")
    return tuple(abi for abi in ABIS if not names or abi in names)


def string_resource(text: str) -> str:
    """A text as the content of a ``<string>``: quoted, so that Android changes neither blanks nor quotes.

    Backslash, quotation marks and XML's own characters are escaped (Android, "String resources").
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        escaped = escaped.replace(character, entity)
    return f'"{escaped}"'


def version_code(version: str) -> int:
    """Android's number for a version ``1.2.3``, which grows with it: 10203."""
    parts = [int(part) for part in re.findall(r"\d+", version)[:3]]
    major, minor, patch = [*parts, 0, 0, 0][:3]
    return max(1, major * 10_000 + minor * 100 + patch)


def _problem(text: str) -> str | None:
    parts = text.split(".")
    if len(text) > LONGEST_ID:
        return f"it has more than {LONGEST_ID} characters"
    if len(parts) < 2:
        return "it has no point"
    for part in parts:
        if not part.isascii() or _SEGMENT.fullmatch(part) is None:
            return f"`{part}` is not a letter followed by letters, digits and _"
        if part in _KEYWORDS:
            return f"`{part}` is a word of Java"
    if taken := next((start for start in _TAKEN if f"{text}.".startswith(f"{start}.")), None):
        return f"ids below `{taken}` are taken"
    return None
