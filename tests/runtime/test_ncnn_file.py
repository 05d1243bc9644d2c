"""The files of an ncnn network are checked before ncnn, which trusts them, sees them."""

from __future__ import annotations

from pathlib import Path

import ncnn
import numpy as np
import pytest
import torch
from torch import nn

from edgeir.core.errors import ArtifactError
from edgeir.exporting.targets.ncnn.convert import convert
from edgeir.manifest.facts import NetworkFacts
from edgeir.runtime.ncnn_file import (
    BIN,
    PARAM,
    Layer,
    format_param,
    has_large_kernel,
    parse_param,
    weights_of,
)
from edgeir.runtime.quiet import libraries_silenced

GOOD = """7767517
5 6
Input in0 0 1 in0 0=0 1=0 2=3
Split twice 1 2 in0 1 2
Convolution conv 1 1 1 3 0=4 1=3 4=1 5=1 6=108
Convolution other 1 1 2 4 0=4 1=1 5=0 6=12
BinaryOp add 2 1 3 4 out0 0=0
"""
WEIGHTS = bytes(4) + bytes(108 * 4) + bytes(4 * 4) + bytes(4) + bytes(12 * 4)


def test_a_graph_is_read_and_written_back() -> None:
    layers = parse_param(GOOD, where="x")
    assert [layer.kind for layer in layers] == ["Input", "Split", "Convolution", "Convolution", "BinaryOp"]
    assert layers[2].integer(6) == 108
    assert layers[3].integer(5, 1) == 0
    assert parse_param(format_param(layers), where="x") == layers


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("7767517", "7767518", "its first line is not that of an ncnn .param"),
        ("5 6", "5 7", "has 5 layers and 6 blobs and says 5 and 7"),
        ("5 6", "6 6", "has 5 layers and 6 blobs and says 6 and 6"),
        ("5 6", "99999999999999", "is damaged"),
        ("1 1 1 3 0=4", "1 1 9 3 0=4", "the layer `conv` reads the blob `9`, which is not there"),
        ("1 1 2 4 0=4", "1 1 1 4 0=4", "the layer `other` reads the blob `1`, which is not there"),
        ("1 1 2 4 0=4", "1 1 2 3 0=4", "the blob `3` is made twice"),
        ("out0", "out1", "its ends are not one input `in0` and one output `out0`"),
        ("conv 1 1 1 3", "conv 1000000 1 1 3", "the layer `conv` has a wrong number of blobs"),
        ("conv 1 1 1 3", "conv -1 1 1 3", "the layer `conv` has a wrong number of blobs"),
        ("0=4 1=3", "0=4 rubbish", "`rubbish` in the layer `conv` is no setting"),
        ("1=3 4=1", "1=\0\0 4=1", "is damaged"),
        ("1=3 4=1", "1=1e999 4=1", "`1=1e999` in the layer `conv` is no setting"),
        ("1=3 4=1", "-23301=2,3 4=1", "`-23301=2,3` in the layer `conv` is no setting"),
        ("conv", "c" * 300, "has a wrong number of blobs"),
        (GOOD[9:], "", "is damaged"),
        (GOOD, "", "it ends too early"),
    ],
)
def test_a_damaged_param_is_one_line(old: str, new: str, words: str) -> None:
    with pytest.raises(ArtifactError, match=r"x: the \.param is damaged") as caught:
        parse_param(GOOD.replace(old, new, 1), where="x")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_weights_are_where_the_layers_say() -> None:
    found = weights_of(parse_param(GOOD, where="x"), WEIGHTS, where="x")
    assert found is not None
    assert [(w.layer, w.start, w.count, w.dtype) for w in found] == [
        (2, 4, 108, "float32"),
        (2, 436, 4, "float32"),
        (3, 456, 12, "float32"),
    ]


@pytest.mark.parametrize(
    "content", [b"", WEIGHTS[:3], WEIGHTS[:-1], WEIGHTS[:300], WEIGHTS + bytes(4), b"\1" * 508]
)
def test_weights_of_another_size_are_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"x: the \.bin has \d+ bytes"):
        weights_of(parse_param(GOOD, where="x"), content, where="x")


@pytest.mark.parametrize("value", ["-5", "1e30", "nan", "inf", "999999999999999999999", "many"])
def test_a_setting_that_is_no_size_is_refused(value: str) -> None:
    text = GOOD.replace("6=108", f"6={value}")
    with pytest.raises(ArtifactError, match=r"the \.bin has|has a wrong setting|the \.param is damaged"):
        weights_of(parse_param(text, where="x"), WEIGHTS, where="x")


class Everything(nn.Module):
    """One of each layer with weights that restoration networks have."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.PReLU(8),
            nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
            nn.InstanceNorm2d(8, affine=True),
            nn.GroupNorm(2, 8),
            nn.ConvTranspose2d(8, 6, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.BatchNorm2d(6),
            nn.Conv2d(6, 3, 2, stride=2),
        )
        self.constant = nn.Parameter(torch.rand(3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.layers(x)) * self.constant


@pytest.mark.parametrize("half", [False, True])
def test_every_layer_with_weights_is_accounted_for_as_ncnn_does(half: bool, tmp_path: Path) -> None:
    """ncnn itself is the oracle: it reads just as far as the .param is said to ask for, and not one value less."""

    class Network:
        facts = NetworkFacts()

        def deploy(self) -> nn.Module:
            return Everything().eval()

    with libraries_silenced():
        made = convert(Network(), None, half=half)  # type: ignore[arg-type]
    found = weights_of(made.layers, made.weights, where="x")
    assert found is not None
    assert {made.layers[weight.layer].kind for weight in found} >= {
        "Convolution", "ConvolutionDepthWise", "PReLU", "InstanceNorm", "GroupNorm", "Deconvolution", "BatchNorm",
    }  # fmt: skip
    assert ("float16" in {weight.dtype for weight in found}) == half
    (tmp_path / PARAM).write_text(format_param(made.layers))
    for lacking, loads in ((0, True), (4, False)):
        (tmp_path / BIN).write_bytes(made.weights[: len(made.weights) - lacking])
        net = ncnn.Net()
        assert net.load_param(str(tmp_path / PARAM)) == 0
        assert (net.load_model(str(tmp_path / BIN)) == 0) == loads


def test_weights_that_edgeir_does_not_know_are_left_to_ncnn() -> None:
    text = GOOD.replace("Convolution other", "MultiHeadAttention other")
    assert weights_of(parse_param(text, where="x"), np.zeros(3).tobytes() * 50, where="x") is None


@pytest.mark.parametrize(
    ("settings", "large"), [({1: "3"}, False), ({1: "1", 11: "7"}, True), ({1: "5"}, True), ({1: "9"}, True)]
)
def test_a_kernel_whose_windows_ncnn_would_copy_is_found(settings: dict[int, str], large: bool) -> None:
    layers = [Layer("Convolution", "c", ["in0"], ["out0"], settings), Layer("Pooling", "p", [], [], {1: "9"})]
    assert has_large_kernel(layers) is large
