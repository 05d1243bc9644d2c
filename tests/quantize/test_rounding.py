"""8-bit weights rounded for flat areas: on the grid, near their values, and better where an image is flat."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgeir.models import DnCNNConfig, PlainSRConfig
from edgeir.quantize.rounding import TEXTURE, rounded, rounded_kernel
from edgeir.quantize.weight_scales import weight_scales


def convolutions(network):
    return {name: layer for name, layer in network.deploy().named_modules() if isinstance(layer, nn.Conv2d)}


def nearest(network, names, rule="full"):
    """As a quantiser rounds by itself."""
    deployed = copy.deepcopy(network.deploy())
    for name, layer in deployed.named_modules():
        if name in names:
            weights = layer.weight.detach().numpy()
            scale = weight_scales(weights, rule)[:, None, None, None]
            layer.weight.data = torch.from_numpy(np.clip(np.rint(weights / scale), -127, 127) * scale)
    return deployed


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    return PlainSRConfig(scale=2, channels=12, blocks=4, branches=()).build().eval()


@pytest.mark.parametrize("rule", ["full", "pairs"])
def test_weights_are_steps_of_a_scale_that_a_quantiser_finds_again(network, rule):
    names = set(convolutions(network))
    made = convolutions(rounded(network, names, rule=rule))
    on_grid = []
    for name, before in convolutions(network).items():
        weights, old = made[name].weight.detach().numpy(), before.weight.detach().numpy()
        scale = weight_scales(weights, rule)[:, None, None, None]
        numbers = weights / scale
        on_grid += list(np.abs(numbers - np.rint(numbers)).reshape(len(weights), -1).max(1) < 1e-3)
        assert np.abs(numbers).max() <= 127.001
        assert (np.abs(weights - old) <= 3.1 * scale).all()
    assert np.mean(on_grid) > 0.9  # a channel whose scale would come out otherwise stays as it is


def test_a_flat_area_is_nearer_to_the_float_network_than_by_rounding_to_the_nearest(network):
    names = set(convolutions(network))
    plain, better = nearest(network, names), rounded(network, names).deploy()
    generator = torch.Generator().manual_seed(0)
    colours = torch.rand(40, 3, 1, 1, generator=generator)  # none of the levels that it was rounded by
    with torch.no_grad():
        flat = colours.expand(40, 3, 40, 40)
        wanted = network.deploy()(flat)[..., 30:50, 30:50]
        errors = [float((each(flat)[..., 30:50, 30:50] - wanted).square().mean()) for each in (plain, better)]
    assert errors[1] < 0.3 * errors[0]


def test_texture_costs_no_more_than_a_little(network):
    names = set(convolutions(network))
    with torch.no_grad():
        noise = torch.rand(4, 3, 40, 40, generator=torch.Generator().manual_seed(1))
        wanted = network.deploy()(noise)
        nets = (nearest(network, names), rounded(network, names).deploy())
        plain, better = (float((each(noise) - wanted).square().mean()) for each in nets)
    assert better < 1.5 * plain


def test_only_the_layers_that_are_named_change(network):
    first = next(iter(convolutions(network)))
    made = convolutions(rounded(network, [first]))
    same = {
        name: torch.equal(made[name].weight, layer.weight) for name, layer in convolutions(network).items()
    }
    assert not same.pop(first)
    assert all(same.values())


@given(seed=st.integers(0, 10**6), inputs=st.integers(1, 5), taps=st.sampled_from([1, 3]))
def test_the_objective_is_never_worse_than_that_of_the_nearest_numbers(seed, inputs, taps):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((3, inputs, taps, taps)).astype(np.float32)
    read = np.abs(rng.standard_normal((9, inputs)))
    gram, scales = read.T @ read / 9, np.abs(weights.reshape(3, -1)).max(1).astype(np.float64) / 127
    exact = weights.astype(np.float64) / scales[:, None, None, None]

    def objective(numbers):
        errors = exact - numbers
        sums = errors.sum((2, 3))
        texture = TEXTURE * np.diag(gram).mean() * (errors**2).sum((1, 2, 3))
        return np.einsum("oi,ij,oj->o", sums, gram, sums) + texture

    found = rounded_kernel(weights, gram, scales)
    assert np.all(found == np.rint(found))
    assert np.all(objective(found) <= objective(np.rint(exact)) + 1e-9)
    assert np.all(np.abs(found).reshape(3, -1).max(1) == 127)
    assert np.abs(found - exact).max() <= 1 + 1e-9


def test_depthwise_layers_and_one_channel():
    torch.manual_seed(0)
    network = DnCNNConfig(depth=3, width=8, channels=1).build().eval()
    deployed = network.deploy()
    names = [name for name, layer in deployed.named_modules() if isinstance(layer, nn.Conv2d)]
    made = rounded(network, names, per_tensor=True).deploy()
    for name, layer in made.named_modules():
        if name in names:
            step = float(layer.weight.abs().max()) / 127
            numbers = (layer.weight / step).detach()
            assert float((numbers - numbers.round()).abs().max()) < 1e-3
