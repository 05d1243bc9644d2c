"""Connect to a phone, send, run, fetch and clean, again and again, and pull the cable at random moments.

    sh tools/phone_standin.sh setup build/phone
    python benchmarks/phone_cycles.py round-trip
    python benchmarks/phone_cycles.py cycles [--count 1000] [--seconds 7200]

The phone is the stand-in of tools/phone_standin.sh: a real adb client, the real arm64 adbd and TensorFlow Lite's real
arm64 library, on an emulated processor. A round trip is connecting, sending everything, 50 runs, the golden input
through the phone, and cleaning up; what it adds to the runs is what counts. A cycle is `edgeir bench` of two files, in
half of them with the cable pulled once, at a random moment of the cycle. A cycle is right if every row that was
measured is in the result, with the golden output bit for bit, if what failed is told as the cable's fault, and if the
phone holds nothing of edgeir's and runs nothing of it. Writes ``phone-round-trip.json`` or ``phone-cycles.json`` in
``benchmarks/results``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeir.benchmarking import run as run_module
from edgeir.benchmarking.result import read_result, timestamp
from edgeir.benchmarking.run import bench
from edgeir.benchmarking.suite import Suite, load_suite
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import DeviceError
from edgeir.core.files import write_json
from edgeir.core.progress import no_progress
from edgeir.devices.catalog import connect
from edgeir.exporting.prove.golden import run_golden
from edgeir.exporting.run import export
from edgeir.manifest.artifact import read_artifact

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from phone_standin import StandIn, switched_on  # noqa: E402 - of the repository's tools

RESULTS = ROOT / "benchmarks" / "results"
NETWORK, SIZE = "sr-x4-xs", (32, 48)
FILES, RUNS = 2, 1
ROUND_TRIP_RUNS = 50
SHARE = 0.5
"""Of the cycles have their cable pulled."""
SELF_CLEAN_S = 10.0
BLAMED = (
    "unplugged",
    "no phone is connected",
    "there is no phone",
    "does not answer adb",
    "connection to the phone broke",
)


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("round-trip", "cycles"))
    parser.add_argument("--count", type=int, help="how many; default: 5 round trips, 1000 cycles")
    parser.add_argument(
        "--seconds", type=float, default=7200.0, help="begin no other cycle after so many seconds"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, help="an artifact, instead of exporting one")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/phone-WHAT.json")
    options = parser.parse_args()
    out = options.out or RESULTS / f"phone-{options.what}.json"
    with tempfile.TemporaryDirectory() as scratch, switched_on() as phone:
        os.environ.update(phone.variables)
        model = options.model or Path(scratch) / "model"
        if options.model is None:
            export(NETWORK, target="tflite", precision="int8", size=SIZE, out=model)
        if options.what == "round-trip":
            trips = [round_trip(model, phone)[0] for _ in range(options.count or 5)]
            result = summary_of_trips(trips)
            write_json(out, result)
        else:
            result = repeat(model, phone, Path(scratch) / "result.json", options, out)
    print(json.dumps(result["rows"], indent=1))
    return 1 if any(row.get("wrong, lost or left") for row in result["rows"]) else 0


def repeat(model: Path, phone: StandIn, path: Path, options: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Cycles until there are enough or the time is over; the result is written as it grows."""
    random.seed(options.seed)
    _, error = round_trip(model, phone)
    began, usual = time.monotonic(), 8.0
    cycles: list[dict[str, Any]] = []
    while len(cycles) < (options.count or 1000) and time.monotonic() - began < options.seconds:
        pull_s = random.uniform(0, 1.1 * usual) if random.random() < SHARE else None
        cycles.append(cycle(model, phone, path, pull_s, error))
        if pull_s is None:
            usual = 0.9 * usual + 0.1 * cycles[-1]["s"]
        if not cycles[-1]["right"]:
            print(f"cycle {len(cycles)}: {cycles[-1]}", flush=True)
        if len(cycles) % 10 == 0:
            write_json(out, summary_of_cycles(cycles, options.seed))
            print(f"{len(cycles)} cycles, {time.monotonic() - began:.0f} s", flush=True)
    result = summary_of_cycles(cycles, options.seed)
    write_json(out, result)
    return result


def round_trip(model: Path, phone: StandIn) -> tuple[dict[str, float], float]:
    """Seconds of one session and what they were spent on, and the golden output's error, which is LiteRT's here.

    `added_s` is all but the runs and the golden inference.
    """
    artifact, folder = read_artifact(model)
    file = artifact.main
    phone.set_property(
        "ro.boot.qemu", "0"
    )  # an emulated phone's times are not kept; these are only subtracted
    marks = [time.monotonic()]
    device = connect(f"phone:{phone.serial}")
    try:
        marks.append(time.monotonic())
        run = device.time(
            folder / file.path, artifact, file, size=file.size, runs=ROUND_TRIP_RUNS, progress=no_progress
        )
        marks.append(time.monotonic())
        session = device.open(folder / file.path, artifact, file)
        try:
            assert file.golden is not None
            proof = run_golden(folder, artifact, file, file.golden, session=session, engine="phone")
        finally:
            session.close()
        marks.append(time.monotonic())
    finally:
        device.close()
    marks.append(time.monotonic())
    phone.set_property("ro.boot.qemu", "1")
    if proof.drift:
        raise SystemExit(f"the phone's golden output differs by {proof.drift} from the one of LiteRT here")
    if phone.left():
        raise SystemExit(f"left on the phone: {phone.left()}")
    runs_s = sum(run.runs_ms) / 1e3
    parts = [stop - start for start, stop in itertools.pairwise(marks)]
    names = ("connect_and_send_s", "runs_s", "golden_s", "clean_s")
    golden_run_s = statistics.median(run.runs_ms) / 1e3
    seconds = {
        **{name: round(part, 3) for name, part in zip(names, parts, strict=True)},
        "of_runs_inference_s": round(runs_s, 3),
        "added_s": round(marks[-1] - marks[0] - runs_s - golden_run_s, 3),
    }
    return seconds, proof.max_abs_error


