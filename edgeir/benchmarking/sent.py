"""What is sent to a device: a model file with its manifest, or a checkpoint, which has none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeir.core.environment import versions
from edgeir.manifest.artifact import Artifact, ModelFile, TensorSpec
from edgeir.manifest.card import WEIGHTS_NAME
from edgeir.manifest.parity import NotRun
from edgeir.runtime.catalog import CHECKPOINT_RUNTIME

__all__ = ["SentFile", "sent_checkpoint"]


@dataclass(frozen=True)
class SentFile:
    """A model file to be run on devices. `model`: the name for tables; `baseline`: it is there for its time only."""

    model: str
    folder: Path
    artifact: Artifact
    file: ModelFile
    baseline: bool = False


def sent_checkpoint(folder: Path, device: str) -> SentFile:
    """A checkpoint's weights, described as a file of any size; the device's argument is its precision.

    Raises:
        CheckpointError, ConfigError: it cannot be loaded, or is an auto-encoder.
        MissingExtraError: torch is not installed.
    """
    from edgeir.checkpoint.load import load_checkpoint
    from edgeir.models.base import parameter_count, refuse_clean_reader

    network, card, folder = load_checkpoint(folder)
    refuse_clean_reader(network, card.name)
    spec = TensorSpec(
        name="image", shape=(1, card.facts.channels, None, None), layout="NCHW", dtype="float32"
    )
    scale = card.facts.net_scale
    file = ModelFile(
        path=WEIGHTS_NAME,
        target=CHECKPOINT_RUNTIME,
        precision=device.partition(":")[2] or "fp32",
        profile="none",
        inputs=(spec,),
        outputs=(spec.model_copy(update={"name": "restored"}),),
        bytes=(folder / WEIGHTS_NAME).stat().st_size,
        sha256=card.weights_sha256,
        macs=network.macs(720 // scale, 1280 // scale),
        parity=NotRun(reason="a checkpoint is what files are compared with", command="edgeir export"),
    )
    artifact = Artifact(
        source=card.name,
        checkpoint_sha256=card.weights_sha256,
        facts=card.facts,
        parameters=parameter_count(network.deploy()),
        files=(file,),
        versions=versions(),
    )
    return SentFile(card.name, folder, artifact, file)
