"""Losses on VGG-19's features and the adversarial loss, against computations in numpy and their gradients."""

import hashlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from safetensors.torch import save_file

from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.losses import Adversarial, Contextual, Perceptual
from edgeir.losses.backbone import Backbone, backbones_used
from edgeir.models.backbones.vgg import IMAGENET_MEAN, IMAGENET_STD, VGG


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The first convolutions of a VGG-19 of random weights."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("vgg") / "vgg19.safetensors"
    save_file(VGG(19, last="conv2_1").state_dict(), path)
    return str(path)


def images(size=(2, 3, 8, 9)):
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(size, generator=generator, dtype=torch.float64) for _ in range(2))


def features(x, path, layers):
    """The first one or two convolutions, written down again."""
    network = VGG(19, last="conv1_2")
    from edgeir.models.backbones.weights import load_frozen

    load_frozen(network, path)
    state = {name: value.double() for name, value in network.state_dict().items()}
    mean, std = (torch.tensor(v, dtype=torch.float64).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    out = F.conv2d((x - mean) / std, state["features.0.weight"], state["features.0.bias"], padding=1)
    if layers == 2:
        out = F.conv2d(out.relu(), state["features.2.weight"], state["features.2.bias"], padding=1)
    return out.numpy()


@pytest.mark.parametrize(("distance", "power"), [("l2", 2), ("l1", 1)])
def test_perceptual_loss_equals_numpy(weights, distance, power):
    x, y = images()
    config = Perceptual(layer="conv1_2", distance=distance, backbone=Backbone(weights=weights))
    expected = np.mean(np.abs(features(x, weights, 2) - features(y, weights, 2)) ** power)
    assert config.build().double()(x, y).item() == pytest.approx(expected, rel=1e-6)


def test_contextual_loss_is_equations_1_and_2_on_the_layers_features(weights):
    x, y = images((1, 3, 4, 5))
    loss = Contextual(layer="conv1_1", bandwidth=0.3, backbone=Backbone(weights=weights)).build().double()
    a, b = (features(image, weights, 1) for image in (x, y))
    mean = b.mean((0, 2, 3), keepdims=True)
    a, b = ((value - mean)[0].reshape(64, -1) for value in (a, b))
    a, b = (value / np.linalg.norm(value, axis=0) for value in (a, b))
    distance = (1 - a.T @ b) / 2
    affinity = np.exp((1 - distance / (distance.min(1, keepdims=True) + 1e-5)) / 0.3)
    affinity /= affinity.sum(1, keepdims=True)
    assert loss(x, y).item() == pytest.approx(-np.log(affinity.max(0).mean()), rel=1e-6)


@pytest.mark.parametrize("config", [Contextual, Perceptual])
def test_zero_for_equal_images_positive_otherwise_and_differentiable(weights, config):
    loss = config(layer="conv2_1", backbone=Backbone(weights=weights)).build().double()
    x, y = images((1, 3, 8, 8))
    assert loss(x, x).item() == pytest.approx(0, abs=1e-3)
    assert loss(x, y).item() > 0.001 if config is Perceptual else loss(x, y) > loss(x, x)
    assert torch.autograd.gradcheck(lambda z: loss(z, y), (x.requires_grad_(),))
    assert not any(parameter.requires_grad for parameter in loss.parameters())


@pytest.mark.parametrize("config", [Contextual(), Perceptual()], ids=lambda config: config.kind)
def test_without_weights_it_says_what_is_needed(config):
    message = (
        f"loss `{config.kind}` needs the weights of VGG-19.*torchvision's vgg19.*`objective.perceptual=none`"
    )
    with pytest.raises(ConfigError, match=message):
        config.build()


def test_the_backbones_sha256_is_known(weights, tmp_path):
    config = Perceptual(layer="conv1_2", backbone=Backbone(weights=weights))
    (used,) = backbones_used([config, Adversarial()])
    with open(weights, "rb") as stream:
        expected = hashlib.sha256(stream.read()).hexdigest()
    assert used == {"loss": "perceptual", "network": "vgg-19", "file": weights, "sha256": expected}
    with pytest.raises(CheckpointError, match="is missing .*so these are not its weights"):
        backbones_used([Contextual(backbone=Backbone(weights=weights))])  # the file ends before conv4_2
    with pytest.raises(CheckpointError, match="no such file of weights"):
        backbones_used([Contextual(backbone=Backbone(weights=str(tmp_path / "none.pth")))])


def test_a_layer_that_does_not_exist():
    with pytest.raises(ValidationError, match="VGG-19 has no such layer; it has conv1_1, "):
        Contextual(layer="conv6_1")


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
    assert adversary.texture(x).item() == pytest.approx(expected)


def test_the_discriminators_loss_and_accuracy():
    torch.manual_seed(0)
    adversary = Adversarial(patch=20).build().double()
    torch.nn.init.normal_(adversary.network.answer.weight, std=0.5)
    x, y = images((4, 3, 20, 20))
    found = adversary(x, y)
    of_made, of_taken = answers(adversary, x), answers(adversary, y)
    assert found["loss"].item() == pytest.approx(
        -(np.log(of_made[:, 1]).mean() + np.log(of_taken[:, 0]).mean()) / 2
    )
    right = np.concatenate([of_made[:, 1] > 0.5, of_taken[:, 0] > 0.5])
    assert found["accuracy"].item() == pytest.approx(right.mean())


def test_texture_moves_the_picture_and_not_the_discriminator():
    torch.manual_seed(0)
    adversary = Adversarial(patch=18).build().double()
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
