"""The front: quality against time of LiteRT files, the zoo's and published networks', each with its own weights.

    python benchmarks/front.py --weights FOLDER [--cache FOLDER] [--only-plot | --check]

FOLDER holds the authors' weights (``edgeir import`` reads them; docs/targets/own-networks.md says where they are from).
Networks are exported in fp32 and in int8 (after training, by the same settings) for B100's two sizes; their files
are measured on B100 and timed in turns in one run, one image of 120x80 to 480x320, one thread. What is given for the
published networks is therefore what files made here do, not their papers' figures. Needs ``$EDGEIR_DATA``. Writes
``benchmarks/results/front.json`` and draws it into ``docs/front.svg``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from plot import in_step, shown, write_plot

from edgeir.benchmarking.entries import busy_notes, time_entries
from edgeir.benchmarking.quality.images import quality_of
from edgeir.benchmarking.result import Quality, Result, environment, read_result, timestamp, write_result
from edgeir.benchmarking.suite import load_suite
from edgeir.benchmarking.timing.measure import Schedule
from edgeir.benchmarking.timing.prepare import Entry, prepare
from edgeir.checkpoint.foreign.convert import import_weights
from edgeir.checkpoint.load import load_checkpoint
from edgeir.core.errors import EdgeIRError
from edgeir.core.progress import no_progress
from edgeir.data.degrade.base import Degraded, to_unit
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.manifest.artifact import read_artifact
from edgeir.reporting.pareto import render
from edgeir.runtime.loading import load

SUITE = "b100-x4"
HEIGHT, WIDTH = 320, 480
SIZES = ((80, 120), (120, 80))
ZOO = ("sr-x4-xs", "sr-x4")
TRAINED_IN_INTEGERS = "sr-x4-xs-int8"
PUBLISHED = {
    "SMFANet": "smfanet-x4",
    "PlainUSR-L": "plainusr-l-x4",
}
"""Name to the name of its weights, ``NAME.safetensors``."""
FILES = (
    *((name, precision) for name in (*ZOO, "SMFANet") for precision in ("fp32", "int8")),
    (TRAINED_IN_INTEGERS, "int8"),
    ("PlainUSR-L", "fp32"),
)
"""PlainUSR-L's soft pooling divides by what 8 bits round to zero: the converter cannot calibrate it."""
ROOT = Path(__file__).resolve().parent.parent
RESULT, PLOT = ROOT / "benchmarks" / "results" / "front.json", ROOT / "docs" / "front.svg"


def main() -> int:
    """Import, export, score, time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, help="folder of the authors' weights")
    parser.add_argument("--cache", type=Path, help="keep the exported files here and use them again")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of timing rounds")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--plot", type=Path, default=PLOT)
    parser.add_argument(
        "--only-plot", action="store_true", help="measure nothing; draw the result that is there"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when the plot is not of the result"
    )
    options = parser.parse_args()
    if options.check:
        comment = f"<!-- {shown(read_result(options.out))} -->"
        return in_step(options.plot, comment, "benchmarks/front.py --only-plot")
    if options.weights is None and not options.only_plot:
        parser.error("--weights is needed")
    if not options.only_plot:
        write_result(options.out, measured_front(options.weights, options.cache, options.budget))
        print(f"wrote {options.out}")
    result = read_result(options.out)
    plotted = render(result)
    assert plotted is not None
    write_plot(options.plot, plotted, f"<!-- {shown(result)} -->")
    return 0


def measured_front(weights: Path, kept: Path | None, budget: float) -> Result:
    """All files: made, or taken from the cache; scored, then timed in turns."""
    with tempfile.TemporaryDirectory() as temporary:
        cache = kept or Path(temporary)
        cache.mkdir(parents=True, exist_ok=True)
        folders = {each: made(*each, weights, cache) for each in FILES}
        entries, quality = [], {}
        for (name, precision), folder in folders.items():
            quality[name, precision] = measured(folder)
            print(f"{name} {precision}: {quality[name, precision].sets[0].psnr_db:.2f} dB", flush=True)
            entries.append(entry_of(folder, name, cache))
        schedule = Schedule(budget_s=budget)
        rows, facts = time_entries(
            entries, height=HEIGHT, width=WIDTH, threads=1, schedule=schedule, memory=False
        )
    suite = load_suite(SUITE)
    return Result(
        kind="bench",
        name="front",
        title="LiteRT, one thread, 120x80 to 480x320: quality on B100 against time",
        created=timestamp(),
        suite=suite.model_dump(mode="json"),
        protocol=suite.resolved_protocol().model_dump(mode="json"),
        notes=(
            "Published networks: files made here of the authors' weights, int8 after training.",
            *busy_notes(facts),
        ),
        environment=environment(),
        timing=facts,
        rows=tuple(
            row.model_copy(
                update={
                    "quality": quality[row.model, row.precision],
                    "role": "baseline" if row.model in PUBLISHED else "candidate",
                }
            )
            for row in rows
        ),
    )


def made(name: str, precision: str, weights: Path, cache: Path) -> Path:
    """The folder of a network's files, from the cache where it is there."""
    folder = cache / f"{name}-{precision}"
    if folder.is_dir():
        return folder
    if name in PUBLISHED:
        checkpoint = cache / f"{PUBLISHED[name]}-weights"
        if not checkpoint.is_dir():
            import_weights(weights / f"{PUBLISHED[name]}.safetensors", out=checkpoint)
        network, card, _ = load_checkpoint(checkpoint)
    else:
        network, card, _ = load_checkpoint(name)
    # However much int8 loses: this is a measurement, not a file to ship.
    export_network(
        network, card, read_profile(f"tflite-{precision}"), name=name, sizes=SIZES, out=folder,
        golden=False, worst_image=False, refuse=False,
    )  # fmt: skip
    return folder


def measured(folder: Path) -> Quality:
    """PSNR and SSIM on B100 of a folder's files, each image through the file of its size."""
    artifact, place = read_artifact(folder)
    sessions = {file.size: load(place / file.path) for file in artifact.files}

    def restore(degraded: Degraded):  # type: ignore[no-untyped-def]
        image = to_unit(degraded)
        return sessions[image.shape[0], image.shape[1]].run(image)

    try:
        return quality_of(restore, load_suite(SUITE), tiled=False, limit=None, progress=no_progress)
    finally:
        for session in sessions.values():
            session.close()


def entry_of(folder: Path, name: str, scratch: Path) -> Entry:
    """The file of the timed size."""
    (entry,) = prepare(
        folder, runtimes=(), precisions=(), height=HEIGHT, width=WIDTH, scratch=scratch, name=name
    )
    return entry


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/front.py: error: {error}")
