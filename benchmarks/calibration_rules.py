"""Which rule sets the ranges of int8 best, and do equalisation and bias correction help? Measured on exported files.

    python benchmarks/calibration_rules.py [--model sr-x4-xs …] [--target tflite …]

Every network is exported at 96x96 with each rule for ranges, without bias correction, with every weight rounded to its
nearest step in place of `flat_rounding`, and with cross-layer equalisation, all calibrated on scikit-image's three
photographs, and compared with fp32 on photographs that neither calibration nor the gate uses: crops of Set5, Set14 and
BSDS500 from ``$EDGEIR_DATA``. Of a denoiser's figures the input has noise of ``--noise``. Goes on where it was stopped.
Writes ``benchmarks/results/calibration-rules.json``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from calibration_study import SIDE, Judges, network_and_card, rows_before

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.exporting.profile import changed, read_profile
from edgeir.exporting.prove.gate import gate_lines
from edgeir.exporting.run import export_network
from edgeir.manifest.parity import Parity
from edgeir.runtime.loading import load
from edgeir.runtime.quiet import libraries_silenced

RESULT = Path(__file__).resolve().parent / "results" / "calibration-rules.json"
TARGETS = {"tflite": "average", "onnx": "entropy", "ncnn": "average"}
"""With the rule beside minmax, percentile and mse that each has."""


def variants(target: str) -> dict[str, list[str]]:
    """Name to the settings that differ from those of the shipped profile."""
    rules = ["percentile", TARGETS[target], *([] if target == "onnx" else ["mse"])]
    return {
        "as shipped": [],
        "nearest": ["target.flat_rounding=false"],
        **{f"ranges: {rule}": [f"target.ranges={rule}"] for rule in rules},
        "without bias correction": ["target.correct_bias=false"],
        "equalised": ["target.equalise=true"],
        "equalised, without bias correction": ["target.equalise=true", "target.correct_bias=false"],
    }


def main() -> int:
    """Export and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", nargs="+", default=["sr-x4-xs", "sr-x4"])
    parser.add_argument("--target", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--precision", nargs="+", default=["int8", "int8-tensor"])
    parser.add_argument(
        "--noise", type=float, help="standard deviation of the noise that the --model takes off"
    )
    parser.add_argument("--variant", nargs="+", help="of the ways above; all by default")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    rows = rows_before(options.out, key_of)
    for model in options.model:
        network, card = network_and_card(model, options.noise)
        judges = Judges(network, card)
        for target in options.target:
            for precision in options.precision:
                for name, settings in variants(target).items():
                    if options.variant and name not in options.variant:
                        continue
                    row = {"network": card.name, "target": target, "precision": precision, "variant": name}
                    if key_of(row) in rows:
                        continue
                    row |= measured(network, card, f"{target}-{precision}", settings, judges)
                    rows[key_of(row)] = row
                    print(" ".join(str(value) for value in row.values()), flush=True)
                    write_json(options.out, result(rows))
    print(f"wrote {options.out}")
    return 0


def key_of(row: dict[str, Any]) -> str:
    """A row's name."""
    return "/".join(str(row[key]) for key in ("network", "target", "precision", "variant"))


def result(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The JSON."""
    return {
        "kind": "calibration-rules",
        "about": "int8 by rules for ranges, with and without bias correction and equalisation",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "rows": list(rows.values()),
    }


def measured(network: Any, card: Any, profile: str, settings: list[str], judges: Judges) -> dict[str, Any]:
    """What the file loses in dB, its tint and its worst extreme in 8-bit levels, and whether the gate takes it."""
    wanted = changed(read_profile(profile), settings)
    with tempfile.TemporaryDirectory() as folder, libraries_silenced():
        out = Path(folder) / "artifact"
        try:
            artifact = export_network(
                network, card, wanted, out=out, name=profile, sizes=[(SIDE, SIDE)], golden=False, refuse=False,
                worst_image=False,
            )  # fmt: skip
        except EdgeIRError as error:
            columns = (
                "others_db", "others_worst_db", "gate_db", "tint_levels", "extreme_levels", "saturated_db"
            )  # fmt: skip
            return dict.fromkeys(columns) | {"passes": False, "why": error.what}
        session = load(out)
        try:
            found = judges.of(session)
        finally:
            session.close()
    parity = artifact.main.parity
    assert isinstance(parity, Parity)
    return {
        "others_db": found["others_db"],
        "others_worst_db": found["others_worst_db"],
        "gate_db": round(parity.psnr_drop_db, 3),
        "tint_levels": round(float(np.abs(parity.colour_shift).max()), 3),
        "extreme_levels": round(parity.extreme_shift, 2),
        "saturated_db": round(parity.saturated_psnr_drop_db or 0.0, 3),
        "passes": all(passed for _, _, passed in gate_lines(parity)),
        "why": "",
    }


if __name__ == "__main__":
    sys.exit(main())
