"""The parts of a training step, each by itself: what `training_speed.py` puts beside the times of whole steps."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from edgeir.data.degrade.base import to_unit
from edgeir.data.degrade.bicubic import Bicubic
from edgeir.data.patches import PatchSampler
from edgeir.data.sources.embedded import Embedded
from edgeir.data.store.pair_store import open_store
from edgeir.losses import L1, L2
from edgeir.models import PlainSRConfig
from edgeir.models.base import channels_last
from edgeir.models.blocks.reparam import ReparamConv
from edgeir.training.meter import check_weights, finite_values
from edgeir.training.optim import Optim
from edgeir.training.signals import quiet_lightning
from edgeir.training.step import MovingAverage

__all__ = ["parts"]

Part = Callable[[], Any]


def parts(config: PlainSRConfig, *, patch: int, batch: int, repeats: int) -> dict[str, float]:
    """Median milliseconds of each part of a step with `batch` patches of side `patch`; the parts take turns."""
    with tempfile.TemporaryDirectory() as folder:
        functions = {
            **_network(config, patch, batch),
            **_losses(config.scale * patch, batch),
            **_update(config),
            **_data(config.scale, patch, batch, Path(folder)),
        }
        for function in functions.values():
            function()
        samples: dict[str, list[float]] = {name: [] for name in functions}
        for _ in range(repeats):
            for name, function in functions.items():
                began = time.perf_counter()
                function()
                samples[name].append(1e3 * (time.perf_counter() - began))
    return {name: round(statistics.median(values), 3) for name, values in samples.items()}


def _network(config: PlainSRConfig, patch: int, batch: int) -> dict[str, Part]:
    torch.manual_seed(0)
    network = channels_last(config.build()).train()
    plain = channels_last(network.fused()).train()
    lr = torch.rand(batch, patch, patch, 3).permute(0, 3, 1, 2)
    gradient = torch.rand_like(plain(lr))
    convolutions = [module for module in network.modules() if isinstance(module, ReparamConv)]
    kernels = [torch.rand_like(module.conv.weight) for module in convolutions]

    def compose() -> None:
        torch.autograd.backward([module.kernel() for module in convolutions], kernels)
        network.zero_grad()

    def both() -> None:
        plain(lr).backward(gradient)
        plain.zero_grad()

    return {
        "the plain network, forward and backward": both,
        "kernels of the branches, composed and differentiated": compose,
    }


def _losses(side: int, batch: int) -> dict[str, Part]:
    output = torch.rand(batch, side, side, 3).permute(0, 3, 1, 2).requires_grad_()
    target = torch.rand(batch, side, side, 3).permute(0, 3, 1, 2)

    def measured(loss: nn.Module) -> Part:
        def run() -> None:
            loss(output, target).backward()
            output.grad = None

        return run

    return {
        "l1, with its gradient": measured(L1().build()),
        "l1 with luma 0.8, with its gradient": measured(L1(luma=0.8).build()),
        "l2 with luma 0.8, with its gradient": measured(L2(luma=0.8).build()),
    }


def _update(config: PlainSRConfig) -> dict[str, Part]:
    with quiet_lightning():
        fabric = Fabric(accelerator="cpu", devices=1)
    network = channels_last(config.build())
    model, optimizer = fabric.setup(network, Optim().build(network.parameters()))
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)
    state = network.state_dict()
    average = MovingAverage({name: value.clone() for name, value in state.items()}, state, 0.999)
    terms = {name: torch.rand(()) for name in ("l1", "l2", "distill/output")}
    return {
        "clipping of the gradient": lambda: fabric.clip_gradients(model, optimizer, max_norm=1.0),
        "Adam": optimizer.step,
        "moving average": lambda: average.update(1000),
        "terms read and checked": lambda: finite_values(fabric, terms, 1),
        "weights checked (before a checkpoint only)": lambda: check_weights(network, 1),
    }


def _data(scale: int, patch: int, batch: int, folder: Path) -> dict[str, Part]:
    store = open_store([Embedded()], Bicubic(scale=scale), root=folder)
    sampler = PatchSampler(store, patch=patch, batch=batch, seed=0)
    bytes_of_a_batch = sampler.batch(1)
    return {
        "patches cut and turned (in a thread of their own)": lambda: sampler.batch(1),
        "bytes to floats (in that thread)": lambda: [to_unit(array) for array in bytes_of_a_batch],
    }
