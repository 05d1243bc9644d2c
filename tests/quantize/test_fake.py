"""Rounding, against integers computed by hand and against NNCF's fake quantisation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from edgeir.quantize.fake import (  # noqa: E402
    WeightFormat,
    exact_convolution,
    fake_weights,
    integer_weights,
    rounded,
    scale_of,
)

RANGES = st.tuples(
    st.floats(-100, 0, allow_subnormal=False), st.floats(0, 100, allow_subnormal=False)
).filter(lambda ends: ends[1] - ends[0] > 1e-3)


@given(RANGES)
def test_zero_is_exact_and_the_range_is_covered_but_for_half_a_step(ends):
    scale, zero_point = scale_of(*ends)
    assert -128 <= zero_point <= 127
    assert float(rounded(torch.zeros(1), scale, zero_point)) == 0
    assert (-128 - zero_point) * scale <= ends[0] + scale * 0.5001
    assert (127 - zero_point) * scale >= ends[1] - scale * 0.5001


@given(RANGES, st.integers(0, 10**6))
def test_rounding_is_that_of_nncf(ends, seed):
    reference = pytest.importorskip("nncf.torch.quantization.reference")
    scale, zero_point = scale_of(*ends)
    low = (-128 - zero_point) * scale
    values = torch.empty(64).uniform_(*ends, generator=torch.Generator().manual_seed(seed))
    quantize = reference.ReferenceQuantize(reference.ReferenceBackendType.TORCH)
    theirs = quantize.forward(values.clone(), torch.tensor([low]), torch.tensor([255 * scale]), 256)
    ours = rounded(values, scale, zero_point)
    # Both compute in float32, each in its own order: where a value lies halfway, they may be a step apart.
    halfway = (values / scale % 1 - 0.5).abs() < 1e-3
    assert torch.allclose(ours[~halfway], theirs[~halfway], atol=scale * 1e-3)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("rule", ["full", "pairs"])
def test_fake_weights_are_the_integers_times_their_scales(axis, rule):
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(6, 6, 3, 3, generator=generator)
    bias = torch.randn(6, generator=generator)
    floats, fake_bias = fake_weights(weights, bias, 1 / 255, WeightFormat(rule, axis))
    integers = integer_weights(weights, bias, 1 / 255, WeightFormat(rule, axis))
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    assert integers.values.abs().max() <= 127
    # torch multiplies by the reciprocal: at the border of two steps it may take the other one
    difference = (floats / integers.scales.reshape(shape) - integers.values).abs()
    assert float((difference > 1e-3).float().mean()) < 0.01
    assert integers.bias is not None
    assert torch.allclose(fake_bias, (integers.bias * (integers.scales / 255)).float(), atol=1e-7)


def test_gradients_pass_through_the_rounding():
    weights = torch.randn(4, 3, 3, 3, requires_grad=True)
    bias = torch.randn(4, requires_grad=True)
    floats, fake_bias = fake_weights(weights, bias, 0.01, WeightFormat("full"))
    (floats.sum() * 2 + fake_bias.sum() * 3).backward()
    assert torch.equal(weights.grad, torch.full_like(weights, 2.0))
    assert torch.equal(bias.grad, torch.full_like(bias, 3.0))


@pytest.mark.parametrize(("low", "high"), [(-math.inf, math.inf), (0.0, math.inf), (0.0, 0.5)])
def test_an_exact_convolution_is_one_of_int64(low, high):
    """By hand: the products summed in 64-bit integers, rescaled in float32, rounded half to even, clamped."""
    generator = np.random.default_rng(2)
    given, result = (0.02, -10), (0.05, 3)
    integers = generator.integers(-128, 128, (1, 3, 7, 6)) - given[1]
    weights = torch.from_numpy(generator.normal(0, 0.3, (5, 3, 3, 3)).astype(np.float32))
    bias = torch.from_numpy(generator.normal(0, 1, 5).astype(np.float32))
    stored = integer_weights(weights, bias, given[0], WeightFormat("full"))
    padded = np.pad(integers, [(0, 0), (0, 0), (1, 1), (1, 1)]).astype(np.int64)
    wanted = np.zeros((1, 5, 7, 6))
    kernel, offsets = stored.values.numpy().astype(np.int64), stored.bias.numpy().astype(np.int64)
    for channel in range(5):
        for row in range(7):
            for column in range(6):
                total = int((padded[0, :, row : row + 3, column : column + 3] * kernel[channel]).sum())
                ratio = np.float32(np.float32(given[0]) * stored.scales.numpy()[channel]) / np.float32(
                    result[0]
                )
                step = int(np.rint(np.float32(total + offsets[channel]) * ratio))
                step = min(max(step, -128 - result[1]), 127 - result[1])
                step = min(max(step, -(10**6) if low == -math.inf else 0), 10 if high == 0.5 else 10**6)
                wanted[0, channel, row, column] = step
    values = torch.from_numpy(integers.astype(np.float32) * np.float32(given[0]))
    got = exact_convolution(
        lambda image, kernels: F.conv2d(image, kernels, padding=1), values, stored, given, result, (low, high)
    )
    assert np.array_equal(np.rint(got.numpy() / np.float32(result[0])), wanted)
