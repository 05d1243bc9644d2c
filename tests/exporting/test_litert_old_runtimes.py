"""Graphs that older runtimes refuse or run outside XNNPACK, rewritten; each against PyTorch or the graph before."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeir.exporting.profile import read_profile
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.layout import cancel_transposes, write_reshapes_as_transposes
from edgeir.exporting.targets.litert.passes.mean import split_means
from edgeir.exporting.targets.litert.passes.pool import is_lowest_padding, pad_pools_with_zeros
from edgeir.exporting.targets.litert.passes.root import divide_by_roots
from edgeir.exporting.targets.litert.passes.shuffle import fold_pixel_shuffle
from edgeir.exporting.targets.litert.passes.split import slice_partial_splits
from edgeir.exporting.targets.litert.target import clean_problems
from edgeir.models import DnCNNConfig, FDRNetConfig, FFDNetConfig, PPDNConfig
from edgeir.quantize.observers import BINS, Observation
from edgeir.quantize.ranges import activation_range

from .conftest import convert
from .test_litert_passes import as_it_comes, image, wanted


def cleaned(module: nn.Module, shape: tuple[int, ...]) -> Graph:
    """The module's graph after the rewrites of layout."""
    graph = Graph(as_it_comes(module, shape))
    while fold_pixel_shuffle(graph):
        cancel_transposes(graph)
    write_reshapes_as_transposes(graph)
    cancel_transposes(graph)
    return graph


class TwoShuffles(nn.Module):
    """A shuffle, features of the image added, and at once another shuffle."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.low, self.full = nn.Conv2d(3, 64, 3, stride=2, padding=1), nn.Conv2d(3, 16, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed = nn.functional.pixel_shuffle(torch.relu(self.low(x)), 2) + self.full(x)
        return nn.functional.pixel_shuffle(mixed, 2)


class OneChannel(nn.Module):
    """A luma network: one convolution from one channel straight into a shuffle to one channel."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(1, 16, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.pixel_shuffle(self.conv(x), 4).clamp(0, 1)


@pytest.mark.parametrize(
    ("module", "channels", "convolutions"), [(TwoShuffles(), 3, 2), (OneChannel(), 1, 1)]
)
def test_shuffles_of_every_kind_fold_without_a_further_convolution(
    module, channels, convolutions, run_litert
):
    graph = cleaned(module, (1, 8, 6, channels))
    data = graph.to_bytes()
    kinds = Graph(data).kinds()
    assert clean_problems(Graph(data), shuffles=2) == []
    assert sum(kind in ("CONV_2D", "DEPTHWISE_CONV_2D") for kind in kinds) == convolutions
    x = image(1, 8, 6, channels)
    np.testing.assert_allclose(run_litert(data, x), wanted(module, x), atol=1e-6)


