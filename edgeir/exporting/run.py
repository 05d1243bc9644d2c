"""``edgeir export``: convert a checkpoint to an artifact; after an error nothing is written.

The artifact is a folder: the model files (one per size), ``artifact.json``, ``proof/`` with a picture for each file of
the photograph on which it loses most, and ``golden/`` with three arrays for the app developer's own test, batch
dimension included: ``input.npy`` and ``output.npy`` in the layout and dtype of the
first file, ``expected.npy`` with the output of the torch network (float32, the layout of `output.npy`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.claim import sole_writer
from edgeir.core.environment import git_revision, versions
from edgeir.core.errors import ConfigError, ExportError
from edgeir.core.files import atomic_dir, refuse_existing, sha256_tree, tree_bytes, write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.core.requires import require
from edgeir.core.trust import honours_trust
from edgeir.exporting.calibration import CalibrationData, gather
from edgeir.exporting.constants import cost, made_constant
from edgeir.exporting.given import check_target, loaded
from edgeir.exporting.profile import ExportProfile, changed, read_profile, refuse_unmade
from edgeir.exporting.prove.gate import applied_gate, check_gate
from edgeir.exporting.prove.golden import golden_of
from edgeir.exporting.prove.images import Patch, degradation_of, patches, proof_photographs
from edgeir.exporting.prove.on_device import check_devices, proved_on
from edgeir.exporting.prove.run import input_size, judged, prove
from edgeir.exporting.prove.worst import PROOF_FOLDER
from edgeir.exporting.target import Io, Job, Target, Written, joins_sizes
from edgeir.exporting.trained import check_trained
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact, ModelFile, Statistics
from edgeir.manifest.card import Card
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import NotRun, Parity
from edgeir.runtime import catalog

__all__ = ["chosen_sizes", "export", "export_network"]

Size = tuple[int, int]
UNPROVED = NotRun(reason="the export is not finished", command="edgeir export")
FULL_HD_READY = (720, 1280)
"""Output size for which a dynamic file's MACs are given."""


@honours_trust
def export(
    checkpoint: str | Path,
    *,
    target: str,
    precision: str = "fp32",
    sizes: Sequence[Size] = (),
    io: Io = "float",
    statistics: Statistics = "image",
    profile: str | Path | ExportProfile | None = None,
    overrides: Sequence[str] = (),
    out: str | Path,
    calibration: str | Path | NDArray[np.generic] | None = None,
    proof: str | Path | None = None,
    golden: bool = True,
    worst_image: bool = True,
    prove_on: Sequence[str] = (),
    sigma: float | None = None,
    weights: str | Path | None = None,
    scale: int | None = None,
    size_multiple: int | None = None,
    receptive_radius: int | None = None,
    trust_code: bool = False,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Artifact:
    """Export a checkpoint or another author's network, run the written file and compare it with the network.

    Args:
        checkpoint: a checkpoint or run folder, a name of the zoo, a weights file that spandrel recognises, a ``.pt2``
            program, or ``package.module:factory`` (see `edgeir.checkpoint.foreign.adopt`).
        target: a format of `edgeir.runtime.catalog`.
        precision: short name of a quantisation plan.
        sizes: input sizes (height, width) in the network's own input pixels; the first is the main file. Empty: the
            profile's, or dynamic where the format can be.
        io: `float` takes and gives float32 in [0, 1]; `uint8` takes and gives NHWC bytes, `int8` the same
            less 128.
        statistics: for a network with global statistics: with `image` the file computes those of its input, which must
            then be the whole image; `constant` stores those of the calibration images, so that the file may run in
            tiles. Constants cost quality (`benchmarks/global_statistics.py`).
        profile: a name, a file or a configuration; ``TARGET-PRECISION`` by default.
        overrides: ``a.b=c`` settings that replace those of the profile, such as ``target.opset=13``.
        out: the artifact's folder.
        calibration: for int8 and constant statistics: a folder of photographs or an array of network inputs
            (N, H, W, C), uint8 or float in [0, 1]; three of scikit-image's photographs by default.
        proof: a folder of further photographs for the comparison of file and network. Photographs that calibration
            used are left out; scikit-image's others are always used.
        golden: also write the golden arrays; they are larger than a small network's file.
        worst_image: also write ``proof/*.png``, the photograph on which each file loses most beside what the network
            makes of it.
        prove_on: devices (`edgeir.devices.catalog`) that the golden input is run on as well.
        sigma: the noise level, on the 0-255 scale, that becomes a constant of the file, for a network that takes one.
        weights: the weights file of a ``package.module:factory``.
        scale, size_multiple, receptive_radius: facts of another author's network that are not to be found by probing.
        trust_code: allow a checkpoint's network of `kind: module`, code of another package, to run.

    Raises:
        CheckpointError, ConfigError, MissingExtraError, OutputError, DataError, UntrustedCodeError: as their names say.
        ExportError: the network cannot be converted, or has no global statistics that could be constant.
        DeviceError: a device of `prove_on` does not answer.
        ParityError: the file differs from the network by more than the profile's gate, here or on a device; nothing is
            left behind.
    """
    settings, name = _profile(profile, target, precision, overrides)
    _refuse_existing(Path(out), overwrite)
    require("torch", "exporting")
    from edgeir.checkpoint.foreign.adopt import Stated

    stated = Stated(scale=scale, size_multiple=size_multiple, receptive_radius=receptive_radius)
    network, card = loaded(checkpoint, weights, stated, sigma)
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
        proof=proof,
        golden=golden,
        worst_image=worst_image,
        prove_on=prove_on,
        overwrite=overwrite,
        progress=progress,
    )


