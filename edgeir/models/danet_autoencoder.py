"""DANet-S's teacher (section 3.5 of its paper): an auto-encoder that imitates the degradation and undoes it.

A DANet-S-shaped encoder turns the **clean** image into an imitation of the degraded one, a DANet-S decoder restores
it. Trained with L2(output, clean) + 1e-4 L1(encoded, degraded), its decoder is then copied into the student
(``init``), which is fine-tuned with plain L2. The tap ``encoded`` is the imitation.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import nn

from edgeir.core.config import Config
from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.danet import DANetConfig

__all__ = ["DANetAutoEncoder"]


class DANetAutoEncoderConfig(Config):
    """Configuration of `DANetAutoEncoder`."""

    kind: Literal["danet-autoencoder"] = "danet-autoencoder"
    scale: Literal[1] = 1
    encoder: DANetConfig = Field(default_factory=DANetConfig)
    decoder: DANetConfig = Field(default_factory=DANetConfig)
    """The student's configuration."""

    @model_validator(mode="after")
    def _same_channels(self) -> DANetAutoEncoderConfig:
        if self.encoder.channels != self.decoder.channels:
            raise ValueError(
                f"`encoder.channels` is {self.encoder.channels}, but `decoder.channels` is {self.decoder.channels}"
            )
        return self

    def build(self) -> DANetAutoEncoder:
        return DANetAutoEncoder(self)


class DANetAutoEncoder(Network):
    """Clean (N, C, H, W) -> restored imitation (N, C, H, W)."""

    reads: Literal["degraded", "clean"] = "clean"

    def __init__(self, config: DANetAutoEncoderConfig) -> None:
        super().__init__()
        self.config: DANetAutoEncoderConfig = config
        self.encoder, self.decoder = config.encoder.build(), config.decoder.build()
        facts = (self.encoder.facts, self.decoder.facts)
        self.facts = NetworkFacts(
            task=config.decoder.task,
            colour=self.decoder.facts.colour,
            size_multiple=max(fact.size_multiple for fact in facts),
            global_operations=self.decoder.facts.global_operations,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.decoder(self.encoder(x))
        return out

    def taps(self) -> dict[str, nn.Module]:
        return {"encoded": self.encoder, **{f"decoder.{k}": v for k, v in self.decoder.taps().items()}}
