"""Every layer's share of the error of 8 bits."""

import pytest

torch = pytest.importorskip("torch")

from edgeir.checkpoint.save import save_checkpoint  # noqa: E402
from edgeir.cli.app import main  # noqa: E402
from edgeir.exporting.sensitivity import cheapest_first, measured  # noqa: E402
from edgeir.models import PlainSRConfig  # noqa: E402

from .conftest import busy, card_of  # noqa: E402


@pytest.fixture(scope="module")
def network():
    """One weight of one layer is a hundred times the others: its channel's 8 bits are spent on it."""
    network = busy(PlainSRConfig(channels=6, blocks=3, branches=()).build())
    with torch.no_grad():
        network.body[1].conv.conv.weight[:, 0, 0, 0] = 40.0
    return network


def test_the_layer_that_makes_the_error_is_found(network):
    found = measured(network, card_of(network))
    assert [layer.layer for layer in found.layers] == [
        "body.0",
        "body.2",
        "body.4",
        "body.6",
        "tail",
        "residual",
    ]
    worst = min(found.layers, key=lambda layer: layer.alone_db)
    best = max(found.layers, key=lambda layer: layer.gain_db)
    assert worst.layer == best.layer == "body.4"
    assert sum(layer.macs_share for layer in found.layers) == pytest.approx(1.0)
    assert found.layers[1].macs_share == pytest.approx(6 / 3 * found.layers[0].macs_share)
    assert cheapest_first(network, card_of(network))[0] == "body.4"


def test_the_command_draws_the_figures(network, tmp_path, capsys):
    from PIL import Image

    folder = tmp_path / "net"
    save_checkpoint(folder, network, network.state_dict(), name="net", metrics={}, provenance={})
    out = tmp_path / "s.png"
    assert main(["sensitivity", str(folder), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "body.4" in printed
    with Image.open(out) as picture:
        assert picture.size[0] > 1000
    assert main(["sensitivity", str(folder), "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["sensitivity", str(folder), "--size", "8x8"]) == 2
    assert "--size is for --measure" in capsys.readouterr().err


@pytest.mark.slow
def test_the_time_that_a_layer_adds_is_measured(network, tmp_path, capsys):
    import json

    folder = tmp_path / "net"
    save_checkpoint(folder, network, network.state_dict(), name="net", metrics={}, provenance={})
    assert main(["sensitivity", str(folder), "--measure", "onnx", "--json", "-q"]) == 0
    layers = {layer["layer"]: layer for layer in json.loads(capsys.readouterr().out)["layers"]}
    assert layers["body.2"]["float_ms"] is not None
    assert layers["tail"]["float_ms"] is None  # it makes the output, which an int8 file gives in integers
