"""``edgeir demo``: every stage in a few minutes, on the photographs inside scikit-image, without a network.

Built on public functions only, so it is also the shortest example of how they fit together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeir.cli.options import Json, Overwrite, Quiet
from edgeir.cli.output import Output, table
from edgeir.cli.scores import score_lines
from edgeir.core.progress import Progress, no_progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgeir.reporting.html import ShownImage

__all__ = ["DemoResult", "demo", "run_demo"]

RECIPE = "super-resolution/demo"
ZOO = "sr-x4"
SUITE = "embedded-x4"
SIZE = (180, 320)
"""Input of the exported files: 1280x720 out."""
MARKER, OWNED = "demo.json", ("run", "artifacts", "results", "images", "pictures", "report.*", "bench.*")
"""What shows that a folder is a demo's, and what else lies in one."""
PHOTOS = {"astronaut": (60, 165), "chelsea": (90, 130), "coffee": (130, 250)}
"""Photographs to restore, and where the detail starts that is shown enlarged (row, column)."""
DETAIL, ZOOM = 112, 3
CAUTION = (
    "The demo's own student learnt from these very photographs, which flatters it; "
    "the zoo's network has not seen them."
)
STAGES = ("distil", "export", "eval", "bench", "restore", "report")


@dataclass(frozen=True)
class DemoResult:
    """Where to look."""

    report: Path
    images: list[Path]
    bench: Path
    evals: list[Path]
    artifacts: list[Path]
    seconds: dict[str, float]


def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder to write; created if it does not exist.")
    ] = Path("demo-out"),
    *,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run every stage on a few photographs: distill, export, eval, bench, restore, report.

    Takes under five minutes on two cores, without a network connection. Leaves an HTML report and images before and
    after.

    Example: `edgeir demo --out demo-out`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.core.files import refuse_existing

        refuse_existing(out, overwrite=overwrite, marker=MARKER, owned=OWNED)
        with output.progress() as progress:
            result = run_demo(out, note=output.note, progress=progress)
        times = [(f"  {stage}", f"{seconds:.0f} s") for stage, seconds in result.seconds.items()]
        images = [f"  {path}" for path in result.images]
        look = [f"open {result.report.resolve()}", "before and after:", *images]
        output.emit(result, ["", *table(times), "", *score_lines(_read(result.bench)), "", *look])


def run_demo(
    out: Path,
    *,
    recipe: str = RECIPE,
    network: str = ZOO,
    budget_s: float = 20.0,
    note: Callable[[str], None] = lambda line: None,
    progress: Progress = no_progress,
) -> DemoResult:
    """Run the chain and leave everything in `out`; files of an earlier demo there are replaced.

    Args:
        recipe: what the demo's student is distilled by.
        network: the trained network that is exported beside it and restores the photographs.
        budget_s: seconds of timed runs.

    Raises:
        EdgeIRError: a stage failed.
    """
    from edgeir.benchmarking.quality.evaluate import evaluate
    from edgeir.benchmarking.run import bench
    from edgeir.benchmarking.suite import load_suite
    from edgeir.core.files import write_json
    from edgeir.exporting.run import export
    from edgeir.reporting.run import report
    from edgeir.training.run import distill

    write_json(out / MARKER, {"recipe": recipe, "network": network})
    suite = load_suite(SUITE)
    suite = suite.model_copy(update={"description": f"{suite.description} {CAUTION}"})
    seconds: dict[str, float] = {}
    last = time.monotonic()

    def begin(stage: str, what: str) -> None:
        note(f"{STAGES.index(stage) + 1}/{len(STAGES)} {stage}: {what}")

    def end(stage: str) -> None:
        nonlocal last
        seconds[stage], last = time.monotonic() - last, time.monotonic()

    begin("distil", "a small student learns from a trained network")
    run = distill(recipe, out=out / "run", overwrite=True, progress=progress)
    student = run.run_dir / "checkpoints" / "best"
    end("distil")

    begin("export", "the student and the zoo's network, each file run and compared with its network")
    artifacts = []
    for name, checkpoint in (("student", str(student)), (ZOO, network)):
        for target, precision in _formats():
            folder = out / "artifacts" / f"{name}-{target}-{precision}"
            export(
                checkpoint,
                target=target,
                precision=precision,
                sizes=[SIZE],
                out=folder,
                overwrite=True,
                progress=progress,
            )
            artifacts.append(folder)
    end("export")

    begin("eval", "the networks and plain bicubic enlargement, PSNR and SSIM")
    evals = []
    for name, model in (("bicubic", "bicubic"), ("student", str(student)), (ZOO, network)):
        path = out / "results" / f"eval-{name}.json"
        write_json(path, evaluate(model, suite, progress=progress))
        evals.append(path)
    end("eval")

    begin("bench", "time, memory and quality of the exported files")
    result = bench(
        artifacts,
        suite,
        budget_s=budget_s,
        out=out / "results" / "bench.json",
        overwrite=True,
        progress=progress,
    )
    end("bench")

    begin("restore", "shrunken photographs, with the int8 file")
    images = _restore(out / "images", out / "artifacts" / f"{ZOO}-{'-'.join(_formats()[0])}", progress)
    end("restore")

    begin("report", "one page")
    pages = report([result], out, title="edgeir demo", images=images, overwrite=True)
    end("report")
    return DemoResult(
        report=next(path for path in pages if path.suffix == ".html"),
        images=[image.path for image in images],
        bench=result,
        evals=evals,
        artifacts=artifacts,
        seconds=seconds,
    )


