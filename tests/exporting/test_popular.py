"""Other authors' networks: converted, the graph clean, the file as the network; and refusals that name the line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spandrel")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from edgeir.checkpoint.load import load_checkpoint  # noqa: E402
from edgeir.core.errors import ExportError  # noqa: E402
from edgeir.exporting.equivalents import with_equivalents  # noqa: E402
from edgeir.exporting.profile import read_profile  # noqa: E402
from edgeir.exporting.recording import recorded  # noqa: E402

from ..popular import TINY, saved  # noqa: E402
from .conftest import convert  # noqa: E402

QUICK = {"compact"}  # the others in `make test-all`: up to half a minute each
NAMES = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in TINY]


@pytest.fixture(params=NAMES)
def network(request: pytest.FixtureRequest, tmp_path: Path):
    return load_checkpoint(saved(request.param, tmp_path))[0]


def image_for(network, side: int = 16) -> np.ndarray:
    multiple = network.facts.size_multiple
    side = -(-side // multiple) * multiple
    return np.random.default_rng(0).random((1, side, side + multiple, 3), dtype=np.float32)


def expected(network, image: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network.deploy()(torch.from_numpy(image).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()


def test_litert_is_clean_and_agrees(network, run_litert, calibration):
    pytest.importorskip("litert_torch")
    image = image_for(network)
    # `write` refuses a graph with TRANSPOSE, RESHAPE or a tensor above rank 4.
    made = convert(read_profile("tflite-fp32").target, network, image.shape[1:3], "float", calibration)
    assert np.abs(run_litert(made.data, image) - expected(network, image)).max() <= 1e-5


def test_onnx_agrees(network, calibration):
    onnxruntime = pytest.importorskip("onnxruntime")
    image = image_for(network)
    made = convert(read_profile("onnx-fp32").target, network, image.shape[1:3], "float", calibration)
    session = onnxruntime.InferenceSession(made.data, providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {session.get_inputs()[0].name: image.transpose(0, 3, 1, 2)})
    assert np.abs(out.transpose(0, 2, 3, 1) - expected(network, image)).max() <= 1e-5


def test_prelu_is_one_operator(tmp_path, calibration):
    pytest.importorskip("litert_torch")
    from edgeir.exporting.targets.litert.passes.graph import Graph

    network = load_checkpoint(saved("compact", tmp_path))[0]
    made = convert(read_profile("tflite-fp32").target, network, (16, 16), "float", calibration)
    kinds = Graph(made.data).kinds()
    assert kinds.count("PRELU") == 3
    assert not {"MUL", "SUB"} & set(kinds)


# --- equivalents, each against the operator itself


class Uses(nn.Module):
    """One operator on an image of eight channels."""

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.norm = nn.GroupNorm(4, 8)
        self.up = nn.ConvTranspose2d(8, 8, 4, 2, 3)
        self.same = nn.ConvTranspose2d(8, 8, 4, 2, 1)
        with torch.no_grad():
            for value in self.parameters():
                value.copy_(torch.randn(value.shape))

    def forward(self, x):
        if self.name == "slice_scatter":
            x = x.clone()
            x[:, 2:5] = torch.tanh(x[:, 2:5])
            return x
        calls = {
            "group_norm": self.norm,
            "conv_transpose": self.up,
            "conv_transpose_same": self.same,
            "mish": F.mish,
            "adaptive_max_pool": lambda x: F.adaptive_max_pool2d(x, (4, 6)),
            "repeat_interleave": lambda x: x.repeat_interleave(3, 1),
            "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 2),
            "negative_pad": lambda x: F.pad(x, (-2, 1, -1, 3), value=0.5),
        }
        return calls[self.name](x)


OPERATORS = {
    "group_norm": "group_norm",
    "conv_transpose": None,
    "mish": "mish",
    "adaptive_max_pool": "adaptive_max_pool2d",
    "repeat_interleave": "repeat_interleave",
    "pixel_unshuffle": "pixel_unshuffle",
    "negative_pad": None,
    "slice_scatter": "slice_scatter",
}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_equivalent_computes_the_same(name):
    torch.manual_seed(0)
    module = Uses(name).eval()
    x = 8 * torch.randn(1, 8, 8, 12)
    program = recorded(module, x)
    simpler = with_equivalents(program)
    assert simpler is not None
    with torch.no_grad():
        assert torch.allclose(simpler(x), module(x), atol=1e-5)
    left = {str(node.target) for node in recorded(simpler, x).graph.nodes}
    assert OPERATORS[name] is None or not any(OPERATORS[name] in target for target in left)


def test_what_converters_know_stays():
    x = torch.randn(1, 8, 8, 12)
    program = recorded(Uses("conv_transpose_same").eval(), x)
    assert with_equivalents(program) is None
    program = recorded(Uses("mish").eval(), x)
    assert with_equivalents(program, known=frozenset({"mish"})) is None


# --- refusals


def network_in_a_file(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """A network of somebody, in a file of its own: lines outside the network's file are not named."""
    (folder / "their_network.py").write_text(
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.conv = nn.Conv2d(3, 3, 3, padding=1)\n\n"
        f"    def forward(self, x):\n{body}"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "their_network", raising=False)
    import their_network  # type: ignore[import-not-found]

    return their_network.Net().eval()


