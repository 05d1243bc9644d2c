"""Files of networks that were trained in integers: every byte is the simulation's."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ai_edge_quantizer")

from edgeir.core.errors import ConfigError, ExportError, ParityError  # noqa: E402
from edgeir.exporting.profile import read_profile  # noqa: E402
from edgeir.exporting.run import export_network  # noqa: E402
from edgeir.exporting.trained import same_reference  # noqa: E402
from edgeir.models import (  # noqa: E402
    ARCNNConfig,
    DnCNNConfig,
    EDSRConfig,
    FFDNetConfig,
    MultiscaleDenoiserConfig,
    PlainSRConfig,
)
from edgeir.quantize.network import FakeQuantized  # noqa: E402
from edgeir.quantize.plan import PLANS  # noqa: E402
from edgeir.quantize.settings import Quantization  # noqa: E402
from edgeir.runtime.loading import load  # noqa: E402

from .conftest import card_of  # noqa: E402

EXACT = (0.999, 1)
"""Least share of equal bytes, and largest difference in levels."""
# Where two values are added, a sum halfway between two steps is rounded by each runtime in its own way; these random
# networks make several levels of one step.
ADDING = (0.98, 8)
NETWORKS = [
    pytest.param(PlainSRConfig(channels=8, blocks=2, tail_rank=6, branches=()), EXACT, id="plainsr"),
    pytest.param(DnCNNConfig(depth=3, width=8), EXACT, id="dncnn"),
    pytest.param(EDSRConfig(channels=8, blocks=1), ADDING, id="edsr", marks=pytest.mark.slow),
    pytest.param(FFDNetConfig(), EXACT, id="ffdnet", marks=pytest.mark.slow),
    pytest.param(MultiscaleDenoiserConfig(), ADDING, id="multiscale", marks=pytest.mark.slow),
    # PReLU is several operators in the one format, with ranges that training does not know, and float in the other
    pytest.param(ARCNNConfig(), (0.8, 16), id="arcnn", marks=pytest.mark.slow),
]


def trained(network, steps=3, seed=0):
    """A network in integers whose weights training has moved."""
    network = FakeQuantized(network, Quantization())
    generator = torch.Generator().manual_seed(seed)
    unit = 4 * network.facts.size_multiple
    images = torch.rand(4, network.facts.channels, 4 * unit, 4 * unit, generator=generator)
    network.calibrate(images)
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        network(images).square().mean().backward()
        optimizer.step()
    return network.eval()


@pytest.fixture(params=["tflite-int8", "onnx-int8"])
def profile(request):
    return read_profile(request.param)


@pytest.mark.parametrize(("config", "agreement"), NETWORKS)
def test_the_file_computes_what_the_checkpoint_does(config, agreement, profile, busy, tmp_path):
    network = trained(busy(config.build()))
    size = (24, 20) if profile.target.kind == "tflite" else None
    open_gate = profile.model_copy(
        update={"gate": profile.gate.model_validate(dict.fromkeys(type(profile.gate).model_fields, 1e6))}
    )
    export_network(
        network,
        card_of(network),
        open_gate,
        out=tmp_path / "a",
        name="x",
        sizes=[size] if size else [],
        golden=False,
    )
    image = np.random.default_rng(1).random((24, 20, 3), dtype=np.float32)
    got = np.rint(load(tmp_path / "a").run(image) * 255)
    with torch.no_grad():
        wanted = network(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    difference = np.abs(got - np.rint(wanted * 255))
    share, levels = agreement
    assert (difference == 0).mean() >= share
    assert difference.max() <= levels
    # and it is not what the float network computes: the test would see a file that was quantised anew
    with torch.no_grad():
        floats = network.reference.deploy()(torch.from_numpy(image).permute(2, 0, 1)[None])
    assert (np.rint(floats[0].permute(1, 2, 0).numpy() * 255) != got).mean() > 0.05


def test_it_is_proved_against_the_float_network_it_began_as(busy, tmp_path):
    network = trained(busy(PlainSRConfig(channels=4, blocks=1, branches=()).build()))
    with torch.no_grad():  # training that ruined the network: the file is the simulation's, and wrong
        for parameter in network.deployed.parameters():
            parameter.mul_(0.5)
    with pytest.raises(ParityError, match="differs too much from the network"):
        export_network(network, card_of(network), read_profile("onnx-int8"), out=tmp_path / "a", name="x")


def test_another_precision_is_refused(busy, tmp_path):
    network = trained(busy(PlainSRConfig(channels=4, blocks=1, branches=()).build()), steps=1)
    with pytest.raises(ExportError, match=r"was trained for int8, not fp16 \(choose --precision int8"):
        export_network(network, card_of(network), read_profile("onnx-fp16"), out=tmp_path / "a", name="x")
    assert not (tmp_path / "a").exists()


def test_only_the_network_that_it_began_as_is_its_reference(busy):
    config = PlainSRConfig(channels=4, blocks=1, branches=())
    network = busy(config.build())
    same_reference(trained(network, steps=1), network, "here")
    with pytest.raises(ConfigError, match="fine-tuned from another network"):
        same_reference(trained(network, steps=1), busy(config.build(), seed=1), "here")
    with pytest.raises(ConfigError, match="was not trained in integers"):
        same_reference(network, network, "here")


def test_one_scale_per_layer_where_the_plan_says_so(busy):
    plan = PLANS["int8"].model_copy(
        update={"default": PLANS["int8"].default.model_copy(update={"granularity": "tensor"})}
    )
    network = FakeQuantized(busy(PlainSRConfig(channels=4, blocks=1).build()), Quantization(plan=plan))
    for layer in network.layers():
        assert len(layer.integers.scales.unique()) == 1
