"""Shared layers against their definitions."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from edgeir.models.blocks.attention import ChannelAttention, SpatialAttention
from edgeir.models.blocks.deformable import DeformableConv, deformable_conv
from edgeir.models.blocks.fuse import ConvNorm
from edgeir.models.blocks.gain_control import GainControl
from edgeir.models.blocks.reparam import ReparamConv
from edgeir.models.blocks.wavelet import HaarJoin, HaarSplit, fold_join, fold_split


def uniform(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1


def by_definition(x, weight, offsets, masks, groups):
    """torchvision's deform_conv2d, one sample at a time: zero outside, bilinear between pixels."""
    batch, channels, height, width = x.shape
    out = np.zeros((batch, weight.shape[0], height, width))

    def pixel(n, c, row, column):
        return x[n, c, row, column] if 0 <= row < height and 0 <= column < width else 0.0

    for n, c, i, j, tap in np.ndindex(batch, channels, height, width, 9):
        group = c // (channels // groups)
        y = i + tap // 3 - 1 + offsets[n, 18 * group + 2 * tap, i, j]
        z = j + tap % 3 - 1 + offsets[n, 18 * group + 2 * tap + 1, i, j]
        top, left = int(np.floor(y)), int(np.floor(z))
        value = sum(
            (1 - abs(y - row)) * (1 - abs(z - column)) * pixel(n, c, row, column)
            for row in (top, top + 1)
            for column in (left, left + 1)
        )
        out[n, :, i, j] += weight[:, c, tap // 3, tap % 3] * masks[n, 9 * group + tap, i, j] * value
    return out


@pytest.mark.parametrize("groups", [1, 2])
def test_deformable_convolution_is_torchvisions(groups):
    x, weight = uniform(2, 4, 5, 6), uniform(3, 4, 3, 3, seed=1)
    offsets = 3 * uniform(2, 18 * groups, 5, 6, seed=2)  # some point outside
    masks = uniform(2, 9 * groups, 5, 6, seed=3).abs()
    found = deformable_conv(x, weight, None, offsets, masks, groups)
    expected = by_definition(*(t.numpy() for t in (x, weight, offsets, masks)), groups)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


@pytest.fixture
def deform_conv2d():
    """torchvision's, where it is installed and its library fits this torch; a bad fit shows at the latest in a call."""
    image, offsets, weight = torch.zeros(1, 1, 3, 3), torch.zeros(1, 18, 3, 3), torch.zeros(1, 1, 3, 3)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torchvision.ops import deform_conv2d
        deform_conv2d(image, offsets, weight, padding=1)
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        pytest.skip(f"torchvision cannot be used: {error}")
    return deform_conv2d


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_deformable_convolution_and_its_gradients_are_those_of_torchvisions_operator(groups, deform_conv2d):
    tensors = {
        "x": uniform(2, 16, 7, 6),
        "weight": uniform(5, 16, 3, 3, seed=1),
        "bias": uniform(5, seed=2),
        "offsets": 3 * uniform(2, 18 * groups, 7, 6, seed=3),  # some point outside
        "masks": uniform(2, 9 * groups, 7, 6, seed=4).abs(),
    }
    x, weight, bias, offsets, masks = (tensor.requires_grad_() for tensor in tensors.values())
    ours = deformable_conv(x, weight, bias, offsets, masks, groups)
    theirs = deform_conv2d(x, offsets, weight, bias, padding=(1, 1), mask=masks)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)
    pull = uniform(2, 5, 7, 6, seed=5)
    found, expected = (torch.autograd.grad(out, list(tensors.values()), pull) for out in (ours, theirs))
    for name, one, other in zip(tensors, found, expected, strict=True):
        torch.testing.assert_close(
            one, other, rtol=0, atol=1e-11, msg=lambda text, name=name: f"{name}: {text}"
        )


@given(st.integers(1, 9), st.integers(1, 9))
def test_without_offsets_it_is_a_convolution(height, width):
    layer = DeformableConv(4, 3, groups=2).double()
    x = uniform(1, 4, height, width)
    none, full = torch.zeros(1, 36, height, width).double(), torch.ones(1, 18, height, width).double()
    expected = F.conv2d(x, layer.weight, layer.bias, padding=1)
    assert torch.allclose(layer(x, none, full), expected, atol=1e-12)


def test_deformable_convolution_passes_the_gradient_check():
    x, weight, bias = uniform(1, 2, 4, 3), uniform(2, 2, 3, 3, seed=1), uniform(2, seed=2)
    offsets, masks = uniform(1, 18, 4, 3, seed=3), uniform(1, 9, 4, 3, seed=4).abs()
    inputs = tuple(t.requires_grad_() for t in (x, weight, bias, offsets, masks))
    assert torch.autograd.gradcheck(deformable_conv, inputs)


def test_haar_bands_are_those_of_the_paper():
    x = uniform(1, 1, 4, 6)
    a, b, c, d = (x[:, :, i::2, j::2] / 2 for i, j in ((0, 0), (1, 0), (0, 1), (1, 1)))
    expected = torch.cat([a + b + c + d, -a - b + c + d, -a + b - c + d, a - b - c + d], 1)
    assert torch.allclose(HaarSplit().double()(x), expected)


@given(st.integers(1, 4), st.integers(1, 8), st.integers(1, 8))
def test_haar_is_inverted_exactly_and_keeps_energy(channels, height, width):
    x = uniform(2, channels, 2 * height, 2 * width)
    bands = HaarSplit().double()(x)
    assert bands.shape == (2, 4 * channels, height, width)
    assert torch.allclose(HaarJoin().double()(bands), x, atol=1e-12)
    assert bands.square().sum() == pytest.approx(x.square().sum().item())


