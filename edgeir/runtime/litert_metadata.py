"""Read what is written into a ``.tflite`` file beside its graph, without the interpreter."""

from __future__ import annotations

from pathlib import Path

from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require

__all__ = ["FACTS_ENTRY", "read_facts"]

FACTS_ENTRY = "edgeir_facts"
"""The metadata entry that holds `NetworkFacts` as JSON."""
MAX_ENTRIES = 1000


def read_facts(content: bytes, *, where: Path) -> str | None:
    """The JSON in `FACTS_ENTRY`; None where the file has no such entry.

    Raises:
        ArtifactError: the bytes are no LiteRT model, or their metadata lead outside the file.
        MissingExtraError: ai-edge-litert is not installed.
    """
    if content[4:8] != b"TFL3":
        raise ArtifactError("is no LiteRT model (its identifier is missing)", where=where)
    schema = require("ai_edge_litert.schema_py_generated", "running a .tflite artifact")
    try:
        model = schema.Model.GetRootAs(content, 0)
        if model.MetadataLength() > MAX_ENTRIES:
            raise ValueError(f"{model.MetadataLength()} metadata entries")
        for number in range(model.MetadataLength()):
            entry = model.Metadata(number)
            if entry.Name() == FACTS_ENTRY.encode():
                return bytes(model.Buffers(entry.Buffer()).DataAsNumpy()).decode()
    except (
        Exception
    ) as error:  # offsets of a damaged file lead anywhere: struct.error, IndexError, TypeError, …
        raise ArtifactError(
            f"the LiteRT model is damaged: {type(error).__name__} while reading its metadata", where=where
        ) from error
    return None
