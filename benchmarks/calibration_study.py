"""Does the gate keep badly calibrated int8 files away? Calibration sets as nobody should choose them, in every format.

    python benchmarks/calibration_study.py [--model sr-x4-xs …] [--target tflite …] [--set dark …]

Each network is exported in int8 to each format with the shipped profile, calibrated on each of `calibration_sets.SETS`.
A file that the export refuses is as good as one that is right. A file that passes is judged again, by other means than
the gate's: on the embedded photographs, on photographs that the gate never sees (Set5, Set14 and the first of BSDS500,
from ``$EDGEIR_DATA``), and on extremes, those of the gate and others (gratings, checkers, coloured stripes and
rectangles), always against the truth that was degraded. A file is right where it is within `LIMIT_DB` of fp32, on
average over the photographs of each kind, and on every extreme; a PSNR above `ENOUGH_DB` counts as that, because
an error of one level of 255 alone then costs more than the limit.

Goes on where it was stopped; ``--again`` makes rows again. Ends with 1 if a file that passed is wrong. Writes
``benchmarks/results/calibration-study.json``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from calibration_sets import SETS, calibration_set
from numpy.typing import NDArray
from paired import network_of

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import DataError, EdgeIRError
from edgeir.core.files import write_json
from edgeir.data.degrade.base import to_bytes
from edgeir.data.sources.base import ImageRef
from edgeir.data.sources.embedded import CALIBRATION_PHOTOS, PROOF_PHOTOS, embedded
from edgeir.data.sources.standard import StandardSet
from edgeir.exporting.profile import read_profile
from edgeir.exporting.prove.extremes import extremes
from edgeir.exporting.prove.images import Patch, degradation_of, patches
from edgeir.exporting.prove.saturated import ENOUGH_DB
from edgeir.exporting.run import export_network
from edgeir.manifest.card import Card
from edgeir.runtime.loading import load
from edgeir.runtime.quiet import libraries_silenced
from edgeir.runtime.session import Session
from edgeir.runtime.torch import TorchSession

RESULT = Path(__file__).resolve().parent / "results" / "calibration-study.json"
TARGETS = ("tflite", "onnx", "ncnn")
SIDE = 96
LIMIT_DB = 0.3
OTHERS = {"Set5": 5, "Set14": 14, "BSDS500": 12}
"""Sets with how many of their images judge."""
Image = NDArray[np.float32]


def main() -> int:
    """Export, refuse or judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", nargs="+", default=["sr-x4-xs", "sr-x4"])
    parser.add_argument(
        "--noise", type=float, help="standard deviation of the noise that the --model takes off"
    )
    parser.add_argument("--target", nargs="+", default=list(TARGETS))
    parser.add_argument("--set", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--again", action="store_true", help="make rows again that are in the result already")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    rows = rows_before(options.out, key_of)
    for model in options.model:
        network, card = network_and_card(model, options.noise)
        judges = Judges(network, card)
        for target in options.target:
            for name in options.set:
                row = {"network": card.name, "target": target, "calibration": name}
                if key_of(row) in rows and not options.again:
                    continue
                row |= judged(network, card, target, name, judges)
                rows[key_of(row)] = row
                print(" ".join(str(value) for value in row.values()), flush=True)
                write_json(options.out, result(rows))
    wrong = [key for key, row in rows.items() if row["outcome"] == "wrong"]
    print("\n".join([f"wrote {options.out}", *(f"passed and is wrong: {key}" for key in wrong)]))
    return 1 if wrong else 0


def rows_before(path: Path, key: Callable[[dict[str, Any]], str]) -> dict[str, dict[str, Any]]:
    """The rows of an earlier run by name; none where there was none."""
    if not path.is_file():
        return {}
    return {key(row): row for row in json.loads(path.read_text(encoding="utf-8"))["rows"]}


def network_and_card(model: str, noise: float | None) -> tuple[Any, Card]:
    """A network; `noise`: the standard deviation of what it takes off, which its photographs get."""
    network, card = network_of(model)
    if noise is None:
        return network, card
    degradation = {"kind": "awgn", "sigma": noise, "clip": True}
    return network, card.model_copy(update={"provenance": {"recipe": {"data": {"degradation": degradation}}}})


def key_of(row: dict[str, Any]) -> str:
    """A row's name."""
    return f"{row['network']}/{row['target']}/{row['calibration']}"


def result(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The JSON."""
    return {
        "kind": "calibration-study",
        "about": "int8 files by bad calibration sets: refused by the gate, or right",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "limit_db": LIMIT_DB,
        "enough_db": ENOUGH_DB,
        "judging": OTHERS,
        "rows": list(rows.values()),
    }


def judged(network: Any, card: Card, target: str, name: str, judges: Judges) -> dict[str, Any]:
    """One row: whether the file was refused, and where it passed, how far it is from fp32."""
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images"
        images.mkdir()
        out = Path(folder) / "artifact"
        try:
            with libraries_silenced():
                export_network(
                    network,
                    card,
                    read_profile(f"{target}-int8"),
                    out=out,
                    name=f"{target}-int8",
                    sizes=[(SIDE, SIDE)],
                    calibration=calibration_set(name, images),
                    golden=False,
                )
        except EdgeIRError as error:
            return {"outcome": "refused", **judges.nothing(), "why": error.what}
        session = load(out)
        try:
            return judges.of(session)
        finally:
            session.close()


class Judges:
    """The images that judge, and what the network makes of them."""

    def __init__(self, network: Any, card: Card) -> None:
        facts = network.facts
        reference = TorchSession(network.deploy(), facts, name=card.name)
        degradation = degradation_of(card)
        side = SIDE // facts.size_multiple * facts.size_multiple

        def crops(refs: Sequence[ImageRef], seed: int) -> list[Patch]:
            return list(patches(refs, facts, degradation, (side, side), per_image=2, seed=seed))

        self.kinds = {
            "embedded": crops(embedded([*PROOF_PHOTOS, *CALIBRATION_PHOTOS]), 21),
            "others": crops(list(_others()), 22),
            "extremes": list(_degraded(facts, degradation, side)),
        }
        self.psnr = {
            kind: [_psnr(reference.run(patch.input), patch.truth) for patch in found]
            for kind, found in self.kinds.items()
        }

    def nothing(self) -> dict[str, None]:
        """The columns of a file that was refused."""
        return dict.fromkeys(
            (
                "embedded_db",
                "embedded_worst_db",
                "others_db",
                "others_worst_db",
                "extremes_worst_db",
                "worst_extreme",
            )
        )

    def of(self, session: Session) -> dict[str, Any]:
        """How much a file loses, in dB: the mean and the worst of the photographs, the worst extreme."""
        found: dict[str, Any] = {}
        for kind, images in self.kinds.items():
            lost = [
                before - _psnr(session.run(patch.input), patch.truth)
                for before, patch in zip(self.psnr[kind], images, strict=True)
            ]
            if kind == "extremes":
                worst = int(np.argmax(lost))
                found |= {"extremes_worst_db": round(lost[worst], 3), "worst_extreme": images[worst].name}
            elif images:
                found |= {
                    f"{kind}_db": round(float(np.mean(lost)), 3),
                    f"{kind}_worst_db": round(max(lost), 3),
                }
        right = all(
            found.get(key, 0.0) <= LIMIT_DB for key in ("embedded_db", "others_db", "extremes_worst_db")
        )
        return {"outcome": "right" if right else "wrong", **self.nothing(), **found, "why": ""}


def _psnr(image: Image, truth: Image) -> float:
    error = float(np.mean((image.astype(np.float64) - truth) ** 2))
    return min(ENOUGH_DB, 10 * math.log10(1 / max(error, 1e-20)))


def _others() -> Iterator[ImageRef]:
    for name, count in OTHERS.items():
        try:
            yield from StandardSet.model_validate({"name": name}).images()[:count]
        except DataError as error:
            print(f"left out: {error}")


def _degraded(facts: Any, degradation: Any, side: int) -> Iterator[Patch]:
    """Extremes with their truth: as large as the network's output, degraded as the photographs are."""
    rng = np.random.default_rng(23)
    size = side * facts.net_scale
    for name, image in {**extremes(size, size, 3), **_patterns(size)}.items():
        pixels = to_bytes(image)
        seed = int(rng.integers(1 << 30))
        given: Any = [_Given(name, pixels)]
        yield from patches(given, facts, degradation, (side, side), per_image=1, seed=seed)


class _Given:
    """An image with a name."""

    def __init__(self, name: str, pixels: NDArray[np.uint8]) -> None:
        self.name, self._pixels = name, pixels

    def load(self) -> NDArray[np.uint8]:
        return self._pixels


def _patterns(size: int) -> dict[str, Image]:
    """Extremes that no gate has."""
    rows, columns = np.mgrid[:size, :size]
    rng = np.random.default_rng(24)
    patterns: dict[str, NDArray[Any]] = {}
    for period in (6, 12, 24, 96):
        patterns[f"grating {period}"] = np.repeat(
            (0.5 + 0.5 * np.sin(2 * np.pi * (columns + rows) / period))[..., None], 3, 2
        )
    for cell in (4, 8, 32):
        checker = ((rows // cell + columns // cell) % 2)[..., None]
        patterns[f"checkers {cell}"] = np.repeat(checker, 3, 2)
        patterns[f"red on cyan {cell}"] = np.concatenate([checker, 1 - checker, 1 - checker], 2)
        patterns[f"blue on yellow {cell}"] = np.concatenate([1 - checker, 1 - checker, checker], 2)
    rectangles = np.zeros((size, size, 3))
    for _ in range(60):
        top, left, height, width = rng.integers(1, size, 4)
        rectangles[top : top + height // 4, left : left + width // 4] = rng.integers(0, 2, 3)
    patterns["rectangles"] = rectangles
    patterns["dark ramp"] = np.repeat((columns / size * 0.1)[..., None], 3, 2)
    patterns["bright ramp"] = 1 - patterns["dark ramp"]
    return {name: pattern.astype(np.float32) for name, pattern in patterns.items()}


if __name__ == "__main__":
    sys.exit(main())