def test_gain_control_follows_equation_4_and_its_inverse_equation_7():
    layer = GainControl(3).double()
    with torch.no_grad():
        layer.gamma.copy_(uniform(3, 3).abs())
        layer.beta.copy_(uniform(3, seed=1).abs() + 0.5)
    beta, gamma = (t.detach().numpy() for t in layer.weights())
    x = uniform(1, 3, 2, 2, seed=2)
    s = x.numpy()[0]
    root = np.sqrt(np.einsum("ij,jhw->ihw", gamma, s**2) + beta[:, None, None])
    np.testing.assert_allclose(layer(x).detach().numpy()[0], s / root, rtol=1e-12)
    layer.inverse = True
    np.testing.assert_allclose(layer(x).detach().numpy()[0], s * root, rtol=1e-12)


def test_gain_control_starts_as_documented_and_stays_positive():
    layer = GainControl(4)
    beta, gamma = layer.weights()
    assert torch.equal(beta, torch.ones(4))
    assert torch.equal(gamma, 0.1 * torch.eye(4))
    with torch.no_grad():
        layer.beta.zero_()
        layer.gamma.fill_(-1e-9)
    beta, gamma = layer.weights()
    assert beta.min() >= 1e-6
    assert gamma.min() >= 0
    small = GainControl(2).double()
    x = uniform(1, 2, 2, 2).requires_grad_()
    assert torch.autograd.gradcheck(small, (x,))
    with torch.no_grad():
        small.gamma.add_(0.1)  # off the bound, where there is a derivative
    parameters = tuple(p.detach().requires_grad_() for p in (small.beta, small.gamma))
    assert torch.autograd.gradcheck(
        lambda b, g: torch.func.functional_call(small, {"beta": b, "gamma": g}, (x.detach(),)), parameters
    )


def test_a_weight_at_its_bound_leaves_it_when_the_loss_wants_it_larger():
    torch.manual_seed(0)
    layer = GainControl(3)
    x = torch.rand(1, 3, 8, 8) + 0.5
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
    true = x * torch.rsqrt(1 + 0.1 * x**2 + 0.5 * x.roll(1, 1) ** 2)
    for _ in range(200):
        optimiser.zero_grad()
        (layer(x) - true).square().mean().backward()
        optimiser.step()
    _, gamma = layer.weights()
    wanted = torch.eye(3).roll(-1, 1).bool()
    assert gamma[wanted].min() > 0.2
    with torch.no_grad():
        layer.gamma.fill_(-0.3)
    layer.zero_grad()
    layer(x).sum().backward()  # larger weights make the output smaller, which is wanted
    assert (layer.gamma.grad < 0).all()
    layer.zero_grad()
    (-layer(x).sum()).backward()
    assert torch.equal(layer.gamma.grad, torch.zeros(3, 3))


def test_attention_scales_channels_and_pixels():
    x = uniform(2, 32, 5, 6).float()
    factor = ChannelAttention(32)(x) / x
    assert torch.allclose(factor, factor[:, :, :1, :1].expand_as(factor), atol=1e-4)
    factor = SpatialAttention()(x) / x
    assert torch.allclose(factor, factor[:, :1].expand_as(factor), atol=1e-4)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_folded_normalisation_computes_the_same(transposed):
    kind = torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d
    layer = ConvNorm(kind(3, 5, 3, padding=1)).double()
    layer.train()
    for seed in range(3):  # running statistics that matter
        layer(3 * uniform(4, 3, 6, 6, seed=seed) + 1)
    layer.eval()
    x = uniform(1, 3, 6, 7, seed=9)
    assert torch.allclose(layer.fused()(x), layer(x), atol=1e-12)


@given(st.integers(1, 5), st.integers(1, 5))
def test_a_folded_transform_is_the_transform_and_its_convolution_borders_included(height, width):
    x = uniform(2, 3, 2 * height, 2 * width)
    after, before = (
        torch.nn.Conv2d(12, 5, 3, padding=1).double(),
        torch.nn.Conv2d(3, 8, 3, padding=1).double(),
    )
    split, join = HaarSplit().double(), HaarJoin().double()
    assert torch.allclose(fold_split(after).double()(x), after(split(x)), atol=1e-6)
    assert torch.allclose(fold_join(before).double()(x), join(before(x)), atol=1e-6)


@pytest.mark.parametrize(
    "branches", [("identity",), ("pointwise",), ("expand", "pointwise", "identity", "edge")]
)
def test_branches_are_composed_in_float32_and_channels_last_also_under_mixed_precision(branches):
    torch.manual_seed(0)
    conv = ReparamConv(6, 6, branches).to(memory_format=torch.channels_last)
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.normal_()
    alone = conv.kernel()
    with torch.autocast("cpu", torch.bfloat16):
        mixed = conv.kernel()
    assert torch.equal(alone, mixed)
    assert alone.is_contiguous(memory_format=torch.channels_last)
    wanted = conv.conv.weight.clone()
    if "expand" in branches:
        wanted = wanted + torch.einsum("om,mikl->oikl", conv.project, conv.expand)
        wanted = wanted + torch.einsum("foi,fkl->oikl", conv.edge, conv.filters)
    if "pointwise" in branches:
        wanted[:, :, 1, 1] += conv.pointwise
    if "identity" in branches:
        wanted[:, :, 1, 1] += torch.eye(6)
    assert torch.allclose(alone, wanted, atol=1e-4)
