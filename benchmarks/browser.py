"""The page in a browser: how soon the first tile of a photo is there, and whether memory is flat over a large photo.

    python benchmarks/browser.py BUNDLE [--repeats 5]

BUNDLE is a bundle of sr-x4 with a LiteRT file in fp32 and in int8 (``edgeir export sr-x4 --bundle --target tflite
--precision fp32 --precision int8 --size 128x128``). A headless Chromium on this machine, served on loopback,
WebAssembly.

**First tile**: from the moment at which the page has the chosen photo (800x600, JPEG) until its first restored tile is
drawn, by the page's own clock; the model is loaded and checked before, as it is for a user. Every repeat is a page of
its own. Also: from opening the page to a checked model.

**Memory**: resident memory of all renderer processes and of the whole browser, sampled twice a second over a photo of
4000x3000, whose result has 192 megapixels. Flat means: from a tenth of the tiles on, nothing grows with their number.

Writes ``benchmarks/results/browser.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from skimage import data

from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.timing.machine_load import load_average
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import DataError, EdgeIRError
from edgeir.core.files import write_json
from edgeir.core.requires import require_installed
from edgeir.devices.browser.chromium import chromium_path, descendants
from edgeir.devices.browser.page import built_page
from edgeir.devices.browser.server import PageServer

RESULT = Path(__file__).resolve().parent / "results" / "browser.json"
SMALL, LARGE = (800, 600), (4000, 3000)
INTERVAL_S = 0.5
WAIT_MS = 3_600_000


def main(arguments: list[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--page", type=Path, help="folder of the built page; default: export/web/dist")
    chosen = parser.parse_args(arguments)
    try:
        require_installed("playwright", "driving the page")
        with tempfile.TemporaryDirectory() as folder:
            result = measure(chosen.bundle, chosen.repeats, chosen.page, Path(folder))
    except EdgeIRError as error:
        print(f"browser.py: error: {error}", file=sys.stderr)
        return 2
    write_json(RESULT, result)
    print(f"wrote {RESULT}")
    return 0


def measure(bundle: Path, repeats: int, page: Path | None, folder: Path) -> dict[str, Any]:
    """Both parts, in one browser."""
    from playwright.sync_api import sync_playwright

    load = load_average()
    photos = {size: made(size, folder) for size in (SMALL, LARGE)}
    server = PageServer(built_page(page), bundle).start()
    try:
        with sync_playwright() as playwright:
            flags = ["--no-sandbox"]
            browser = playwright.chromium.launch(executable_path=str(chromium_path()), args=flags)
            name = f"Chromium {browser.version}"
            first = [first_tile(browser, server.url, photos[SMALL]) for _ in range(repeats)]
            memory = {
                precision: over_large(browser, server.url, photos[LARGE], precision)
                for precision in ("int8",)
            }
            browser.close()
    finally:
        server.close()
    result: dict[str, Any] = {
        "kind": "browser",
        "about": "the page in a browser: time to the first restored tile, memory over a 12-megapixel photo",
        "created": timestamp(),
        "model": json.loads((bundle / "edgeir.json").read_text(encoding="utf-8"))["source"],
        "browser": name,
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "load_before": load,
        "load_after": load_average(),
        "first_tile": {
            "photo": list(SMALL),
            "engine": first[0]["engine"],
            "seconds": [row["first_tile_s"] for row in first],
            "median_s": statistics.median(row["first_tile_s"] for row in first),
            "largest_s": max(row["first_tile_s"] for row in first),
            "page_to_checked_model_s": [row["ready_s"] for row in first],
            "whole_photo_s": [row["whole_s"] for row in first],
        },
        "memory": memory,
    }
    return {**result, "rows": rows(result)}


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the documentation shows: one measure a row."""
    first, memory = result["first_tile"], result["memory"]["int8"]
    photo, large = ("×".join(map(str, part["photo"])) for part in (first, memory))
    ready = first["page_to_checked_model_s"]
    tenths = [size for size in memory["by_tenths_mib"]["renderers"] if size is not None]
    return [
        {
            "measure": f"first restored tile, photo of {photo}, s",
            "median or start": first["median_s"],
            "most or end": first["largest_s"],
        },
        {
            "measure": "from opening the page to a checked model, s",
            "median or start": statistics.median(ready),
            "most or end": max(ready),
        },
        {
            "measure": f"memory of the page over a photo of {large}, first and last tenth of the tiles, MiB",
            "median or start": tenths[0],
            "most or end": tenths[-1],
        },
        {
            "measure": "the same, before the photo and at most, MiB",
            "median or start": memory["before_mib"]["renderers"],
            "most or end": memory["peak_mib"]["renderers"],
        },
    ]


