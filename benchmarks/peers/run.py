"""edgeir's LiteRT file against the same network built by hand in TensorFlow: ``make peers``.

    python benchmarks/peers/run.py [--model CHECKPOINT] [--tensorflow .venv-tf/bin/python]

Both files hold the same weights. They are timed in turns in one process by one runtime (ai-edge-litert, XNNPACK,
one thread), and the ratio is taken round by round. Writes ``benchmarks/results/litert-vs-tensorflow.json``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from paired import network_of, paired_result, show

from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.manifest.artifact import read_artifact
from edgeir.runtime.litert import LiteRTSession

HERE = Path(__file__).resolve().parent
RESULT = HERE.parent / "results" / "litert-vs-tensorflow.json"
HEIGHT, WIDTH = 180, 320


def main() -> int:
    """Export, build the twin, check that both compute the same, time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", help="checkpoint or zoo name; by default 32 channels, 10 blocks, random weights"
    )
    parser.add_argument("--tensorflow", default=str(HERE.parents[1] / ".venv-tf" / "bin" / "python"))
    parser.add_argument("--seconds", type=float, default=40.0, help="how long to time")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    network, card = network_of(options.model)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        export_network(network, card, read_profile("tflite-fp32"), name="tflite-fp32", out=work / "ours")
        artifact, _ = read_artifact(work / "ours")
        ours, twin = work / "ours" / artifact.main.path, work / "twin.tflite"
        tensorflow = _build_twin(network, options.tensorflow, work, twin)
        files = {"edgeir": ours, "tensorflow": twin}
        difference = _difference(files, artifact)
        result = paired_result(
            {
                name: lambda file=file: LiteRTSession(file, artifact, threads=1)
                for name, file in files.items()
            },
            about="LiteRT fp32: edgeir's conversion against the same network built by hand in TensorFlow",
            model=card.name,
            against="tensorflow",
            height=4 * HEIGHT,
            width=4 * WIDTH,
            seconds=options.seconds,
            macs=artifact.main.macs,
        )
        for row in result["rows"]:
            data = files[row["name"]].read_bytes()
            row |= {"file_bytes": len(data), "operators": Graph(data).kinds()}
    result["max_abs_difference"] = difference
    result["environment"]["versions"]["tensorflow (twin)"] = tensorflow
    write_json(options.out, result)
    show(result, options.out)
    return 0


def _build_twin(network: Any, python: str, work: Path, out: Path) -> str:
    deployed = network.deploy()
    body = [layer for layer in deployed.body if hasattr(layer, "weight")]
    convolutions = {**{str(i): layer for i, layer in enumerate(body)}, "tail": deployed.tail}
    convolutions["residual"] = deployed.residual
    arrays = {}
    for name, layer in convolutions.items():
        arrays[f"kernel_{name}"] = layer.weight.detach().numpy().transpose(2, 3, 1, 0)
        arrays[f"bias_{name}"] = layer.bias.detach().numpy()
    np.savez(work / "weights.npz", **arrays)
    command = [python, str(HERE / "twin.py"), str(work / "weights.npz"), str(HEIGHT), str(WIDTH), str(out)]
    if not Path(python).exists():
        raise EdgeIRError(
            "no Python with TensorFlow there", where=python, fix="run `make peers`, or pass --tensorflow"
        )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EdgeIRError(f"building the twin failed: {done.stderr.strip().splitlines()[-1]}", where=python)
    return done.stdout.strip().splitlines()[-1]


def _difference(files: dict[str, Path], artifact: Any) -> float:
    image = np.random.default_rng(0).random((HEIGHT, WIDTH, 3), dtype=np.float32)
    first, second = (LiteRTSession(file, artifact, threads=1).run(image) for file in files.values())
    difference = float(np.abs(first - second).max())
    if difference > 1e-4:
        raise EdgeIRError(f"the two files are not the same network: they differ by {difference:.1e}")
    return difference


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/peers/run.py: error: {error}")
