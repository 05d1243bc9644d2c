"""Which quantiser of ONNX files keeps more of a network: onnxruntime's own or NNCF, and with which ranges.

    python benchmarks/quantizers.py [--model sr-x4=sr-x4 sr-x4-xs=sr-x4]

Each checkpoint is exported in fp32 and in int8 by every quantiser with every way to set ranges, from the same
calibration photographs, and measured as exported files on its suite, where ``$EDGEIR_DATA`` has the images. Time:
320x180 in, one thread, in turns in one process, ranges `minmax`. Also counts the convolutions that ONNX Runtime runs in
integers and those that it runs in float. Writes ``benchmarks/results/quantizers.json``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from paired import network_of, paired_result

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.core.errors import EdgeIRError, ParityError
from edgeir.core.files import write_json
from edgeir.exporting.profile import changed, read_profile
from edgeir.exporting.prove.gate import check_gate
from edgeir.exporting.run import export_network
from edgeir.manifest.artifact import Artifact
from edgeir.runtime.loading import load

RESULT = Path(__file__).resolve().parent / "results" / "quantizers.json"
TIMED = (180, 320)
CONTENDERS = (
    ("onnxruntime", "minmax"),
    ("onnxruntime", "percentile"),
    ("onnxruntime", "entropy"),
    ("nncf", "minmax"),
    ("nncf", "mean"),
    ("nncf", "percentile"),
)


def main() -> int:
    """Export, score, time, count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", nargs="+", default=("sr-x4=sr-x4", "sr-x4-xs=sr-x4"), help="MODEL=SUITE")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to time each network")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    networks = []
    for pair in options.model:
        model, _, suite = pair.rpartition("=")
        with tempfile.TemporaryDirectory() as folder:
            networks.append(measured(model, suite, Path(folder), options.seconds))
    common = ("created", "environment", "load_average", "threads", "warmup_s", "output")
    first = networks[0]["timing"]
    about = "int8 ONNX files by onnxruntime's quantiser and by NNCF"
    result = {"kind": "quantizers", "about": about, **{key: first[key] for key in common}}
    for network in networks:
        rows = network.pop("timing")["rows"]
        network["timing"] = [
            {key: value for key, value in row.items() if key != "samples_ms"} for row in rows
        ]
    write_json(options.out, result | {"rows": table(networks), "networks": networks})
    print(f"wrote {options.out}")
    return 0


def table(networks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One flat row per network, quantiser and ranges; time where it was measured, over that of onnxruntime's file."""
    rows = []
    for network in networks:
        times = {row["name"]: row["time_ratio"] for row in network["timing"]}
        for row in network["rows"]:
            timed = row["ranges"] == "minmax"
            rows.append(
                {
                    "network": network["model"],
                    "quantizer": row["quantizer"],
                    "ranges": row["ranges"],
                    **{f"dB lost on {name}": round(loss, 3) for name, loss in row["loss_db"].items()},
                    "within the gate": "yes" if row["within_gate"] else "no",
                    "integer convolutions": row["convolutions"]["integer"],
                    "float convolutions": row["convolutions"]["float"],
                    "time": round(times[row["quantizer"]], 2) if timed else None,
                }
            )
    return rows


def measured(model: str, suite: str, work: Path, seconds: float) -> dict[str, Any]:
    """One network's rows and timing."""
    network, card = network_of(model)
    reference = quality(made(network, card, "onnx-fp32", [], work / "fp32"), work / "fp32", suite)
    rows = []
    for quantizer, ranges in CONTENDERS:
        out = work / f"{quantizer}-{ranges}"
        settings = [f"target.quantizer={quantizer}", f"target.ranges={ranges}"]
        artifact = made(network, card, "onnx-int8", settings, out)
        scores = quality(artifact, out, suite)
        parity: Any = artifact.main.parity
        rows.append(
            {
                "quantizer": quantizer,
                "ranges": ranges,
                "file_bytes": artifact.main.bytes,
                "psnr_db": scores,
                "loss_db": {name: round(reference[name] - value, 4) for name, value in scores.items()},
                "within_gate": within_gate(artifact),
                "p99_abs_error": parity.p99_abs_error,
                "colour_shift": parity.colour_shift,
                "convolutions": convolutions(out / artifact.main.path, work),
            }
        )
        print(card.name, quantizer, ranges, rows[-1]["loss_db"], rows[-1]["convolutions"], flush=True)
    height, width = (side * network.facts.net_scale for side in TIMED)
    timed = {"fp32": "fp32", "onnxruntime": "onnxruntime-minmax", "nncf": "nncf-minmax"}
    timing = paired_result(
        {name: lambda folder=folder: load(work / folder) for name, folder in timed.items()},
        about="",
        model=card.name,
        against="onnxruntime",
        height=height,
        width=width,
        seconds=seconds,
        macs=network.macs(*TIMED),
    )
    return {"model": card.name, "suite": suite, "fp32_psnr_db": reference, "rows": rows, "timing": timing}


def made(network: Any, card: Any, profile: str, settings: list[str], out: Path) -> Artifact:
    """Export past any gate: whether a file is within it is part of the result."""
    own = changed(read_profile(profile), settings)
    loose = own.model_copy(
        update={"gate": own.gate.model_copy(update=dict.fromkeys(type(own.gate).model_fields, 1e3))}
    )
    return export_network(network, card, loose, out=out, name=profile, golden=False)


def within_gate(artifact: Artifact) -> bool:
    """Whether the shipped profile would let the file pass."""
    parity: Any = artifact.main.parity
    try:
        check_gate(parity.model_copy(update={"gate": read_profile("onnx-int8").gate}), where="")
    except ParityError:
        return False
    return True


def quality(artifact: Artifact, folder: Path, suite: str) -> dict[str, float]:
    """Mean PSNR of each set of the suite."""
    row = evaluate(folder, suite, threads=1)["rows"][0]
    return {
        entry["name"]: round(statistics.fmean(image["psnr_db"] for image in entry["per_image"]), 4)
        for entry in row["quality"]["sets"]
    }


def convolutions(model: Path, work: Path) -> dict[str, int]:
    """How many convolutions of the optimised graph multiply integers, and how many floats."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(work / "optimised.onnx")
    onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    kinds = Counter(node.op_type for node in onnx.load(work / "optimised.onnx").graph.node)
    return {"integer": kinds["QLinearConv"], "float": kinds["Conv"] + kinds["FusedConv"]}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/quantizers.py: error: {error}")