def suite() -> Suite:
    """One without images: only times and golden outputs."""
    shipped = load_suite("embedded-x4")
    timing = shipped.timing.model_copy(update={"height": SIZE[0] * 4, "width": SIZE[1] * 4, "baseline": None})
    return shipped.model_copy(update={"timing": timing})


def cycle(model: Path, phone: StandIn, path: Path, pull_s: float | None, error: float) -> dict[str, Any]:
    """One `edgeir bench`, its cable pulled after `pull_s` seconds, and how the phone was left.

    Args:
        error: of the golden output, if it is right.
    """
    path.unlink(missing_ok=True)
    finished: list[Any] = []
    real = run_module.device_rows

    def counted(*words: Any, **more: Any) -> Iterator[Any]:
        for row in real(*words, **more):
            finished.append(row)
            yield row

    timer = threading.Timer(pull_s or 0, phone.pull_cable)
    run_module.device_rows = counted
    said, problem = None, None
    began = time.monotonic()
    try:
        if pull_s is not None:
            timer.start()
        bench(
            [model] * FILES, suite(), devices=[f"phone:{phone.serial}"], repeats=RUNS, quality=False, out=path
        )
    except DeviceError as raised:
        said = str(raised)
        if pull_s is None or not any(words in said for words in BLAMED):
            problem = said
    except Exception as raised:
        problem = f"{type(raised).__name__}: {raised}"
    finally:
        run_module.device_rows = real
        spent = time.monotonic() - began
        if pull_s is not None:
            timer.cancel()
            timer.join()
            phone.plug_in()
    rows = read_result(path).rows if path.is_file() else ()
    if len(rows) != len(finished) or (said is None and len(rows) != FILES):
        problem = problem or f"{len(finished)} rows were measured, {len(rows)} are in the result"
    if any(row.golden is None or row.golden.max_abs_error != error for row in rows):
        problem = problem or "a golden output differs"
    clean_s = phone.wait_until_clean(SELF_CLEAN_S)
    if clean_s is None:
        problem = problem or f"left on the phone: {phone.left()}"
    return {
        "s": round(spent, 2),
        "pulled": said is not None,
        "rows": len(rows),
        "clean_s": clean_s,
        "said": said,
        "right": problem is None,
        "problem": problem,
    }


def summary_of_trips(trips: list[dict[str, float]]) -> dict[str, Any]:
    """The result file of round trips."""
    added = [trip["added_s"] for trip in trips]
    row = {
        "model": f"{NETWORK} int8 {SIZE[0]}x{SIZE[1]}",
        "runs": ROUND_TRIP_RUNS,
        "round trips": len(trips),
        "added s, median": statistics.median(added),
        "added s, most": max(added),
        "load average": round(os.getloadavg()[0], 1),
    }
    about = "what connecting, sending, the golden input, fetching and cleaning add to the runs, on the stand-in phone"
    return wrapped("phone-round-trip", about, [row], {"each": trips})


def summary_of_cycles(cycles: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """The result file of cycles."""
    cut = [one for one in cycles if one["pulled"]]
    clean = [one["clean_s"] for one in cycles if one["clean_s"] is not None]
    counts = {
        "done": len(cycles),
        "files_each": FILES,
        "seed": seed,
        "cable_pulled_in_time": len(cut),
        "rows_before_the_pull": dict(sorted(Counter(str(one["rows"]) for one in cut).items())),
        "wrong": sum(not one["right"] for one in cycles),
        "problems": sorted({one["problem"] for one in cycles if one["problem"]}),
        "seconds_until_clean_most": round(max(clean, default=0.0), 2),
        "said": dict(Counter(one["said"] for one in cut).most_common()),
    }
    return cycles_result(counts)


def cycles_result(counts: dict[str, Any]) -> dict[str, Any]:
    """The result file of counted cycles."""
    row = {
        "cycles": counts["done"],
        "cable pulled in time": counts["cable_pulled_in_time"],
        "rows kept of those": sum(
            int(rows) * count for rows, count in counts["rows_before_the_pull"].items()
        ),
        "wrong, lost or left": counts["wrong"],
        "clean after s, most": counts["seconds_until_clean_most"],
    }
    about = "edgeir bench on the stand-in phone again and again, half of the time with the cable pulled at some moment"
    return wrapped("phone-cycles", about, [row], {"counts": counts})


def wrapped(kind: str, about: str, rows: list[dict[str, Any]], more: dict[str, Any]) -> dict[str, Any]:
    """A result with where it was measured."""
    version = subprocess.run(["adb", "version"], capture_output=True, text=True, check=True).stdout
    return {
        "kind": kind,
        "about": about,
        "created": timestamp(),
        "environment": {
            "machine": machine(),
            "versions": {**versions(), "adb": version.splitlines()[1].removeprefix("Version ")},
            "revision": git_revision(),
        },
        **more,
        "rows": rows,
    }


if __name__ == "__main__":
    sys.exit(main())
