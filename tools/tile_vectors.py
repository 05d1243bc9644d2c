"""Write ``tests/vectors/tiles.json``: what `edgeir.restoring.tiling` plans and stitches, for tilers in other languages.

    python tools/tile_vectors.py

The browser page (TypeScript) and an app (Java) have a tiler of their own; all are tested against this one file. A
case has the arguments of `plan`, and either ``refused`` or the windows of both axes, each ``[start, stop, first,
last]``, and the SHA-256 of the stitched bytes of an image made by a formula, so that no image needs to be stored:

- the image, one channel, 8 bits: ``v(y, x) = (31 y + 17 x + (y x mod 251)) mod 256``;
- a window is read with `reflected`, and run through a network made up for this: with ``p(y, x)`` the window's pixel, 0
  outside it, and r the receptive radius, ``q(y, x) = p(y, x) + 3 p(y - r, x) + 5 p(y, x - r) + 7 p(y + r, x + r)``, and
  the output pixel ``(s y + i, s x + j)`` is ``(q(y, x) + 11 i + 13 j) mod 256`` for i, j in 0 … s - 1;
- what each window gives is put together and hashed row by row, one byte a pixel.
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.manifest.facts import NetworkFacts
from edgeir.restoring.tiling import Axis, Plan, cut, plan, read_window

COUNT = 500
SEED = 14
VECTORS = Path(__file__).resolve().parent.parent / "tests/vectors/tiles.json"
FORMAT = "edgeir-tiles-1"

Bytes = NDArray[np.uint8]


def image(height: int, width: int) -> Bytes:
    """The image of the module's text, (height, width)."""
    y, x = np.mgrid[:height, :width]
    return ((31 * y + 17 * x + (y * x) % 251) % 256).astype(np.uint8)


def network(window: Bytes, radius: int, scale: int) -> Bytes:
    """The network of the module's text: (h, w) to (h·scale, w·scale)."""
    r = radius
    height, width = window.shape
    padded = np.pad(window.astype(np.int64), r)
    sums = padded[r : r + height, r : r + width] + 3 * padded[:height, r : r + width]
    sums = sums + 5 * padded[r : r + height, :width] + 7 * padded[2 * r :, 2 * r :]
    large = sums.repeat(scale, 0).repeat(scale, 1)
    i, j = np.arange(height * scale) % scale, np.arange(width * scale) % scale
    return ((large + 11 * i[:, None] + 13 * j[None]) % 256).astype(np.uint8)


def stitched(windows: Plan, height: int, width: int, facts: NetworkFacts) -> Bytes:
    """What the windows give, put together: (height·scale, width·scale)."""
    scale, source = facts.net_scale, image(height, width)[:, :, None]
    result = np.zeros((height * scale, width * scale), np.uint8)
    for row, column in windows:
        output = network(read_window(source, row, column)[:, :, 0], facts.receptive_radius, scale)
        target = (
            slice(row.first * scale, row.last * scale),
            slice(column.first * scale, column.last * scale),
        )
        result[target] = output[cut(row, scale), cut(column, scale)]
    return result


def arguments(case: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of `plan` for a case."""
    facts = NetworkFacts(
        scale=case["scale"],
        size_multiple=case["size_multiple"],
        tile_multiple=case["tile_multiple"],
        receptive_radius=case["receptive_radius"],
        global_operations=("image mean",) if case["global"] else (),
    )
    fixed = None if case["fixed"] is None else tuple(case["fixed"])
    keys = ("height", "width", "largest", "mirrored")
    return {"facts": facts, "fixed": fixed, **{key: case[key] for key in keys}}


def drawn(generator: random.Random) -> dict[str, Any]:
    """The arguments of one random case: odd and even sizes, narrow ones, with and without strides."""
    size_multiple = generator.choice([1, 1, 1, 2, 4, 8])
    radius = generator.choice([0, 1, 3, 6, 12, 17, 25])
    kind = generator.choice(["fixed", "fixed", "largest", "largest", "whole"])
    sides = [generator.randint(1, generator.choice([9, 120, 240, 240])) for _ in range(2)]
    least = 1 if generator.random() < 0.15 else 2 * radius // size_multiple + 1  # some windows are too small
    fixed = [size_multiple * generator.randint(least, least + 48 // size_multiple) for _ in range(2)]
    return {
        "height": sides[0],
        "width": sides[1],
        "scale": generator.choice([1, 1, 2, 3, 4]),
        "size_multiple": size_multiple,
        "tile_multiple": generator.choice([1, 1, 1, 8]),
        "receptive_radius": radius,
        "global": generator.random() < 0.06,
        "fixed": fixed if kind == "fixed" else None,
        "largest": size_multiple * least + generator.randint(4, 64) if kind == "largest" else None,
        "mirrored": generator.random() < 0.7,
    }


def answered(case: dict[str, Any]) -> dict[str, Any]:
    """The case with its windows and hash, or with ``refused``."""
    values = arguments(case)
    try:
        windows = plan(**values)
    except ArtifactError:
        return {**case, "refused": True}
    content = stitched(windows, case["height"], case["width"], values["facts"]).tobytes()
    axes = {"rows": _listed(windows.rows), "columns": _listed(windows.columns)}
    return {**case, "refused": False, **axes, "sha256": hashlib.sha256(content).hexdigest()}


def _listed(axis: Axis) -> list[list[int]]:
    return [[window.start, window.stop, window.first, window.last] for window in axis.windows]


def vectors() -> list[dict[str, Any]]:
    """All cases: `COUNT` random sizes."""
    generator = random.Random(SEED)
    return [answered(drawn(generator)) for _ in range(COUNT)]


def main() -> None:
    """Write the file."""
    cases = ",\n".join(json.dumps(case, separators=(",", ":")) for case in vectors())
    VECTORS.parent.mkdir(parents=True, exist_ok=True)
    VECTORS.write_text(f'{{"format":"{FORMAT}","cases":[\n{cases}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
