"""The table of the gains by the papers' schemes, measured here and published, for `tables.py`."""

from __future__ import annotations

from pathlib import Path

from edgeir.benchmarking.spread import INTERVAL, with_interval
from edgeir.benchmarking.study.result import paired, read_study_result
from edgeir.core.config import read_yaml
from edgeir.reporting.table import Table

__all__ = ["evidence"]

COLUMNS = ("study", "compared", "set", "difference dB", "seeds", "published")


def evidence(results: Path) -> Table:
    """Mean and 95 % interval over the seeds of every difference that a study file gives a published one for.

    Args:
        results: the folder of the result files; the study files are in ``studies`` beside it.
    """
    rows = []
    for path in sorted(results.glob("study-*.json")):
        name = path.stem.removeprefix("study-")
        study = results.parent / "studies" / f"{name}.yaml"
        settings = read_yaml(study)["variants"] if study.is_file() else {}
        variants = read_study_result(path).variants
        for key, variant in variants.items():
            published = (settings.get(key) or {}).get("published")
            if published is None:
                continue
            for measured, gains in paired(variant, variants).items():
                compared = f"{key} against {variant.against}"
                shown = with_interval(gains, sign=True)
                rows.append((name, compared, measured, shown, str(len(gains)), str(published)))
    numeric = tuple(column == "seeds" for column in COLUMNS)
    return Table("Evidence", COLUMNS, numeric, tuple(rows), caption=f"{INTERVAL}.")
