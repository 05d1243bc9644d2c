"""The rewrites, against PyTorch and against the conversion as it comes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgeir.core.errors import ExportError
from edgeir.exporting.targets.litert.passes.clip import hoist_clip, remove_clip, write_clip
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.layout import cancel_transposes
from edgeir.exporting.targets.litert.passes.mean import split_means
from edgeir.exporting.targets.litert.passes.residual import merge_added_convolutions
from edgeir.exporting.targets.litert.passes.shuffle import crd_to_dcr, fold_pixel_shuffle
from edgeir.exporting.targets.litert.target import clean_problems
from edgeir.runtime.quiet import libraries_silenced


def as_it_comes(module: nn.Module, shape: tuple[int, ...]) -> bytes:
    with libraries_silenced():
        import litert_torch

        wrapped = litert_torch.to_channel_last_io(module.eval(), args=[0], outputs=[0])
        return bytes(litert_torch.convert(wrapped.eval(), (torch.zeros(shape),)).model_content())


def wanted(module: nn.Module, image: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return module(torch.from_numpy(image.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).random(shape, dtype=np.float32)


class Shuffled(nn.Module):
    """Convolutions, an addition, a shuffle by `block`, element-wise operators on both sides."""

    def __init__(self, block: int) -> None:
        super().__init__()
        torch.manual_seed(block)
        self.a, self.b = (nn.Conv2d(3, 3 * block**2, 3, padding=1) for _ in range(2))
        self.block = block

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed = torch.relu(self.a(x) + self.b(x) * 0.5)
        return torch.clamp(nn.functional.pixel_shuffle(mixed, self.block) * 2 - 0.25, 0, 1)


class Repeated(nn.Module):
    """The residual of ABPN: copies of the input, whose channels no convolution's weights can reorder."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        copies = torch.cat([x[:, i // 4 : i // 4 + 1] for i in range(12)], 1)
        return nn.functional.pixel_shuffle(self.conv(x) + copies, 2)


