"""FFDNet (Zhang et al., TIP 2018): one denoiser for many noise levels; a backbone of STFT (section 3.2).

The image is split into its four half-size phases (pixel-unshuffle), a plane with the noise level is appended, plain
convolutions with ReLU follow at half size, and pixel-shuffle puts the phases together. There is no skip from input to
output. 15 layers of 64 channels for gray (485,316 parameters), 12 of 96 for colour (852,108), as in the authors'
PyTorch code, whose trained networks have their normalisations folded in: there are none here.

**Where the noise level comes from.** `forward` takes the image with one more plane, sigma on the [0, 1] scale at every
pixel (what ``awgn`` with ``noise_map: true`` appends), of which it keeps every second pixel; or the image alone, and
the level is then `sigma` of the configuration. The deployed network is the second form: the level is a constant inside
its graph, concatenated as a plane, so that zero padding at the border treats it as in training. `at_sigma` changes the
level, in training and deployed form alike.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.core.errors import ConfigError
from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.config import NetworkConfig, colour_of

__all__ = ["FFDNet"]


class FFDNetConfig(NetworkConfig):
    """Configuration of `FFDNet`; the defaults are those of the paper's colour network."""

    kind: Literal["ffdnet"] = "ffdnet"
    scale: Literal[1] = 1
    channels: Literal[1, 3] = 3
    """1 for gray, 3 for colour."""
    depth: int | None = Field(None, ge=3, le=1000)
    """Convolutions in all; the paper's 15 for gray and 12 for colour where it is left out."""
    width: int | None = Field(None, ge=1, le=4096)
    """Channels of the features; the paper's 64 for gray and 96 for colour where it is left out."""
    sigma: float = Field(25.0, ge=0, le=255)
    """Noise level, on the 0-255 scale, that the network assumes where it is given no other."""

    @property
    def layers(self) -> int:
        """Convolutions in all."""
        return self.depth or (15 if self.channels == 1 else 12)

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(
            task="denoising",
            colour=colour_of(self.channels),
            size_multiple=2,
            receptive_radius=2 * self.layers + 1,
            sigma=self.sigma,
        )

    def build(self) -> FFDNet:
        return FFDNet(self)


class Layer(nn.Module):
    """3x3 convolution and ReLU; its output is a tap."""

    def __init__(self, given: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, out, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.conv(x))


class Phases(nn.Module):
    """Pixel-unshuffle by 2: (N, C, H, W) to (N, 4C, H/2, W/2), as a convolution with fixed weights.

    One strided convolution stays one on a phone, where a reshape of rank 6 would become copies.
    """

    picks: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("picks", torch.eye(4).reshape(4, 1, 2, 2), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        channels = x.shape[1]
        return F.conv2d(x, self.picks.to(x.dtype).repeat(channels, 1, 1, 1), stride=2, groups=channels)


class FFDNet(Network):
    """(N, C, H, W) or (N, C + 1, H, W) -> (N, C, H, W), H and W even, not clipped."""

    def __init__(self, config: FFDNetConfig) -> None:
        super().__init__()
        self.config: FFDNetConfig = config
        channels = config.channels
        width = config.width or (64 if channels == 1 else 96)
        self.phases: nn.Module = Phases()
        self.head = Layer(4 * channels + 1, width)
        self.body = nn.ModuleList(Layer(width, width) for _ in range(config.layers - 2))
        self.tail = nn.Conv2d(width, 4 * channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        channels = self.config.channels
        phases = self.phases(x[:, :channels] if x.shape[1] > channels else x)
        if x.shape[1] > channels:
            level = x[:, channels:, ::2, ::2]
        else:
            # Made of the image, the constant has the layout of the features around it, whatever an exporter chose.
            level = phases[:, :1] * 0 + self.config.sigma / 255
        features = self.head(torch.cat([phases, level], 1))
        for layer in self.body:
            features = layer(features)
        return F.pixel_shuffle(self.tail(features), 2)

    def simplify(self) -> None:
        """See `Network.simplify`: a dense convolution takes the place of the grouped one, which becomes copies in a
        phone's graph."""
        channels = self.config.channels
        picks = nn.Conv2d(channels, 4 * channels, 2, stride=2, bias=False)
        with torch.no_grad():
            picks.weight.zero_()
            for channel in range(4 * channels):
                picks.weight[channel, channel // 4, channel % 4 // 2, channel % 2] = 1.0
        self.phases = picks

    def at_sigma(self, sigma: float) -> FFDNet:
        if not 0 <= sigma <= 255:
            raise ConfigError([f"`sigma` must be in [0, 255], not {sigma:g}"])
        result = FFDNet(self.config.model_copy(update={"sigma": sigma}))
        result.load_state_dict(self.state_dict())
        return result.train(self.training)

    def taps(self) -> dict[str, nn.Module]:
        return {"head": self.head, **{f"body.{index}": layer for index, layer in enumerate(self.body)}}
