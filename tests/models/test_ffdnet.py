"""FFDNet's noise level: a plane in training, a constant in the deployed graph, and the same function either way."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from edgeir.core.errors import ConfigError
from edgeir.data.degrade import AWGN
from edgeir.models import DnCNNConfig, FFDNetConfig


@pytest.fixture(params=[1, 3])
def network(request):
    torch.manual_seed(0)
    return FFDNetConfig(channels=request.param, depth=4, width=8, sigma=10.0).build().eval()


def test_a_plane_of_the_assumed_level_changes_nothing_and_another_level_does(network):
    x = torch.rand(2, network.facts.channels, 10, 12)
    with torch.no_grad():
        told = [network(torch.cat([x, torch.full((2, 1, 10, 12), sigma / 255)], 1)) for sigma in (10.0, 40.0)]
        assert torch.equal(told[0], network(x))
        assert (told[1] - told[0]).abs().max() > 1e-3
        assert torch.equal(network.at_sigma(40.0)(x), told[1])
        assert torch.equal(network.at_sigma(40.0).deploy()(x), told[1].clamp(0, 1))
    assert (network.facts.sigma, network.at_sigma(40.0).facts.sigma) == (10.0, 40.0)


def test_the_network_equals_its_definition(network):
    """In numpy's terms: phases by slicing, the plane at half size, zero padding, phases put back."""
    x = torch.rand(1, network.facts.channels, 8, 6)
    phases = [x[:, c, i::2, j::2] for c in range(x.shape[1]) for i in (0, 1) for j in (0, 1)]
    features = torch.stack([*phases, torch.full((1, 4, 3), 10 / 255)], 1)
    layers = [network.head.conv, *(layer.conv for layer in network.body)]
    with torch.no_grad():
        for conv in layers:
            features = F.relu(F.conv2d(features, conv.weight, conv.bias, padding=1))
        out = F.conv2d(features, network.tail.weight, network.tail.bias, padding=1)
        found = network(x)
        for c in range(x.shape[1]):
            for i in (0, 1):
                for j in (0, 1):
                    assert torch.allclose(found[:, c, i::2, j::2], out[:, 4 * c + 2 * i + j], atol=1e-6)


def test_the_degradation_tells_what_it_drew():
    image = np.full((64, 64, 3), 128, np.uint8)
    noisy = AWGN(sigma=(5.0, 50.0), noise_map=True).degrade(image, np.random.default_rng(1))
    assert noisy.shape == (64, 64, 4)
    assert np.ptp(noisy[:, :, 3]) == 0
    assert (noisy[:, :, :3] - 128 / 255).std() == pytest.approx(noisy[0, 0, 3], rel=0.02)


def test_levels_that_do_not_fit(network):
    with pytest.raises(ConfigError, match=r"`sigma` must be in \[0, 255\], not 300"):
        network.at_sigma(300.0)
    with pytest.raises(ConfigError, match="the network `dncnn` takes no noise level"):
        DnCNNConfig(depth=3, width=4).build().at_sigma(25.0)