def test_a_branch_on_the_image_names_its_line(tmp_path, monkeypatch):
    body = "        if x.mean() > 0.5:\n            return self.conv(x)\n        return x\n"
    network = network_in_a_file(tmp_path, body, monkeypatch)
    with pytest.raises(
        ExportError, match=r"decides by the values of the image.*their_network.py:11: if x.mean"
    ):
        recorded(network, torch.zeros(1, 3, 8, 8))


def test_a_network_that_changes_its_weights_is_refused(tmp_path, monkeypatch):
    body = "        self.conv.weight.data = self.conv.weight.data * 0.5\n        return self.conv(x)\n"
    network = network_in_a_file(tmp_path, body, monkeypatch)
    with pytest.raises(ExportError, match="changes `conv.weight` while it runs"):
        recorded(network, torch.zeros(1, 3, 8, 8))


def test_a_network_that_writes_its_input_is_refused(tmp_path, monkeypatch):
    network = network_in_a_file(tmp_path, "        return self.conv(x.mul_(2))\n", monkeypatch)
    with pytest.raises(ExportError, match="computes in place on its input"):
        recorded(network, torch.zeros(1, 3, 8, 8))


def test_what_a_converter_cannot_convert_names_its_line(tmp_path, monkeypatch):
    from edgeir.exporting.converting import explained

    body = "        y = torch.cumsum(x, 2)\n        return self.conv(y[None, None] + 1)[0, 0] if y.ndim > 4 else y\n"
    program = recorded(network_in_a_file(tmp_path, body, monkeypatch), torch.zeros(1, 3, 8, 8))
    with (
        pytest.raises(
            ExportError, match=r"cannot convert.*Lowering not found: cumsum \(at .*their_network.py:11: y = "
        ),
        explained("LiteRT", program),
    ):
        raise RuntimeError("long story\nLowering not found: cumsum\nmore")
    with pytest.raises(RuntimeError), explained("LiteRT", None):
        raise RuntimeError


def test_a_tensor_of_a_high_rank_names_its_line(tmp_path, monkeypatch):
    from edgeir.exporting.recording import line_of_rank

    body = "        return x.reshape(1, 3, 2, 4, 8).mean(2).repeat(1, 1, 2, 1)\n"
    program = recorded(network_in_a_file(tmp_path, body, monkeypatch), torch.zeros(1, 3, 8, 8))
    assert "their_network.py:11: return x.reshape" in line_of_rank(program, 4)
