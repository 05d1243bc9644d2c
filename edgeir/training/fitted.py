"""``fitted.json`` of a run folder: how the network's size was chosen, for the card of every checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

from edgeir.core.config import parse
from edgeir.core.errors import ConfigError
from edgeir.core.files import write_json
from edgeir.manifest.fitted import Fitted

__all__ = ["FITTED_NAME", "read_fitted", "write_fitted"]

FITTED_NAME = "fitted.json"


def write_fitted(run: Path, fitted: Fitted | None) -> None:
    """Write the file, or remove that of an earlier run where there was no choice."""
    if fitted is None:
        (run / FITTED_NAME).unlink(missing_ok=True)
    else:
        write_json(run / FITTED_NAME, fitted.model_dump(mode="json"))


def read_fitted(run: Path) -> Fitted | None:
    """What the run was begun with; None: its size was not chosen by `edgeir fit`.

    Raises:
        ConfigError: the file is damaged.
    """
    path = run / FITTED_NAME
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError([f"is damaged: {str(error).splitlines()[0]}"], where=path) from error
    return parse(Fitted, value, where=path)
