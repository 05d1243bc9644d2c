"""Damage model files and bundles at random, adapt their manifests, and record what that does to the process.

    python benchmarks/fuzz_files.py [--files 10000] [--fresh 300] [--target tflite onnx ort coreml ncnn pb zip]

A damaged model file (`fuzz_damage`: changed bytes, numbers and stretches, truncated, longer; of a format that is a
folder, one of its files in turn) gets a manifest with its hash, as if both came from one author. It is inspected,
loaded and run as by `edgeir inspect` and `edgeir restore`, in a process that continues with the next one: its death is
a failure, and so are an exception that is no `EdgeIRError` and an error that does not name the file. A damaged bundle,
half of them packed again with fitting checksums of the zip, goes through `edgeir verify`, which must find whatever is
not as it was made; only its manifest has no checksum. Every process may ask for a few GiB, so that no file takes all
memory.

``--files`` are divided among the kinds of a format; of frozen graphs the reader alone, which is fast, gets as many.
Children, in which edgeir tries or runs a file, are forked from a process that has imported the runtime (`fork_server`),
which is twenty times as fast as edgeir's own start of a Python each; ``--fresh`` files of each kind are run again in
edgeir's own way, and the outcomes compared (a zip: by the command line). Goes on where it was stopped (``--state``).
Writes ``benchmarks/results/fuzz-files.json``, in which kinds that were not asked for stay; ends with 1 after a failure.
``.pb`` needs TensorFlow (``EDGEIR_TENSORFLOW_PYTHON``).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from fuzz_damage import way_of
from fuzz_subjects import KINDS, READER, TARGETS, make
from fuzz_worker import UNNAMED

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import sha256_tree, tree_bytes, write_json

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "fuzz-files.json"
FAILURES = ("process killed", "traceback", UNNAMED, "changed content accepted")
REFUSED = ("refused", "crashed the child", "out of time")
CHUNK = 2500
"""Files for one process."""


def main() -> int:
    """Export, damage, count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000, help="damaged files of each format")
    parser.add_argument(
        "--fresh", type=int, default=300, help="of each kind, run in edgeir's own way as well"
    )
    parser.add_argument("--target", nargs="+", choices=TARGETS, default=TARGETS)
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=KINDS, help="of these formats")
    parser.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "edgeir-fuzz-files")
    parser.add_argument("--again", action="store_true", help="run files that failed again, after a mend")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    options.state.mkdir(parents=True, exist_ok=True)
    os.environ["EDGEIR_CACHE"] = str(options.state / "cache")
    known = json.loads(options.out.read_text(encoding="utf-8"))["rows"] if options.out.is_file() else []
    rows = {row["file"]: row for row in known if row["file"] in KINDS}
    for target in options.target:
        kinds = [kind for kind in KINDS if kind.partition("-")[0] == target and kind in options.kind]
        divided = max(1, sum(kind != READER for kind in kinds))
        for kind in kinds:
            rows[kind] = row = counted(
                kind, -(-options.files // divided), options.fresh, options.state, again=options.again
            )
            print(json.dumps({key: cell for key, cell in row.items() if key != "by_way"}), flush=True)
            write_json(options.out, result([rows[each] for each in KINDS if each in rows]))
    print(f"wrote {options.out}")
    return 1 if any(row["failures"] for row in rows.values()) else 0


def result(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The result file's content."""
    return {
        "kind": "fuzz-files",
        "about": "damaged small model files whose manifests were made to fit, and damaged bundles",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "rows": rows,
    }


def counted(kind: str, files: int, fresh: int, state: Path, *, again: bool = False) -> dict[str, Any]:
    """Run the files of a kind that the state does not have yet, and count all of them."""
    artifact = state / kind
    if not artifact.is_dir():
        make(artifact, kind)
    found = outcomes(artifact, kind, files, "forked", state, again=again)
    same = kind == READER or kind.startswith("coreml")  # nothing is forked
    anew = {} if same else outcomes(artifact, kind, min(fresh, files), "fresh", state, again=again)
    model = next(artifact.glob("model.*"))
    counts = Counter(outcome for outcome, _, _ in found.values())
    unlike = [seed for seed, (outcome, _, _) in anew.items() if outcome != found[seed][0]]
    bad = {seed: done for seed, done in found.items() if done[0] in FAILURES}
    bad |= {seed: done for seed, done in anew.items() if done[0] in FAILURES}
    ways: dict[str, Counter[str]] = {}
    for seed, (outcome, _, _) in found.items():
        ways.setdefault(way_of(seed), Counter())[outcome] += 1
    return {
        "file": kind,
        "bytes": tree_bytes(model),
        "files": len(found),
        **{name: counts[name] for name in REFUSED},
        "unchanged": counts["same image"] + counts["same content"],
        "another_image": counts["another image"],
        "another_manifest": counts["another manifest"],
        "only_read": counts["read"],
        "failures": len(bad),
        "fresh_files": len(anew) or None,
        "fresh_agree": len(anew) - len(unlike) if anew else None,
        "failed": {str(seed): list(done[:2]) for seed, done in sorted(bad.items())},
        "mended_at": repeated(state / f"{kind}-forked.tsv"),
        "unlike": {str(seed): [found[seed][0], anew[seed][0]] for seed in unlike},
        "crashed_at": [seed for seed, done in found.items() if done[0] == "crashed the child"],
        "largest_child_mib": max((memory for _, _, memory in found.values()), default=0.0),
        "by_way": {way: dict(count) for way, count in sorted(ways.items())},
        "sha256": sha256_tree(model),
    }


def outcomes(
    artifact: Path, kind: str, files: int, children: str, state: Path, *, again: bool
) -> dict[int, tuple[str, str, float]]:
    """Outcome, note and largest memory of a child by seed; a seed at which the process died is passed over."""
    log = state / f"{kind}-{children}.tsv"
    log.touch()
    words = [sys.executable, str(HERE / "fuzz_worker.py"), str(artifact), kind]
    if again:
        for seed in [seed for seed, (outcome, _, _) in logged(log).items() if outcome in FAILURES]:
            run_worker([*words, str(seed), str(seed + 1), str(log), children], log, seed)
    seed = len(logged(log))
    while seed < files:
        end = min(files, seed + CHUNK)
        run_worker([*words, str(seed), str(end), str(log), children], log, None)
        seed = len(logged(log))
        print(f"{kind} {children}: {seed} of {files}", file=sys.stderr, flush=True)
    done = logged(log)
    return {seed: done[seed] for seed in range(files)}


def run_worker(words: list[str], log: Path, alone: int | None) -> None:
    """Run a worker; where it dies, the log gets a line for the file that ended it: `alone`, or the next one."""
    worker = subprocess.run(
        words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", check=False
    )
    if worker.returncode == 0:
        return
    last = (worker.stderr.strip().splitlines() or [""])[-1]
    seed = len(logged(log)) if alone is None else alone
    if worker.returncode > 0 and seed == 0:
        raise EdgeIRError(f"the process cannot start: {last}", where=words[3])
    outcome = "process killed" if worker.returncode < 0 else "traceback"
    note = ascii(f"{worker.returncode}: {last}"[:250])
    with log.open("a", encoding="utf-8") as lines:
        lines.write(f"{seed}\t{outcome}\t{note}\t0\n")


def repeated(log: Path) -> list[int]:
    """Seeds that were run again, after a mend."""
    seeds = Counter(int(line.split("\t")[0]) for line in log.read_text(encoding="utf-8").split("\n") if line)
    return sorted(seed for seed, count in seeds.items() if count > 1)


def logged(log: Path) -> dict[int, tuple[str, str, float]]:
    """What a log holds, up to its last whole line; of a seed that was run again, the last."""
    found = {}
    for line in log.read_text(encoding="utf-8").split("\n")[:-1]:
        seed, outcome, note, memory = line.split("\t")
        found[int(seed)] = (outcome, note, float(memory))
    return found


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/fuzz_files.py: error: {error}")
