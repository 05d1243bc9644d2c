"""The six distances of STFT's Fig. 4 against numpy and loops in float64, and their gradients."""

import math

import numpy as np
import pytest
import torch

from edgeir.distillation.distances import DISTANCES, focal, focal_weights

SIZE = (2, 3, 2, 4)


def features(size=SIZE):
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(size, generator=generator, dtype=torch.float64) for _ in range(2))


def l2(x, y):
    return sum((a - b) ** 2 for a, b in zip(x.flat, y.flat, strict=True)) / x.size


def l1(x, y):
    return sum(abs(a - b) for a, b in zip(x.flat, y.flat, strict=True)) / x.size


def focal_by_hand(x, y):
    errors = [abs(a - b) for a, b in zip(x.flat, y.flat, strict=True)]
    mean = sum(errors) / len(errors)
    return sum(error / mean * error**2 for error in errors) / len(errors)


def cosine(a, b):
    return sum(a * b) / math.sqrt(sum(a * a)) / math.sqrt(sum(b * b))


def inner_product(x, y):
    """Mean over images and pairs of positions of the squared difference of their cosine similarities."""
    total, count = 0.0, 0
    for one, other in zip(x.reshape(2, 3, -1), y.reshape(2, 3, -1), strict=True):
        for i, j in np.ndindex(one.shape[1], one.shape[1]):
            total += (cosine(one[:, i], one[:, j]) - cosine(other[:, i], other[:, j])) ** 2
            count += 1
    return total / count


def kl(x, y):
    """Divergence of the distribution over channels in x from the one in y, mean over positions."""
    total = 0.0
    for n, i, j in np.ndindex(x.shape[0], x.shape[2], x.shape[3]):
        q, p = (np.exp(z[n, :, i, j]) / sum(np.exp(z[n, :, i, j])) for z in (x, y))
        total += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    return total / (x.shape[0] * x.shape[2] * x.shape[3])


def mmd(x, y):
    """Squared discrepancy of the two sets of normalised channel maps, kernel (p · q)²."""
    total = 0.0
    for one, other in zip(x.reshape(2, 3, -1), y.reshape(2, 3, -1), strict=True):
        for i, j in np.ndindex(3, 3):
            total += cosine(one[i], one[j]) ** 2 + cosine(other[i], other[j]) ** 2
            total -= 2 * cosine(one[i], other[j]) ** 2
    return total / 2 / 9


BY_HAND = {
    "l2": l2, "l1": l1, "focal": focal_by_hand, "inner-product": inner_product, "kl": kl, "mmd": mmd,
}  # fmt: skip


@pytest.mark.parametrize("name", list(DISTANCES))
def test_a_distance_equals_its_formula(name):
    a, b = features()
    assert DISTANCES[name](a, b).item() == pytest.approx(BY_HAND[name](a.numpy(), b.numpy()), rel=1e-11)
    assert DISTANCES[name](a, a).item() == pytest.approx(0, abs=1e-14)
    assert DISTANCES[name](a, b).item() > 1e-4


@pytest.mark.parametrize("name", [name for name in DISTANCES if name != "focal"])
def test_the_gradient_of_a_distance_in_both_arguments(name):
    a, b = features()
    assert torch.autograd.gradcheck(DISTANCES[name], (a.requires_grad_(), b.requires_grad_()))


def test_focal_weights_are_constants():
    a, b = (x.requires_grad_() for x in features())
    weights = focal_weights(a, b)
    assert not weights.requires_grad
    assert weights.mean().item() == pytest.approx(1)
    assert torch.autograd.gradcheck(lambda x, y: focal(x, y, weights), (a, b))
    found = torch.autograd.grad(DISTANCES["focal"](a, b), (a, b))
    held = torch.autograd.grad(focal(a, b, weights), (a, b))  # the gradient that was just checked
    assert all(torch.equal(one, other) for one, other in zip(found, held, strict=True))
    x, y = a.detach().numpy(), b.detach().numpy()
    error = np.abs(x - y)
    by_hand = 2 * error / error.mean() * (x - y) / x.size
    assert found[0].numpy() == pytest.approx(by_hand, rel=1e-11)
    assert found[1].numpy() == pytest.approx(-by_hand, rel=1e-11)


def test_similarities_are_of_all_positions():
    a, b = features((1, 2, 40, 50))
    grams = []
    for z in (a, b):
        unit = z.numpy().reshape(2, -1)
        unit = unit / np.sqrt((unit**2).sum(0))
        grams.append(unit.T @ unit)
    expected = np.mean((grams[0] - grams[1]) ** 2)
    assert DISTANCES["inner-product"](a, b).item() == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("name", ["inner-product", "mmd"])
def test_differences_of_products_survive_half_precision(name):
    """They are small beside what they are differences of."""
    a = features((2, 16, 12, 12))[0].bfloat16()
    b = (a.float() + 0.05 * torch.randn(a.shape, generator=torch.Generator().manual_seed(1))).bfloat16()
    expected = DISTANCES[name](a.double(), b.double()).item()
    with torch.autocast("cpu", torch.bfloat16):
        assert DISTANCES[name](a.float(), b.float()).item() == pytest.approx(expected, rel=1e-3)
        assert DISTANCES[name](a, b).item() == pytest.approx(expected, rel=1e-3)
