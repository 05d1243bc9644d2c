"""Losses against independent computations, and their gradients."""

import typing

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from edgeir.losses import L1, L2, SSIM, AnyLoss, Charbonnier

MEMBERS = [member() for member in typing.get_args(typing.get_args(AnyLoss)[0])]


def images(seed=0, size=(2, 3, 16, 18)):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(size, generator=generator, dtype=torch.float64) for _ in range(2))


def test_pixel_losses_equal_numpy():
    x, y = images()
    d = (x - y).numpy()
    assert L1().build()(x, y).item() == pytest.approx(np.abs(d).mean())
    assert L2().build()(x, y).item() == pytest.approx((d**2).mean())
    assert Charbonnier(epsilon=0.1).build()(x, y).item() == pytest.approx(np.sqrt(d**2 + 0.01).mean() - 0.1)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_share_of_a_pixel_loss_is_measured_on_luma(share):
    x, y = images()
    d = (x - y).numpy()
    luma = 0.299 * d[:, 0] + 0.587 * d[:, 1] + 0.114 * d[:, 2]
    for config, distance in ((L1, np.abs), (L2, np.square)):
        expected = (1 - share) * distance(d).mean() + share * distance(luma).mean()
        assert config(luma=share).build()(x, y).item() == pytest.approx(expected)
    grey = d.mean() * torch.ones_like(x)  # equal colours: luma is the colour
    assert L1(luma=share).build()(grey, 0 * grey).item() == pytest.approx(abs(d.mean()))


def test_ssim_loss_equals_scikit_image():
    x, y = images()
    expected = []
    for a, b in zip(x.numpy(), y.numpy(), strict=True):
        for channel in range(3):
            _, full = structural_similarity(
                a[channel], b[channel], data_range=1.0, gaussian_weights=True, sigma=1.5,
                use_sample_covariance=False, full=True,
            )  # fmt: skip
            expected.append(full[5:-5, 5:-5].mean())  # valid positions
    assert SSIM().build().double()(x, y).item() == pytest.approx(1 - np.mean(expected), abs=1e-9)


@pytest.mark.parametrize("config", MEMBERS, ids=lambda config: config.kind)
def test_zero_for_equal_images_positive_otherwise_and_differentiable(config):
    loss = config.build().double()
    x, y = images()
    assert loss(x, x).item() == pytest.approx(0, abs=1e-12)
    assert loss(x, y).item() > 0
    small = torch.rand(1, 1, 12, 12, dtype=torch.float64, requires_grad=True)
    target = torch.rand(1, 1, 12, 12, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: loss(z, target), (small,))
