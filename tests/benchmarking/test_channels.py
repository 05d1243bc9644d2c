"""The channel study, against networks whose answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from edgeir.benchmarking.quality.channels import channels
from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.errors import ConfigError, DataError, OutputError
from edgeir.data.sources.embedded import Embedded
from edgeir.models import DANetConfig, DnCNNConfig, FDRNetConfig, PlainSRConfig
from edgeir.reporting.channels import write_channels


def saved(tmp_path, config, change=lambda network: None):
    torch.manual_seed(0)
    network = config.build()
    with torch.no_grad():
        change(network)
    save_checkpoint(tmp_path / "net", network, network.state_dict(), name="net", metrics={}, provenance={})
    return tmp_path / "net"


def copies(network):
    """Three channels: red, red again, and red inverted after its layer; the tap after it passes on the first alone."""
    for layer, rows in ((network.head, [(0, 1.0), (0, 1.0), (0, -1.0)]),):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        for channel, (colour, sign) in enumerate(rows):
            layer.weight[channel, colour, 1, 1] = sign
    conv = network.phases[0].disentangle[0].conv
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
    conv.weight[0, 0, 1, 1] = 1.0


def test_copies_correlate_and_silent_channels_do_not(tmp_path):
    config = FDRNetConfig(
        channels=3, phases=1, layers=1, process_blocks=0, auxiliary_blocks=1, disentangle=False
    )
    study = channels(saved(tmp_path, config, copies), limit=2, size=32)
    assert study.mean_correlation_before == pytest.approx(1.0)
    assert np.array(study.correlation_after) == pytest.approx(np.eye(3))
    # One channel answers to everything: all profiles point the same way, and more damage answers more.
    assert study.cosine_same_kind == pytest.approx(1.0)
    assert study.cosine_other_kind == pytest.approx(1.0)
    for kind in ("blur", "noise", "JPEG"):
        answer = np.array(study.responses[kind])
        assert answer.shape == (10, 3)
        assert (answer[:, 1:] == 0).all()
        assert answer[-1, 0] > answer[0, 0]
    # The mean absolute deviation of Gaussian noise is sigma times sqrt(2 / pi).
    expected = study.strengths["noise"][1] / 255 * np.sqrt(2 / np.pi)
    assert study.responses["noise"][1][0] == pytest.approx(expected, rel=0.1)


def test_correlation_is_pearsons(tmp_path):
    from edgeir.benchmarking.quality.channels import _correlation

    features = np.random.default_rng(0).standard_normal((5, 200))
    assert _correlation(features) == pytest.approx(np.abs(np.corrcoef(features)))


def test_written_files_and_what_is_refused(tmp_path):
    config = FDRNetConfig(channels=4, phases=1, layers=1, process_blocks=0, auxiliary_blocks=1)
    model = saved(tmp_path, config)
    study = channels(model, limit=1, size=32, before="head", after="phase.0.fuse")
    paths = write_channels(study, tmp_path / "out")
    assert [path.name for path in paths] == ["channels.png", "channels.json"]
    assert type(study).model_validate_json(paths[1].read_text()) == study
    with pytest.raises(OutputError, match="exists already"):
        write_channels(study, tmp_path / "out")
    with pytest.raises(ConfigError, match=r"has no tap `phase.9.fuse`; its taps are head"):
        channels(model, before="head", after="phase.9.fuse", limit=1, size=32)
    with pytest.raises(DataError, match="no image is as large as 9999x9999"):
        channels(model, sources=(Embedded(),), size=9999)


def test_a_network_without_the_module_needs_two_taps(tmp_path):
    model = saved(tmp_path, DnCNNConfig(depth=3, width=4))
    with pytest.raises(ConfigError, match=r"two taps must be named \(its taps are head, "):
        channels(model, limit=1, size=32)


@pytest.mark.parametrize("taps", [{}, {"before": "head", "after": "body.0"}, {"before": "nowhere"}])
def test_an_enlarging_network_is_refused_before_taps_are_asked_for(tmp_path, taps):
    model = saved(tmp_path, PlainSRConfig(channels=4, blocks=1))
    with pytest.raises(ConfigError, match="the network enlarges; only one that keeps the size"):
        channels(model, limit=1, size=32, **taps)


def test_a_network_of_one_channel_sees_luma(tmp_path):
    def passes(network):
        """The first tap passes on what the network sees, in its first channel."""
        layer = network.head.conv
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        layer.weight[0, 0, 1, 1] = 1.0

    model = saved(tmp_path, DnCNNConfig(channels=1, depth=3, width=4), passes)
    study = channels(model, before="head", after="head", limit=2, size=32)
    # Noise of the luma itself: that of a colour image's luma would be a third weaker.
    expected = study.strengths["noise"][1] / 255 * np.sqrt(2 / np.pi)
    assert study.responses["noise"][1][0] == pytest.approx(expected, rel=0.1)


def test_the_crop_is_a_multiple_of_what_the_network_takes(tmp_path):
    config = DANetConfig(widths=(8, 8, 8), blocks=1, bottom_blocks=1)
    model = saved(tmp_path, config)
    assert config.build().facts.size_multiple == 4
    taps = list(config.build().taps())
    assert channels(model, before=taps[0], after=taps[1], limit=1, size=18).size == 16
    with pytest.raises(ConfigError, match=r"multiple of 4, so `size` \(=3\) is too small"):
        channels(model, before=taps[0], after=taps[1], limit=1, size=3)
