"""A network that spandrel knows (Real-ESRGAN's, ESRGAN, SPAN, NAFNet and some forty more), with its trained weights.

spandrel (https://github.com/chaiNNer-org/spandrel, MIT) recognises an architecture by the names and shapes in a state
dict. The configuration holds what it found: the architecture, the class and the arguments of its constructor, so that
the network can be built again without the file. `edgeir.checkpoint.foreign` makes one of a file.

`simplify` folds what a network's `forward` would otherwise do to its own weights: SPAN's convolutions rewrite them at
every call in eval mode, which no exporter can record.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import JsonValue
from torch import nn

from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.core.requires import require
from edgeir.models.stated import StatedConfig, WrappedNetwork

__all__ = ["REFUSED", "SpandrelConfig", "SpandrelNetwork", "constructor_arguments"]

_PURPOSE = "running a network of spandrel"

REFUSED = {
    "SeemoRe": "which of its experts run depends on the image's values, and a file holds one way for all images",
    "LaMa": "it takes a mask beside the image",
    "GFPGAN": "it restores aligned faces of 512x512 alone",
    "RestoreFormer": "it restores aligned faces of 512x512 alone",
    "AuraSR": "it draws random numbers for each image",
    "DRUNet": "it takes a plane with the noise level beside the image",
    "IPT": "it takes images of one size alone, cut and put together outside the network",
}
"""Architectures that are no function from one image to one image of a fixed graph, each with the cause."""

_CALLS: dict[str, Callable[[nn.Module, torch.Tensor], torch.Tensor]] = {
    "FBCNN": lambda module, x: module(x)[0],
    "MMRealSR": lambda module, x: module(x)[0],
    "MixDehazeNet": lambda module, x: module(x) * 0.5 + 0.5,
}
"""How an image is got out of a network whose `forward` gives more, or another range (spandrel's own `call_fn`)."""

_WRITES_ITS_INPUT = frozenset({"RCAN"})
"""Architectures that compute in place on the image that they are given."""


class SpandrelConfig(StatedConfig):
    """Configuration of `SpandrelNetwork`."""

    kind: Literal["spandrel"] = "spandrel"
    architecture: str
    """spandrel's id, such as ``Compact``."""
    network: str
    """Name of the class in that architecture, such as ``SRVGGNetCompact``."""
    arguments: dict[str, JsonValue] = {}
    """Arguments of its constructor that are not the defaults."""

    def build(self) -> SpandrelNetwork:
        """Build it with fresh weights.

        Raises:
            MissingExtraError: spandrel is not installed.
            ConfigError: this version of spandrel has no such network.
        """
        if (cause := REFUSED.get(self.architecture)) is not None:
            raise ConfigError([f"{self.architecture} cannot be used: {cause}"], where="model.architecture")
        return SpandrelNetwork(self, _class_of(self)(**self.arguments))


class SpandrelNetwork(WrappedNetwork):
    """(N, C, h, w) -> (N, C, s·h, s·w): a module of spandrel."""

    config: SpandrelConfig

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        call = _CALLS.get(self.config.architecture)
        if self.config.architecture in _WRITES_ITS_INPUT:
            x = x.clone()
        return super().forward(x) if call is None else call(self.module, x)

    def simplify(self) -> None:
        """See `Network.simplify`: convolutions that rewrite their own weights become plain ones too."""
        super().simplify()
        _fold(self.module)


def constructor_arguments(module: nn.Module) -> dict[str, Any]:
    """The arguments with which a module of spandrel was built, where they are not the constructor's defaults.

    Raises:
        CheckpointError: one of them cannot be written as JSON.
    """
    given: dict[str, Any] = getattr(module, "hyperparameters", {})
    defaults = {name: entry.default for name, entry in inspect.signature(type(module)).parameters.items()}
    changed = {name: value for name, value in given.items() if value is not defaults.get(name)}
    for name, value in changed.items():
        if not isinstance(value, int | float | str | list | tuple | dict | None):
            raise CheckpointError(
                f"the argument `{name}` of {type(module).__name__} is a {type(value).__name__}"
            )
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in changed.items()
        if value != defaults.get(name)
    }


def _class_of(config: SpandrelConfig) -> type[nn.Module]:
    require("spandrel", _PURPOSE)
    problem = f"this version of spandrel has no network `{config.network}` of `{config.architecture}`"
    if not config.architecture.isidentifier():
        raise ConfigError([problem], where="model.architecture")
    try:
        module = require(f"spandrel.architectures.{config.architecture}", _PURPOSE)
    except ModuleNotFoundError as error:
        raise ConfigError([problem], where="model.architecture") from error
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, nn.Module) and value.__name__ == config.network:
            return value
    raise ConfigError([problem], where="model.network", fix="pip install 'edgeir[spandrel]'")


class _Rectified(nn.Module):
    """A convolution and the leaky ReLU of SPAN."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(self.conv(x), 0.05)


def _fold(module: nn.Module) -> None:
    """Replace every ``Conv3XC`` (SPAN) inside `module` by the convolution that it computes, in place."""
    for name, child in module.named_children():
        if type(child).__name__ == "Conv3XC" and hasattr(child, "update_params"):
            convolution: Any = child
            convolution.update_params()
            setattr(
                module,
                name,
                _Rectified(convolution.eval_conv) if convolution.has_relu else convolution.eval_conv,
            )
        else:
            _fold(child)
