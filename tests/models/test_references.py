"""Networks of the papers: published counts, and the published score of published weights."""

import numpy as np
import pytest
import torch

from edgeir.core.errors import CheckpointError
from edgeir.imaging.files import read_rgb
from edgeir.metrics.ms_ssim import ms_ssim
from edgeir.metrics.protocol import PROTOCOLS
from edgeir.metrics.psnr import psnr
from edgeir.models import PPCNEnhanceConfig, PPCNSRConfig, SRCNNConfig, ppcn_enhance
from edgeir.models.base import parameter_count
from edgeir.models.srcnn import load_reference_weights


def test_parameter_and_mac_counts():
    ppcn, srcnn = PPCNSRConfig().build(), SRCNNConfig().build()
    assert parameter_count(ppcn) == 236_560
    assert ppcn.macs(720, 1280) / (720 * 1280) == pytest.approx(14.9e3, rel=0.01)
    assert parameter_count(srcnn) == 69_249
    assert srcnn.macs(720, 1280) == pytest.approx(63.7e9, rel=0.001)


def test_ppcn_adds_the_image_mean_back():
    """With all weights zero the network returns the image's own mean."""
    network = PPCNSRConfig().build()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    x = torch.rand(2, 3, 16, 24)
    assert torch.allclose(network(x), x.mean((2, 3), keepdim=True).expand_as(x), atol=1e-6)


def test_ppcn_stride_two_pads_bottom_and_right_only():
    """TensorFlow's SAME rule: the first output of a stride-2 convolution sees input rows 0..2, not -1..1."""
    network = PPCNSRConfig().build()
    grid = torch.zeros(1, 32, 4, 4)
    x = torch.rand(1, 3, 8, 8)
    expected = (network.down1.weight * x[:, :, 0:3, 0:3]).sum((1, 2, 3)) + network.down1.bias
    from edgeir.models.ppcn_sr import _pad_same

    grid = network.down1(_pad_same(x))
    assert grid.shape == (1, 32, 4, 4)
    assert torch.allclose(grid[0, :, 0, 0], expected, atol=1e-5)


def test_srcnn_weights_file_of_another_network_is_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(CheckpointError, match="generator__w1.*no SRCNN weights"):
        load_reference_weights(SRCNNConfig().build(), path)


@pytest.mark.shared
def test_both_reference_weight_files_load(shared_data):
    for name in ("div2k-srcnn", "dped-srcnn"):
        network = SRCNNConfig().build()
        load_reference_weights(network, shared_data / "weights" / f"{name}.npz")
        assert network.conv1.weight.abs().sum() > 0


@pytest.mark.shared
@pytest.mark.parametrize(
    ("config", "weights", "decibel", "similarity"),
    [
        (SRCNNConfig(), "dped-srcnn", 21.32, 0.9030),
        (PPCNEnhanceConfig(size="student"), "ppcn-enhance-student", 22.54, 0.9244),
        (PPCNEnhanceConfig(size="teacher"), "ppcn-enhance-teacher", 22.96, 0.9299),
    ],
    ids=["srcnn", "student", "teacher"],
)
def test_published_weights_reproduce_their_row_of_pirm_track_b(
    shared_data, config, weights, decibel, similarity
):
    network = config.build().eval()
    load = load_reference_weights if isinstance(config, SRCNNConfig) else ppcn_enhance.load_reference_weights
    load(network, shared_data / "weights" / f"{weights}.npz")
    folder = shared_data / "pirm" / "enhance-patches"
    psnrs, similarities = [], []
    for index in range(400):
        given, target = (read_rgb(folder / side / f"{index}.jpg") for side in ("iphone", "canon"))
        with torch.no_grad():
            out = network(torch.from_numpy(given.copy()).permute(2, 0, 1)[None].float() / 255)
        image = out[0].permute(1, 2, 0).numpy()
        psnrs.append(psnr(image, target, **PROTOCOLS["pirm-b"].model_dump()))
        similarities.append(ms_ssim(image, target, **PROTOCOLS["pirm-b-ms-ssim"].model_dump()))
    assert np.mean(psnrs) == pytest.approx(decibel, abs=0.05)
    assert np.mean(similarities) == pytest.approx(similarity, abs=0.002)


def test_ppcn_generators_have_the_published_counts():
    for size, parameters, macs in (("student", 2_715, 2_624), ("teacher", 21_843, 21_504)):
        network = PPCNEnhanceConfig(size=size).build()
        assert parameter_count(network) == parameters
        assert network.macs(10, 10) == 100 * macs


def test_enhancement_weights_of_the_other_size_are_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, generator__W0=np.zeros((1, 7, 3, 16)), generator__b0=np.zeros(16))
    with pytest.raises(CheckpointError, match="`W0` has shape .* instead of"):
        ppcn_enhance.load_reference_weights(PPCNEnhanceConfig().build(), path)
