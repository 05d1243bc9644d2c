"""Take out of a package what differs from one export to the next: drawn identifiers, dates, a debugging file."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from edgeir.runtime.mil.package import FACTS_KEY, MODEL_PATH

__all__ = ["normalise"]

_NAMESPACE = uuid.UUID("5b3ff5b9-5d2c-5d2b-8d0a-6c5f0a1a7c11")
"""Any fixed one: identifiers are made of it and the path of the item."""
_DEBUGGING = "executorch_debug_handle_mapping.json"


def normalise(package: Path) -> None:
    """Rewrite ``Manifest.json`` and the model's metadata in place; the program and the weights stay as they are."""
    (package / _DEBUGGING).unlink(missing_ok=True)
    path = package / "Manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    names = {
        old: str(uuid.uuid5(_NAMESPACE, entry["path"])).upper()
        for old, entry in manifest["itemInfoEntries"].items()
        if entry["name"] != _DEBUGGING
    }
    entries = {new: manifest["itemInfoEntries"][old] for old, new in names.items()}
    manifest["itemInfoEntries"] = dict(sorted(entries.items()))
    manifest["rootModelIdentifier"] = names[manifest["rootModelIdentifier"]]
    path.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    _undated(package / MODEL_PATH)


def _undated(path: Path) -> None:
    from coremltools.proto import Model_pb2

    spec = Model_pb2.Model()
    spec.ParseFromString(path.read_bytes())
    defined = spec.description.metadata.userDefined
    facts = defined[FACTS_KEY]
    kept = {key: value for key, value in defined.items() if "version" in key or "source" in key}
    defined.clear()
    defined.update({**kept, FACTS_KEY: facts})
    path.write_bytes(spec.SerializeToString(deterministic=True))