def _formats() -> list[tuple[str, str]]:
    """Target and precision of the files that are made, the first two targets only, as each takes a minute."""
    from edgeir.runtime.catalog import target_names

    return [(target_names()[0], "int8"), *((name, "fp32") for name in target_names()[:2])]


def _restore(out: Path, model: Path, progress: Progress) -> list[ShownImage]:
    """Shrink the photographs by four, restore the folder, and show a detail of each beside what bicubic makes of it."""
    from edgeir.core.environment import available_cores
    from edgeir.data.degrade.bicubic import downscale, upscale
    from edgeir.data.sources.embedded import Embedded
    from edgeir.imaging.files import read_rgb, write_rgb
    from edgeir.reporting.html import ShownImage
    from edgeir.restoring.photo import restore

    for name in ("small", "restored"):
        (out / name).mkdir(parents=True, exist_ok=True)
    originals = {ref.name: ref.load() for ref in Embedded().images() if ref.name in PHOTOS}
    originals = {name: _cropped(image, 4) for name, image in originals.items()}
    for name, image in originals.items():
        write_rgb(downscale(image, 4, "matlab"), out / "small" / f"{name}.png")
    restore(
        out / "small",
        out / "restored",
        model=str(model),
        threads=available_cores(),
        overwrite=True,
        progress=progress,
    )
    images = []
    for name, original in originals.items():
        small = read_rgb(out / "small" / f"{name}.png")
        restored = read_rgb(out / "restored" / f"{name}.png")
        shown = {"before": upscale(small, 4, "matlab"), "after": restored, "original": original}
        labels = {"before": "bicubic", "after": f"{ZOO}, int8", "original": "original"}
        for kind, image in shown.items():
            path = out / f"{name}-{kind}.png"
            write_rgb(_detail(image, PHOTOS[name]), path)
            images.append(ShownImage(path, labels[kind], name))
    return images


def _cropped(image: NDArray[np.uint8], multiple: int) -> NDArray[np.uint8]:
    height, width = (side - side % multiple for side in image.shape[:2])
    return image[:height, :width]


def _detail(image: NDArray[np.uint8], corner: tuple[int, int]) -> NDArray[np.uint8]:
    """A square of the image, each pixel shown as a block, so that a browser does not smooth it."""
    row, column = corner
    part = image[row : row + DETAIL, column : column + DETAIL]
    return part.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)


def _read(path: Path) -> dict[str, Any]:
    import json

    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
