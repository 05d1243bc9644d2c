"""Export profiles: format, precision and gate of an export, one YAML file each under ``export/profiles``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, Union

from pydantic import Field

from edgeir.core.assets import find_asset, list_assets
from edgeir.core.config import Config, apply_overrides, parse, read_yaml
from edgeir.core.errors import ConfigError
from edgeir.exporting.target import Target, reason_against
from edgeir.manifest.parity import Gate
from edgeir.quantize.names import PLAN_NAMES
from edgeir.runtime import catalog

__all__ = [
    "AnyTarget",
    "CalibrationConfig",
    "ExportProfile",
    "changed",
    "read_profile",
    "refuse_unmade",
    "why_unmade",
]

if TYPE_CHECKING:
    AnyTarget: TypeAlias = Target
else:
    AnyTarget = Annotated[
        Union[tuple(entry.settings() for entry in catalog.written_targets())],  # noqa: UP007 - made of the table
        Field(discriminator="kind"),
    ]
    """Every target's configuration, those of the catalog, discriminated by `kind`."""


class CalibrationConfig(Config):
    """Which images set the integer ranges."""

    patches: int = Field(48, ge=1)
    """Number of crops, spread over the photographs."""
    size: int = Field(64, ge=8)
    """Side of a crop, in network-input pixels."""
    seed: int = 0
    """Of the crops' positions."""


class ExportProfile(Config):
    """One way to export a network."""

    target: AnyTarget
    """The file format and its settings."""
    sizes: tuple[tuple[int, int], ...] = ((180, 320),)
    """Default low-resolution input sizes (height, width) of a format with fixed sizes; a network that takes the
    enlarged image gets them times its scale."""
    calibration: CalibrationConfig = CalibrationConfig()
    """Used by int8 only."""
    parity_per_image: int = Field(1, ge=1)
    """Crops of each photograph on which file and network are compared."""
    gate: Gate
    """How far the file may be from the network."""


def read_profile(name: str | Path, overrides: Sequence[str] = ()) -> ExportProfile:
    """A profile by name (``tflite-int8``) or path, with ``a.b=c`` overrides applied.

    Raises:
        ConfigError: there is no such profile, or it or an override is wrong (every problem at once).
    """
    path = find_asset("profiles", name)
    return parse(ExportProfile, apply_overrides(read_yaml(path), overrides), where=path)


def why_unmade(target: str, precision: str) -> str | None:
    """Why a format is not written at a precision, in words; None where there is a profile for both."""
    if f"{target}-{precision}" in list_assets("profiles"):
        return None
    known = target in catalog.target_names()
    reason = reason_against(catalog.target_entry(target).settings(), precision) if known else None
    return f"{target} is not written in {precision}" + (f": {reason}" if reason else "")


def refuse_unmade(target: str, precision: str) -> None:
    """Say why a format is not written at a precision that others are.

    Raises:
        ConfigError: there is no profile for both.
    """
    if precision in PLAN_NAMES and (problem := why_unmade(target, precision)) is not None:
        made = [name for name in PLAN_NAMES if why_unmade(target, name) is None]
        raise ConfigError([problem], fix=f"choose another --precision: {', '.join(made)}")


def changed(profile: ExportProfile, overrides: Sequence[str]) -> ExportProfile:
    """A profile with ``a.b=c`` overrides applied.

    Raises:
        ConfigError: an override is wrong.
    """
    values = apply_overrides(profile.model_dump(), overrides)
    return parse(ExportProfile, values, where="command line")
