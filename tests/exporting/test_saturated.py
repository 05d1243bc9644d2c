"""Synthetic images of saturated colours: what a file loses on them, and that the gate refuses it."""

import numpy as np
import pytest

from edgeir.data.degrade import AWGN, Bicubic
from edgeir.exporting.prove.gate import beyond_gate
from edgeir.exporting.prove.saturated import ENOUGH_DB, compare_saturated, saturated
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import Gate, Parity


def enlarged(x):
    return np.repeat(np.repeat(x, 2, 0), 2, 1)


@pytest.fixture
def images():
    return saturated(NetworkFacts(scale=2, input_kind="lr"), Bicubic(scale=2), (24, 30))


def test_every_image_has_its_truth(images):
    names = [patch.name for patch in images]
    assert len(set(names)) == len(names) > 8
    for patch in images:
        assert patch.input.shape == (24, 30, 3)
        assert patch.truth.shape == (48, 60, 3)
        if patch.name.startswith("flat"):
            assert np.allclose(enlarged(patch.input), patch.truth, atol=1 / 255)


def test_noise_and_one_channel():
    patches = saturated(NetworkFacts(scale=1, colour="y"), AWGN(sigma=25.0), (24, 24))
    assert all(patch.input.shape == patch.truth.shape == (24, 24, 1) for patch in patches)
    assert any(np.abs(patch.input - patch.truth).max() > 0.05 for patch in patches)
    assert saturated(NetworkFacts(), None, (24, 24)) == []


def test_what_no_one_sees_costs_nothing_and_a_tint_does(images):
    def exact(x):
        return enlarged(x).astype(np.float32)

    lost, _ = compare_saturated(lambda x: exact(x) + np.float32(1 / 255), exact, images)
    assert lost == pytest.approx(0, abs=0.3)  # the rectangles and checkers alone are not restored

    def cyan_is_off(x):
        tinted = exact(x)
        return tinted + np.float32(9 / 255) if np.allclose(x, (0, 1, 1)) else tinted

    lost, worst = compare_saturated(cyan_is_off, exact, images)
    assert worst == "flat cyan"
    assert lost == pytest.approx(ENOUGH_DB - 20 * np.log10(255 / 9), abs=0.01)
    assert compare_saturated(exact, exact, []) == (None, None)


def test_the_gate_has_a_limit_where_a_profile_sets_one():
    figures = {
        "images": 1, "max_abs_error": 0.0, "p99_abs_error": 0.0, "psnr_drop_db": 0.0, "worst_psnr_drop_db": 0.0,
        "worst_image": "cat", "colour_shift": (0, 0, 0), "engine": "x", "extremes": 1, "extreme_shift": 0.0,
        "worst_extreme": "white", "saturated_psnr_drop_db": 0.4, "worst_saturated": "flat cyan",
    }  # fmt: skip
    limits = {
        "max_abs_error": 1.0, "p99_abs_error": 1.0, "psnr_drop_db": 1.0, "worst_psnr_drop_db": 1.0, "colour_shift": 1.0,
        "extreme_shift": 1.0,
    }  # fmt: skip
    assert beyond_gate(Parity(**figures, gate=Gate(**limits))) == []
    strict = Parity(**figures, gate=Gate(**limits, saturated_psnr_drop_db=0.3))
    assert beyond_gate(strict) == ["saturated colours +0.400 dB on flat cyan (at most 0.300)"]
