"""PlainSR's gates: their formulas, what they reach, tiles of any size, and networks that begin as others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edgeir.models import PlainSRConfig
from edgeir.models.blocks.gates import CELL, reach
from edgeir.models.plainsr import PlainSR
from edgeir.models.probe import probe
from edgeir.restoring.tiling import cut, plan, read_window

KINDS = ("local", "product", "tanh", "pair", "residual")


def build(seed: int = 0, **settings) -> PlainSR:
    torch.manual_seed(seed)
    network = PlainSRConfig(**{"channels": 6, "blocks": 4, "scale": 2, "branches": (), **settings}).build()
    with torch.no_grad():  # away from initial zeros, so that every gate matters
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return network.eval()


def conv(x, w, name, **settings):
    return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **settings)


def formula(gate: str, every: int, x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
    """The table of `blocks.gates`, from the weights; of an image that 8 divides."""
    features = group = F.relu(conv(x, w, "head.conv.conv", padding=1))
    for index in range(4):
        name, before = f"body.{index}", features
        out = conv(before, w, f"{name}.conv.conv", padding=1)
        features = F.relu(out)
        if (index + 1) % every:
            continue
        if gate == "local":
            coarse = conv(F.adaptive_max_pool2d(features, (x.shape[2] // 8, x.shape[3] // 8)), w,
                          f"{name}.local.coarse", padding=1, groups=features.shape[1])  # fmt: skip
            features = features * F.interpolate(
                2 / (1 + torch.exp(-coarse)), scale_factor=8, mode="bilinear", align_corners=False
            )
        if gate == "product":
            features = before * (1 + out.clamp(0, 6))
        if gate == "tanh":
            features = torch.tanh(out) * (out + before)
        if gate == "pair":
            features = out.clamp(0, 6) * conv(before, w, f"{name}.other.conv", padding=1)
        if gate == "residual":
            features = group + features
        group = features
    details = conv(features, w, "tail.conv", padding=1) + conv(x, w, "residual", padding=1)
    return F.pixel_shuffle(details, 2)


@pytest.mark.parametrize("every", [1, 2, 3, 4])
@pytest.mark.parametrize("gate", KINDS)
def test_a_gated_network_computes_its_formula(gate: str, every: int) -> None:
    network = build(gate=gate, gate_every=every)
    x = torch.rand(2, 3, 24, 40)
    with torch.no_grad():
        expected = formula(gate, every, x, network.state_dict())
        torch.testing.assert_close(network(x), expected, atol=1e-5, rtol=1e-5)
        plain = formula("none", every, x, network.state_dict())
    assert (expected - plain).abs().max() > 0.01


@pytest.mark.parametrize("size", [(1, 1), (8, 9), (21, 13), (5, 40)])
def test_a_side_that_is_no_multiple_is_continued_with_zeros(size: tuple[int, int]) -> None:
    network = build(gate="local")
    height, width = size
    x = torch.rand(1, 3, *size)
    wide = F.pad(x, (0, -width % 8, 0, -height % 8))
    w = network.state_dict()
    with torch.no_grad():
        features = network.body(network.head(wide))[:, :, :height, :width]
        details = conv(features, w, "tail.conv", padding=1) + conv(x, w, "residual", padding=1)
        torch.testing.assert_close(network(x), F.pixel_shuffle(details, 2))
        assert network.deploy()(x).shape == (1, 3, 2 * height, 2 * width)


@pytest.mark.parametrize(
    "settings",
    [
        {"blocks": 1, "gate_every": 1},
        {"blocks": 2, "gate_every": 2},
        {"blocks": 3, "gate_every": 2},
        {"blocks": 6, "gate_every": 2},
        {"blocks": 7, "gate_every": 3},
    ],
    ids=str,
)
def test_the_reach_of_local_gates_is_what_nan_shows(settings: dict[str, int]) -> None:
    network = build(gate="local", **settings)
    facts = network.facts
    found = probe(network.deploy(), size_multiple=1, where="here")
    assert found.receptive_radius == facts.receptive_radius
    assert found.tile_multiple == facts.tile_multiple == CELL


def test_without_a_local_gate_only_convolutions_reach() -> None:
    assert reach([False] * 5) == 5
    assert {build(gate=gate).facts.receptive_radius for gate in KINDS if gate != "local"} == {6}
    assert reach([True]) == 20  # to the far side of the cell after the next one, and the convolution


GATED = build(gate="local", blocks=2)
"""Of radius 23: an image of 100 pixels has several windows."""


@settings(max_examples=40)
@given(st.integers(1, 130), st.integers(1, 130), st.integers(62, 96), st.booleans())
def test_tiles_of_every_size_equal_the_whole(height: int, width: int, largest: int, mirrored: bool) -> None:
    image = np.random.default_rng(height).random((height, width, 3), dtype=np.float32)
    facts = GATED.facts

    def run(pixels: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            out = GATED(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))
        return out[0].numpy().transpose(1, 2, 0)

    def tiled(largest: int | None) -> np.ndarray:
        result = np.full((2 * height, 2 * width, 3), np.nan, np.float32)
        for row, column in plan(height, width, facts, fixed=None, largest=largest, mirrored=mirrored):
            out = run(read_window(image, row, column))
            result[2 * row.first : 2 * row.last, 2 * column.first : 2 * column.last] = out[
                cut(row, 2), cut(column, 2)
            ]
        return result

    np.testing.assert_allclose(tiled(largest), tiled(None), atol=2e-5)


def test_tiles_at_other_places_do_not() -> None:
    x = torch.rand(1, 3, 96, 96)
    radius = GATED.facts.receptive_radius
    with torch.no_grad():
        whole, moved, right = GATED(x), GATED(x[:, :, 4:]), GATED(x[:, :, 8:])
    inner = slice(2 * radius, 2 * radius + 16)
    assert (whole[:, :, 8:][:, :, inner] - moved[:, :, inner]).abs().max() > 1e-3
    torch.testing.assert_close(whole[:, :, 16:][:, :, inner], right[:, :, inner], atol=2e-5, rtol=0)


def test_local_gates_begin_as_factors_of_one() -> None:
    plain = build(branches=("expand", "identity"))
    for other in (plain, build(channels=4, blocks=3)):
        network = PlainSRConfig(channels=6, blocks=4, scale=2, gate="local", gate_every=2).build().train()
        network.load_state_dict(network.weights_from(other))
        x = torch.rand(1, 3, 16, 24)
        expected = other(x).detach()
        torch.testing.assert_close(network(x), expected, atol=2e-6 * float(expected.abs().max()), rtol=0)
        network(x).square().sum().backward()
        assert network.body[1].local.coarse.weight.grad.abs().sum() > 0


def test_local_gates_grow_with_their_network() -> None:
    small = build(gate="local", channels=4)
    large = PlainSRConfig(channels=6, blocks=6, scale=2, gate="local").build()
    large.load_state_dict(large.weights_from(small))
    x = torch.rand(1, 3, 16, 24)
    with torch.no_grad():
        expected = small(x)
        torch.testing.assert_close(large(x), expected, atol=2e-6 * float(expected.abs().max()), rtol=0)


@pytest.mark.parametrize(
    ("settings", "other"),
    [
        ({"gate": "tanh", "blocks": 6}, {"gate": "tanh"}),
        ({"gate": "pair"}, {}),
        ({"gate": "local", "gate_every": 1}, {"gate": "local"}),
        ({}, {"gate": "local"}),
    ],
    ids=str,
)
def test_what_no_weights_could_begin_as_is_not_begun(settings: dict, other: dict) -> None:
    network, smaller = build(**settings), build(**other)
    assert network.weights_from(smaller).keys() == smaller.state_dict().keys()
    with pytest.raises(RuntimeError, match="key"):
        network.load_state_dict(network.weights_from(smaller))


@pytest.mark.parametrize("blocks", [0, 1])
def test_gates_that_no_layer_would_have_are_refused(blocks: int) -> None:
    with pytest.raises(ValidationError, match=rf"`gate_every` is 2, more than `blocks` \({blocks}\)"):
        PlainSRConfig(gate="local", blocks=blocks)


def test_the_period_has_no_meaning_without_a_gate() -> None:
    assert PlainSRConfig(blocks=0, gate_every=7).facts.tile_multiple == 1


def test_the_family_of_a_gated_network_is_gated() -> None:
    config = PlainSRConfig(gate="local", gate_every=3)
    family = config.family()
    members = [family.member(config, family.shapes[0], depth) for depth in (family.least, family.most)]
    assert [member.gate for member in members] == ["local", "local"]
    assert family.without_layers(members[0]).build().facts.receptive_radius == 2
