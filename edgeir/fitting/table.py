"""The table of measured members: a result file that another run of `edgeir fit` takes its figures from.

A figure is taken where everything that it depends on is the same: the network as its file shows it, format, precision,
size of the input, and `Measurer.where` (device, runtime with its version, threads).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgeir.benchmarking.result import Result, Row, environment, read_result, timestamp, write_result
from edgeir.core.errors import ConfigError

__all__ = ["Key", "Table", "cost_of"]

Key = tuple[str, str, str, str, str]
"""Where, format, precision, size, network."""


class Table:
    """Rows by what they depend on; with a file, every addition is written at once.

    Raises:
        ConfigError: the file is there and is no table of `edgeir fit`.
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path | None, where: str, target: str, size: tuple[int, int]) -> None:
        self._path, self._where, self._target = path, where, target
        self._size = f"{size[0]}x{size[1]}"
        self._rows: dict[Key, Row] = {}
        if path is not None and path.exists():
            result = read_result(path)
            if result.kind != "fit":
                raise ConfigError(
                    [f"is a result of edgeir {result.kind}, not a table of edgeir fit"],
                    where=path,
                    fix="name another file with --table",
                )
            self._rows = {_key_of(row, path): row for row in result.rows}

    def key(self, network: dict[str, Any], precision: str) -> Key:
        """Of a network, by its configuration."""
        return self._where, self._target, precision, self._size, _text(network)

    def get(self, key: Key) -> Row | None:
        """The row that was measured, if there is one."""
        return self._rows.get(key)

    def add(self, rows: dict[Key, Row]) -> None:
        """Keep these, and write the file."""
        for key, row in rows.items():
            where, target, precision, size, network = key
            about = {"where": where, "target": target, "size": size, "network": network}
            name = f"{row.name} {row.runtime} {precision} {size} ({len(self._rows)})"
            details = {**row.details, **about}
            self._rows[key] = row.model_copy(
                update={"name": name, "precision": precision, "details": details}
            )
        if self._path is not None and self._rows:
            write_result(self._path, self.result())

    def result(self) -> Result:
        """All rows as a result."""
        return Result(
            kind="fit",
            name="fit",
            title="Sizes of networks on devices",
            created=timestamp(),
            suite=None,
            notes=("Random weights: times and instructions count, quality does not.",),
            environment=environment(),
            rows=tuple(self._rows.values()),
        )


def cost_of(row: Row, unit: str) -> float | None:
    """The median in milliseconds, or the instructions; None where the row has none."""
    if unit == "ms":
        return None if row.latency is None else row.latency.p50_ms
    return None if row.instructions is None else float(row.instructions["total"])


def _text(network: dict[str, Any]) -> str:
    return json.dumps(network, sort_keys=True)


def _key_of(row: Row, path: Path) -> Key:
    where, target, size, network = (row.details.get(key) for key in ("where", "target", "size", "network"))
    if not all(isinstance(value, str) for value in (where, target, size, network)):
        raise ConfigError(
            [f"its row `{row.name}` does not say what was measured"],
            where=path,
            fix="name another file with --table",
        )
    return str(where), str(target), row.precision, str(size), str(network)
