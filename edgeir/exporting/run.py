"""``edgeir export``: a checkpoint becomes an artifact, or nothing is written.

The artifact is a folder: the model file (one per size), ``artifact.json`` and ``golden/`` with three arrays for the
app developer's own test, batch included: ``input.npy`` and ``output.npy`` as the file takes and gives them (layout,
dtype), ``expected.npy`` what the torch network gives for it (float32, the layout of `output.npy`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.environment import git_revision, versions
from edgeir.core.errors import ConfigError, ExportError
from edgeir.core.files import atomic_dir, refuse_existing, sha256_file, write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.core.requires import require
from edgeir.core.trust import honours_trust
from edgeir.exporting.constants import cost, made_constant
from edgeir.exporting.profile import ExportProfile, read_profile
from edgeir.exporting.prove.compare import check_gate
from edgeir.exporting.prove.images import calibration_inputs, degradation_of
from edgeir.exporting.prove.run import crops_for, prove
from edgeir.exporting.target import Converted, Job, Precision, Target
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact, Parity, Statistics
from edgeir.manifest.card import Card
from edgeir.manifest.facts import NetworkFacts

__all__ = ["export", "export_network"]

Size = tuple[int, int]
UNCHECKED = Parity(patches=0, max_abs_error=0, psnr_drop_db=0, colour_shift=(0, 0, 0))
FULL_HD_READY = (720, 1280)
"""Output size for which a dynamic file's MACs are given."""


