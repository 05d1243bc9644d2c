"""The phone students against PPCN-SR and SRCNN: time at 1280x720 output, one thread, all in one run.

    python benchmarks/students.py [--cache FOLDER] [--budget SECONDS]

writes benchmarks/results/students-vs-baselines.json. Every network is timed untrained: weights do not matter
for time, on LiteRT (fp32, and int8 for the students) and ONNX Runtime (fp32). With --cache the exports are kept and
used again. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Literal

from edgeir.benchmarking.entries import busy_notes, time_entries
from edgeir.benchmarking.result import Result, environment, timestamp, write_result
from edgeir.benchmarking.timing.measure import Schedule
from edgeir.benchmarking.timing.prepare import Entry, prepare
from edgeir.benchmarking.timing.untrained import save_network
from edgeir.models import AnyModel, PlainSRConfig, PPCNSRConfig, SRCNNConfig

HEIGHT, WIDTH = 720, 1280
OUT = Path(__file__).parent / "results" / "students-vs-baselines.json"
NETWORKS: dict[str, tuple[AnyModel, bool]] = {
    "PlainSR 32x10": (PlainSRConfig(channels=32, blocks=10), True),
    "PlainSR 24x6": (PlainSRConfig(channels=24, blocks=6, tail_rank=24), True),
    "PlainSR 12x6": (PlainSRConfig(channels=12, blocks=6, tail_rank=16), True),
    "PPCN-SR": (PPCNSRConfig(), False),
    "SRCNN": (SRCNNConfig(), False),
}
"""Name to configuration, and whether it is a student (also timed in int8)."""


def build(name: str, runtime: str, precision: Literal["fp32", "int8"], cache: Path) -> Entry:
    """The exported network, from the cache where it is there."""
    config, _ = NETWORKS[name]
    slug = name.lower().replace(" ", "-")
    folder = cache / f"{slug}-{runtime}-{precision}"
    if not folder.is_dir():
        checkpoint = save_network(config, name, cache / f"{slug}-checkpoint")
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            (entry,) = prepare(
                checkpoint,
                runtimes=[runtime],
                precisions=[precision],
                height=HEIGHT,
                width=WIDTH,
                scratch=Path(scratch),
                time_only=True,
            )
            entry.path.parent.rename(folder)
    (entry,) = prepare(
        folder, runtimes=(), precisions=(), height=HEIGHT, width=WIDTH, scratch=cache, name=name
    )
    return entry


def main() -> int:
    """Export, measure, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, help="keep the exported files here and use them again")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of timing rounds")
    parser.add_argument("--prepare", action="store_true", help="only export into the cache")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cache = arguments.cache or Path(temporary)
        cache.mkdir(parents=True, exist_ok=True)
        entries = []
        for name, (_, student) in NETWORKS.items():
            entries.append(build(name, "litert", "fp32", cache))
            if student:
                entries.append(build(name, "litert", "int8", cache))
            entries.append(build(name, "onnxruntime", "fp32", cache))
        if arguments.prepare:
            return 0
        rows, facts = time_entries(
            entries, height=HEIGHT, width=WIDTH, threads=1, schedule=Schedule(budget_s=arguments.budget)
        )
    baselines = {name for name, (_, student) in NETWORKS.items() if not student}
    result = Result(
        kind="bench",
        name="students-vs-baselines",
        title="Students against PPCN-SR and SRCNN",
        created=timestamp(),
        suite=None,
        notes=("Untrained networks: the rows are of times only.", *busy_notes(facts)),
        environment=environment(),
        timing=facts,
        rows=tuple(
            row.model_copy(update={"role": "baseline" if row.model in baselines else "candidate"})
            for row in rows
        ),
    )
    write_result(arguments.out, result)
    for row in rows:
        assert row.latency is not None
        shown = ", ".join(
            f"{ratio.median:.2f}x {ratio.against.split()[0]}"
            for ratio in row.ratios
            if ratio.against in {f"{name} {row.runtime} fp32" for name in baselines}
        )
        print(f"{row.name:32} {row.latency.p50_ms:9.2f} ms  {shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
