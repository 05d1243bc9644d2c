"""PPCN's discriminator: shapes, counts, a distribution over two answers."""

import pytest
import torch
import torch.nn.functional as F

from edgeir.models.base import parameter_count
from edgeir.models.discriminator import SMALLEST, Discriminator, _pad_same


@pytest.mark.parametrize(("patch", "side"), [(100, 7), (48, 3), (SMALLEST, 2)])
def test_shapes_and_a_distribution(patch, side):
    network = Discriminator(patch)
    assert network.hidden.in_features == 256 * side * side
    answers = network(torch.rand(3, 3, patch, patch))
    assert answers.shape == (3, 2)
    assert torch.allclose(answers.exp().sum(1), torch.ones(3))


def test_parameters_of_the_papers_size():
    layers = [(1, 64, 9), (64, 128, 5), (128, 192, 3), (192, 192, 3), (192, 256, 3), (256, 256, 3)]
    expected = sum(given * out * side**2 + out for given, out, side in layers)
    expected += 2 * sum(out for _, out, _ in layers[1:])  # normalisations
    expected += 256 * 7 * 7 * 1024 + 1024 + 2 * 1024 + 2
    assert parameter_count(Discriminator(100)) == expected


def test_it_sees_luma_only_and_is_patch_by_patch():
    network = Discriminator(32).double()
    x = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    gray = torch.einsum("nchw,c->nhw", x, torch.tensor([0.2989, 0.587, 0.114], dtype=torch.float64))
    gray = (gray / (0.2989 + 0.587 + 0.114))[:, None].expand(-1, 3, -1, -1)
    assert torch.allclose(network(x), network(gray), atol=1e-9)
    assert torch.allclose(network(x)[1:], network(x[1:]), atol=1e-9)


def test_the_same_function_step_by_step():
    network = Discriminator(20).double()
    torch.nn.init.normal_(network.convolutions[1].weight, std=0.1)
    x = torch.rand(1, 3, 20, 20, dtype=torch.float64)
    out = (x * torch.tensor([0.2989, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1)).sum(
        1, keepdim=True
    )
    # 20 -> 5 -> 3 -> 3 -> 3 -> 2 -> 2, zeros outside, the odd one after the image
    for place, (pads, stride) in enumerate(
        [((2, 3), 4), ((2, 2), 2), ((1, 1), 1), ((1, 1), 1), ((1, 1), 2), ((1, 1), 1)]
    ):
        conv = network.convolutions[place]
        out = F.leaky_relu(F.conv2d(F.pad(out, (*pads, *pads)), conv.weight, conv.bias, stride), 0.2)
        if place:
            mean, var = out.mean((2, 3), keepdim=True), out.var((2, 3), correction=0, keepdim=True)
            out = (out - mean) / (var + 1e-3).sqrt()
    hidden = F.leaky_relu(network.hidden(out.flatten(1)), 0.2)
    assert torch.allclose(network(x), network.answer(hidden).log_softmax(1), atol=1e-12)


def test_same_padding_puts_the_odd_pixel_last():
    assert _pad_same(torch.zeros(1, 1, 100, 48), 9, 4).shape == (1, 1, 105, 53)
    padded = _pad_same(torch.ones(1, 1, 4, 4), 3, 2)
    assert padded.shape == (1, 1, 5, 5)
    assert padded[0, 0, 0, 0] == 1
    assert padded[0, 0, 4].sum() == 0