class Centred(nn.Module):
    """What PPCN does around its body: subtract the image mean, pad one side, stride 2, shuffle, add the mean."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 12, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean((2, 3), keepdim=True)
        features = nn.functional.leaky_relu(self.conv(nn.functional.pad(x - mean, (0, 1, 0, 1))), 0.05)
        return (nn.functional.pixel_shuffle(features, 2) + mean).clamp(0, 1)


@given(colours=st.integers(1, 4), block=st.integers(1, 4), seed=st.integers(0, 99))
def test_the_channel_order_turns_pixel_shuffle_into_depth_to_space(
    colours: int, block: int, seed: int
) -> None:
    x = np.random.default_rng(seed).random((1, 2, 3, colours * block**2), dtype=np.float32)
    y = x[..., crd_to_dcr(x.shape[3], block)]
    # DEPTH_TO_SPACE as its specification says: channel = (row * block + column) * colours + colour.
    cells = y.reshape(1, 2, 3, block, block, colours).transpose(0, 1, 3, 2, 4, 5)
    depth_to_space = cells.reshape(1, 2 * block, 3 * block, colours)
    shuffle = nn.functional.pixel_shuffle(torch.from_numpy(x.transpose(0, 3, 1, 2)), block)
    np.testing.assert_array_equal(depth_to_space, shuffle.numpy().transpose(0, 2, 3, 1))


@pytest.mark.parametrize("block", [2, 3, 4])
def test_a_shuffle_becomes_one_depth_to_space_and_every_bit_stays(block: int, run_litert) -> None:
    model = as_it_comes(Shuffled(block), (1, 6, 5, 3))
    graph = Graph(model)
    assert fold_pixel_shuffle(graph) == 1
    cancel_transposes(graph)
    lowered = graph.to_bytes()
    assert clean_problems(Graph(lowered)) == []
    assert Graph(lowered).kinds().count("DEPTH_TO_SPACE") == 1
    assert clean_problems(Graph(model)) != []
    x = image(1, 6, 5, 3)
    np.testing.assert_array_equal(run_litert(lowered, x), run_litert(model, x))
    np.testing.assert_allclose(run_litert(lowered, x), wanted(Shuffled(block), x), atol=1e-6)


def test_channels_that_cannot_be_reordered_at_their_source_still_come_out_right(run_litert) -> None:
    graph = Graph(as_it_comes(Repeated(), (1, 6, 5, 3)))
    assert fold_pixel_shuffle(graph) == 1
    cancel_transposes(graph)
    lowered = graph.to_bytes()
    assert "DEPTH_TO_SPACE" in Graph(lowered).kinds()
    x = image(1, 6, 5, 3)
    np.testing.assert_allclose(run_litert(lowered, x), wanted(Repeated(), x), atol=1e-6)


def test_transposes_around_means_paddings_and_leaky_relu_cancel(run_litert) -> None:
    graph = Graph(as_it_comes(Centred(), (1, 8, 6, 3)))
    assert graph.kinds().count("TRANSPOSE") >= 4
    fold_pixel_shuffle(graph)
    cancel_transposes(graph)
    lowered = graph.to_bytes()
    assert clean_problems(Graph(lowered)) == []
    x = image(1, 8, 6, 3)
    np.testing.assert_allclose(run_litert(lowered, x), wanted(Centred(), x), atol=1e-6)


def test_the_mean_of_a_large_image_is_taken_in_two_steps_and_stays_exact(run_litert) -> None:
    class Mean(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 255 - (x * 255).mean((2, 3), keepdim=True)

    graph = Graph(as_it_comes(Mean(), (1, 720, 960, 3)))
    fold_pixel_shuffle(graph)
    cancel_transposes(graph)
    before = graph.to_bytes()
    graph = Graph(before)
    assert split_means(graph) == 1
    after = graph.to_bytes()
    assert (Graph(before).kinds().count("MEAN"), Graph(after).kinds().count("MEAN")) == (1, 2)
    x = image(1, 720, 960, 3) * np.float32(0.5) + np.float32(0.5)
    levels = x.astype(np.float64) * 255
    exact = levels - levels.mean((1, 2), keepdims=True)
    errors = [np.abs(run_litert(model, x) - exact).max() for model in (before, after)]
    assert errors[1] < 5e-4
    assert errors[1] < errors[0] / 4


@pytest.fixture(scope="module")
def clipped() -> tuple[nn.Module, bytes]:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Conv2d(3, 12, 3, padding=1), nn.Conv2d(3, 12, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.pixel_shuffle(self.a(torch.relu(x - 0.5)) + self.b(x), 2).clamp(0, 1)

    module = Sum()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(4)
    graph = Graph(as_it_comes(module, (1, 6, 5, 3)))
    fold_pixel_shuffle(graph)
    cancel_transposes(graph)
    return module, graph.to_bytes()


@pytest.mark.parametrize(
    ("style", "tail"),
    [
        ("relu_0_to_1", ["RELU_0_TO_1", "DEPTH_TO_SPACE"]),
        ("relu_n1_to_1", ["RELU", "DEPTH_TO_SPACE"]),
        ("minimum_relu", ["MINIMUM", "RELU", "DEPTH_TO_SPACE"]),
    ],
)
@pytest.mark.parametrize("merge", [False, True])
def test_every_spelling_of_the_clip_clips(style, tail, merge, clipped, run_litert) -> None:
    module, model = clipped
    graph = Graph(model)
    hoist_clip(graph)
    if merge:
        assert merge_added_convolutions(graph) == 1
    write_clip(graph, style)
    lowered = graph.to_bytes()
    kinds = Graph(lowered).kinds()
    assert kinds[-len(tail) :] == tail
    assert ("ADD" in kinds) == (not merge)
    x = image(1, 6, 5, 3)
    result = run_litert(lowered, x)
    assert (result == 0).any()
    assert (result == 1).any()
    np.testing.assert_allclose(result, wanted(module, x), atol=2e-6)


def test_removing_the_clip_removes_it(clipped, run_litert) -> None:
    graph = Graph(clipped[1])
    assert remove_clip(graph)
    assert not remove_clip(graph)
    assert run_litert(graph.to_bytes(), image(1, 6, 5, 3)).max() > 1


def test_additions_that_are_no_two_plain_convolutions_stay() -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.a(x) + self.b(x) + x

    graph = Graph(as_it_comes(Skip(), (1, 6, 5, 3)))
    before = graph.kinds()
    assert merge_added_convolutions(graph) == 0
    assert graph.kinds() == before


def test_a_graph_survives_reading_and_writing(clipped, run_litert) -> None:
    once = Graph(clipped[1]).to_bytes()
    assert Graph(once).to_bytes() == once
    names = [Graph(once).name(int(i)) for op in Graph(once).operators for i in op.outputs]
    assert len(set(names)) == len(names)
    x = image(1, 6, 5, 3)
    np.testing.assert_array_equal(run_litert(once, x), run_litert(clipped[1], x))


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ExportError, match="no LiteRT flatbuffer"):
        Graph(b"\x08\x00\x00\x00ONNXxxxxxxxxxxxx")
