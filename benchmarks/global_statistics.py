"""Quality by the source of global statistics: PPCN's generators with the patch's, a larger image's, or constants.

    python benchmarks/global_statistics.py

By the rules of PIRM's track B (the 400 patches, iPhone to Canon), with the authors' weights. The statistics come from

- the patch itself, as published;
- a mosaic of 4, 16 or all 400 consecutive patches, gathered in tiles as `edgeir restore` does: what a photo larger than
  a patch does to it, at its worst, since neighbours in a mosaic are other scenes. The patches are run one by one, so
  that nothing but the statistics changes;
- calibration images (`edgeir export --statistics constant`): every fourth of the patches' inputs, and then `rest` is
  the score of the others; the BSDS500 photographs; the photographs of scikit-image, which an export takes by default.

Needs ``pirm/enhance-patches`` under ``$EDGEIR_DATA`` and the folder of the weights. Writes
``benchmarks/results/whole-picture.json``. No time is measured.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import DataError, EdgeIRError
from edgeir.core.files import write_json
from edgeir.core.moments import Moments
from edgeir.data.degrade.base import to_unit
from edgeir.data.locate import data_root
from edgeir.data.sources.standard import StandardSet
from edgeir.exporting import calibration
from edgeir.imaging.files import read_rgb
from edgeir.metrics import ms_ssim, psnr
from edgeir.metrics.protocol import PROTOCOLS
from edgeir.models import Network, PPCNEnhanceConfig
from edgeir.models.constants import calibrate, with_constants
from edgeir.models.ppcn_enhance import load_reference_weights
from edgeir.restoring.global_statistics import gather
from edgeir.restoring.tiling import plan, read_window
from edgeir.runtime.torch import TorchSession

RESULT = Path(__file__).resolve().parent / "results" / "whole-picture.json"
SIZES: tuple[Literal["student", "teacher"], ...] = ("student", "teacher")
PATCHES, EVERY, TILE = 400, 4, 256
PSNR, MS_SSIM = (PROTOCOLS[name].model_dump() for name in ("pirm-b", "pirm-b-ms-ssim"))

Image = NDArray[np.float32]


def main() -> int:
    """Score every network with every kind of statistics."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, help="folder with ppcn-enhance-{student,teacher}.npz")
    parser.add_argument("--patches", type=int, default=PATCHES, help="fewer, to try the script out")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    root = Path(data_root() or "")
    weights = options.weights or root / "weights"
    given, wanted = _patches(root / "pirm" / "enhance-patches", options.patches)
    rows: list[dict[str, Any]] = []
    for size in SIZES:
        network = PPCNEnhanceConfig(size=size).build().eval()
        load_reference_weights(network, weights / f"ppcn-enhance-{size}.npz")
        for name, scored in _variants(network, given):
            row = {"network": size, "statistics": name, **_scores(scored, wanted)}
            own = next((other for other in rows if other["network"] == size), row)
            for key in ("psnr_db", "ms_ssim", "rest_psnr_db", "rest_ms_ssim"):
                row[f"{key}_change"] = round(row[key] - own[key], 5)
            rows.append(row)
            print(
                f"{size:8s} {name:34s} {row['psnr_db']:.3f} dB ({row['psnr_db_change']:+.3f}), "
                f"MS-SSIM {row['ms_ssim']:.4f}; rest {row['rest_psnr_db']:.3f} dB "
                f"({row['rest_psnr_db_change']:+.3f})",
                flush=True,
            )
    result = {
        "about": "PPCN's enhancement generators (authors' weights) on the patches of PIRM's track B, by where the "
        "statistics of instance normalisation and contrast come from",
        "created": timestamp(),
        "protocol": {"psnr": PSNR, "ms_ssim": MS_SSIM},
        "patches": len(given),
        "calibration": f"every {EVERY}th patch; `rest` are the others",
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "rows": rows,
    }
    write_json(options.out, result)
    print(f"wrote {options.out}")
    return 0


def _patches(folder: Path, count: int) -> tuple[list[Image], list[NDArray[np.uint8]]]:
    """Inputs in [0, 1] and targets in levels."""
    if not folder.is_dir():
        raise DataError("the patches are not there", where=folder, fix="set EDGEIR_DATA")
    read = [[read_rgb(folder / side / f"{i}.jpg") for i in range(count)] for side in ("iphone", "canon")]
    return [to_unit(patch) for patch in read[0]], read[1]


def _variants(network: Network, given: list[Image]) -> Iterable[tuple[str, list[Image]]]:
    """Name, and the unclipped output for every patch."""
    session = TorchSession(copy.deepcopy(network), network.facts, name="torch")
    yield "own", [session.run(patch) for patch in given]
    for side in (2, 4, int(len(given) ** 0.5)):
        outputs: list[Image] = []
        for first in range(0, len(given), side * side):
            part = given[first : first + side * side]
            known = _mosaic_statistics(session, part, side)
            outputs += [session.run_with_statistics(patch, known) for patch in part]
        yield f"mosaic of {side * side}", outputs
    for name, images in _calibrations(network, given):
        constant = with_constants(network, calibrate(network, images))
        run = TorchSession(constant, constant.facts, name="constant").run
        yield f"constant: {name}", [run(patch) for patch in given]


def _mosaic_statistics(session: TorchSession, part: Sequence[Image], side: int) -> tuple[Moments, ...]:
    """What is gathered in tiles over the patches laid out in rows of `side`; the last row of patches is full."""
    rows = [np.concatenate(part[first : first + side], 1) for first in range(0, len(part), side)]
    mosaic = np.concatenate([row for row in rows if row.shape == rows[0].shape], 0)
    facts = session.facts.model_copy(update={"global_operations": ()})
    windows = plan(mosaic.shape[0], mosaic.shape[1], facts, fixed=None, largest=TILE)
    return gather(session, windows, lambda row, column: read_window(mosaic, row, column))


def _calibrations(network: Network, given: list[Image]) -> Iterable[tuple[str, Sequence[Image]]]:
    yield f"every {EVERY}th patch", given[::EVERY]
    try:
        yield "BSDS500", [to_unit(ref.load()) for ref in StandardSet(name="BSDS500").images()[::EVERY]]
    except DataError:
        print("no BSDS500 here")
    yield "scikit-image", list(calibration.gather(None, network.facts, None, size=64, count=48).inputs)


def _scores(outputs: list[Image], wanted: list[NDArray[np.uint8]]) -> dict[str, float]:
    result: dict[str, float] = {}
    metrics: tuple[tuple[str, Callable[..., float], dict[str, Any]], ...] = (
        ("psnr_db", psnr, PSNR),
        ("ms_ssim", ms_ssim, MS_SSIM),
    )
    for key, metric, conventions in metrics:
        values = [metric(a, b, **conventions) for a, b in zip(outputs, wanted, strict=True)]
        result[key] = round(statistics.fmean(values), 5)
        rest = [value for index, value in enumerate(values) if index % EVERY]
        result[f"rest_{key}"] = round(statistics.fmean(rest), 5)
    return result


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/global_statistics.py: error: {error}")
