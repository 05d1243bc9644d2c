"""The LiteRT files of every network on older runtimes, which phones and computers still have.

    python benchmarks/old_runtimes.py [--precision fp32 fp16] [--runtime ai-edge-litert==1.2.0 …] [--network edsr …]
    python benchmarks/old_runtimes.py --precision w8 dynamic int8-tensor int16x8 --out OTHER.json

Small configurations of all networks, random weights, 64x64 in. Every file is run once with XNNPACK and once without on
every runtime, each in a process of its own, and compared with the torch network. Each runtime is installed by pip into
a folder of its own below ``--environments`` where it is not there yet (1.3 GB in all; needs the network). Writes
``benchmarks/results/old-runtimes.json``, with the oldest runtime from which on each file is right; ends with 1 where a
file that was right in the result before is not any more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError, ExportError
from edgeir.core.files import write_json
from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.profile import read_profile
from edgeir.exporting.target import Job
from edgeir.manifest.artifact import TensorSpec
from edgeir.models import AnyModel
from edgeir.runtime.catalog import target_entry
from edgeir.runtime.session import from_native, to_native

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "old-runtimes.json"
RUNTIMES = (
    "tflite-runtime==2.14.0",
    *(
        f"ai-edge-litert=={v}"
        for v in ("1.0.1", "1.1.2", "1.2.0", "1.3.0", "1.4.0", "2.0.3", "2.1.0", "2.3.0")
    ),
)
OLD_NUMPY = ("tflite-runtime", "ai-edge-litert==1.0", *(f"onnxruntime==1.{n}." for n in range(15, 19)),
             *(f"opencv-python-headless==4.{n}." for n in range(5, 10)))  # fmt: skip
FLAT_DANET = {"widths": (16,), "bottom_blocks": 1}
SMALLER: dict[str, dict[str, Any]] = {
    "plainsr": {"channels": 8, "blocks": 2},
    "unet": {"widths": (8, 12), "middle": 1, "decoder": 1, "branches": ()},
    "dilated": {"width": 16, "layers": 3},
    "edsr": {"channels": 8, "blocks": 1, "residual_scale": 0.5},
    "rcan": {"channels": 16, "groups": 1, "blocks": 1},
    "smfanet": {"channels": 8, "blocks": 2},
    "bsrn": {"channels": 16, "blocks": 2},
    "plainusr": {"channels": 10, "widths": (10, 6)},
    "dncnn": {"depth": 4, "width": 16},
    "fdr-net": {"channels": 16, "phases": 1, "layers": 1, "process_blocks": 1, "auxiliary_blocks": 1},
    "ppdn": {"stem": 4, "growth": 2, "layers": (1, 2, 1, 1), "expansion": 1.0,
             "decoder_growths": (4, 4, 3, 3, 2), "decoder_widths": (4, 3, 3, 2, 2)},
    "danet": {"widths": (16, 24), "blocks": 1, "bottom_blocks": 1},
    "danet-autoencoder": {"encoder": FLAT_DANET, "decoder": FLAT_DANET},
}  # fmt: skip
"""Configurations that convert quickly and hold every kind of operator of their network."""
GRAY: dict[str, dict[str, Any]] = {
    "dncnn": {"depth": 4, "width": 16, "channels": 1},
    "ffdnet": {"channels": 1},
    "multiscale-denoiser": {"channels": 1},
}
"""Networks of one channel, whose conversion has layout operators of its own."""
SIDE, RUNS, TIMEOUT_S = 64, 5, 300
RIGHT = {"fp32": 2e-5, "fp16": 5e-3, "int8": 0.025, "int8-bytes": 0.025}
"""Difference from the torch network that counts as right, on the [0, 1] scale: the largest one in floating point, the
mean one in integers (random weights lose up to 0.25 at a pixel to 8 bits, on every runtime alike)."""
MORE = {"w8": 0.025, "dynamic": 0.025, "int8-tensor": 0.05, "int16x8": 0.025}
"""The same of further precisions, the mean difference; of LiteRT only, and if asked for."""


def right_below(precision: str) -> float:
    """The limit of `RIGHT` for a precision with or without a label in front."""
    limits = {**RIGHT, **MORE}
    return next(limit for name, limit in reversed(limits.items()) if name in precision)


@dataclass(frozen=True)
class File:
    """One converted file with its input and the expected output."""

    network: str
    precision: str
    path: Path
    output: TensorSpec
    expected: NDArray[np.float32]

    @property
    def input(self) -> Path:
        """The input tensor, as the file takes it."""
        return self.path.with_suffix(".npy")


def main() -> int:
    """Convert, install, run, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--precision", nargs="+", choices=(*RIGHT, *MORE), default=list(RIGHT))
    parser.add_argument("--network", nargs="+", help="kinds of networks; all by default")
    parser.add_argument(
        "--runtime", nargs="+", default=RUNTIMES, help="requirements such as ai-edge-litert==1.2.0"
    )
    parser.add_argument(
        "--environments", type=Path, default=Path(tempfile.gettempdir()) / "edgeir-old-runtimes"
    )
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = list(converted(options.network, options.precision, Path(folder)))
        rows = []
        for runtime in options.runtime:
            environment = installed(runtime, options.environments)
            for mode in ("xnnpack", "plain"):
                runs = [run(file, environment, mode) for file in files]
                rows += summarised(runtime, mode, files, runs)
                for row in rows[-len(options.precision) :]:
                    right = f"{row['right']}/{row['files']} right"
                    print(f"{runtime:24s} {mode:8s} {row['precision']:10s} {right}", flush=True)
    result = {
        "kind": "old-runtimes",
        "about": f"LiteRT files of {len({file.network for file in files})} small networks on older runtimes",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "input": f"{SIDE}x{SIDE}",
        "right_below": {name: right_below(name) for name in options.precision},
        "oldest_right": oldest_right(rows),
        "rows": rows,
    }
    worse = became_worse(options.out, rows)
    write_json(options.out, result)
    print(f"wrote {options.out}")
    for line in worse:
        print(line)
    return 1 if worse else 0


