"""A network of another package: a `torch.nn.Module` that a function returns, with the facts that its author states.

    model:
      kind: module
      factory: mypackage.networks:tiny
      arguments: {width: 16}
      task: super-resolution
      scale: 4
      receptive_radius: 6

The module takes (N, C, h, w) on [0, 1], C three or one (`colour`), and returns (N, C, s·h, s·w), not clipped. It is
trained, distilled, exported and measured as edgeir's own networks are. Importing it runs its author's code, which
needs the user's permission (`edgeir.core.trust`), for a checkpoint of it too.

Facts are stated because tiles rely on them: `check` compares the receptive radius with the gradient of a run and finds
most mistakes before training; `build` checks the shape of the output.
"""

from __future__ import annotations

import copy
from typing import Literal

import torch
from pydantic import JsonValue
from torch import nn

from edgeir.core.errors import ConfigError
from edgeir.models.imported import ImportPath, imported_module
from edgeir.models.stated import StatedConfig, WrappedNetwork

__all__ = ["ImportedNetwork", "ModuleConfig"]

_WHERE = "model.factory"
_PROBE = 16
"""Side of the image that is run to see the shape of the output, rounded up to `size_multiple`."""
_LARGEST_PROBE = 640
"""Side of the largest image whose gradient is taken; a larger receptive radius is not checked."""


class ModuleConfig(StatedConfig):
    """Configuration of `ImportedNetwork`."""

    kind: Literal["module"] = "module"
    factory: ImportPath
    """``package.module:function``, of an installed package or of a file in the working directory."""
    arguments: dict[str, JsonValue] = {}
    """Keyword arguments of the function."""
    taps: tuple[str, ...] = ()
    """Names of modules inside it (as in ``named_modules``) whose output distillation may read."""

    def tap_names(self) -> tuple[str, ...]:
        return self.taps

    def build(self) -> ImportedNetwork:
        """Import the module and run it on a small image.

        Raises:
            UntrustedCodeError: the user has not allowed to run its code.
            ConfigError: it cannot be imported or called, or takes or returns something else than an image.
        """
        network = ImportedNetwork(self, imported_module(self.factory, self.arguments, where=_WHERE))
        _check_output(network)
        return network

    def check(self) -> None:
        """Build it once, and compare the stated receptive radius with what the output depends on.

        Raises:
            UntrustedCodeError, ConfigError: as for `build`; or the receptive radius is larger than stated.
        """
        _check_radius(self.build())


class ImportedNetwork(WrappedNetwork):
    """(N, C, h, w) -> (N, C, s·h, s·w): a module of another package."""

    config: ModuleConfig

    def __init__(self, config: ModuleConfig, module: nn.Module) -> None:
        super().__init__(config, module)
        names = dict(module.named_modules())
        if unknown := [name for name in config.taps if name not in names]:
            known = ", ".join(name for name in names if name) or "it has none"
            raise ConfigError(
                [f"`{config.factory}` has no module `{unknown[0]}`"],
                where="model.taps",
                fix=f"its modules: {known}",
            )

    def taps(self) -> dict[str, nn.Module]:
        return {name: self.module.get_submodule(name) for name in self.config.taps}


def _check_output(network: ImportedNetwork) -> None:
    """Raise `ConfigError` unless an image comes out, of the size that the configuration promises."""
    config, facts = network.config, network.config.facts
    side = -(-_PROBE // facts.size_multiple) * facts.size_multiple
    # Not square, so that a network that mixes up height and width is detected.
    given = (1, facts.channels, side, side + facts.size_multiple)
    expected = (*given[:2], *(size * facts.net_scale for size in given[2:]))
    training = network.training
    _check_state(network)
    try:
        with torch.no_grad():
            out = network.eval()(torch.full(given, 0.5))
    except Exception as error:  # whatever somebody else's code raises
        reason = " ".join(str(error).split()) or type(error).__name__
        problem = f"`{config.factory}` cannot run on an image of {_size(given)}: {reason}"
        raise ConfigError([problem], where=_WHERE, fix="see `colour` and `size_multiple`") from error
    finally:
        network.train(training)
    if not isinstance(out, torch.Tensor) or not out.is_floating_point():
        kind = out.dtype if isinstance(out, torch.Tensor) else type(out).__name__
        raise ConfigError([f"`{config.factory}` returns {kind}, not one floating-point tensor"], where=_WHERE)
    if out.shape != expected:
        problem = (
            f"`{config.factory}` makes {_size(tuple(out.shape))} of {_size(given)}, not {_size(expected)}"
        )
        raise ConfigError([problem], where=_WHERE, fix="see `scale`, `input_kind` and `colour`")


def _check_state(network: ImportedNetwork) -> None:
    """Raise `ConfigError` unless there is something to train, and checkpoints can hold all of it."""
    factory = network.config.factory
    if next(network.parameters(), None) is None:
        raise ConfigError([f"`{factory}` returned a module without parameters"], where=_WHERE)
    for name, value in network.state_dict().items():
        if not isinstance(value, torch.Tensor):
            problem = (
                f"the state of `{factory}` has `{name}`, a {type(value).__name__}: a checkpoint holds tensors"
            )
            raise ConfigError([problem], where=_WHERE)


def _check_radius(network: ImportedNetwork) -> None:
    """Raise `ConfigError` where an output pixel depends on more than the stated receptive field.

    Weights are moved away from zero, where many networks start. ReLUs that are zero on this image can hide part of the
    field: a stated radius that fails this check is wrong, one that passes is probably right.
    """
    facts = network.config.facts
    step = facts.tile_step
    side = -(-(2 * facts.receptive_radius + 3 * step + 32) // step) * step
    if facts.global_operations or side > _LARGEST_PROBE:
        return
    probe = copy.deepcopy(network).eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for parameter in probe.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        image = torch.rand(1, facts.channels, side, side)
    first = side // 2 // step * step
    reach = max(_reach(probe, image, centre) for centre in {first, first + step - 1})
    if reach > facts.receptive_radius:
        far = reach >= side // 2 - step
        raise ConfigError(
            [
                f"`receptive_radius` is {facts.receptive_radius}, but the output depends on pixels {reach} away"
            ],
            where="model",
            fix="name the operations on the whole image in `global_operations`"
            if far
            else "state the real radius, or tiles leave seams",
        )


def _reach(network: ImportedNetwork, image: torch.Tensor, centre: int) -> int:
    """Largest distance from pixel (centre, centre) of an input pixel that the output there depends on."""
    scale = network.config.facts.net_scale
    x = image.clone().requires_grad_()
    window = slice(centre * scale, (centre + 1) * scale)
    with torch.enable_grad():
        seen = network(x)[:, :, window, window].sum()
        if not seen.requires_grad:
            return 0
        (gradient,) = torch.autograd.grad(seen, x, allow_unused=True)
    if gradient is None or not gradient.any():
        return 0
    return int((gradient.abs().sum((0, 1)).nonzero() - centre).abs().max())


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
