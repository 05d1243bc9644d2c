"""The rules of `edgeir lint` against the word of the runtimes.

    python benchmarks/lint_check.py [--files FOLDER] [--old FOLDER] [--qnn FOLDER] [--vulkan ICD.json]

Two kinds of files: single operators (`lint_graphs.py`), and the library's networks in every precision. Of each operator
of each file a rule says whether a delegate takes it, and the runtime says it as well:

- XNNPACK: the interpreter's list of nodes after delegation; of an old LiteRT too where ``--old`` is a folder with
  ``pip install --no-deps --target FOLDER ai-edge-litert==1.0.1 numpy==1.26.4``;
- LiteRT's GPU accelerator: its list of refusals, on WebGPU; ncnn: `support_vulkan` of its layers. Both need a Vulkan
  driver, which may be one in software: ``--vulkan`` names its description, such as SwiftShader's
  ``vk_swiftshader_icd.json`` of Debian's chromium, whose folder has libvulkan.so.1 as well;
- ONNX Runtime's providers for NNAPI and Core ML: the lists in its mobile tools, of kinds of operators;
- Qualcomm's NPU: the compiler in ``pip install --no-deps --target FOLDER onnxruntime-qnn==2.7.0``, for ``--qnn``.

Runtimes that are not there are left out. A runtime that ends the process on a file is asked about the next one.
Ends with 1 where a rule and a runtime differ. Writes ``benchmarks/results/lint-check.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import lint_graphs
from matrix import kinds, network_of

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.exporting.inspect.graph import GraphDescription
from edgeir.exporting.inspect.run import described_graph
from edgeir.exporting.lint.judge import Judgement, judged, pieces
from edgeir.exporting.lint.rules import Delegate, read_delegate
from edgeir.runtime import catalog

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "lint-check.json"
PROFILES = ("tflite-fp32", "tflite-fp16", "tflite-int8", "onnx-fp32", "onnx-fp16", "onnx-int8",
            "ncnn-fp16", "ncnn-int8")  # fmt: skip
OTHERS = {"module", "spandrel"}
"""Kinds that stand for the networks of others."""
SIDE, AT_ONCE, TIMEOUT_S = 64, 40, 900
SHOWN = 30
"""Differences that the result lists, of each delegate."""
COLUMNS = ("delegate", "version", "graphs", "files", "operators", "refused", "agree", "same_pieces")
Verdicts = Mapping[int, bool]


def main() -> int:
    """Make files, ask, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=Path, help="folder that keeps the files, or has them from before")
    parser.add_argument("--old", type=Path, help="folder with ai-edge-litert 1.0.1 and its numpy")
    parser.add_argument("--qnn", type=Path, help="folder with onnxruntime-qnn")
    parser.add_argument("--vulkan", type=Path, help="description of a Vulkan driver")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.files or Path(scratch)
        single, networks = single_operators(folder / "operators"), converted(folder / "networks")
        rows = []
        for name, ask in asked(options).items():
            for what, files in (("single operators", single), ("networks", networks)):
                delegate = read_delegate(name)
                suffixes = {catalog.target_entry(each).suffix for each in delegate.formats}
                of_format = [file for file in files if file.suffix in suffixes]
                if of_format:
                    rows.append(row := compared(delegate, what, of_format, ask))
                    print(f"{name:12s} {what:16s} {row['agree']:5d} of {row['operators']:5d}", flush=True)
    write_json(options.out, result(rows))
    print(f"wrote {options.out}")
    return 1 if any(row["agree"] < row["operators"] for row in rows) else 0


