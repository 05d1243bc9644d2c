"""The adversarial loss and its discriminator's (PPCN eq. 8) against numpy, and their gradients."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from edgeir.losses import Adversarial


def images(size):
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(size, generator=generator, dtype=torch.float64) for _ in range(2))


def answers(adversary, images):
    """Probabilities of (taken, made) from the network's own last layer, in numpy."""
    return np.exp(adversary.network(images).detach().numpy())


@pytest.mark.parametrize("form", ["printed", "saturating"])
def test_texture_loss_is_equation_8(form):
    torch.manual_seed(0)
    adversary = Adversarial(patch=20, form=form).build().double()
    torch.nn.init.normal_(adversary.network.answer.weight, std=0.5)
    x, _ = images((3, 3, 20, 20))
    taken, made = answers(adversary, x).T
    assert np.allclose(taken + made, 1)
    expected = -np.log(taken).mean() if form == "printed" else np.log(1 - taken).mean()
    assert adversary.texture(x).item() == pytest.approx(expected, rel=1e-11)


def test_the_discriminators_loss_and_accuracy():
    torch.manual_seed(0)
    adversary = Adversarial(patch=20).build().double()
    torch.nn.init.normal_(adversary.network.answer.weight, std=0.5)
    x, y = images((4, 3, 20, 20))
    found = adversary(x, y)
    of_made, of_taken = answers(adversary, x), answers(adversary, y)
    assert found["loss"].item() == pytest.approx(
        -(np.log(of_made[:, 1]).mean() + np.log(of_taken[:, 0]).mean()) / 2, rel=1e-11
    )
    right = np.concatenate([of_made[:, 1] > 0.5, of_taken[:, 0] > 0.5])
    assert found["accuracy"].item() == pytest.approx(right.mean())


def test_the_gradient_of_the_discriminators_loss():
    """In a few of its own weights, and in the images (from which nothing flows back in training)."""
    torch.manual_seed(0)
    adversary = Adversarial(patch=18).build().double()
    torch.nn.init.normal_(adversary.network.convolutions[0].weight, std=0.3)
    x, y = images((2, 3, 18, 18))
    names = ("network.answer.bias", "network.norms.1.weight", "network.convolutions.0.bias")
    parameters = dict(adversary.named_parameters())

    def loss(*first_two):
        changed = {}
        for name, values in zip(names, first_two, strict=True):
            changed[name] = torch.cat([values, parameters[name].detach()[2:]])
        return torch.func.functional_call(adversary, changed, (x, y))["loss"]

    some = tuple(parameters[name].detach()[:2].clone().requires_grad_() for name in names)
    assert torch.autograd.gradcheck(loss, some)
    corner = torch.rand(2, 3, 1, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: adversary(x + F.pad(z, (8, 9, 9, 8)), y)["loss"], (corner,))
    assert not adversary(x, y)["accuracy"].requires_grad


@pytest.mark.parametrize("form", ["printed", "saturating"])
def test_texture_moves_the_image_and_not_the_discriminator(form):
    torch.manual_seed(0)
    adversary = Adversarial(patch=18, form=form).build().double()
    torch.nn.init.normal_(adversary.network.convolutions[0].weight, std=0.3)
    x = torch.rand(1, 3, 18, 18, dtype=torch.float64, requires_grad=True)
    adversary.texture(x).backward()
    assert x.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in adversary.parameters())
    corner = torch.rand(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)  # enough for finite differences
    assert torch.autograd.gradcheck(
        lambda z: adversary.texture(x.detach() + F.pad(z, (7, 7, 9, 6))), (corner,)
    )


def test_a_patch_too_small_for_the_discriminator():
    with pytest.raises(ValidationError, match="greater than or equal to 17"):
        Adversarial(patch=16)
