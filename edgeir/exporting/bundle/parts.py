"""Which model files a bundle gets, decided and refused before the first of them is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from edgeir.core.assets import list_assets
from edgeir.core.errors import ConfigError
from edgeir.exporting.profile import read_profile, why_unmade
from edgeir.exporting.run import chosen_sizes
from edgeir.exporting.target import Io
from edgeir.manifest.facts import NetworkFacts
from edgeir.runtime import catalog

__all__ = ["Part", "parts"]

Size = tuple[int, int]


@dataclass(frozen=True)
class Part:
    """One model file to be made, by one export.

    Attributes:
        profile: name or path of the export profile.
        io: type of input and output.
        size: input height and width; None: any.
        path: of the file in the bundle.
    """

    profile: str
    target: str
    precision: str
    io: Io
    size: Size | None
    path: str


def parts(
    facts: NetworkFacts,
    *,
    targets: Sequence[str],
    precisions: Sequence[str],
    profiles: Sequence[str],
    sizes: Sequence[Size],
    io: Io,
    overrides: Sequence[str],
) -> list[Part]:
    """Every target in every precision (or every profile), in every size.

    Args:
        profiles: names or paths; ``tflite-int8=uint8`` has an input and output type of its own instead of `io`.

    Raises:
        ConfigError: nothing or too much is asked for, a combination has no profile, or two files would have one name.
        ExportError: the network cannot take one of the sizes.
    """
    found: list[Part] = []
    for text in _profiles(targets, precisions, profiles):
        name, kind = _with_io(text, io)
        settings = read_profile(name, overrides)
        target, precision = settings.target.kind, settings.target.precision.name
        for size in chosen_sizes(settings, sizes, facts):
            words = [target, precision, *([] if kind == "float" else [kind])]
            words += [] if size is None else [f"{size[0]}x{size[1]}"]
            path = "-".join(words) + catalog.target_entry(target).suffix
            found.append(Part(name, target, precision, kind, size, path))
    for path in (paths := [part.path for part in found]):
        if paths.count(path) > 1:
            raise ConfigError([f"two files of the bundle would be `{path}`"], fix="name each profile once")
    return found


def _with_io(text: str, io: Io) -> tuple[str, Io]:
    """A profile and the input and output type of its files."""
    name, equals, own = text.rpartition("=")
    for known in get_args(Io):
        if equals and own == known:
            return name, known
    return text, io


def _profiles(targets: Sequence[str], precisions: Sequence[str], profiles: Sequence[str]) -> list[str]:
    if profiles and (targets or precisions):
        raise ConfigError(
            ["a profile says its format and precision itself"],
            fix="pass --profile alone, once for each file, or --target and --precision",
        )
    if not profiles and not targets:
        raise ConfigError(["no format is named"], fix="pass --target, once for each format, or --profile")
    if profiles:
        return list(profiles)
    known = list_assets("profiles")
    pairs = [(target, precision) for target in targets for precision in precisions or ("fp32",)]
    if problems := [problem for pair in pairs if (problem := why_unmade(*pair)) is not None]:
        raise ConfigError(
            problems, fix=f"name the files one by one with --profile; profiles: {', '.join(known)}"
        )
    return list(dict.fromkeys(f"{target}-{precision}" for target, precision in pairs))