@honours_trust
def export(
    checkpoint: str | Path,
    *,
    target: Literal["tflite", "onnx"],
    precision: Precision = "fp32",
    sizes: Sequence[Size] = (),
    io: Literal["float", "uint8"] = "float",
    statistics: Statistics = "picture",
    profile: str | Path | ExportProfile | None = None,
    out: str | Path,
    calibration: str | Path | NDArray[np.generic] | None = None,
    sigma: float | None = None,
    trust_code: bool = False,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Artifact:
    """Export a checkpoint folder or zoo entry, run the written file and compare it with the network.

    Args:
        sizes: input sizes (height, width) in the network's own input pixels; the first is the main file. Empty: the
            profile's for LiteRT, dynamic for ONNX.
        io: `float` takes and gives float32 in [0, 1]; `uint8` takes and gives NHWC bytes.
        statistics: for a network that reads the whole picture: `picture` leaves that in the file, which then takes
            whole pictures only; `constant` puts the calibration pictures' statistics in, so that the file may run in
            tiles. Constants cost quality (`benchmarks/whole_picture.py`).
        profile: a name, a file or a configuration; ``TARGET-PRECISION`` by default.
        out: the artifact's folder.
        calibration: for int8 and constant statistics: a folder of photographs (also used for the comparison) or an
            array of network inputs (N, H, W, C), uint8 or float in [0, 1]; scikit-image's photographs by default.
        sigma: the noise level, on the 0-255 scale, that becomes a constant of the file, for a network that takes one.
        trust_code: allow a checkpoint's network of `kind: module`, code of another package, to run.

    Raises:
        CheckpointError, ConfigError, MissingExtraError, OutputError, DataError, UntrustedCodeError: as their names say.
        ExportError: the network cannot be converted, or has no statistics that could be constant.
        ParityError: the file differs from the network by more than the profile's gate; nothing is left behind.
    """
    settings = (
        profile if isinstance(profile, ExportProfile) else read_profile(profile or f"{target}-{precision}")
    )
    name = (
        f"{target}-{precision}"
        if profile is None
        else "custom"
        if isinstance(profile, ExportProfile)
        else str(profile)
    )
    if (settings.target.kind, settings.target.precision) != (target, precision):
        found = f"{settings.target.kind} {settings.target.precision}"
        raise ConfigError([f"the profile makes {found}, not {target} {precision}"], where=name)
    refuse_existing(Path(out), overwrite=overwrite)
    require("torch", "exporting")
    from edgeir.checkpoint.load import load_checkpoint
    from edgeir.models.base import refuse_clean_reader

    network, card, _ = load_checkpoint(checkpoint)
    refuse_clean_reader(network, card.name)
    if sigma is not None:
        network = network.at_sigma(sigma)
    return export_network(
        network,
        card,
        settings,
        out=out,
        name=name,
        sizes=sizes,
        io=io,
        statistics=statistics,
        calibration=calibration,
        overwrite=overwrite,
        progress=progress,
    )


def export_network(
    network: Any,
    card: Card,
    profile: ExportProfile,
    *,
    out: str | Path,
    name: str,
    sizes: Sequence[Size] = (),
    io: Literal["float", "uint8"] = "float",
    statistics: Statistics = "picture",
    calibration: str | Path | NDArray[np.generic] | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Artifact:
    """Like `export`, for a `edgeir.models.Network` in memory; `card` names it and gives its hash."""
    out = Path(out)
    refuse_existing(out, overwrite=overwrite)
    facts: NetworkFacts = network.facts
    chosen = _sizes(profile, sizes, facts)
    folder = None if isinstance(calibration, np.ndarray) else calibration
    inputs = np.zeros((0, 1, 1, 3), np.float32)
    if profile.target.precision == "int8" or statistics == "constant":
        settings = profile.calibration
        inputs = calibration_inputs(
            calibration,
            facts,
            degradation_of(card),
            size=settings.size,
            count=settings.patches,
            seed=settings.seed,
        )
    own = network
    if statistics == "constant":
        network = made_constant(network, inputs)
        facts = network.facts
    steps = 2 * len(chosen)
    with atomic_dir(out) as temporary:
        files: list[tuple[str, Size | None, Converted]] = []
        for step, size in enumerate(chosen):
            progress(step, steps, f"converting {_label(size)}")
            made = profile.target.convert(Job(network, size, io, inputs))
            file = (
                f"model{profile.target.suffix}"
                if step == 0
                else f"model-{_label(size)}{profile.target.suffix}"
            )
            (temporary / file).write_bytes(made.data)
            files.append((file, size, made))
        artifact = _describe(temporary, files, network, card, profile, name)
        main = artifact
        for step, (file, size, made) in enumerate(files):
            progress(len(files) + step, steps, f"comparing {_label(size)} with the network")
            described = _of_file(artifact, temporary, file, made)
            crops = crops_for(card, facts, profile, size, folder)
            parity = prove(temporary / file, described, network, crops, golden=step == 0)
            check_gate(parity, profile.gate, io=io, where=f"{card.name} {name} {_label(size)}")
            if step == 0:
                main = artifact.model_copy(update={"parity": parity})
                if network is not own:
                    crops = crops_for(card, facts, profile, size, folder)
                    main = main.model_copy(
                        update={"statistics": "constant", "constants": cost(network, own, crops)}
                    )
        write_json(temporary / ARTIFACT_NAME, main.model_dump(mode="json"))
        progress(steps, steps, "done")
    return main


def _sizes(profile: ExportProfile, sizes: Sequence[Size], facts: NetworkFacts) -> list[Size | None]:
    target: Target = profile.target
    if not sizes and target.dynamic:
        return [None]
    factor = facts.scale if facts.input_kind == "bicubic" else 1
    chosen = [(h, w) for h, w in sizes] or [(h * factor, w * factor) for h, w in profile.sizes]
    # The degradation that makes parity patches needs whole low-resolution pixels too.
    multiple = max(facts.size_multiple, factor)
    for height, width in chosen:
        if height < 1 or width < 1 or height % multiple or width % multiple:
            raise ExportError(
                f"the size {height}x{width} does not fit: height and width must be positive multiples of {multiple}",
                fix="choose another --size HEIGHTxWIDTH",
            )
    if len(set(chosen)) != len(chosen):
        raise ExportError(f"a size is given twice: {', '.join(f'{h}x{w}' for h, w in chosen)}")
    return list(chosen)


def _label(size: Size | None) -> str:
    return "any size" if size is None else f"{size[0]}x{size[1]}"


def _describe(
    folder: Path,
    files: list[tuple[str, Size | None, Converted]],
    network: Any,
    card: Card,
    profile: ExportProfile,
    name: str,
) -> Artifact:
    file, size, made = files[0]
    scale = network.facts.net_scale
    height, width = size or (FULL_HD_READY[0] // scale, FULL_HD_READY[1] // scale)
    return Artifact(
        name=file,
        source=card.name,
        target=profile.target.kind,
        precision=profile.target.precision,
        profile=name,
        sha256=sha256_file(folder / file),
        bytes=len(made.data),
        inputs=(made.input,),
        outputs=(made.output,),
        facts=network.facts,
        macs=network.macs(height, width),
        parameters=sum(parameter.numel() for parameter in network.deploy().parameters()),
        variants={_label(other): variant for variant, other, _ in files[1:]},
        variant_sha256={_label(other): sha256_file(folder / variant) for variant, other, _ in files[1:]},
        checkpoint_sha256=card.weights_sha256,
        statistics="picture" if network.facts.global_operations else None,
        parity=UNCHECKED,
        versions=versions(),
        revision=git_revision(),
    )


def _of_file(artifact: Artifact, folder: Path, file: str, made: Converted) -> Artifact:
    update = {
        "inputs": (made.input,),
        "outputs": (made.output,),
        "sha256": sha256_file(folder / file),
        "name": file,
    }
    return artifact.model_copy(update=update)
