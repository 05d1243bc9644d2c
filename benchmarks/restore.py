"""The cost of a 12-megapixel restore beyond the network itself: memory, and time.

    python benchmarks/restore.py [--model sr-x4] [--large]

Two photos, made of the embedded ones: 1000x750, whose x4 result has 12 megapixels, and (with ``--large``) 4000x3000,
whose result has 192. Each runs with the checkpoint on torch (tiles of any size) and as a LiteRT file (tiles of its one
size).

Memory, in a process of its own per row: the peak of the resident memory, and what of it is neither the input nor the
output image (so Python, the runtime and the network are in it).

Time, on the small photo: restoring it in memory, and with reading and writing the files, over the time that the
runtime alone takes for the same tiles, handed to it as prepared tensors. They take turns, and a ratio is formed within
a turn.

Writes ``benchmarks/results/restore-12mp.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.timing.child import THREAD_VARIABLES
from edgeir.benchmarking.timing.machine_load import load_average
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.imaging.files import read_photo, write_photo, write_rgb

RESULT = Path(__file__).resolve().parent / "results" / "restore-12mp.json"
SMALL, LARGE = (750, 1000), (3000, 4000)
LITERT_SIZE = (180, 320)
THREADS = 1
WHOLES = {
    "in_memory": ("in_memory",),
    "png_to_png": ("read_png", "in_memory", "write_png"),
    "png_to_jpeg": ("read_png", "in_memory", "write_jpeg"),
}
"""The times that are compared with the inference, and their parts."""


def main(arguments: list[str]) -> int:
    """Prepare, measure in child processes, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="checkpoint or zoo name; default: a 109 K student of random weights")
    parser.add_argument("--turns", type=int, default=9, help="repeats of the timing")
    parser.add_argument("--large", action="store_true", help="also the 12-megapixel input (minutes)")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument(
        "--child", nargs=4, metavar=("WHAT", "MODEL", "PHOTO", "TURNS"), help=argparse.SUPPRESS
    )
    options = parser.parse_args(arguments)
    if options.child:
        what, model, photo, turns = options.child
        value = memory(model, Path(photo)) if what == "memory" else timing(model, Path(photo), int(turns))
        print(json.dumps(value))
        return 0
    load_before = load_average()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        name, models = prepare_models(options.model, work)
        photos = [make_photo(work / "small.png", *SMALL)]
        photos += [make_photo(work / "large.png", *LARGE)] if options.large else []
        rows = []
        for runtime, path in models.items():
            for photo in photos:
                turns = options.turns if photo is photos[0] else 0
                rows.append({"name": runtime, **measure(path, photo, turns)})
                show(rows[-1])
    result = {
        "kind": "restore",
        "about": "restoring photos in tiles: memory beyond the two images, time over that of the tiles' inference",
        "created": timestamp(),
        "model": name,
        "threads": THREADS,
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "load_average": {"before": load_before, "after": load_average()},
        "rows": rows,
    }
    write_json(options.out, result)
    print(f"wrote {options.out}")
    return 0


def prepare_models(checkpoint: str | None, work: Path) -> tuple[str, dict[str, Path]]:
    """The network's name; a checkpoint for torch and a LiteRT artifact of it."""
    from paired import network_of

    from edgeir.checkpoint.save import save_checkpoint
    from edgeir.exporting.profile import read_profile
    from edgeir.exporting.run import export_network

    network, card = network_of(checkpoint)
    save_checkpoint(work / "torch", network, network.state_dict(), name=card.name, metrics={}, provenance={})
    profile = "tflite-fp32"
    export_network(
        network, card, read_profile(profile), out=work / profile, name=profile, sizes=[LITERT_SIZE]
    )
    return card.name, {"torch": work / "torch", "litert-fp32": work / profile}


def make_photo(path: Path, height: int, width: int) -> Path:
    """A PNG of real texture: an embedded photograph, enlarged."""
    from edgeir.data.sources.embedded import Embedded

    source = next(ref for ref in Embedded().images() if ref.name == "astronaut").load()
    image = Image.fromarray(source).resize((width, height), Image.Resampling.BICUBIC)
    write_rgb(np.asarray(image), path)
    return path


