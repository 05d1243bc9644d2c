"""Probing finds the facts that edgeir's own networks state, which their authors worked out by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edgeir.core.errors import ConfigError
from edgeir.models import (
    DnCNNConfig,
    FFDNetConfig,
    PlainSRConfig,
    PPCNEnhanceConfig,
    PPCNSRConfig,
    SRCNNConfig,
)
from edgeir.models.probe import WHOLE_IMAGE, probe


@pytest.mark.parametrize(
    "config",
    [
        PlainSRConfig(channels=4, blocks=3, scale=3),
        DnCNNConfig(channels=1, depth=5, width=4),
        FFDNetConfig(depth=4, width=4),
        SRCNNConfig(scale=2),
    ],
    ids=lambda config: config.kind,
)
def test_it_finds_what_a_network_states(config):
    facts = config.facts
    found = probe(config.build().deploy(), where="here")
    assert (found.channels, found.net_scale) == (facts.channels, facts.net_scale)
    assert found.size_multiple == facts.size_multiple
    assert found.receptive_radius == facts.receptive_radius
    assert found.tile_multiple in (1, facts.tile_step)
    assert found.global_operations == ()


@pytest.mark.parametrize("config", [PPCNEnhanceConfig(), PPCNSRConfig()], ids=lambda config: config.kind)
def test_global_statistics_are_noticed(config):
    assert probe(config.build().deploy(), where="here").global_operations == (WHOLE_IMAGE,)


def test_a_weight_of_zero_and_a_dead_relu_count():
    conv = nn.Conv2d(3, 3, 7, padding=3)
    nn.init.zeros_(conv.weight)
    nn.init.constant_(conv.bias, -1)
    assert probe(lambda x: x + F.relu(conv(x)), where="here").receptive_radius == 3


def test_windows_show_where_tiles_may_start():
    def windowed(x):
        return x + F.interpolate(F.max_pool2d(x, 8), scale_factor=8)

    found = probe(windowed, where="here")
    assert (found.size_multiple, found.tile_multiple) == (8, 8)
    assert found.receptive_radius == 7


def test_what_is_stated_is_not_probed():
    found = probe(lambda x: F.avg_pool2d(x, 5, 1, 2), size_multiple=4, receptive_radius=1, where="here")
    assert (found.size_multiple, found.receptive_radius) == (4, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.mean((2, 3)), "no image of the same channels"),
        (lambda x: torch.cat([x, x], 1), "no image of the same channels"),
        (nn.Linear(3, 3), "no image that was tried goes through it"),
    ],
    ids=["mean", "channels", "linear"],
)
def test_what_is_no_network_of_images_is_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        probe(call, where="here")


def test_the_random_state_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    probe(nn.Identity(), where="here")
    assert torch.equal(torch.rand(1), expected)
