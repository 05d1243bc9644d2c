"""Contracts that every member of `AnyModel` keeps; a new network is covered the moment it is named there."""

import importlib.util
import typing

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch.overrides import TorchFunctionMode

from edgeir.core.trust import trusting_code
from edgeir.models import (
    AnyModel,
    AODNetConfig,
    ARCNNConfig,
    BSRNConfig,
    DANetAutoEncoderConfig,
    DANetConfig,
    DilatedNetConfig,
    DnCNNConfig,
    EDSRConfig,
    FDRNetConfig,
    FFDNetConfig,
    MultiscaleDenoiserConfig,
    PlainSRConfig,
    PlainUSRConfig,
    PPDNConfig,
    RCANConfig,
    SMFANetConfig,
    SpandrelConfig,
    UNetConfig,
)
from edgeir.models.base import outline, parameter_count
from edgeir.models.blocks.gates import GateKind

MEMBERS = [
    member
    for member in typing.get_args(typing.get_args(AnyModel)[0])
    if member is not SpandrelConfig or importlib.util.find_spec("spandrel")  # an extra
]
SMALL_DANET = {"widths": (16, 24, 32), "blocks": 1, "bottom_blocks": 1}
SMALL_PPDN = {"stem": 4, "growth": 2, "layers": (1, 2, 1, 1), "expansion": 1.0,
              "decoder_growths": (4, 4, 3, 3, 2), "decoder_widths": (4, 3, 3, 2, 2)}  # fmt: skip
FOREIGN = {"factory": "torch.nn:Conv2d", "task": "denoising", "receptive_radius": 1,
           "arguments": {"in_channels": 3, "out_channels": 3, "kernel_size": 3, "padding": 1}}  # fmt: skip
POPULAR = {"architecture": "Compact", "network": "SRVGGNetCompact", "task": "super-resolution", "scale": 2,
           "arguments": {"num_feat": 4, "num_conv": 1, "upscale": 2}, "receptive_radius": 3}  # fmt: skip
SMALLER = {
    "module": FOREIGN,
    "spandrel": POPULAR,
    "danet": SMALL_DANET,
    "danet-autoencoder": {"encoder": SMALL_DANET, "decoder": SMALL_DANET},
    "ppdn": SMALL_PPDN,
    "smfanet": {"channels": 8, "blocks": 2},
    "bsrn": {"channels": 16, "blocks": 2},
    "plainusr": {"channels": 10, "widths": (10, 6)},
}
"""Where the default is too large for a quick test, or there is none."""
GATES = typing.get_args(GateKind)
CONFIGS = [member(**SMALLER.get(member.model_fields["kind"].default, {})) for member in MEMBERS] + [
    PlainSRConfig(channels=8, blocks=2, branches=("expand", "pointwise", "identity", "edge")),
    PlainSRConfig(channels=6, blocks=0, scale=2, branches=()),
    PlainSRConfig(channels=5, blocks=3, scale=3),
    PlainSRConfig(channels=6, blocks=1, tail_rank=5),
    *(PlainSRConfig(channels=6, blocks=3, scale=2, gate=gate) for gate in GATES),
    DnCNNConfig(channels=1, depth=4, width=8),
    FFDNetConfig(channels=1, depth=4, width=6),
    SMFANetConfig(channels=6, blocks=1, scale=3),
    BSRNConfig(channels=8, blocks=1, scale=2),
    PlainUSRConfig(channels=5, widths=(5, 3, 5), scale=2),
    ARCNNConfig(channels=1),
    DANetConfig(channels=1, **SMALL_DANET),
    DANetAutoEncoderConfig(encoder=SMALL_DANET | {"channels": 1}, decoder=SMALL_DANET | {"channels": 1}),
    MultiscaleDenoiserConfig(width=6),
    MultiscaleDenoiserConfig(channels=1, width=6),
    UNetConfig(channels=1, widths=(6, 9), encoder=2, middle=1, decoder=1),
    UNetConfig(widths=(5, 8), middle=2, branches=()),
    DilatedNetConfig(channels=1, width=6, layers=1, branches=("edge", "identity")),
    DilatedNetConfig(width=5, layers=4, most_dilation=1, branches=()),
]


