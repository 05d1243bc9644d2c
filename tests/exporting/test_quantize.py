"""Range rules, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeir.exporting.targets.litert.quantize.observe import observe
from edgeir.exporting.targets.litert.target import LiteRT
from edgeir.models import RCANConfig
from edgeir.models.blocks.attention import ChannelAttention
from edgeir.quantize.observers import BINS, Observation
from edgeir.quantize.ranges import activation_range

from .conftest import convert


def observation(values: np.ndarray) -> Observation:
    low, high = float(values.min()), float(values.max())
    counts = np.histogram(values, BINS, (low, max(high, low + 1e-9)))[0].astype(np.float64)
    return Observation(low, high, values.max(keepdims=True), values.mean(keepdims=True), counts)


def squared_error(values: np.ndarray, limits: tuple[float, float]) -> float:
    step = (limits[1] - limits[0]) / 255
    stored = np.rint((np.clip(values, *limits) - limits[0]) / step) * step + limits[0]
    return float(np.mean((values - stored) ** 2))


@given(
    seed=st.integers(0, 999),
    tail=st.floats(0.1, 6),
    shift=st.floats(-3, 3),
    rule=st.sampled_from(["minmax", "average", "percentile", "mse"]),
)
def test_a_range_holds_zero_and_never_exceeds_what_was_seen(
    seed: int, tail: float, shift: float, rule
) -> None:
    values = np.random.default_rng(seed).normal(shift, 1, 2000) ** 3 * tail
    low, high = activation_range(observation(values), rule)
    assert min(values.min(), 0) - 1e-6 <= low <= 0 < high <= max(values.max(), 0) * 1.001 + 1e-6


@pytest.mark.parametrize("outlier", [1.1, 1.3, 1.6, 4.0])
def test_the_mse_rule_finds_the_clipping_that_loses_least(outlier: float) -> None:
    values = np.append(np.random.default_rng(0).random(200_000), outlier)
    chosen = activation_range(observation(values), "mse")
    # Brute force over a finer grid, on the values themselves.
    least = min(squared_error(values, (0.0, outlier * f)) for f in np.linspace(0.2, 1, 161))
    assert squared_error(values, chosen) <= 1.1 * least
    if outlier == 1.3:  # here clipping pays
        assert chosen[1] < 1.2


def test_the_percentile_rule_leaves_outliers_out() -> None:
    values = np.append(np.random.default_rng(0).random(100_000), 50.0)
    low, high = activation_range(observation(values), "percentile")
    assert low == 0
    assert 0.9 < high < 1.2


def test_the_average_rule_follows_the_images_in_their_order() -> None:
    seen = Observation(-1.0, 2.0, np.zeros(0), np.zeros(0), np.zeros(BINS))
    low, high = -1.0, 2.0
    for image in ((-3.0, 1.0), (0.5, 8.0)):
        seen.follow(*image)
        low, high = 0.9 * low + 0.1 * image[0], 0.9 * high + 0.1 * image[1]
    assert activation_range(seen, "average") == pytest.approx((low, high))
    assert activation_range(seen, "minmax") == (-3.0, 8.0)


def test_a_constant_tensor_has_a_usable_range() -> None:
    for rule in ("minmax", "average", "percentile", "mse"):
        low, high = activation_range(observation(np.zeros(10)), rule)
        assert low <= 0 < high


def test_observation_sees_what_the_graph_computes(converted, run_litert) -> None:
    images = np.random.default_rng(5).random((3, 9, 7, 3), dtype=np.float32)
    model = converted("tflite-fp32").data
    seen = observe(model, ["restored"], images)["restored"]
    outputs = np.concatenate([run_litert(model, image[None]) for image in images])
    assert (seen.low, seen.high) == (outputs.min(), outputs.max())
    assert seen.counts.sum() == outputs.size
    np.testing.assert_allclose(seen.channel_mean, outputs.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(seen.channel_high, outputs.max((0, 1, 2)))


def test_a_unit_that_is_silent_in_calibration_does_not_stop_the_file(run_litert) -> None:
    """Its own range is next to nothing, which would ask of the kernel a ratio of scales that none takes."""
    torch.manual_seed(0)
    network = RCANConfig(channels=16, groups=1, blocks=1, scale=1).build().eval()
    [attention] = [module for module in network.modules() if isinstance(module, ChannelAttention)]
    with torch.no_grad():
        attention.squeeze.weight.abs_().neg_()
        attention.squeeze.bias.fill_(-5.0)
    images = np.random.default_rng(0).random((4, 32, 32, 3), dtype=np.float32)
    data = convert(LiteRT(precision="int8"), network, (32, 32), "float", images).data
    with torch.inference_mode():
        expected = network.deploy()(torch.from_numpy(images[:1].transpose(0, 3, 1, 2).copy()))
    error = run_litert(data, images[:1]) - expected.numpy().transpose(0, 2, 3, 1)
    assert np.sqrt(np.mean(error**2)) < 0.02