def _refuse_existing(out: Path, overwrite: bool) -> None:
    refuse_existing(out, overwrite=overwrite, marker=ARTIFACT_NAME, owned=("model*", "golden", PROOF_FOLDER))


def _profile(
    profile: str | Path | ExportProfile | None, target: str, precision: str, overrides: Sequence[str]
) -> tuple[ExportProfile, str]:
    """The profile to export with, and its name in the manifest."""
    check_target(target)
    if profile is None:
        refuse_unmade(target, precision)
    name = "custom" if isinstance(profile, ExportProfile) else str(profile or f"{target}-{precision}")
    settings = (
        changed(profile, overrides) if isinstance(profile, ExportProfile) else read_profile(name, overrides)
    )
    name = " ".join([name, *overrides])
    if (settings.target.kind, settings.target.precision.name) != (target, precision):
        made = f"{settings.target.kind} {settings.target.precision.name}"
        raise ConfigError([f"the profile makes {made}, not {target} {precision}"], where=name)
    return settings, name


def export_network(
    network: Any,
    card: Card,
    profile: ExportProfile,
    *,
    out: str | Path,
    name: str,
    sizes: Sequence[Size] = (),
    io: Io = "float",
    statistics: Statistics = "image",
    calibration: str | Path | NDArray[np.generic] | None = None,
    proof: str | Path | None = None,
    golden: bool = True,
    worst_image: bool = True,
    prove_on: Sequence[str] = (),
    overwrite: bool = False,
    refuse: bool = True,
    unproved: str | None = None,
    progress: Progress = no_progress,
) -> Artifact:
    """Like `export`, for a `edgeir.models.Network` in memory; `card` names it and gives its hash.

    Args:
        refuse: False: a file beyond the gate is written all the same, for who compares it with others.
        unproved: why the file is not to be compared with the network, for its manifest; without golden arrays.
    """
    out = Path(out)
    _refuse_existing(out, overwrite)
    check_devices(prove_on, profile.target.kind, name)
    chosen = chosen_sizes(profile, sizes, network.facts)
    data = CalibrationData.none(network.facts.channels)
    degradation = degradation_of(card)
    if profile.target.calibrates or statistics == "constant":
        given = profile.calibration
        data = gather(
            calibration, network.facts, degradation, size=given.size, count=given.patches, seed=given.seed
        )
    unseen = [] if unproved is not None else proof_photographs(proof, data.seen)

    def crops(size: Size | None) -> list[Patch]:
        shape = input_size(network.facts, size)
        per_image = profile.parity_per_image
        return list(patches(unseen, network.facts, degradation, shape, per_image=per_image, seed=1))

    judge, trained = judged(network), None
    if network.quantization is not None:
        check_trained(network, profile.target.precision, statistics)
        trained, network = network, network.float_form()
    own = network
    if statistics == "constant":
        network = judge = made_constant(network, data.inputs)
    with sole_writer(out), atomic_dir(out) as temporary:
        written: list[Written] = []
        more: tuple[Size, ...] = ()
        if joins_sizes(profile.target) and len(chosen) > 1:
            more, chosen = tuple(size for size in chosen[1:] if size is not None), chosen[:1]
        for step, size in enumerate(chosen):
            progress(step, 2 * len(chosen), f"converting {_label(size)}")
            path = temporary / _file_name(profile.target, size, main=step == 0)
            written.append(profile.target.write(Job(network, size, io, data, more, trained), path))
        artifact = _describe(temporary, written, chosen, network, card, profile, name)
        proved: list[ModelFile] = []
        for step, (file, size) in enumerate(zip(artifact.files, chosen, strict=True)):
            if unproved is not None:
                proved.append(
                    file.model_copy(update={"parity": NotRun(reason=unproved, command="edgeir export")})
                )
                continue
            progress(len(chosen) + step, 2 * len(chosen), f"comparing {_label(size)} with the network")
            gate = applied_gate(profile.gate, io)
            picture = f"{PROOF_FOLDER}/{Path(file.path).stem}.png" if worst_image else None
            parity = prove(
                temporary,
                artifact,
                file,
                judge,
                crops(size),
                gate,
                degradation=degradation,
                golden=golden and step == 0,
                worst=None if picture is None else temporary / picture,
            )
            if isinstance(parity, Parity) and refuse:
                check_gate(parity, where=f"{card.name} {name} {_label(size)}")
            for other in file.sizes[1:]:
                at = file.at(other)
                found = prove(
                    temporary, artifact, at, judge, crops(other), gate, degradation=degradation, golden=False
                )
                if isinstance(parity, Parity) and isinstance(found, Parity):
                    if refuse:
                        check_gate(found, where=f"{card.name} {name} {_label(other)}")
                    parity = max(parity, found, key=lambda each: each.max_abs_error)
            written_golden = golden and step == 0 and isinstance(parity, Parity)
            pair = golden_of(gate) if written_golden else None
            picture = picture if isinstance(parity, Parity) else None
            file = file.model_copy(update={"parity": parity, "golden": pair, "worst": picture})
            if written_golden:
                file = file.model_copy(update={"native_runs": proved_on(prove_on, temporary, artifact, file)})
            proved.append(file)
        update: dict[str, Any] = {"files": tuple(proved)}
        if network is not own:
            change = cost(network, own, crops(chosen[0]))
            update |= {"statistics": "constant", "constants": change}
        artifact = artifact.model_copy(update=update)
        write_json(temporary / ARTIFACT_NAME, artifact.model_dump(mode="json"))
        progress(2 * len(chosen), 2 * len(chosen), "done")
    return artifact


