"""Find recipes, export profiles, rules of `edgeir lint`, benchmark suites and zoo entries, in a checkout or a wheel.

A wheel carries these folders as ``edgeir/_data/<kind>``; a checkout has them at its root. Names are
paths below the folder without the suffix: ``super-resolution/demo``, ``tflite-int8``, ``set5``.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Literal, TypeAlias

from edgeir.core.errors import CheckpointError, ConfigError

__all__ = [
    "AssetKind",
    "android_sources",
    "asset_root",
    "find_asset",
    "find_zoo",
    "licence_text",
    "list_assets",
    "list_zoo",
    "page_sources",
    "runner_sources",
    "schema_file",
    "zoo_folder",
]

AssetKind: TypeAlias = Literal["recipes", "profiles", "suites", "lint"]

_PACKAGE = Path(__file__).resolve().parent.parent
_CHECKOUT = {
    "recipes": "recipes",
    "profiles": "export/profiles",
    "suites": "benchmarks/suites",
    "lint": "export/lint",
}
_SINGULAR = {"recipes": "recipe", "profiles": "profile", "suites": "suite", "lint": "delegate"}
_COMMANDS = {
    "recipes": "edgeir recipes",
    "profiles": "edgeir doctor",
    "suites": "edgeir doctor",
    "lint": "edgeir lint --list",
}
"""The command that lists the assets of a kind."""
_NEAREST = 3
"""Names suggested at most."""
_ZOO_FILES = ("card.json", "weights.safetensors")


def asset_root(kind: AssetKind) -> Path:
    """The folder that holds the assets of a kind (it may be missing in an incomplete installation)."""
    packed = _PACKAGE / "_data" / kind
    return packed if packed.is_dir() else _PACKAGE.parent / _CHECKOUT[kind]


def list_assets(kind: AssetKind) -> list[str]:
    """Sorted names of the assets that come with edgeir, as `find_asset` takes them."""
    root = asset_root(kind)
    return sorted(path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.yaml"))


def find_asset(kind: AssetKind, name: str | Path) -> Path:
    """The file of a recipe, profile, suite or delegate's rules.

    Args:
        kind: recipes, profiles, suites or lint.
        name: a path to an existing file, or else a name from `list_assets`, with or without ``.yaml``;
            the last part alone is enough where it is unambiguous (``demo`` for ``super-resolution/demo``).

    Raises:
        ConfigError: there is none; the message suggests the nearest names and the command that lists all.
    """
    path = Path(name)
    if path.is_file():
        return path
    known = list_assets(kind)
    wanted = path.as_posix().removesuffix(".yaml").removesuffix(".yml")
    matches = [entry for entry in known if wanted in (entry, entry.rpartition("/")[2])]
    if wanted in matches or len(matches) == 1:
        return asset_root(kind) / f"{wanted if wanted in matches else matches[0]}.yaml"
    noun = _SINGULAR[kind]
    if matches:
        raise ConfigError([f"the {noun} `{name}` is ambiguous: {', '.join(matches)}"])
    raise ConfigError([f"there is no {noun} or file `{name}`"], fix=_hint(wanted, known, _COMMANDS[kind]))


def licence_text() -> str:
    """The Apache License 2.0, under which edgeir and its trained networks are."""
    return _file("LICENSE", "LICENSE").read_text(encoding="utf-8")


def schema_file(name: str) -> Path:
    """A published JSON Schema, such as ``edgeir-bundle-1``."""
    return _file(f"schemas/{name}.schema.json", f"export/schemas/{name}.schema.json")


def runner_sources() -> Path:
    """The folder with the C sources of the runner (`edgeir.devices.runner`)."""
    return _folder("runner")


def page_sources() -> Path:
    """The folder with the sources of the page for the browser (`edgeir.devices.browser`)."""
    return _folder("web")


def android_sources() -> Path:
    """The folder with the sources of the Android app and its libraries (`edgeir.android`)."""
    return _folder("android")


def _folder(name: str) -> Path:
    packed = _PACKAGE / "_data" / name
    return packed if packed.is_dir() else _PACKAGE.parent / "export" / name


def _file(packed: str, in_checkout: str) -> Path:
    path = _PACKAGE / "_data" / packed
    return path if path.is_file() else _PACKAGE.parent / in_checkout


def list_zoo() -> list[str]:
    """Sorted names of the trained networks that come with edgeir."""
    root = _PACKAGE / "zoo"
    return sorted(path.parent.name for path in root.glob("*/card.json") if zoo_folder(path.parent.name))


def zoo_folder(name: str) -> Path | None:
    """The checkpoint folder of a zoo entry (``card.json`` and ``weights.safetensors``); None where there is none."""
    if not name or Path(name).name != name:
        return None
    folder = _PACKAGE / "zoo" / name
    return folder if all((folder / file).is_file() for file in _ZOO_FILES) else None


def find_zoo(name: str) -> Path:
    """Like `zoo_folder`, for a name that must exist.

    Raises:
        CheckpointError: it does not; the message suggests the nearest names and the command that lists all.
    """
    folder = zoo_folder(name)
    if folder is None:
        raise CheckpointError(
            f"`{name}` is neither a file, a folder nor a network of the zoo",
            fix=_hint(name, list_zoo(), "edgeir models"),
        )
    return folder


def _hint(wanted: str, known: list[str], command: str) -> str:
    """The nearest names, if any is near, and the command that lists all."""
    if not known:
        return "this installation has none"
    leaves = {entry.rpartition("/")[2]: entry for entry in reversed(known)}
    near = difflib.get_close_matches(wanted, [*known, *leaves], n=2 * _NEAREST, cutoff=0.5)
    names = list(dict.fromkeys(leaves.get(name, name) for name in near))[:_NEAREST]
    guess = f"did you mean {' or '.join(f'`{name}`' for name in names)}? " if names else ""
    return f"{guess}see `{command}`"
