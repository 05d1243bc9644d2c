"""The table of what the papers' schemes brought here beside what the papers say, for `tables.py`."""

from __future__ import annotations

import json
from pathlib import Path

from edgeir.core.config import read_yaml
from edgeir.reporting.table import Table

__all__ = ["evidence"]

COLUMNS = ("study", "compared", "set", "difference dB", "seeds", "published")


def evidence(results: Path) -> Table:
    """Mean and standard deviation over the seeds of every difference that a study file gives a published one for.

    Args:
        results: the folder of the result files; the study files are in ``studies`` beside it.
    """
    rows = []
    for path in sorted(results.glob("study-*.json")):
        name = path.stem.removeprefix("study-")
        study = results.parent / "studies" / f"{name}.yaml"
        settings = read_yaml(study)["variants"] if study.is_file() else {}
        variants = json.loads(path.read_text(encoding="utf-8"))["variants"]
        for key, variant in variants.items():
            published = (settings.get(key) or {}).get("published")
            if published is None:
                continue
            for measured, found in variant["difference_db"].items():
                rows.append(
                    (
                        name,
                        f"{key} against {variant['against']}",
                        measured,
                        f"{found['mean']:+.2f} ± {found['std']:.2f}",
                        str(len(variant["runs"])),
                        str(published),
                    )
                )
    numeric = tuple(column == "seeds" for column in COLUMNS)
    return Table("Evidence", COLUMNS, numeric, tuple(rows))
