"""Losses against independent computations, and their gradients."""

import typing

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from skimage.metrics import structural_similarity

from edgeir.losses import L1, L2, SSIM, AnyLoss, Charbonnier, Colour, TotalVariation
from edgeir.losses.backbone import PerceptualConfig
from edgeir.losses.contextual import contextual_loss

# Those on a perceptual backbone need a file: tests/losses/test_perceptual.py
MEMBERS = [
    member()
    for member in typing.get_args(typing.get_args(AnyLoss)[0])
    if not issubclass(member, PerceptualConfig)
]


EXACT = {"rel": 1e-11, "abs": 1e-13}


def images(seed=0, size=(2, 3, 16, 18)):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(size, generator=generator, dtype=torch.float64) for _ in range(2))


def test_pixel_losses_equal_numpy():
    x, y = images()
    d = (x - y).numpy()
    assert L1().build()(x, y).item() == pytest.approx(np.abs(d).mean(), **EXACT)
    rounded = np.sqrt(d**2 + 0.01).mean() - 0.1
    assert Charbonnier(epsilon=0.1).build()(x, y).item() == pytest.approx(rounded, **EXACT)
    printed = np.mean([np.linalg.norm(image.ravel()) ** 2 for image in d])  # DANet eq. 1, the mean of its sum
    assert L2().build()(x, y).item() * d[0].size == pytest.approx(printed, **EXACT)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_share_of_a_pixel_loss_is_measured_on_luma(share):
    x, y = images()
    d = (x - y).numpy()
    red, green, blue = np.array([0.299, 0.587, 0.114], np.float32).astype(
        float
    )  # the weights are kept in float32
    luma = red * d[:, 0] + green * d[:, 1] + blue * d[:, 2]
    for config, distance in ((L1, np.abs), (L2, np.square)):
        expected = (1 - share) * distance(d).mean() + share * distance(luma).mean()
        loss = config(luma=share).build()
        assert loss(x, y).item() == pytest.approx(expected, **EXACT)
        small, other = images(size=(1, 3, 3, 4))
        assert torch.autograd.gradcheck(loss, (small.requires_grad_(), other))
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
    assert SSIM().build().double()(x, y).item() == pytest.approx(1 - np.mean(expected), **EXACT)


def authors_kernel(size=21, deviations=3):
    """The root of an outer product of a Gaussian's probabilities in `size` bins is the outer product of this."""
    half = deviations + (2 * deviations + 1) / size / 2
    roots = np.sqrt(np.diff(stats.norm.cdf(np.linspace(-half, half, size + 1))))
    return roots / roots.sum()


def gaussian(sigma):
    kernel = np.exp(-(np.arange(-10, 11) ** 2) / (2 * sigma**2))
    return kernel / kernel.sum()


def test_the_authors_blur_is_a_gaussian_of_4_707_pixels():
    assert authors_kernel() == pytest.approx(gaussian(4.707), abs=1e-6)
    assert authors_kernel()[10] == pytest.approx(0.0870, abs=5e-5)
    assert gaussian(3.0)[10] == pytest.approx(0.1330, abs=5e-5)
    # Equation 9 as printed, A exp(-k² / (2 · 3) - l² / (2 · 3)): A is its normalisation.
    assert gaussian(3**0.5)[10] ** 2 == pytest.approx(0.053, abs=1e-4)


@pytest.mark.parametrize(
    ("config", "kernel", "tolerance"),
    [
        (Colour(), gaussian(3.0), 1e-11),
        (Colour(sigma=1.732), gaussian(1.732), 1e-11),
        (Colour(sigma=4.707), authors_kernel(), 1e-4),
    ],
)
def test_colour_loss_is_the_squared_error_of_blurred_images(config, kernel, tolerance):
    x, y = images()
    total = 0.0
    for difference in (x - y).numpy().reshape(-1, 16, 18):
        rows = ndimage.correlate1d(difference, kernel, axis=0, mode="constant")
        total += np.sum(ndimage.correlate1d(rows, kernel, axis=1, mode="constant") ** 2)
    assert config.build()(x, y).item() == pytest.approx(total / 4, rel=tolerance)


