"""The proof of an export: the written file is compared with the network, on images that calibration never saw."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ParityError
from edgeir.data.degrade import AnyDegradation
from edgeir.exporting.prove.compare import compare, compare_extremes
from edgeir.exporting.prove.extremes import extremes
from edgeir.exporting.prove.images import Patch
from edgeir.exporting.prove.saturated import compare_saturated, saturated
from edgeir.exporting.prove.worst import Worst, write_worst
from edgeir.manifest.artifact import Artifact, ModelFile, TensorSpec
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import Gate, NotRun, Parity
from edgeir.runtime import catalog
from edgeir.runtime.loading import load_file
from edgeir.runtime.session import to_native

__all__ = ["DYNAMIC_PATCH", "input_size", "judged", "prove"]

DYNAMIC_PATCH = 96
"""Network-input side of the patches that a file of any size is compared on (low-resolution pixels)."""


def judged(network: Any) -> Any:
    """The float network that a file is compared with: of one that was trained in integers, the one it began as."""
    return network if network.quantization is None else network.reference


def input_size(facts: NetworkFacts, size: tuple[int, int] | None) -> tuple[int, int]:
    """Height and width of the inputs of a proof: the file's, or the default for a file of any size."""
    side = DYNAMIC_PATCH * (facts.scale if facts.input_kind == "bicubic" else 1)
    side = max(side // facts.size_multiple, 1) * facts.size_multiple
    return size or (side, side)


def prove(
    folder: Path,
    artifact: Artifact,
    file: ModelFile,
    network: Any,
    crops: Iterable[Patch],
    gate: Gate,
    *,
    degradation: AnyDegradation | None,
    golden: bool,
    worst: Path | None = None,
) -> Parity | NotRun:
    """Run a file of the artifact in `folder` and the deployed network on `crops` and on the extremes, and compare them.

    Args:
        degradation: of the network's photographs, for the synthetic images that have a truth; None: not known.
        gate: kept beside the figures; nothing is refused here (`edgeir.exporting.prove.gate`).
        golden: also write the first crop and both outputs to ``golden/`` in the folder.
        worst: also write a picture of the photograph that loses most to this file (`edgeir.exporting.prove.worst`).

    Raises:
        ParityError: the file computes NaN or infinity.
    """
    from edgeir.runtime.torch import TorchSession

    entry = catalog.target_entry(file.target)
    if entry.runtime is None:
        return NotRun(reason=f"nothing runs {entry.title} here", command=f"edgeir prove {artifact.source}")
    runtime = catalog.runtime_entry(entry.runtime)
    session = load_file(folder, artifact, file)
    reference = TorchSession(network.deploy(), network.facts, name=artifact.source)
    first: list[Patch] = []

    def remembered() -> Any:
        for patch in crops:
            first.append(patch) if not first else None
            yield patch

    try:
        seen: list[Worst] = []

        def keep(patch: Patch, wanted: NDArray[np.float32], got: NDArray[np.float32]) -> None:
            seen[:] = [Worst(patch.name, patch.truth, wanted, got)]

        change = compare(session.run, reference.run, remembered(), on_worst=keep)
        height, width = input_size(network.facts, file.size)
        synthetic = extremes(height, width, network.facts.channels)
        shift, extreme = compare_extremes(session.run, reference.run, synthetic)
        coloured = saturated(network.facts, degradation, (height, width))
        lost, most = compare_saturated(session.run, reference.run, coloured)
        if golden:
            tensor = to_native(first[0].input, file.inputs[0])
            output = np.array(session.run_raw(tensor))
            _write_golden(folder / "golden", tensor, output, reference.run(first[0].input), file.outputs[0])
        if worst is not None:
            write_worst(worst, seen[0])
    except ParityError as error:
        raise ParityError(error.what, where=f"{artifact.source} {file.target} {file.precision}") from error
    finally:
        session.close()
    return Parity(
        **change.model_dump(),
        engine=f"{runtime.title} {runtime.version}",
        extremes=len(synthetic),
        extreme_shift=shift,
        worst_extreme=extreme,
        saturated_psnr_drop_db=lost,
        worst_saturated=most,
        gate=gate,
    )


def _write_golden(
    folder: Path, tensor: NDArray[Any], output: NDArray[Any], expected: NDArray[np.float32], spec: TensorSpec
) -> None:
    folder.mkdir()
    batch = expected[None] if spec.layout == "NHWC" else expected.transpose(2, 0, 1)[None]
    np.save(folder / "input.npy", tensor)
    np.save(folder / "output.npy", output)
    np.save(folder / "expected.npy", np.ascontiguousarray(batch))
