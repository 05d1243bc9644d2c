"""What networks read of the whole image: in every form the same numbers, and constants in their place."""

import numpy as np
import pytest
import torch
from torch import nn

from edgeir.core.errors import ExportError
from edgeir.core.moments import Moments
from edgeir.manifest.facts import CONSTANT_OPERATIONS
from edgeir.models import (
    DANetConfig,
    FDRNetConfig,
    PlainSRConfig,
    PPCNEnhanceConfig,
    PPCNSRConfig,
    RCANConfig,
)
from edgeir.models.blocks.global_statistics import (
    ImageMean,
    InstanceNorm,
    Stages,
    StatisticsLayer,
    statistics_layers,
)
from edgeir.models.constants import calibrate, with_constants

CONFIGS = [
    PPCNEnhanceConfig(),
    PPCNEnhanceConfig(size="teacher"),
    PPCNSRConfig(),
    FDRNetConfig(channels=8, phases=2, process_blocks=1, auxiliary_blocks=1),
    RCANConfig(channels=16, groups=1, blocks=2),
]


@pytest.fixture(params=CONFIGS, ids=["student", "teacher", "sr", "fdr-net", "rcan"])
def network(request):
    generator = torch.Generator().manual_seed(0)
    network = request.param.build().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            spread = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3
            start = 1 if parameter.ndim == 1 and parameter.mean() == 1 else 0
            parameter.copy_(start + spread * torch.randn(parameter.shape, generator=generator))
    return network


def image(seed=0, height=28, width=20):
    x = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    return x * np.linspace(0.2, 1, height, dtype=np.float32)[:, None, None]


def tensor(image):
    return torch.from_numpy(image.transpose(2, 0, 1)[None].copy())


def test_every_form_of_the_norm_is_torchs_own():
    norm, reference = InstanceNorm(4, eps=1e-3), nn.InstanceNorm2d(4, eps=1e-3, affine=True)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -2.0, 0.5, 3.0]))
        norm.bias.copy_(torch.tensor([0.0, 1.0, -1.0, 0.2]))
    assert norm.state_dict().keys() == reference.state_dict().keys()
    reference.load_state_dict(norm.state_dict())
    x = 3 + torch.randn(2, 4, 9, 7, generator=torch.Generator().manual_seed(0))
    for form in ("kernel", "graph", "precise"):
        norm.computes = form
        assert torch.allclose(norm(x), reference(x), atol=2e-6)
    values = x[:1].double().numpy()
    norm.set_statistics(Moments(values.mean((0, 2, 3)), values.var((0, 2, 3))))
    assert torch.allclose(norm(x[:1]), reference(x[:1]), atol=2e-6)
    assert not torch.allclose(norm(x[1:]), reference(x[1:]), atol=0.1)


def test_readers_run_in_the_order_of_the_modules(network):
    seen = []
    for layer in statistics_layers(network):
        layer.register_forward_pre_hook(lambda module, inputs: seen.append((module, inputs[0].shape[2:])))
    network(tensor(image()))
    assert [module for module, _ in seen] == statistics_layers(network)
    assert {size for _, size in seen} == {(28, 20)}
    assert {layer.operation for layer in statistics_layers(network)} == set(network.facts.global_operations)


def test_stages_stop_at_the_reader_and_leave_the_network_as_it_was(network):
    x = tensor(image())
    before = network(x)
    stages = Stages(network)
    known = calibrate(network, [image(seed=1)])
    assert len(known) == len(stages)
    first = stages.next_input(x, [])
    if not stages.only_scale:
        assert torch.allclose(first / first.max(), x / x.max())  # PPCN-SR works on a scale of 255
    assert not torch.equal(stages.next_input(x, known[:-1]), first) or len(stages) == 1
    assert torch.allclose(network(x), before, atol=2e-6 * float(before.detach().abs().max()))