def test_total_variation_follows_both_forms():
    x, y = images(size=(2, 3, 4, 5))
    z = x.numpy()
    dy, dx = np.diff(z, axis=2), np.diff(z, axis=3)
    assert TotalVariation().build()(x, y).item() == pytest.approx((dy**2).mean() + (dx**2).mean(), **EXACT)
    total = 0.0  # equation 11, pixel by pixel; the last row and column have no neighbour
    for n, c, i, j in np.ndindex(2, 3, 3, 4):
        total += abs(z[n, c, i, j + 1] - z[n, c, i, j] + z[n, c, i + 1, j] - z[n, c, i, j])
    printed = TotalVariation(form="printed").build()
    assert printed(x, y).item() == pytest.approx(total / (3 * 4 * 5) / 2, **EXACT)
    assert torch.autograd.gradcheck(printed, (x.requires_grad_(), y))


def contextual_by_hand(x, y, h=0.5):
    """Equations 1 and 2, element by element."""
    mean = y.mean((0, 2, 3), keepdims=True)
    values = []
    for a, b in zip((x - mean).reshape(*x.shape[:2], -1), (y - mean).reshape(*y.shape[:2], -1), strict=True):
        count = a.shape[1]
        d = np.empty((count, count))
        for i, j in np.ndindex(count, count):
            d[i, j] = (1 - a[:, i] @ b[:, j] / np.linalg.norm(a[:, i]) / np.linalg.norm(b[:, j])) / 2
        w = np.exp((1 - d / (d.min(1, keepdims=True) + 1e-5)) / h)
        w /= w.sum(1, keepdims=True)
        values.append(-np.log(np.mean([w[:, j].max() for j in range(count)])))
    return np.mean(values)


def test_contextual_loss_follows_equations_1_and_2():
    x, y = images(size=(2, 5, 3, 4))
    for bandwidth in (0.5, 0.1):
        expected = contextual_by_hand(x.numpy(), y.numpy(), bandwidth)
        assert contextual_loss(x, y, bandwidth=bandwidth).item() == pytest.approx(expected, **EXACT)


def test_contextual_loss_forgives_a_shuffle_and_passes_the_gradient_check():
    x, y = images(size=(1, 6, 4, 4))
    shuffled = y.flatten(2)[:, :, torch.randperm(16, generator=torch.Generator().manual_seed(0))]
    assert contextual_loss(shuffled.reshape(y.shape), y) == pytest.approx(contextual_loss(y, y).item())
    assert contextual_loss(x, y) > contextual_loss(y, y)
    assert torch.autograd.gradcheck(lambda z: contextual_loss(z, y), (x.requires_grad_(),))
    assert torch.isfinite(contextual_loss(x, y, samples=7))


@pytest.mark.parametrize("config", MEMBERS, ids=lambda config: config.kind)
def test_zero_for_equal_images_positive_otherwise_and_differentiable(config):
    loss = config.build().double()
    x, y = images()
    if config.kind != "total-variation":  # which looks at the output alone
        assert loss(x, x).item() == pytest.approx(0, abs=1e-12)
    assert loss(x, y).item() > 0
    small = torch.rand(1, 1, 12, 12, dtype=torch.float64, requires_grad=True)
    target = torch.rand(1, 1, 12, 12, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: loss(z, target), (small,))


@pytest.mark.parametrize("config", [L1, L2, Charbonnier])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("share", [0.0, 0.7])
def test_both_images_of_a_pixel_loss_have_gradients(config, layout, share):
    x, y = (image.contiguous(memory_format=layout).requires_grad_() for image in images(size=(2, 3, 4, 5)))
    assert torch.autograd.gradcheck(config(luma=share).build(), (x, y))
    config(luma=share).build()(x, y).backward()
    assert torch.equal(x.grad, -y.grad)
    assert x.grad.is_contiguous(memory_format=layout)
