"""Losses on VGG-19's features against computations in numpy, and their gradients."""

import hashlib

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.numpy import load_file
from safetensors.torch import save_file

from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.losses import Adversarial, Contextual, Perceptual
from edgeir.losses.backbone import Backbone, backbones_used
from edgeir.models.backbones.vgg import VGG


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
    """The first convolutions of VGG-19 in numpy, before the last one's ReLU; the third comes after a maximum of 2x2."""
    state = {name: value.astype(float) for name, value in load_file(path).items()}
    mean, std = (
        np.array(values, np.float32).astype(float).reshape(1, 3, 1, 1)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    out = (x.detach().numpy() - mean) / std
    for place, name in enumerate(("features.0", "features.2", "features.5")[:layers]):
        if place > 0:
            out = np.maximum(out, 0)
        if place == 2:
            n, c, height, width = out.shape
            out = out[:, :, : height // 2 * 2, : width // 2 * 2]
            out = out.reshape(n, c, height // 2, 2, width // 2, 2).max((3, 5))
        out = convolution(out, state[f"{name}.weight"], state[f"{name}.bias"])
    return out


def convolution(x, weight, bias):
    """3x3, with zeros around the image: the sum over the nine taps."""
    height, width = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((len(x), len(bias), height, width)) + bias.reshape(1, -1, 1, 1)
    for i, j in np.ndindex(3, 3):
        out += np.einsum("oc,nchw->nohw", weight[:, :, i, j], padded[:, :, i : i + height, j : j + width])
    return out


@pytest.mark.parametrize("layer", ["conv1_2", "conv2_1"])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("distance", ["l2", "l1"])
def test_perceptual_loss_equals_numpy(weights, distance, relu, layer):
    x, y = images()
    config = Perceptual(layer=layer, relu=relu, distance=distance, backbone=Backbone(weights=weights))
    a, b = (features(image, weights, 2 if layer == "conv1_2" else 3) for image in (x, y))
    if relu:
        a, b = np.maximum(a, 0), np.maximum(b, 0)
    expected = np.mean((a - b) ** 2 if distance == "l2" else np.abs(a - b))
    assert config.build().double()(x, y).item() == pytest.approx(expected, rel=1e-10)


def test_the_perceptual_loss_is_on_relu_layers_the_contextual_loss_is_not():
    """PPCN, section 1 ("based on the ReLU activation layers"), and section 3.2 (conv4_2 itself)."""
    assert Perceptual().relu
    assert "relu" not in Contextual.model_fields


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
    assert loss(x, y).item() == pytest.approx(-np.log(affinity.max(0).mean()), rel=1e-10)


@pytest.mark.parametrize(
    "config",
    [Contextual(), Perceptual(), Perceptual(distance="l1"), Perceptual(relu=False)],
    ids=["contextual", "perceptual", "perceptual-l1", "perceptual-before-relu"],
)
def test_zero_for_equal_images_positive_otherwise_and_differentiable(weights, config):
    config = config.model_copy(update={"layer": "conv2_1", "backbone": Backbone(weights=weights)})
    loss = config.build().double()
    x, y = images((1, 3, 8, 8))
    assert loss(x, x).item() == pytest.approx(0, abs=1e-3)
    assert loss(x, y).item() > 0.001 if config.kind == "perceptual" else loss(x, y) > loss(x, x)
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
