"""``edgeir doctor``: what a bug report should say."""

from __future__ import annotations

from typing import Any

from edgeir.cli.options import Json, Quiet
from edgeir.cli.output import Output, table

__all__ = ["doctor"]


def doctor(quiet: Quiet = False, json: Json = False) -> None:
    """Print versions, runtimes, missing extras, data sets, suites and the machine, for a bug report.

    Example: `edgeir doctor`
    """
    with Output(quiet=quiet, json=json) as output:
        facts = diagnose()
        output.emit(facts, _lines(facts))


def diagnose() -> dict[str, Any]:
    """Everything `edgeir doctor` prints, as plain values; imports neither torch nor a runtime."""
    from edgeir.core.assets import list_assets, list_zoo
    from edgeir.core.environment import git_revision, machine, versions
    from edgeir.core.extras import missing_extras
    from edgeir.runtime.catalog import RUNTIMES, TARGETS

    found = versions()
    return {
        "versions": found,
        "revision": git_revision(),
        "runtimes": {entry.name: entry.version if entry.runs_here else None for entry in RUNTIMES},
        "runtimes_elsewhere": {entry.name: entry.system_name for entry in RUNTIMES if not entry.runs_here},
        "targets": {entry.name: entry.runtime for entry in TARGETS},
        "missing_extras": {
            extra: {"packages": packages, "fix": f"pip install 'edgeir[{extra}]'"}
            for extra, packages in missing_extras().items()
        },
        "machine": machine(),
        "data": _data(),
        "zoo": list_zoo(),
        "recipes": list_assets("recipes"),
        "profiles": list_assets("profiles"),
        "suites": list_assets("suites"),
    }


def _data() -> dict[str, Any]:
    from edgeir.core.errors import DataError
    from edgeir.data.locate import data_root
    from edgeir.data.paired.inventory import PAIRED_SETS, find_paired
    from edgeir.data.sources.layouts import STANDARD_SETS, find_set

    root = data_root()
    sets: dict[str, list[str] | None] = {}
    for name in STANDARD_SETS:
        try:
            sets[name] = [str(folder) for folder in find_set(name)]
        except DataError:
            sets[name] = None
    paired = {name: [str(place) for place in find_paired(name)] or None for name in PAIRED_SETS}
    return {"root": root, "exists": root is not None and root.is_dir(), "sets": sets, "paired": paired}


def _lines(facts: dict[str, Any]) -> list[str]:
    versions = [*facts["versions"].items(), ("git revision", facts["revision"] or "none (not a checkout)")]
    elsewhere = facts["runtimes_elsewhere"]
    runtimes = [
        (name, f"runs on {elsewhere[name]} only" if name in elsewhere else version or "not installed")
        for name, version in facts["runtimes"].items()
    ]
    targets = [(name, f"runs with {runtime or 'nothing here'}") for name, runtime in facts["targets"].items()]
    missing = [(name, entry["fix"]) for name, entry in facts["missing_extras"].items()]
    data = facts["data"]
    where = f"EDGEIR_DATA={data['root']}" if data["root"] else "EDGEIR_DATA is not set"
    if data["root"] and not data["exists"]:
        where += ", a folder that does not exist"
    sets = [
        (name, " + ".join(places) if places else "not found")
        for name, places in [*data["sets"].items(), *data["paired"].items()]
    ]
    assets = [(kind, ", ".join(facts[kind]) or "none") for kind in ("zoo", "recipes", "profiles", "suites")]
    return [
        *_section("Versions", versions),
        *_section("Runtimes", runtimes),
        *_section("Export targets", targets),
        *_section("Missing extras", missing or [("none", "")]),
        *_section("Machine", [(key, str(value)) for key, value in facts["machine"].items()]),
        *_section(f"Data ({where})", sets),
        *_section("In this installation", assets),
    ]


def _section(title: str, rows: list[tuple[str, str]]) -> list[str]:
    return [title, *(f"  {line}" for line in table(rows))]
