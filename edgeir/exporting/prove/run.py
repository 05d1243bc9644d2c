"""The proof of an export: the file that was written against the network, on real patches, and the golden arrays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.profile import ExportProfile
from edgeir.exporting.prove.compare import compare
from edgeir.exporting.prove.images import Patch, degradation_of, patches, photographs
from edgeir.manifest.artifact import Artifact, Parity, TensorSpec
from edgeir.manifest.card import Card
from edgeir.manifest.facts import NetworkFacts
from edgeir.runtime.loading import load_model
from edgeir.runtime.session import to_native

__all__ = ["crops_for", "prove"]

DYNAMIC_PATCH = 96
"""Network-input side of the parity crops of a dynamic file (low-resolution pixels)."""


def crops_for(
    card: Card,
    facts: NetworkFacts,
    profile: ExportProfile,
    size: tuple[int, int] | None,
    photos: str | Path | None,
) -> Iterable[Patch]:
    """What a file is compared with the network on."""
    side = DYNAMIC_PATCH * (facts.scale if facts.input_kind == "bicubic" else 1)
    shape = size or (side, side)
    per_image = profile.parity_per_image
    return patches(photographs(photos), facts, degradation_of(card), shape, per_image=per_image, seed=1)


def prove(
    model: Path,
    artifact: Artifact,
    network: Any,
    crops: Iterable[Patch],
    *,
    golden: bool,
) -> Parity:
    """Run the file `model` and the deployed network on `crops` and compare them.

    Args:
        golden: also write the first crop and both outputs to ``golden/`` beside the file.
    """
    from edgeir.runtime.torch import TorchSession

    session = load_model(model, artifact)
    reference = TorchSession(network.deploy(), network.facts, name=artifact.source)
    first: list[Patch] = []

    def remembered() -> Any:
        for patch in crops:
            first.append(patch) if not first else None
            yield patch

    try:
        parity = compare(session.run, reference.run, remembered())
        if golden:
            tensor = to_native(first[0].input, artifact.inputs[0])
            expected = reference.run(first[0].input)
            _write_golden(
                model.parent / "golden", tensor, session.run_raw(tensor), expected, artifact.outputs[0]
            )
    finally:
        session.close()
    return parity


def _write_golden(
    folder: Path, tensor: NDArray[Any], output: NDArray[Any], expected: NDArray[np.float32], spec: TensorSpec
) -> None:
    folder.mkdir()
    batch = expected[None] if spec.layout == "NHWC" else expected.transpose(2, 0, 1)[None]
    np.save(folder / "input.npy", tensor)
    np.save(folder / "output.npy", np.array(output))
    np.save(folder / "expected.npy", np.ascontiguousarray(batch))
