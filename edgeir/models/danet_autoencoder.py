"""DANet-S's teacher (section 3.5 of its paper): an auto-encoder that imitates the degradation and reverses it.

An encoder of DANet-S's architecture turns the **clean** image into an imitation of the degraded one, a DANet-S decoder
restores it. It is trained with L2(output, clean) + 1e-4 L1(encoded, degraded); its decoder is then copied into the
student (``fine_tune_from``), which is fine-tuned with plain L2. The tap ``encoded`` is the imitation.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.config import NetworkConfig
from edgeir.models.danet import DANetConfig

__all__ = ["DANetAutoEncoder"]


class DANetAutoEncoderConfig(NetworkConfig):
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

    @property
    def facts(self) -> NetworkFacts:
        encoder, decoder = self.encoder.facts, self.decoder.facts
        size_multiple = max(encoder.size_multiple, decoder.size_multiple)
        return decoder.model_copy(update={"size_multiple": size_multiple})

    @property
    def reads(self) -> Literal["degraded", "clean"]:
        return "clean"

    def build(self) -> DANetAutoEncoder:
        return DANetAutoEncoder(self)


class DANetAutoEncoder(Network):
    """Clean (N, C, H, W) -> restored imitation (N, C, H, W)."""

    def __init__(self, config: DANetAutoEncoderConfig) -> None:
        super().__init__()
        self.config: DANetAutoEncoderConfig = config
        self.encoder, self.decoder = config.encoder.build(), config.decoder.build()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.decoder(self.encoder(x))
        return out

    def taps(self) -> dict[str, nn.Module]:
        return {"encoded": self.encoder, **{f"decoder.{k}": v for k, v in self.decoder.taps().items()}}