@pytest.fixture(autouse=True)
def _trusted():
    with trusting_code():
        yield


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


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_facts_are_known_without_building_and_are_those_of_the_network(config, monkeypatch):
    network = config.build()
    facts, reads = network.facts, network.reads

    def never(*_, **__):
        raise AssertionError("built")

    monkeypatch.setattr(torch.nn.Module, "__init__", never)
    assert (config.facts, config.reads) == (facts, reads)
    monkeypatch.undo()
    assert config.tap_names() == tuple(network.taps())
    channels = getattr(config.decoder if config.kind == "danet-autoencoder" else config, "channels", 3)
    if channels in (1, 3):  # planes of the image, not a width
        assert facts.colour == {1: "y", 3: "rgb"}[channels]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.__name__)
def test_numbers_that_no_machine_could_build_are_refused(member):
    for name, field in member.model_fields.items():
        default = SMALLER.get("module", {}).get(name, field.get_default(call_default_factory=True))
        numbers = (
            isinstance(default, tuple) and default != () and all(isinstance(value, int) for value in default)
        )
        if (isinstance(default, int | float | None) and not isinstance(default, bool)) or numbers:
            for value in (10**30, 0, -1):
                if name in ("blocks", "process_blocks", "sigma", "receptive_radius") and value == 0:
                    continue
                wrong = (value,) * len(default) if numbers else value
                with pytest.raises(ValidationError) as caught:
                    member(**{name: wrong})
                assert name in {error["loc"][0] for error in caught.value.errors()}


@pytest.mark.parametrize("size", [(8, 12), (13, 9), (21, 5)])
def test_output_is_scale_times_the_input(network, size):
    multiple = network.facts.size_multiple
    height, width = (side * multiple for side in size)
    scale = network.facts.net_scale
    out = network(torch.rand(2, network.facts.channels, height, width))
    assert out.shape == (2, network.facts.channels, height * scale, width * scale)


def test_deployed_form_equals_the_clipped_training_form(network):
    multiple = network.facts.size_multiple
    x = torch.rand(1, network.facts.channels, 12 * multiple, 7 * multiple)
    deployed = network.deploy()
    with torch.no_grad():
        expected = network(x)
        tolerance = 2e-6 * max(1.0, expected.abs().max().item())
        assert torch.allclose(deployed(x), expected.clamp(0, 1), atol=tolerance)
        assert torch.allclose(network.fused()(x), expected, atol=tolerance)
    assert not deployed.training
    shared = {id(parameter) for parameter in network.parameters()} & {id(p) for p in deployed.parameters()}
    assert not shared


def test_state_round_trip(network):
    other = network.config.build().eval()
    other.load_state_dict(network.state_dict())
    multiple = network.facts.size_multiple
    x = torch.rand(1, network.facts.channels, 8 * multiple, 8 * multiple)
    assert torch.equal(other(x), network(x))


def test_weights_from_its_own_kind_and_from_its_fused_form_give_the_same_function(network):
    multiple = network.facts.size_multiple
    x = torch.rand(1, network.facts.channels, 8 * multiple, 8 * multiple)
    for source in (network, network.fused()):
        other = network.config.build().eval()
        other.load_state_dict(other.weights_from(source))
        with torch.no_grad():
            expected = network(x)
            assert torch.allclose(other(x), expected, atol=1e-6 * expected.abs().max().item())


@pytest.mark.parametrize("tail_rank", [None, 5])
@pytest.mark.parametrize("branches", [(), ("expand", "pointwise", "identity", "edge")])
def test_plainsr_starts_as_a_smaller_one_and_all_of_it_learns(tail_rank, branches, no_dead_units):
    small = build(PlainSRConfig(channels=6, blocks=2, branches=branches, tail_rank=tail_rank))
    large = build(PlainSRConfig(channels=9, blocks=4, tail_rank=tail_rank), seed=1).train()
    large.load_state_dict(large.weights_from(small))
    x = torch.rand(2, 3, 11, 8)
    with torch.no_grad(), pytest.MonkeyPatch.context() as real:
        real.setattr(
            F, "relu", lambda x, inplace=False: torch.relu(x)
        )  # further blocks pass on what ReLU has returned
        assert torch.allclose(large(x), small(x), atol=2e-6)
    large(x).square().sum().backward()
    with torch.no_grad():
        for parameter in large.parameters():
            parameter -= 0.01 * parameter.grad.sign()
    large.zero_grad()
    large(x).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in large.parameters())


