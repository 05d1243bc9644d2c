"""``edgeir.json``: the manifest of a bundle, the folder or ``.zip`` that an app developer is given.

It describes the model files as ``artifact.json`` does, and has the size and the checksum of every file beside it. The
schema is published as JSON Schema (``export/schemas``); what a schema cannot say, that the paths agree with each other,
is checked here too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from edgeir.core.config import Config, first_problem
from edgeir.core.errors import ArtifactError
from edgeir.manifest.card import CARD_NAME
from edgeir.manifest.model_file import Count, Exported, Inside

__all__ = ["BUNDLE_NAME", "LICENCE_NAME", "README_NAME", "Bundle", "Content", "read_bundle", "schema"]

BUNDLE_NAME = "edgeir.json"
README_NAME = "README.md"
LICENCE_NAME = "LICENSE"
VERSION = 1
MAX_BYTES = 4 << 20
"""Largest manifest, a hundred times that of the largest bundle that is likely."""


class Content(Config):
    """One file of a bundle."""

    bytes: Count
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Bundle(Exported):
    """`edgeir.json`: the manifest of a bundle."""

    format: Literal["edgeir-bundle-1"] = "edgeir-bundle-1"
    licence: str | None = None
    """What the network's card, or the one who made the bundle, states; the text is in ``LICENSE``."""
    contents: dict[Inside, Content]
    """Every file but ``edgeir.json`` itself, those inside a model that is a folder too."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Bundle:
        wanted = [README_NAME, LICENCE_NAME, CARD_NAME]
        for file in self.files:
            if file.golden is not None:
                wanted += [file.golden.input, file.golden.output, file.golden.expected]
            if file.worst is not None:
                wanted.append(file.worst)
            inside = f"{file.path}/"
            if file.path not in self.contents and not any(path.startswith(inside) for path in self.contents):
                wanted.append(file.path)
        if missing := [path for path in wanted if path not in self.contents]:
            raise ValueError(f"`contents` does not list `{missing[0]}`")
        if len({file.path for file in self.files}) != len(self.files):
            raise ValueError("two model files have the same path")
        if BUNDLE_NAME in self.contents:
            raise ValueError(f"`contents` lists {BUNDLE_NAME}, which cannot hold its own checksum")
        return self


def read_bundle(folder: Path) -> Bundle:
    """Read the manifest in a bundle's folder; no other file is looked at.

    Raises:
        ArtifactError: it is missing, damaged, or made by a newer edgeir.
    """
    path = folder / BUNDLE_NAME
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ArtifactError(
            f"no {BUNDLE_NAME} here, so this is no bundle",
            where=folder,
            fix="edgeir export --bundle makes one",
        ) from error
    except OSError as error:
        raise ArtifactError(f"the manifest cannot be read: {error.strerror}", where=path) from error
    if len(content) > MAX_BYTES:
        raise ArtifactError(f"the manifest is larger than {MAX_BYTES:,} bytes", where=path)
    try:
        values = json.loads(content.decode("utf-8"))
        _refuse_newer(values, path)
        return Bundle.model_validate(values)
    except (ValueError, TypeError, RecursionError) as error:
        raise ArtifactError(f"the manifest is damaged: {first_problem(error)}", where=path) from error


def schema() -> dict[str, Any]:
    """The JSON Schema of `edgeir.json`."""
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**draft, **Bundle.model_json_schema(mode="serialization")}


def _refuse_newer(values: Any, where: Path) -> None:
    named = values.get("format") if isinstance(values, dict) else None
    found = re.fullmatch(r"edgeir-bundle-(\d{1,9})", named) if isinstance(named, str) else None
    if found is not None and int(found[1]) > VERSION:
        raise ArtifactError(
            f"made by a newer edgeir: its format is {named}, this one reads edgeir-bundle-{VERSION}",
            where=where,
            fix="update edgeir",
        )
