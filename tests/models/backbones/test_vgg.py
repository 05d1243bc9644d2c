"""VGG and the loading of frozen weights, against published counts and plain torch."""

import hashlib

import pytest
import torch
from safetensors.torch import save_file

from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.models.backbones.vgg import IMAGENET_MEAN, IMAGENET_STD, VGG, layer_names
from edgeir.models.backbones.weights import load_frozen
from edgeir.models.base import parameter_count


@pytest.mark.parametrize(("depth", "count"), [(16, 138_357_544), (19, 143_667_240)])
def test_parameters_as_published(depth, count):
    with torch.device("meta"):
        assert parameter_count(VGG(depth)) == count


def test_torchvision_numbers_the_layers_so():
    with torch.device("meta"):
        names = [name for name, value in VGG(19).state_dict().items() if value.ndim == 4]
    expected = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert names == [f"features.{index}.weight" for index in expected]
    assert len(layer_names(19)) == 16
    assert len(layer_names(16)) == 13


def test_maps_are_before_relu_and_normalised():
    network = VGG(19, last="conv1_2").eval()
    x = torch.rand(1, 3, 6, 7)
    maps = network.maps(x, ["conv1_1", "conv1_2"])
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    first = torch.nn.functional.conv2d(
        (x - mean) / std, network.features[0].weight, network.features[0].bias, padding=1
    )
    assert torch.allclose(maps["conv1_1"], first, atol=1e-6)
    assert first.min() < 0
    assert torch.allclose(maps["conv1_2"], network.features[2](first.relu()), atol=1e-6)
    assert torch.equal(network(x), maps["conv1_2"])


def test_a_layer_that_does_not_exist_is_refused_with_a_list():
    with pytest.raises(ConfigError, match=r"VGG-16 has no layer `conv3_4` .*conv3_3"):
        VGG(16, last="conv3_4")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_a_whole_network_load_into_its_beginning(tmp_path, suffix):
    whole = VGG(16, last="conv2_2")
    path = tmp_path / f"vgg{suffix}"
    if suffix == ".pth":
        torch.save(whole.state_dict(), path)
    else:
        save_file(whole.state_dict(), path)
    part = VGG(16, last="conv1_2")
    assert load_frozen(part, path) == hashlib.sha256(path.read_bytes()).hexdigest()
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(part(x), whole.maps(x, ["conv1_2"])["conv1_2"])
    assert not any(p.requires_grad for p in part.parameters())
    assert not part.training


def test_bad_weight_files_say_what_is_wrong(tmp_path):
    network = VGG(16, last="conv1_1")
    with pytest.raises(CheckpointError, match="no such file"):
        load_frozen(network, tmp_path / "absent.pth")
    (tmp_path / "text.pth").write_text("hello")
    (tmp_path / "text.safetensors").write_text("hello")
    for name in ("text.pth", "text.safetensors"):
        with pytest.raises(CheckpointError, match="cannot be read as weights: the file is damaged") as caught:
            load_frozen(network, tmp_path / name)
        assert "weights_only" not in str(caught.value), "torch's advice to run what is in the file"
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match="not a state dict"):
        load_frozen(network, tmp_path / "list.pth")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "few.pth")
    with pytest.raises(CheckpointError, match=r"`features.0.bias` is missing \(1 of 2"):
        load_frozen(network, tmp_path / "few.pth")
    torch.save(
        {"features.0.weight": torch.zeros(1), "features.0.bias": torch.zeros(64)}, tmp_path / "bad.pth"
    )
    with pytest.raises(CheckpointError, match="has shape"):
        load_frozen(network, tmp_path / "bad.pth")


def test_a_file_below_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    network = VGG(16, last="conv1_1")
    torch.save(network.state_dict(), tmp_path / "vgg.pth")
    assert load_frozen(VGG(16, last="conv1_1"), "~/vgg.pth") == load_frozen(network, tmp_path / "vgg.pth")