def test_a_split_with_an_unread_part_becomes_slices(run_litert):
    class Chunks(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            _, second, third = torch.split(x, 2, dim=1)
            return torch.relu(second) + third

    graph = cleaned(Chunks(), (1, 5, 4, 6))
    slices = [operator for operator in graph.operators if graph.kind(operator) == "SLICE"]
    [source] = {int(operator.inputs[0]) for operator in slices}  # the converter slices by itself
    assert graph.shape(source) == (1, 5, 4, 6)
    parts = [graph.add_tensor("unread", (1, 5, 4, 2)), *(int(operator.outputs[0]) for operator in slices)]
    for operator in slices:
        graph.remove(operator)
    graph.add_operator(
        "SPLIT", [graph.add_constant("axis", np.array(3, np.int32)), source], parts, numSplits=3
    )
    assert slice_partial_splits(graph) == 1
    data = graph.to_bytes()
    assert "SPLIT" not in Graph(data).kinds()
    x = image(1, 5, 4, 6) - np.float32(0.5)
    np.testing.assert_array_equal(run_litert(data, x), wanted(Chunks(), x))


class Pooled(nn.Module):
    def __init__(self, positive: bool) -> None:
        super().__init__()
        self.positive = positive

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(x) if self.positive else x
        return nn.functional.max_pool2d(x, 3, stride=2, padding=1)


@pytest.mark.parametrize("positive", [True, False])
def test_a_max_pooling_is_padded_with_zeros_only_where_nothing_is_negative(positive, run_litert):
    graph = cleaned(Pooled(positive), (1, 7, 6, 4))
    assert sum(is_lowest_padding(graph, operator) for operator in graph.operators) == 1
    assert pad_pools_with_zeros(graph) == int(positive)
    x = image(1, 7, 6, 4) - np.float32(0.8)
    np.testing.assert_array_equal(run_litert(graph.to_bytes(), x), wanted(Pooled(positive), x))


def test_a_reciprocal_root_becomes_a_division(run_litert):
    class Normalised(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.rsqrt(x.square().mean((2, 3), keepdim=True) + 1e-5)

    graph = cleaned(Normalised(), (1, 6, 5, 3))
    assert divide_by_roots(graph) == 1
    data = graph.to_bytes()
    assert "RSQRT" not in Graph(data).kinds()
    x = image(1, 6, 5, 3)
    np.testing.assert_allclose(run_litert(data, x), wanted(Normalised(), x), rtol=1e-6)


def test_every_mean_names_axes_that_xnnpack_takes():
    class Mean(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x - x.mean((2, 3), keepdim=True)

    graph = cleaned(Mean(), (1, 6, 5, 3))
    split_means(graph)
    axes = [sorted(graph.constant(int(op.inputs[1]))) for op in graph.operators if graph.kind(op) == "MEAN"]
    assert sorted(axes) == [[1, 2], [2]]


SMALL_PPDN = {"stem": 4, "growth": 2, "layers": (1, 1, 1, 1), "expansion": 1.0,
              "decoder_growths": (2, 2, 2, 2, 2), "decoder_widths": (4, 3, 3, 2, 2)}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "tolerance"),
    [
        (FFDNetConfig(), 0.02),  # a constant is concatenated: the map of the noise level
        (FFDNetConfig(channels=1), 0.02),
        (DnCNNConfig(channels=1, depth=3, width=8), 0.02),
        # -inf before a max pooling, a fixed resize, TANH at the end
        pytest.param(PPDNConfig(**SMALL_PPDN), 0.05, marks=pytest.mark.slow),
    ],
    ids=["ffdnet", "ffdnet-gray", "dncnn-gray", "ppdn"],
)
def test_int8_at_another_size_than_the_calibration(config, tolerance, busy, run_litert):
    network = busy(config.build())
    channels = network.facts.channels
    crops = np.random.default_rng(0).random((4, 32, 32, channels), dtype=np.float32)
    made = convert(read_profile("tflite-int8").target, network, (64, 32), "float", crops)
    x = image(1, 64, 32, channels)
    assert np.abs(run_litert(made.data, x) - wanted(network.deploy(), x)).max() < tolerance


def test_signed_bytes_are_the_graphs_own_input_and_output(tiny, calibration, converted, run_litert):
    made = convert(read_profile("tflite-int8").target, tiny, (12, 10), "int8", calibration)
    kinds = Graph(made.data).kinds()
    assert "QUANTIZE" not in kinds
    assert "DEQUANTIZE" not in kinds
    assert (made.input.dtype, made.input.zero_point, made.output.dtype) == ("int8", -128, "int8")
    x = np.random.default_rng(2).integers(0, 256, (1, 12, 10, 3))
    signed = run_litert(made.data, (x - 128).astype(np.int8)).astype(np.int64) + 128
    unsigned = run_litert(converted("tflite-int8", "uint8").data, x.astype(np.uint8))
    np.testing.assert_array_equal(signed, unsigned)


def test_a_square_root_stays_in_float(busy):
    """8-bit SQRT fails on every LiteRT before 2.0.3."""
    config = FDRNetConfig(channels=16, phases=1, layers=1, process_blocks=1, auxiliary_blocks=1)
    crops = np.random.default_rng(0).random((2, 32, 32, 3), dtype=np.float32)
    graph = Graph(
        convert(read_profile("tflite-int8").target, busy(config.build()), (32, 32), "float", crops).data
    )
    roots = [operator for operator in graph.operators if graph.kind(operator) == "SQRT"]
    assert roots
    assert {graph.dtype(int(operator.inputs[0])) for operator in roots} == {"FLOAT32"}


@pytest.mark.parametrize("value", [0.0, 0.3, -7.25, 1e4])
@pytest.mark.parametrize("rule", ["minmax", "percentile", "mse"])
def test_a_constant_tensor_has_a_histogram_and_a_range(value, rule):
    seen = Observation(value, value, np.array([value]), np.array([value]), np.zeros(BINS))
    seen.counts += np.histogram(np.full(10, value, np.float32), BINS, seen.limits)[0]
    low, high = activation_range(seen, rule)
    assert low <= min(value, 0) + 0.01 * abs(value)
    assert high >= max(value, 0) * 0.99
    assert low < high


def test_a_network_with_a_constant_layer_converts(busy, run_litert):
    """Whatever the image, one feature map has one value: it has no histogram of its own."""
    network = busy(DnCNNConfig(channels=3, depth=3, width=8).build())
    with torch.no_grad():
        first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
        first.weight.zero_()
        first.bias.fill_(0.725)
    x = image(1, 12, 10, 3)
    made = convert(read_profile("tflite-int8").target, network, (12, 10), "float", image(4, 16, 16, 3))
    assert np.abs(run_litert(made.data, x) - wanted(network.deploy(), x)).max() < 0.05
