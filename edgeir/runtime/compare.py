"""What the manifest says against what the model file says of itself: a difference is refused, never guessed away.

A manifest is a text file that anybody can change, and a wrong scale in it restores a wrong image without an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from edgeir.core.config import first_problem
from edgeir.core.errors import ArtifactError
from edgeir.manifest.artifact import ModelFile, TensorSpec
from edgeir.manifest.facts import NetworkFacts

__all__ = ["FileTensor", "check_manifest"]

FIX = "the manifest or the file was changed: export it again"


@dataclass(frozen=True)
class FileTensor:
    """An input or an output as the model file describes it.

    Attributes:
        name: None where it is not compared.
        shape: None marks a dynamic dimension.
        dtype: numpy's name of it.
        layout: which dimension holds the channels.
        quantisation: scale and zero point; None where the values are what they are.
        sizes: the only heights and widths, where it takes several, its default first.
    """

    name: str | None
    shape: tuple[int | None, ...]
    dtype: str
    layout: str
    quantisation: tuple[float, int] | None = None
    sizes: tuple[tuple[int, int], ...] = ()


def check_manifest(
    facts: NetworkFacts,
    file: ModelFile,
    inputs: list[FileTensor],
    outputs: list[FileTensor],
    recorded: str | None,
    *,
    where: Path,
) -> None:
    """Compare every tensor and the network's facts with what the file says.

    Args:
        facts: those of the manifest.
        file: what the manifest says of the file.
        inputs: of the file, in its order; as many as the manifest has.
        outputs: likewise.
        recorded: the JSON of the network's facts that the export left in the file; None in files before edgeir did so.

    Raises:
        ArtifactError: they differ; the message has both.
    """
    for kind, specs, found in (("input", file.inputs, inputs), ("output", file.outputs, outputs)):
        if len(specs) != len(found):
            raise ArtifactError(
                f"has {len(found)} {kind}s, the manifest says {len(specs)}", where=where, fix=FIX
            )
        for spec, tensor in zip(specs, found, strict=True):
            _check_tensor(spec, tensor, facts, where)
    own = set(inputs[0].sizes)
    if own != set(file.sizes) and not (file.sizes and set(file.sizes) <= own):
        raise ArtifactError(
            f"takes the sizes {inputs[0].sizes}, the manifest says {file.sizes}", where=where, fix=FIX
        )
    _check_sizes(facts, file, where)
    _check_facts(facts, recorded, where)


def _check_tensor(spec: TensorSpec, found: FileTensor, facts: NetworkFacts, where: Path) -> None:
    if found.name not in (None, spec.name):
        raise ArtifactError(f"has `{found.name}`, the manifest says `{spec.name}`", where=where, fix=FIX)
    if (spec.shape, spec.dtype, spec.layout) != (found.shape, found.dtype, found.layout):
        raise ArtifactError(
            f"tensor `{spec.name}` is {found.dtype} {found.layout} {found.shape}, "
            f"the manifest says {spec.dtype} {spec.layout} {spec.shape}",
            where=where,
            fix=FIX,
        )
    said = (
        None if spec.quant_scale is None and spec.zero_point is None else (spec.quant_scale, spec.zero_point)
    )
    if not _same_quantisation(said, found.quantisation):
        raise ArtifactError(
            f"tensor `{spec.name}` has {_quantised(found.quantisation)}, the manifest says {_quantised(said)}",
            where=where,
            fix=FIX,
        )
    channels = found.shape[3 if found.layout == "NHWC" else 1] if len(found.shape) == 4 else None
    if channels != facts.channels:
        raise ArtifactError(
            f"tensor `{spec.name}` has shape {found.shape}, the manifest says {facts.channels} channels "
            f"({facts.colour})",
            where=where,
            fix=FIX,
        )


def _same_quantisation(said: tuple[float | None, int | None] | None, found: tuple[float, int] | None) -> bool:
    """Scales are float32 in every format; a manifest may have them in more digits."""
    if said is None or found is None:
        return said is None and found is None
    scale, zero_point = said
    return scale is not None and np.float32(scale) == np.float32(found[0]) and zero_point == found[1]


def _quantised(parameters: tuple[float | None, int | None] | None) -> str:
    return "no scale" if parameters is None else f"scale {parameters[0]} and zero point {parameters[1]}"


def _check_sizes(facts: NetworkFacts, file: ModelFile, where: Path) -> None:
    """A file of one size shows by its ends how far it enlarges."""
    scale = facts.net_scale
    for name, entry, exit_ in zip(
        ("height", "width"), file.inputs[0].size, file.outputs[0].size, strict=True
    ):
        if entry is not None and exit_ is not None and entry * scale != exit_:
            raise ArtifactError(
                f"makes {name} {exit_} of {entry}, the manifest says scale {scale}", where=where, fix=FIX
            )


def _check_facts(facts: NetworkFacts, recorded: str | None, where: Path) -> None:
    if recorded is None:
        return
    try:
        own = NetworkFacts.model_validate_json(recorded)
    except ValidationError as error:
        raise ArtifactError(
            f"the network's facts in the file are damaged: {first_problem(error)}", where=where, fix=FIX
        ) from error
    for name in type(facts).model_fields:
        said, found = getattr(facts, name), getattr(own, name)
        if said != found:
            raise ArtifactError(
                f"the file itself says {name} {found}, the manifest {said}", where=where, fix=FIX
            )
