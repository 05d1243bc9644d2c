"""Cross-layer equalisation: the same image, equal ranges, and layers that it must leave alone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from edgeir.models import ARCNNConfig, DnCNNConfig, PlainSRConfig, RCANConfig
from edgeir.quantize.equalise import equalised, equalised_pairs
from edgeir.quantize.recording import record


def lively(network):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 100
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / fan_in**0.5)
    return network.eval()


@pytest.mark.parametrize(
    ("config", "pairs"),
    [
        (PlainSRConfig(channels=8, blocks=3, branches=()), 4),
        (DnCNNConfig(depth=5, width=8), 4),
        (RCANConfig(channels=16, groups=1, blocks=1, scale=1), None),
        (ARCNNConfig(), 0),  # PReLU, with a slope for each channel
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_the_network_computes_the_same_and_its_pairs_have_equal_ranges(config, pairs) -> None:
    network = lively(config.build())
    with torch.no_grad():
        for parameter in network.parameters():  # channels of very different size
            if parameter.ndim == 4:
                parameter *= torch.logspace(-1, 1, len(parameter))[:, None, None, None]
    before = {name: value.clone() for name, value in network.deploy().state_dict().items()}
    result = equalised(network)
    image = torch.rand(1, network.facts.channels, 16, 24, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        wanted, got = network.deploy()(image), result.deploy()(image)
    assert (wanted - got).abs().max() < 1e-3
    for name, value in network.deploy().state_dict().items():
        assert torch.equal(value, before[name]), "the network itself was changed"
    deployed = result.deploy()
    weights = dict(deployed.named_parameters())
    found = equalised_pairs(record(deployed, network.facts))
    if pairs is not None:
        assert len(found) == pairs
    assert found or pairs == 0
    for first, _, second in found:
        largest = weights[first].abs().amax((1, 2, 3))
        read = weights[second].abs().amax((0, 2, 3))
        torch.testing.assert_close(largest, read, rtol=0.01, atol=1e-6)


class Branched(nn.Module):
    """Its first pair is read twice, the second goes through a sigmoid, the third is grouped."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(3))
        self.d = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.first = nn.Conv2d(3, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = torch.relu(self.first(x))
        x = self.a(features) + features
        x = torch.sigmoid(self.b(torch.relu(self.c(x))))
        return self.d(torch.relu(x))


def test_what_is_read_twice_or_is_not_homogeneous_is_left_alone() -> None:
    network = lively(PlainSRConfig(channels=8, blocks=1).build())
    module = lively(Branched())
    assert equalised_pairs(record(module, network.facts)) == [("c.weight", "c.bias", "b.weight")]


def test_channels_of_zeros_stay_zero() -> None:
    network = lively(PlainSRConfig(channels=8, blocks=2, branches=()).build())
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 4:
                parameter[1] = 0
    image = torch.rand(1, 3, 8, 8)
    with torch.inference_mode():
        wanted, got = network.deploy()(image), equalised(copy.deepcopy(network)).deploy()(image)
    torch.testing.assert_close(wanted, got, rtol=1e-4, atol=1e-5)