def test_constants_of_a_image_are_the_network_on_that_image(network):
    one, other = image(), image(seed=1) ** 2
    constant = with_constants(network, calibrate(network, [one]))
    assert constant.facts.global_operations == ()
    assert constant.state_dict().keys() == network.state_dict().keys()
    with torch.no_grad():
        wanted = network(tensor(one))
        tolerance = 3e-6 * max(1.0, float(wanted.abs().max()))
        assert torch.allclose(constant(tensor(one)), wanted, atol=tolerance)
        assert torch.allclose(constant.deploy()(tensor(one)), wanted.clamp(0, 1), atol=tolerance)
        changed = (constant(tensor(other)) - network(tensor(other))).abs().max()
        assert changed > 100 * tolerance
        # Folding changes nothing, border included.
        assert torch.allclose(
            constant.deploy()(tensor(other)), constant(tensor(other)).clamp(0, 1), atol=tolerance
        )
    assert statistics_layers(network) != []  # the original reads its image as before


@pytest.mark.parametrize("config", CONFIGS[:2], ids=["student", "teacher"])
def test_the_deployed_constant_network_is_convolutions_only(config):
    network = config.build()
    constant = with_constants(network, calibrate(network, [image()])).deploy()
    kinds = {type(module).__name__ for module in constant.modules() if not list(module.children())}
    assert kinds == {"Conv2d", "Shift", "Identity", "Clip"}
    assert not any(isinstance(module, StatisticsLayer) for module in constant.modules())


def test_the_statistics_of_several_images_are_those_of_all_their_pixels():
    network = PPCNEnhanceConfig().build()
    one, other = image(), 0.5 * image(seed=1)
    (mean, *_), both = calibrate(network, [one, other]), np.stack([one, other])
    np.testing.assert_allclose(mean.mean, both.mean((0, 1, 2), dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(mean.variance, both.astype(np.float64).var((0, 1, 2)), rtol=1e-5)


def test_a_constant_network_sees_as_far_as_its_facts_say(network):
    radius, multiple, scale = (
        getattr(network.facts, name) for name in ("receptive_radius", "size_multiple", "net_scale")
    )
    constant = with_constants(network, calibrate(network, [image()]))
    side = -(-(2 * radius + 9) // multiple) * multiple
    reaches = []
    for centre in range(side // 2, side // 2 + multiple):
        x = torch.rand(1, 3, side, side, requires_grad=True)
        constant(x)[:, :, centre * scale, centre * scale].sum().backward()
        reaches.append((x.grad.abs().sum((0, 1)).nonzero() - centre).abs().max().item())
    assert radius - 2 <= max(reaches) <= radius  # PPCN-SR's counts whole pixels of a quarter of the size


def test_constants_where_there_is_nothing_to_replace():
    with pytest.raises(
        ExportError, match=r"no global statistics that could be made constant.*--statistics image"
    ) as caught:
        calibrate(PlainSRConfig(channels=4, blocks=0).build(), [image()])
    assert "\n" not in str(caught.value)
    with pytest.raises(ExportError, match=r"cannot be made constant: deformable sampling"):
        calibrate(DANetConfig(widths=(8,), blocks=1, bottom_blocks=1).build(), [image()])
    with pytest.raises(ExportError, match="has 3 layers with global statistics, not 1"):
        with_constants(PPCNEnhanceConfig().build(), [Moments(np.zeros(3), np.ones(3))])


def test_a_mean_alone_is_the_mean():
    x = torch.rand(2, 3, 5, 4)
    for form in ("kernel", "precise"):
        layer = ImageMean()
        layer.computes = form
        assert torch.allclose(layer(x), x.mean((2, 3), keepdim=True), atol=1e-6)


def test_what_readers_stand_for_is_what_may_be_constant(network):
    assert {layer.operation for layer in statistics_layers(network)} <= CONSTANT_OPERATIONS
    assert network.facts.may_be_constant
    assert not DANetConfig(widths=(8,), blocks=1, bottom_blocks=1).build().facts.may_be_constant