def single_operators(folder: Path) -> list[Path]:
    """A file for each case that LiteRT itself can run."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for case in lint_graphs.cases():
        path = folder / f"{case.name}.tflite"
        if not path.exists():
            try:
                path.write_bytes(lint_graphs.written(case))
            except ValueError:  # the format has no such operator in this type
                continue
        found.append(path)
    return found


def converted(folder: Path) -> list[Path]:
    """The library's small networks in every format and precision that they convert to."""
    import numpy as np

    from edgeir.exporting.calibration import CalibrationData
    from edgeir.exporting.profile import read_profile
    from edgeir.exporting.target import Job

    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds():
        if kind in OTHERS:
            continue
        network = None
        for profile in PROFILES:
            target = read_profile(profile).target
            path = folder / f"{kind}-{profile}{catalog.target_entry(target.kind).suffix}"
            if path.exists():
                continue
            network = network or network_of(kind, "small")
            facts = network.facts
            side = -(-SIDE // facts.size_multiple) * facts.size_multiple
            rng = np.random.default_rng(0)
            images = rng.random((4, side, side, facts.channels), dtype=np.float32)
            try:
                target.write(Job(network, (side, side), "float", CalibrationData(images)), path)
            except EdgeIRError as error:
                print(f"not converted: {path.name}: {error}"[:150])
    return sorted(folder.iterdir())


# --- asking

Ask = Callable[[list[Path]], dict[str, Any]]


def asked(options: argparse.Namespace) -> dict[str, Ask]:
    """How each delegate whose runtime is here is asked."""
    ways: dict[str, Ask] = {"xnnpack": lambda files: answers("xnnpack", files)}
    if options.old:
        ways["xnnpack-old"] = lambda files: answers("xnnpack", files, python_path=options.old)
    if options.vulkan:
        driver = {"VK_DRIVER_FILES": str(options.vulkan), "LD_LIBRARY_PATH": str(options.vulkan.parent)}
        ways["litert-gpu"] = lambda files: answers("litert-gpu", files, environment=driver)
        ways["ncnn-vulkan"] = lambda files: answers("ncnn-vulkan", files, environment=driver)
    ways["ort-nnapi"] = lambda files: by_list("nnapi_supported_ops", files)
    ways["ort-coreml"] = lambda files: by_list("coreml_supported_mlprogram_ops", files)
    if options.qnn:
        ways["ort-qnn"] = lambda files: answers("ort-qnn", files, python_path=options.qnn)
    return ways


def answers(
    runtime: str,
    files: list[Path],
    *,
    python_path: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What `lint_ask.py` printed for each file, by its name."""
    env = {**os.environ, **(environment or {})}
    if python_path is not None:
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(python_path), env.get("PYTHONPATH", "")]))
    found: dict[str, Any] = {}
    waiting = list(files)
    while waiting:
        command = [sys.executable, str(HERE / "lint_ask.py"), runtime, *map(str, waiting[:AT_ONCE])]
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, timeout=TIMEOUT_S, check=False, errors="replace"
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        found |= {line["file"]: line for line in lines}
        if len(lines) < min(AT_ONCE, len(waiting)):
            name = waiting[len(lines)].name
            found[name] = {"file": name, "error": f"the process ended with {done.returncode}"}
        waiting = waiting[
            max(len(lines), 1) if len(lines) >= min(AT_ONCE, len(waiting)) else len(lines) + 1 :
        ]
    return found


def by_list(name: str, files: list[Path]) -> dict[str, Any]:
    """The operators in a list of ONNX Runtime's mobile tools. It says kinds only, so an operator that a rule refuses by
    what else it is is not compared."""
    import onnxruntime

    path = Path(onnxruntime.__file__).parent / "tools" / "mobile_helpers" / f"{name}.md"
    listed = re.findall(r"^\|(?:ai\.onnx|com\.microsoft)[:.](\w+)", path.read_text(), re.MULTILINE)
    return {file.name: {"kinds": listed} for file in files}


# --- comparing


def compared(delegate: Delegate, what: str, files: list[Path], ask: Ask) -> dict[str, Any]:
    """One row of the result."""
    found = ask(files)
    counts: Counter[str] = Counter()
    differ: list[dict[str, Any]] = []
    not_asked: list[str] = []
    for file in files:
        answer = found.get(file.name, {"error": "no answer"})
        if "error" in answer:
            not_asked.append(f"{file.name}: {answer['error']}"[:150])
            continue
        entry = catalog.target_of_file(file)
        assert entry is not None
        graph = described_graph(file, entry, None)
        judgement = judged(delegate, graph)
        counts["files"] += 1
        for position, runtime in verdicts(answer, graph, judgement).items():
            rule = position in judgement.taken
            counts["operators"] += 1
            counts["agree"] += rule == runtime
            counts["refused"] += not runtime
            if rule != runtime:
                kind = graph.operators[position].kind
                differ.append(
                    {"file": file.name, "operator": position, "kind": kind, "rule": rule, "runtime": runtime}
                )
        if "pieces" in answer:
            counts["same_pieces"] += pieces(graph, judgement.counted, judgement.taken) == answer["pieces"]
    return {
        "delegate": delegate.name,
        "version": delegate.version,
        "graphs": what,
        **{key: counts[key] for key in ("files", "operators", "agree", "refused")},
        **({"same_pieces": counts["same_pieces"]} if "same_pieces" in counts else {}),
        "differ": differ[:SHOWN],
        "not_asked": not_asked[:SHOWN],
    }


def verdicts(answer: Mapping[str, Any], graph: GraphDescription, judgement: Judgement) -> Verdicts:
    """Position to the runtime's word, for the operators of which it said something."""
    ruled = {finding.operator for finding in judgement.refused if finding.rule is not None}
    return dict(_verdicts(answer, graph, judgement.counted, ruled))


def _verdicts(
    answer: Mapping[str, Any], graph: GraphDescription, counted: Iterable[int], ruled: set[int]
) -> Iterator[tuple[int, bool]]:
    for position in counted:
        operator = graph.operators[position]
        if "taken" in answer:
            yield position, position in answer["taken"]
        elif "refused" in answer:
            # The list has each kind and reason once; a kind of which some are refused cannot be told apart.
            yield position, operator.kind not in {line.partition(":")[0] for line in answer["refused"]}
        elif "layers" in answer:
            if operator.name in answer["layers"]:
                yield position, answer["layers"][operator.name]
        elif "nodes" in answer:
            if operator.name in answer["nodes"]:
                yield position, answer["nodes"][operator.name]
        elif position not in ruled:
            yield position, operator.kind in answer["kinds"]


def result(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The result file's content."""
    return {
        "kind": "lint-check",
        "about": "Rules of edgeir lint against what the runtimes say, operator by operator",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "rows": [{key: row[key] for key in COLUMNS if key in row} for row in rows],
        "differ": [{"delegate": row["delegate"], **each} for row in rows for each in row["differ"]],
        "not_asked": sorted({f"{row['delegate']}: {each}" for row in rows for each in row["not_asked"]}),
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/lint_check.py: error: {error}")