def oldest_right(rows: list[dict[str, Any]]) -> dict[str, dict[str, str | None]]:
    """For each precision and network the oldest runtime from which on every runtime is right, with both kernels.

    The runtimes are in the order in which they were given: oldest first. None: the newest is not right either.
    """
    runtimes = list(dict.fromkeys(row["runtime"] for row in rows))
    wrong = {(row["precision"], name, row["runtime"]) for row in rows for name in row["not_right"]}
    found: dict[str, dict[str, str | None]] = {}
    for precision, name in sorted({(row["precision"], name) for row in rows for name in row["each_error"]}):
        oldest = None
        for runtime in reversed(runtimes):
            if (precision, name, runtime) in wrong:
                break
            oldest = runtime
        found.setdefault(precision, {})[name] = oldest
    return found


def became_worse(before: Path, rows: list[dict[str, Any]], key: str = "rows") -> list[str]:
    """One line for each file that was right on a runtime in the result at `before` and is not any more.

    Args:
        key: of that result, where such rows are.
    """
    if not before.is_file():
        return []
    rows_before = json.loads(before.read_text()).get(key, [])  # none in a result of another layout
    known = {(row["runtime"], row["kernels"], row["precision"]): row for row in rows_before}
    lines = []
    for row in rows:
        old = known.get((row["runtime"], row["kernels"], row["precision"]))
        for name, error in row["not_right"].items():
            if old is not None and name in old["each_error"] and name not in old["not_right"]:
                lines.append(
                    f"worse: {name} {row['precision']} on {row['runtime']} {row['kernels']}: {error}"
                )
    return lines


def converted(
    kinds: list[str] | None,
    precisions: Sequence[str],
    folder: Path,
    *,
    target: str = "tflite",
    size: tuple[int, int] | None = (SIDE, SIDE),
    label: str = "",
) -> Iterator[File]:
    """Every network at every precision, written into `folder`; what has no such file is named and left out.

    Args:
        label: in front of the precision's name.
    """
    import torch

    for name, network in networks(kinds):
        facts = network.facts
        image = np.random.default_rng(5).random((SIDE, SIDE, facts.channels), dtype=np.float32)
        with torch.inference_mode():
            tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
            expected = network.deploy()(tensor)[0].permute(1, 2, 0).numpy()
        calibration = np.random.default_rng(0).random((4, SIDE, SIDE, facts.channels), dtype=np.float32)
        for precision in precisions:
            weights, io = precision.removesuffix("-bytes"), precision.endswith("-bytes")
            job = Job(network, size, "uint8" if io else "float", CalibrationData(calibration))
            path = folder / f"{name}-{label}{precision}{target_entry(target).suffix}"
            try:
                made = read_profile(f"{target}-{weights}").target.write(job, path)
            except ExportError as error:
                print(f"{name} {label}{precision}: {error}")
                continue
            np.save(path.with_suffix(".npy"), to_native(image, made.input))
            yield File(name, f"{label}{precision}", path, made.output, expected)


