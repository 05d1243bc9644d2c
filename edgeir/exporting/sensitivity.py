"""``edgeir sensitivity``: how much of an int8 file's error each layer makes, and what a higher precision would cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.errors import ConfigError
from edgeir.core.progress import Progress, no_progress
from edgeir.core.requires import require
from edgeir.core.trust import honours_trust
from edgeir.exporting.calibration import gather
from edgeir.exporting.given import loaded
from edgeir.exporting.profile import CalibrationConfig
from edgeir.exporting.prove.images import degradation_of
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.card import Card

if TYPE_CHECKING:
    from edgeir.exporting.ladder.run import Timer

__all__ = ["LayerSensitivity", "Sensitivity", "cheapest_first", "measured", "sensitivity"]

JUDGED = 8
"""Calibration inputs on which the error is measured."""


class LayerSensitivity(Config):
    """One convolution of an int8 network."""

    layer: str
    """Name in the deployed network, as in a plan's `layers`."""
    macs_share: float = Field(ge=0)
    """Of the network's multiply-accumulates."""
    weights: int
    alone_db: float
    """Signal-to-noise ratio of the restored image when this layer alone is in integers."""
    gain_db: float
    """By how much the ratio of the int8 network grows when this layer has float weights."""
    float_ms: float | None = None
    """Time that it adds, measured on a file that keeps it in float; None: not measured."""


class Sensitivity(Config):
    """All convolutions of a network, in order."""

    network: str
    ratio_db: float
    """Signal-to-noise ratio of the int8 network's image, the float network's being the signal."""
    images: int
    timed_on: str | None = None
    """Where `float_ms` was measured."""
    layers: tuple[LayerSensitivity, ...]


@honours_trust
def sensitivity(
    network: str | Path,
    *,
    checkpoint: str | Path | None = None,
    calibration: str | Path | None = None,
    target: str | None = None,
    size: tuple[int, int] | None = None,
    timer: Timer | None = None,
    trust_code: bool = False,
    progress: Progress = no_progress,
) -> Sensitivity:
    """Measure every layer's share of the error that 8 bits make.

    Args:
        network: a checkpoint, run folder or zoo network, or an artifact whose checkpoint is one of the zoo.
        checkpoint: of the artifact, where its source is not in the zoo.
        calibration: as for `edgeir.export`.
        target: also time a file of this format for each layer, with the layer in float; needs `timer`.
        size: input of these files, for a format with fixed sizes.
        timer: see `edgeir.exporting.ladder.run.export_auto`.

    Raises:
        ConfigError: the network cannot be recorded, or an artifact's checkpoint is not known.
        CheckpointError, ArtifactError, DataError: as their names say.
    """
    require("torch", "measuring sensitivity")
    from edgeir.exporting.layer_costs import with_costs

    found, card = loaded(_checkpoint_of(network, checkpoint))
    errors = measured(found, card, calibration)
    if target is None or timer is None:
        return errors
    return with_costs(
        errors, found, card, target=target, timer=timer, size=size, calibration=calibration, progress=progress
    )


def measured(network: Any, card: Card, calibration: str | Path | None = None) -> Sensitivity:
    """`sensitivity` of a network in memory."""
    import torch

    from edgeir.quantize.network import FakeQuantized
    from edgeir.quantize.sensitivity import layer_errors
    from edgeir.quantize.settings import Quantization

    settings = CalibrationConfig()
    data = gather(
        calibration, network.facts, degradation_of(card), size=settings.size, count=settings.patches,
        seed=settings.seed,
    )  # fmt: skip
    integers = network
    if network.quantization is None:
        integers = FakeQuantized(network, Quantization(weights="full", ranges="minmax"))  # as an int8 profile
        integers.calibrate(torch.from_numpy(data.range_inputs).permute(0, 3, 1, 2))
    step = max(1, len(data.inputs) // JUDGED)
    images = torch.from_numpy(data.inputs[::step][:JUDGED]).permute(0, 3, 1, 2)
    ratio, errors = layer_errors(integers.eval(), images)
    total = sum(error.macs_per_pixel for error in errors) or 1.0
    return Sensitivity(
        network=card.name,
        ratio_db=ratio,
        images=len(images),
        layers=tuple(
            LayerSensitivity(
                layer=error.layer,
                macs_share=error.macs_per_pixel / total,
                weights=error.weights,
                alone_db=error.alone_db,
                gain_db=error.gain_db,
            )
            for error in errors
        ),
    )


def cheapest_first(network: Any, card: Card, calibration: Any = None) -> list[str]:
    """Layers in the order of what their float weights win, per multiply-accumulate; without those that win nothing.

    A layer in float takes time in proportion to its multiply-accumulates, and two conversions; the ratio is the order
    in which a mixed plan keeps layers.
    """
    layers: Sequence[LayerSensitivity] = measured(network, card, calibration).layers
    conversion = 1 / (
        2 * max(len(layers), 1)
    )  # what converting to float and back costs, as a share of all products
    useful = [layer for layer in layers if layer.gain_db > 0]
    useful.sort(key=lambda layer: layer.gain_db / (layer.macs_share + conversion), reverse=True)
    return [layer.layer for layer in useful]


def _checkpoint_of(network: str | Path, checkpoint: str | Path | None) -> str | Path:
    """The checkpoint to measure: the network itself, or what an artifact was made of.

    Raises:
        ConfigError: an artifact's source is not in the zoo, and no checkpoint is named.
    """
    from edgeir.checkpoint.resolve import resolve
    from edgeir.core.assets import zoo_folder

    found = resolve(network)
    if found.is_checkpoint:
        return network
    artifact, folder = read_artifact(found.folder)
    if checkpoint is not None:
        return checkpoint
    if zoo_folder(artifact.source) is None:
        raise ConfigError(
            [f"the artifact was made of `{artifact.source}`, which is not in the zoo"],
            where=folder,
            fix="name its checkpoint with --checkpoint",
        )
    return artifact.source