def made(size: tuple[int, int], folder: Path) -> Path:
    """A photo of that width and height."""
    path = folder / f"{size[0]}x{size[1]}.jpg"
    Image.fromarray(data.chelsea()).resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    return path


def opened(browser: Any, url: str, precision: str) -> tuple[Any, float]:
    """A page whose model is checked, and the seconds that took."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(WAIT_MS)
    started = time.monotonic()
    page.goto(f"{url}?engine=wasm")
    page.wait_for_selector("#engine[data-state=ready]")
    ready = time.monotonic() - started
    labels = page.locator("#model option").all_inner_texts()
    index = next((i for i, label in enumerate(labels) if f"tflite {precision}," in label), None)
    if index is None:
        raise DataError(
            f"the bundle has no tflite file in {precision}", fix="see benchmarks/browser.py --help"
        )
    if index > 0:
        page.select_option("#model", index=index)
        page.wait_for_selector("#engine[data-state=loading]", state="detached")
        page.wait_for_selector("#engine[data-state=ready]")
    return page, ready


def chosen(page: Any, photo: Path) -> None:
    """Choose a photo as a user does."""
    with page.expect_file_chooser() as chooser:
        page.click("#choose")
    chooser.value.set_files(str(photo))


def first_tile(browser: Any, url: str, photo: Path) -> dict[str, Any]:
    """One page, one photo: the seconds up to a checked model, the first tile and the end."""
    page, ready = opened(browser, url, "fp32")
    chosen(page, photo)
    page.wait_for_selector("#status[data-state=done]")
    result = json.loads(page.get_attribute("#details", "data-result"))
    row = {
        "engine": page.inner_text("#engine"),
        "ready_s": round(ready, 3),
        "first_tile_s": round((result["shown"] - result["started"]) / 1000, 3),
        "whole_s": round(result["seconds"], 3),
    }
    page.context.close()
    return row


def over_large(browser: Any, url: str, photo: Path, precision: str) -> dict[str, Any]:
    """The memory over one large photo."""
    page, _ = opened(browser, url, precision)
    before = resident()
    chosen(page, photo)
    samples: list[tuple[float, dict[str, float]]] = []
    while page.get_attribute("#status", "data-state") in ("waiting", "running"):
        progress = float(page.get_attribute("#progress", "value") or 0)
        samples.append((progress, resident()))
        page.wait_for_timeout(1000 * INTERVAL_S)
    state, text = page.get_attribute("#status", "data-state"), page.inner_text("#status")
    if state != "done":
        raise DataError(f"the photo was not restored: {text}", where=photo)
    details = json.loads(page.get_attribute("#details", "data-result"))
    row = {
        "photo": list(LARGE),
        "result": [details["width"], details["height"]],
        "engine": page.inner_text("#engine"),
        "tiles": details["tiles"],
        "seconds": round(details["seconds"], 1),
        "before_mib": before,
        "peak_mib": {key: max(sample[key] for _, sample in samples) for key in before},
        "by_tenths_mib": tenths(samples),
        "samples": len(samples),
    }
    page.context.close()
    return row


def tenths(samples: list[tuple[float, dict[str, float]]]) -> dict[str, list[float | None]]:
    """The largest resident memory in each tenth of the tiles."""
    found: dict[str, list[float | None]] = {}
    for key in samples[0][1]:
        parts = [[one[key] for at, one in samples if min(9, int(10 * at)) == part] for part in range(10)]
        found[key] = [max(part) if part else None for part in parts]
    return found


def resident() -> dict[str, float]:
    """Resident MiB of all renderers, and of all processes of the browser (shared pages counted once: PSS)."""
    sizes = {"renderers": 0.0, "browser": 0.0}
    for folder in descendants(os.getpid()):
        try:
            command = (folder / "cmdline").read_bytes()
            if b"chromium" not in command.split(b"\0")[0]:
                continue
            size = re.search(r"Pss:\s+(\d+) kB", (folder / "smaps_rollup").read_text())
        except OSError:
            continue
        mib = int(size[1]) / 1024 if size else 0.0
        sizes["browser"] += mib
        sizes["renderers"] += mib if b"--type=renderer" in command else 0.0
    return {key: round(size, 1) for key, size in sizes.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