def chosen_sizes(profile: ExportProfile, sizes: Sequence[Size], facts: NetworkFacts) -> list[Size | None]:
    """The input sizes of the files, one for each: `sizes`, else any size (None), else those of the profile.

    Raises:
        ExportError: the network cannot take one of them, or one is given twice.
    """
    target: Target = profile.target
    if not sizes and target.dynamic:
        return [None]
    factor = facts.scale if facts.input_kind == "bicubic" else 1
    chosen = [(h, w) for h, w in sizes] or [(h * factor, w * factor) for h, w in profile.sizes]
    # The degradation that makes the patches of the proof needs whole low-resolution pixels too.
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


def _file_name(target: Target, size: Size | None, *, main: bool) -> str:
    suffix = catalog.target_entry(target.kind).suffix
    return f"model{suffix}" if main else f"model-{_label(size)}{suffix}"


def _describe(
    folder: Path,
    written: Sequence[Written],
    sizes: Sequence[Size | None],
    network: Any,
    card: Card,
    profile: ExportProfile,
    name: str,
) -> Artifact:
    """The manifest, its files not yet proved."""
    files = tuple(
        ModelFile(
            path=made.path.relative_to(folder).as_posix(),
            target=profile.target.kind,
            precision=profile.target.precision.name,
            profile=name,
            inputs=(made.input,),
            outputs=(made.output,),
            bytes=tree_bytes(made.path),
            sha256=sha256_tree(made.path),
            macs=network.macs(*size) if size else _open_macs(network),
            needs=made.needs,
            sizes=made.sizes,
            parity=UNPROVED,
        )
        for made, size in zip(written, sizes, strict=True)
    )
    return Artifact(
        source=card.name,
        checkpoint_sha256=card.weights_sha256,
        facts=network.facts,
        parameters=sum(parameter.numel() for parameter in network.deploy().parameters()),
        files=files,
        statistics="image" if network.facts.global_operations else None,
        versions=versions(),
        revision=git_revision(),
    )


def _open_macs(network: Any) -> int:
    """Multiply-accumulates for a 1280x720 output, which the network may make only a little larger."""
    multiple, scale = network.facts.size_multiple, network.facts.net_scale
    wanted = [side // scale for side in FULL_HD_READY]
    height, width = (-(-side // multiple) * multiple for side in wanted)
    macs: int = round(network.macs(height, width) * wanted[0] * wanted[1] / (height * width))
    return macs
