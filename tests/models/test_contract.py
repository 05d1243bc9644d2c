"""Contracts that every member of `AnyModel` keeps; a new network is covered the moment it is named there."""

import typing

import pytest
import torch
from torch import nn

from edgeir.models import AnyModel, PlainSR
from edgeir.models.base import parameter_count

MEMBERS = typing.get_args(typing.get_args(AnyModel)[0])
CONFIGS = [member() for member in MEMBERS] + [
    PlainSR(channels=8, blocks=2, branches=("expand", "pointwise", "identity", "edge")),
    PlainSR(channels=6, blocks=0, scale=2, branches=()),
    PlainSR(channels=5, blocks=3, scale=3),
    PlainSR(channels=6, blocks=1, tail_rank=5),
]


def build(config, seed=0):
    torch.manual_seed(seed)
    network = config.build()
    with torch.no_grad():  # away from initial zeros, so that every branch matters
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


@pytest.fixture(params=CONFIGS, ids=str)
def network(request):
    return build(request.param)


@pytest.mark.parametrize("size", [(8, 12), (13, 9), (21, 5)])
def test_output_is_scale_times_the_input(network, size):
    multiple = network.facts.size_multiple
    height, width = (side * multiple for side in size)
    scale = network.facts.net_scale
    out = network(torch.rand(2, 3, height, width))
    assert out.shape == (2, 3, height * scale, width * scale)


def test_deployed_form_equals_the_clipped_training_form(network):
    multiple = network.facts.size_multiple
    x = torch.rand(1, 3, 12 * multiple, 7 * multiple)
    deployed = network.deploy()
    with torch.no_grad():
        assert torch.allclose(deployed(x), network(x).clamp(0, 1), atol=2e-6)
        assert torch.allclose(network.fused()(x), network(x), atol=2e-6)
    assert not deployed.training
    shared = {id(parameter) for parameter in network.parameters()} & {id(p) for p in deployed.parameters()}
    assert not shared


def test_state_round_trip(network):
    other = network.config.build().eval()
    other.load_state_dict(network.state_dict())
    multiple = network.facts.size_multiple
    x = torch.rand(1, 3, 8 * multiple, 8 * multiple)
    assert torch.equal(other(x), network(x))


def test_weights_from_its_own_kind_and_from_its_fused_form_give_the_same_function(network):
    multiple = network.facts.size_multiple
    x = torch.rand(1, 3, 8 * multiple, 8 * multiple)
    for source in (network, network.fused()):
        other = network.config.build().eval()
        other.load_state_dict(other.weights_from(source))
        with torch.no_grad():
            expected = network(x)
            assert torch.allclose(other(x), expected, atol=1e-6 * expected.abs().max().item())


def test_every_parameter_gets_a_gradient(network):
    multiple = network.facts.size_multiple
    network(torch.rand(1, 3, 12 * multiple, 12 * multiple)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_taps_record_in_forward_order(network):
    seen = []
    for name, module in network.taps().items():
        module.register_forward_hook(lambda m, i, o, name=name: seen.append(name))
    multiple = network.facts.size_multiple
    network(torch.rand(1, 3, 8 * multiple, 8 * multiple))
    assert seen == list(network.taps())


def test_macs_equal_a_count_over_the_convolutions_that_ran(network):
    total = 0

    def count(module, inputs, output):
        nonlocal total
        kernel = module.weight.shape[1:].numel()
        total += kernel * output.shape[1:].numel()

    deployed = network.deploy()
    for module in deployed.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    multiple = network.facts.size_multiple
    height, width = 8 * multiple, 12 * multiple
    deployed(torch.rand(1, 3, height, width))
    assert network.macs(height, width) == total


def test_receptive_radius_bounds_what_an_output_pixel_sees(network):
    """Perturb one input pixel; output pixels beyond the radius must not change (unless the network is global)."""
    facts = network.facts
    if facts.global_operations:
        pytest.skip("reads the whole picture")
    side = 2 * facts.receptive_radius + 9
    centre = side // 2
    x = torch.rand(1, 3, side, side, requires_grad=True)
    scale = facts.net_scale
    out = network(x)
    out[:, :, centre * scale : (centre + 1) * scale, centre * scale : (centre + 1) * scale].sum().backward()
    used = x.grad.abs().sum((0, 1)).nonzero()
    reach = (used - centre).abs().max().item()
    assert reach <= facts.receptive_radius
    assert reach >= facts.receptive_radius - 1  # nor is it wastefully large


def test_exports_to_a_graph(network):
    multiple = network.facts.size_multiple
    x = torch.rand(1, 3, 8 * multiple, 8 * multiple)
    program = torch.export.export(network.deploy(), (x,))
    assert torch.allclose(program.module()(x), network.deploy()(x), atol=1e-6)


def test_plain_student_has_the_documented_sizes():
    assert parameter_count(PlainSR().build().deploy()) == 0 + sum(
        parameter.numel() for parameter in PlainSR(branches=()).build().parameters()
    )
    assert parameter_count(PlainSR(branches=()).build()) == 108_592
    assert parameter_count(PlainSR(channels=16, blocks=2, branches=()).build()) == 13_392
    assert parameter_count(PlainSR(channels=12, blocks=6, tail_rank=16, branches=()).build()) == 12_088
    assert parameter_count(PlainSR(channels=24, blocks=6, tail_rank=24, branches=()).build()) == 39_672
