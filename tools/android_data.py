"""Write what ``make android`` tests with: bundles of the zoo, restored images, and Android's library for the JVM.

    python tools/android_data.py export/android/build/data

- ``bundles/NAME``: every zoo network as a bundle of LiteRT files in fp32, fp16 and int8, with golden arrays; and
  ``bundles/bytes``, sr-x4-xs with bytes at its ends;
- ``restored/``: images, what `edgeir.restoring` makes of them, and ``cases.json``, which says by which network: a file
  of the bundles, or one made up of three lines (`made_up`), in every combination of colours;
- ``photos/``: see `android_photos`;
- ``native/``: see `edgeir.devices.runner.jvm`; left out, with the reason on standard error, where it cannot be made.

What is there already, made by the same sources, is kept.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from android_photos import write_photos
from numpy.typing import NDArray

import edgeir
from edgeir.core.assets import find_zoo, list_zoo
from edgeir.core.errors import EdgeIRError
from edgeir.devices.runner.jvm import write_jvm
from edgeir.imaging.photo import Photo
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.facts import NetworkFacts
from edgeir.restoring.image import restore_photo
from edgeir.runtime.session import Session

SIZE = (64, 64)
BYTES = "bytes"
PRECISIONS = ("fp32", "fp16", "int8")
INTEGERS = "-int8"
"""Names of networks that were trained for int8, and exist in nothing else, end in this."""
RADII = {"lr": 3, "bicubic": 5}
STAMP = "made-of.txt"
PACKAGES = (
    "checkpoint", "core", "exporting", "imaging", "manifest", "metrics", "models", "quantize", "restoring", "runtime",
    "zoo",
)  # fmt: skip
"""Those of edgeir that have a part in the files."""


def made_up(x: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """A network of three lines: nearest neighbour, with more contrast so that results are clipped."""
    y = x * np.float32(1.25) - np.float32(0.125)
    return y.repeat(scale, 0).repeat(scale, 1)


def image(height: int, width: int, planes: int, seed: int) -> NDArray[np.uint8]:
    """Blobs and noise, (height, width, planes); of 2 and 4 the last is alpha, hidden in part, with a soft rim."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (7 + 3 * c) + c) * np.cos(y / (9 + c)) for c in range(planes)]
    result = 127 + 110 * np.stack(waves, 2) + random.normal(0, 12, (height, width, planes))
    if planes in (2, 4):
        distance = np.hypot(y - height / 2, x - width / 2) - min(height, width) / 3
        result[:, :, -1] = np.where(random.random((height, width)) < 0.01, 90, 128 - 32 * distance)
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def combinations() -> list[dict[str, Any]]:
    """Cases of the made-up network: kind of input, colours of the network, task, planes of the image."""
    cases = []
    choices = itertools.product(
        ("lr", "bicubic"), ("rgb", "y"), ("super-resolution", "denoising"), (1, 2, 3, 4)
    )
    for number, (kind, colour, task, planes) in enumerate(choices):
        facts = {
            "task": task,
            "scale": 1 if task == "denoising" else 2 + number % 3,
            "input_kind": kind,
            "colour": colour,
            "receptive_radius": RADII[kind],
            "size_multiple": 1 + number % 2,
        }
        fixed = None if number % 3 else [32, 40]
        height, width = 61 + number, 83 - number
        cases.append({"facts": facts, "fixed": fixed, "height": height, "width": width, "planes": planes})
    return cases


def restored(folder: Path, bundles: Path) -> None:
    """Write ``cases.json`` and its arrays."""
    folder.mkdir()
    cases = []
    for number, case in enumerate(combinations()):
        facts = NetworkFacts.model_validate(case["facts"])
        session = SimpleNamespace(
            name="made up",
            facts=facts,
            fixed_size=None if case["fixed"] is None else tuple(case["fixed"]),
            run=lambda x, scale=facts.net_scale: made_up(x, scale),
        )
        source = image(case["height"], case["width"], case["planes"], number)
        cases.append({**case, **_written(folder, f"{number:02}", source, cast(Session, session))})
    files = [(name, precision, SIZE) for name in ("sr-x4", "sr-x4-xs") for precision in PRECISIONS]
    for name, precision, (height, width) in files:
        path = f"{name}/tflite-{precision}-{height}x{width}.tflite"
        for planes in (3, 4, 1):
            source = image(70, 101, planes, planes)
            session = edgeir.load(bundles / path)
            written = _written(folder, f"{name}-{precision}-{planes}", source, session)
            session.close()
            cases.append({"bundle": name, "file": path.split("/")[1], "planes": planes, **written})
    (folder / "cases.json").write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


def _written(folder: Path, name: str, source: NDArray[np.uint8], session: Session) -> dict[str, str]:
    colours = 3 if source.shape[2] > 2 else 1
    alpha = source[:, :, colours] if source.shape[2] in (2, 4) else None
    result = restore_photo(Photo(np.ascontiguousarray(source[:, :, :colours]), alpha), session)
    planes = result.pixels if result.alpha is None else np.dstack([result.pixels, result.alpha])
    np.save(folder / f"{name}-in.npy", source)
    np.save(folder / f"{name}-out.npy", np.ascontiguousarray(planes))
    return {"input": f"{name}-in.npy", "output": f"{name}-out.npy"}


def bundles(folder: Path) -> None:
    """Export the zoo."""
    folder.mkdir()
    for name in list_zoo():
        precisions = ("int8",) if name.endswith(INTEGERS) else PRECISIONS
        if read_artifact(find_zoo(name) / "litert")[0].main.precision != "int8":
            precisions = ("fp32",)  # misses the gate in int8, and in fp16 at this small size
        edgeir.export_bundle(
            name,
            targets=["tflite"],
            precisions=precisions,
            sizes=[SIZE],
            out=folder / name,
            worst_image=False,
        )
    edgeir.export_bundle(
        "sr-x4-xs", profiles=["tflite-int8=uint8"], sizes=[SIZE], out=folder / BYTES, worst_image=False
    )


def sources() -> str:
    """The hash of everything that the files depend on."""
    package = Path(edgeir.__file__).parent
    inside = itertools.chain.from_iterable((package / name).rglob("*") for name in PACKAGES)
    here = Path(__file__)
    code = (path for path in inside if path.suffix in (".py", ".safetensors"))
    paths = [here, here.with_name("android_photos.py"), *sorted(code)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def main(folder: Path) -> None:
    """Write all of it."""
    stamp = folder / STAMP
    if not stamp.is_file() or stamp.read_text() != sources():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        sys.stdout.write("exporting the zoo's networks for the tests, a few minutes\n")
        sys.stdout.flush()
        bundles(folder / "bundles")
        restored(folder / "restored", folder / "bundles")
        write_photos(folder / "photos", folder / "bundles/sr-x4-xs/tflite-fp32-64x64.tflite")
        stamp.write_text(sources())
    try:
        write_jvm(folder / "native")
    except EdgeIRError as error:
        shutil.rmtree(folder / "native", ignore_errors=True)
        sys.stderr.write(f"tests with TensorFlow Lite's library are skipped: {error}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
