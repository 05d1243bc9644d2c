"""Networks of the papers: published counts, and the published score of published weights."""

import numpy as np
import pytest
import torch

from edgeir.core.errors import CheckpointError
from edgeir.core.images import read_rgb
from edgeir.models import PPCNSR, SRCNN
from edgeir.models.base import parameter_count
from edgeir.models.srcnn import load_reference_weights


def test_parameter_and_mac_counts():
    ppcn, srcnn = PPCNSR().build(), SRCNN().build()
    assert parameter_count(ppcn) == 236_560
    assert ppcn.macs(720, 1280) / (720 * 1280) == pytest.approx(14.9e3, rel=0.01)
    assert parameter_count(srcnn) == 69_249
    assert srcnn.macs(720, 1280) == pytest.approx(63.7e9, rel=0.001)


def test_ppcn_adds_the_image_mean_back():
    """With all weights zero the network returns the image's own mean."""
    network = PPCNSR().build()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    x = torch.rand(2, 3, 16, 24)
    assert torch.allclose(network(x), x.mean((2, 3), keepdim=True).expand_as(x), atol=1e-6)


def test_ppcn_stride_two_pads_bottom_and_right_only():
    """TensorFlow's SAME rule: the first output of a stride-2 convolution sees input rows 0..2, not -1..1."""
    network = PPCNSR().build()
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
        load_reference_weights(SRCNN().build(), path)


@pytest.mark.shared
def test_both_reference_weight_files_load(shared_data):
    for name in ("div2k-srcnn", "dped-srcnn"):
        network = SRCNN().build()
        load_reference_weights(network, shared_data / "weights" / f"{name}.npz")
        assert network.conv1.weight.abs().sum() > 0


@pytest.mark.shared
def test_srcnn_baseline_reproduces_its_published_psnr(shared_data):
    """PIRM track B, 400 patches: 21.33 dB with these weights (published 21.32)."""
    network = SRCNN().build().eval()
    load_reference_weights(network, shared_data / "weights" / "dped-srcnn.npz")
    folder = shared_data / "pirm" / "enhance-patches"
    values = []
    for index in range(400):
        given, target = (read_rgb(folder / side / f"{index}.jpg") for side in ("iphone", "canon"))
        with torch.no_grad():
            out = network(torch.from_numpy(given.copy()).permute(2, 0, 1)[None].float() / 255).clamp(0, 1)
        error = out[0].permute(1, 2, 0).numpy() - target / 255.0
        values.append(-10 * np.log10(np.mean(error**2)))
    assert np.mean(values) == pytest.approx(21.33, abs=0.02)