def test_plainsr_does_not_start_as_a_larger_one():
    small, large = PlainSRConfig(channels=6, blocks=2).build(), PlainSRConfig(channels=9, blocks=2).build()
    assert small.weights_from(large).keys() == large.state_dict().keys()
    with pytest.raises(RuntimeError, match="size mismatch"):
        small.load_state_dict(small.weights_from(large))


@pytest.fixture
def no_dead_units(monkeypatch):
    """ReLU with a slope: whether a unit happens to be silent on one input says nothing about the network."""
    monkeypatch.setattr(F, "relu", lambda x, inplace=False: F.leaky_relu(x, 0.3))


def test_every_parameter_gets_a_gradient(network, no_dead_units):
    multiple = network.facts.size_multiple
    network(torch.rand(1, network.facts.channels, 12 * multiple, 12 * multiple)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_taps_record_in_forward_order(network):
    seen = []
    for name, module in network.taps().items():
        module.register_forward_hook(lambda m, i, o, name=name: seen.append(name))
    multiple = network.facts.size_multiple
    network(torch.rand(1, network.facts.channels, 8 * multiple, 8 * multiple))
    assert seen == list(network.taps())


class Count(TorchFunctionMode):
    """Multiply-accumulates by hand: values of a kernel times what it makes, or what meets it."""

    def __init__(self):
        super().__init__()
        self.total = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if function is F.conv2d:
            self.total += args[1][0].numel() * out.numel()
        elif function is F.conv_transpose2d:
            self.total += args[1][0].numel() * args[0].numel()
        elif function in (torch.matmul, F.linear):
            self.total += args[0].shape[-1] * out.numel()
        return out


def test_macs_equal_a_count_over_the_convolutions_that_ran(network):
    multiple = network.facts.size_multiple
    height, width = 8 * multiple, 12 * multiple
    deployed = network.deploy()
    with Count() as counter, torch.no_grad():
        deployed(torch.rand(1, network.facts.channels, height, width))
    assert network.macs(height, width) == counter.total > 0


def test_receptive_radius_bounds_what_an_output_pixel_sees(network, no_dead_units):
    """Perturb one input pixel; output pixels beyond the radius must not change (unless the network is global)."""
    facts = network.facts
    if facts.global_operations:
        pytest.skip("reads the whole image")
    if facts.tile_multiple > 1:
        pytest.skip("a maximum has a gradient at one pixel: `test_gates` looks with NaN")
    multiple, scale = facts.size_multiple, facts.net_scale
    side = -(-(2 * facts.receptive_radius + 9) // multiple) * multiple
    reaches = []
    for centre in range(
        side // 2, side // 2 + multiple
    ):  # behind strides, neighbours see different distances
        x = torch.rand(1, facts.channels, side, side, requires_grad=True)
        window = slice(centre * scale, (centre + 1) * scale)
        network(x)[:, :, window, window].sum().backward()
        reaches.append((x.grad.abs().sum((0, 1)).nonzero() - centre).abs().max().item())
    assert max(reaches) <= facts.receptive_radius
    assert max(reaches) >= facts.receptive_radius - 1  # nor is it wastefully large


def test_exports_to_a_graph(network):
    multiple = network.facts.size_multiple
    x = torch.rand(1, network.facts.channels, 8 * multiple, 8 * multiple)
    program = torch.export.export(network.deploy(), (x,))
    assert torch.allclose(program.module()(x), network.deploy()(x), atol=1e-6)


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (EDSRConfig(), 1_517_571),
        (RCANConfig(), 1_972_307),
        (DnCNNConfig(channels=1), 557_057),
        (FFDNetConfig(channels=1), 485_316),
        (FFDNetConfig(), 852_108),
        (AODNetConfig(), 1_761),
        (FDRNetConfig(), 1_667_807),
        (FDRNetConfig(disentangle=False), 1_629_791),
        (FDRNetConfig(auxiliary=False), 1_215_251),
        (MultiscaleDenoiserConfig(), 1_033_443),
        (SMFANetConfig(), 197_328),
        (SMFANetConfig(channels=48, blocks=12), 495_888),
        (BSRNConfig(), 352_400),
        (PlainUSRConfig(), 734_004),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_published_parameter_counts(config, count):
    assert parameter_count(config.build()) == count


def test_arcnn_has_the_published_convolutions():
    network = ARCNNConfig(channels=1).build()
    assert parameter_count(network) == 106_561 + 3  # one slope per PReLU


def test_aod_taps_follow_the_relu_and_its_weights_keep_their_names():
    network = build(AODNetConfig())
    seen = {}
    for name, module in network.taps().items():
        module.register_forward_hook(lambda m, i, o, name=name: seen.update({name: o}))
    x = torch.rand(1, 3, 16, 16)
    network(x)
    assert list(seen) == [f"conv{place}" for place in range(1, 6)]
    assert all((features >= 0).all() for features in seen.values())
    assert torch.equal(seen["conv1"], network.conv1(x).clamp(min=0))
    assert torch.equal(seen["conv2"], network.conv2(seen["conv1"]).clamp(min=0))
    assert set(network.state_dict()) == {
        f"conv{i}.{part}" for i in range(1, 6) for part in ("weight", "bias")
    }


def test_macs_and_sizes_of_table_7():
    assert DnCNNConfig(channels=1).build().macs(320, 480) == pytest.approx(86.1e9, rel=0.015)
    small, large = DANetConfig(channels=1).build(), DANetConfig(channels=1, blocks=6, bottom_blocks=6).build()
    assert small.macs(320, 480) == pytest.approx(571.1e9, rel=0.015)
    assert large.macs(320, 480) == pytest.approx(1040.9e9, rel=0.015)
    assert parameter_count(small) == pytest.approx(15.94e6, rel=0.015)
    assert parameter_count(large) == pytest.approx(23.48e6, rel=0.015)


def test_ppdn_has_the_published_size():
    assert parameter_count(outline(PPDNConfig())) == pytest.approx(31.28e6, rel=0.015)


def test_ppdn_is_densenet_121_to_the_left():
    network = outline(PPDNConfig())
    encoder = [network.stem, network.encoder, network.shrink]
    # torchvision's densenet121 without its last norm (2 x 1024) and classifier (1024 x 1000 + 1000).
    assert sum(parameter_count(part) for part in encoder) == 7_978_856 - 2_048 - 1_025_000


def test_plain_student_has_the_documented_sizes():
    assert parameter_count(PlainSRConfig().build().deploy()) == 0 + sum(
        parameter.numel() for parameter in PlainSRConfig(branches=()).build().parameters()
    )
    assert parameter_count(PlainSRConfig(branches=()).build()) == 108_592
    assert parameter_count(DilatedNetConfig(branches=()).build()) == 106_563
    assert parameter_count(PlainSRConfig(channels=16, blocks=2, branches=()).build()) == 13_392
    assert parameter_count(PlainSRConfig(channels=12, blocks=6, tail_rank=16, branches=()).build()) == 12_088
    assert parameter_count(PlainSRConfig(channels=24, blocks=6, tail_rank=24, branches=()).build()) == 39_672


@pytest.mark.parametrize("widths", [(10, 20), (4, 8), (0,)])
def test_danet_offsets_come_in_eight_groups(widths):
    with pytest.raises(ValidationError, match="multiple of 8|greater than or equal to 8"):
        DANetConfig(widths=widths)


@pytest.mark.parametrize(
    ("layers", "most", "expected"),
    [(1, 4, (2,)), (2, 4, (2, 2)), (5, 4, (2, 3, 4, 3, 2)), (7, 4, (2, 3, 4, 4, 4, 3, 2)), (3, 1, (1, 1, 1))],
)
def test_dilations_grow_and_shrink_again(layers, most, expected):
    config = DilatedNetConfig(layers=layers, most_dilation=most)
    assert config.dilations == expected
    assert [layer.conv.dilation for layer in config.build().body] == list(expected)
    assert config.facts.receptive_radius == sum(expected) + 2


@pytest.mark.parametrize("kind", [DilatedNetConfig, UNetConfig])
def test_a_student_keeps_its_function_when_its_branches_change(kind):
    source = build(kind(branches=("expand", "pointwise")))
    image = torch.rand(1, 3, 20, 24)
    for branches in [(), ("identity", "edge")]:
        target = build(kind(branches=branches), seed=1)
        target.load_state_dict(target.weights_from(source))
        torch.testing.assert_close(target(image), source(image), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", [DilatedNetConfig, UNetConfig])
def test_without_branches_a_student_has_exactly_the_fused_kernels(kind):
    source = build(kind(branches=("expand", "pointwise", "identity")))
    fused = source.fused()
    torch.testing.assert_close(fused.tail.conv.weight, source.tail.kernel(), atol=0, rtol=0)
    torch.testing.assert_close(fused.tail.conv.bias, source.tail.conv.bias, atol=0, rtol=0)