def networks(kinds: list[str] | None) -> Iterator[tuple[str, Any]]:
    """Every network of these kinds with its name, gray ones as well; all kinds by default."""
    for member in typing.get_args(typing.get_args(AnyModel)[0]):
        kind = member.model_fields["kind"].default
        if kind == "module" or (kinds is not None and kind not in kinds):  # that is any package's network
            continue
        yield kind, lively(member(**SMALLER.get(kind, {})).build())
        if kind in GRAY:
            yield f"{kind}-gray", lively(member(**GRAY[kind]).build())


def lively(network: Any) -> Any:
    """Random weights that give every layer an effect on the output, biases included."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 100
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / fan_in**0.5)
    return network.eval()


def installed(requirement: str, root: Path) -> Path:
    """The folder that holds this runtime and its numpy, filled by pip where it is not there.

    Raises:
        EdgeIRError: pip cannot install it for this Python.
    """
    folder = root / requirement.replace("==", "-")
    if folder.is_dir():
        return folder
    print(f"installing {requirement}")
    # The oldest were compiled against the numpy of their day and do not say so.
    numpy_requirement = "numpy<2" if requirement.startswith(OLD_NUMPY) else "numpy"
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as temporary:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", f"{temporary}/packages"]
        done = subprocess.run(
            [*command, requirement, numpy_requirement], capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            raise EdgeIRError(
                f"cannot be installed here: {last}", where=requirement, fix="choose --runtime without it"
            )
        os.replace(f"{temporary}/packages", folder)
    return folder


def run(file: File, environment: Path, mode: str, worker: str = "old_runtime_worker.py") -> dict[str, Any]:
    """Run one file; ``{"ms", "error_max"}``, or ``{"error"}`` where it was refused or the process died."""
    out = file.path.with_suffix(".out.npy")
    out.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-S",
        str(HERE / worker),
        str(file.path),
        str(file.input),
        str(out),
    ]
    try:
        done = subprocess.run(
            [*command, mode, str(RUNS)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            env={**os.environ, "PYTHONPATH": str(environment)},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer in {TIMEOUT_S} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return {"error": f"the process ended with {done.returncode}: {done.stderr.strip()[-120:]}"}
    said: dict[str, Any] = json.loads(lines[-1])
    if "error" not in said:
        difference = np.abs(from_native(np.load(out), file.output) - file.expected)
        finite = bool(np.isfinite(difference).all())
        said["error_max"] = float(difference.max()) if finite else None
        said["judged"] = (
            None if not finite else float(difference.max() if "fp" in file.precision else difference.mean())
        )
    return said


def summarised(
    runtime: str, mode: str, files: list[File], runs: list[dict[str, Any]], slack: float = 1.0
) -> list[dict[str, Any]]:
    """One row per precision: how many files were right, the largest error, and every file that was not right.

    Args:
        slack: of a runtime's own arithmetic, times which an error may exceed the limit.
    """
    rows = []
    for precision in dict.fromkeys(file.precision for file in files):
        mine = [(file, done) for file, done in zip(files, runs, strict=True) if file.precision == precision]
        errors = [done.get("judged") for _, done in mine]
        limit = slack * right_below(precision)
        right = [error is not None and error <= limit for error in errors]
        rows.append(
            {
                "runtime": runtime,
                "kernels": mode,
                "precision": precision,
                "files": len(mine),
                "right": sum(right),
                "wrong": sum(
                    "error_max" in done and not good for (_, done), good in zip(mine, right, strict=True)
                ),
                "refused": sum("error" in done for _, done in mine),
                "worst_error": max((error for error in errors if error is not None), default=None),
                "total_ms": round(sum(done.get("ms", 0.0) for _, done in mine), 2),
                "not_right": {
                    file.network: done.get("error")
                    or (done["judged"] if done["judged"] is not None else "NaN")
                    for (file, done), good in zip(mine, right, strict=True)
                    if not good
                },
                "each_error": {file.network: done.get("error_max") for file, done in mine},
                "each_ms": {file.network: done.get("ms") for file, done in mine},
            }
        )
    return rows


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/old_runtimes.py: error: {error}")