def measure(model: Path, photo: Path, turns: int) -> dict[str, Any]:
    """One row: the memory of a new process, and with `turns` the time in another one."""
    row = child("memory", model, photo, 0)
    return row | (child("time", model, photo, turns) if turns else {})


def child(what: str, model: Path, photo: Path, turns: int) -> dict[str, Any]:
    """Run this script again, for one figure in a process of its own."""
    settings = os.environ | dict.fromkeys(THREAD_VARIABLES, str(THREADS))
    command = [sys.executable, __file__, "--child", what, str(model), str(photo), str(turns)]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EdgeIRError(
            f"the measuring process failed: {done.stderr.strip()[-400:]}", where=f"{what} {model}"
        )
    value: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return value


def memory(model: str, photo: Path) -> dict[str, Any]:
    """Restore a file to a file, then look at the process's peak."""
    from edgeir.restoring.photo import restore
    from edgeir.runtime.loading import load

    session = load(model, threads=THREADS)
    loaded = status_mib("VmRSS")
    start = time.perf_counter()
    report = restore(photo, photo.with_name(f"out-{os.getpid()}.png"), model=session)
    seconds = time.perf_counter() - start
    peak = status_mib("VmHWM")
    entry = report.restored[0]
    entry.output.unlink()
    pixels = entry.width * entry.height
    images = 3 * (pixels + pixels // session.facts.scale**2) / (1 << 20)
    return {
        "output_megapixels": round(pixels / 1e6, 1),
        "tiles": entry.tiles,
        "peak_mib": round(peak, 1),
        "images_mib": round(images, 1),
        "beyond_images_mib": round(peak - images, 1),
        "of_which_before_restoring_mib": round(loaded, 1),
        "seconds_once": round(seconds, 2),
    }


def status_mib(key: str) -> float:
    """A field of this process's memory status (Linux)."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.is_file() else []:
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    raise EdgeIRError(f"the system states no {key}")


def timing(model: str, path: Path, turns: int) -> dict[str, Any]:
    """Seconds of the tiles' inference alone, of restoring in memory, and from file to file; in turns."""
    from edgeir.restoring.image import plan_photo, restore_photo
    from edgeir.restoring.tiling import read_window
    from edgeir.runtime.loading import load
    from edgeir.runtime.session import to_native

    session = load(model, threads=THREADS)
    photo = read_photo(path)
    windows = plan_photo(photo.height, photo.width, session)
    tensors = [
        to_native(read_window(photo.pixels, *window).astype(np.float32) / np.float32(255), session.input)
        for window in windows
    ]

    def inference() -> None:
        for tensor in tensors:
            session.run_raw(tensor)

    result = restore_photo(photo, session)  # also warms up
    inference()
    jobs = {
        "inference": inference,
        "in_memory": lambda: restore_photo(photo, session),
        "read_png": lambda: read_photo(path),
        "write_png": lambda: write_photo(result, path.with_name("timed.png")),
        "write_jpeg": lambda: write_photo(result, path.with_name("timed.jpg")),
    }
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    names = list(jobs)
    for turn in range(turns):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            jobs[name]()
            seconds[name].append(time.perf_counter() - start)
    row: dict[str, Any] = {"tile": "x".join(map(str, windows.size)), "turns": turns}
    computed = len(windows) * windows.size[0] * windows.size[1]
    row["computed_over_needed"] = round(computed / (photo.height * photo.width), 3)
    for name, values in seconds.items():
        row[f"{name}_s"] = round(statistics.median(values), 4)
    for name, parts in WHOLES.items():
        ratios = [
            sum(seconds[part][turn] for part in parts) / seconds["inference"][turn] for turn in range(turns)
        ]
        row[f"{name}_ratio"] = round(statistics.median(ratios), 4)
        row[f"{name}_ratio_range"] = [round(min(ratios), 4), round(max(ratios), 4)]
    return row


def show(row: dict[str, Any]) -> None:
    """Print a row for a person."""
    beyond = f"{row['beyond_images_mib']:7.1f} MiB beyond the images"
    line = f"{row['name']:12s} {row['output_megapixels']:6.1f} MP: {beyond}"
    if "in_memory_ratio" in row:
        line += f", {row['in_memory_ratio']:.3f}x its tiles' inference, to PNG {row['png_to_png_ratio']:.3f}x"
    print(line)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
