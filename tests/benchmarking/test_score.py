"""The challenge scores against the published table of PIRM 2018 and an independent computation."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.benchmarking.score import mobile_ai_relative, pirm_score, track_b_mos_term
from edgeir.core.errors import ConfigError

# PIRM 2018 challenge report, table of track A: PSNR, MS-SSIM, CPU ms and the scores A, B, C.
TRACK_A = [
    ("TEAM_ALEX", 28.21, 0.9636, 701, 13.21, 15.15, 14.14),
    ("KAIST-VICLAB", 28.14, 0.9630, 343, 12.86, 14.83, 13.87),
    ("CARN_CVL", 28.19, 0.9633, 773, 13.08, 15.02, 14.04),
    ("IV SR+", 28.13, 0.9636, 767, 12.88, 15.05, 13.97),
    ("Rainbow", 28.13, 0.9632, 654, 12.84, 14.92, 13.91),
    ("Mt.Phoenix", 28.14, 0.9630, 793, 12.86, 14.83, 13.87),
    ("SuperSR", 28.18, 0.9629, 969, 12.35, 14.17, 12.94),
    ("BOE-SBG", 27.79, 0.9602, 1231, 9.79, 11.98, 10.55),
]
SRCNN_MS = 3239


@pytest.mark.parametrize(("team", "psnr", "ssim", "ms", "a", "b", "c"), TRACK_A)
def test_published_track_a_rows(team, psnr, ssim, ms, a, b, c):
    score = pirm_score("A", psnr_db=psnr, ms_ssim=ssim, latency_ms=ms, baseline_ms=SRCNN_MS)
    assert (score.a, score.b, score.c) == pytest.approx((a, b, c), abs=0.0215), team


def test_the_published_srcnn_row_is_a_little_off():
    # Its time was measured again after the table's scores were computed.
    score = pirm_score("A", psnr_db=27.21, ms_ssim=0.9552, latency_ms=SRCNN_MS, baseline_ms=SRCNN_MS)
    assert (score.a, score.b, score.c) == pytest.approx((5.33, 7.77, 5.93), abs=0.035)
    assert score.a != pytest.approx(5.33, abs=0.019)


def test_track_b_has_its_own_baseline_and_weights():
    score = pirm_score("B", psnr_db=21.0, ms_ssim=0.90, latency_ms=10.0, baseline_ms=20.0)
    assert (score.a, score.b, score.c) == pytest.approx((4.0, 4.0, 5.8))


def test_the_speedup_is_capped_and_low_quality_is_not():
    fast = pirm_score("A", psnr_db=26.5, ms_ssim=0.94, latency_ms=1, baseline_ms=1000)
    assert fast.speedup == 4.0
    assert fast.a == pytest.approx(4.0)
    poor = pirm_score("A", psnr_db=20.0, ms_ssim=0.5, latency_ms=1, baseline_ms=1000)
    assert poor.a < -60


def test_mos_term_matches_the_published_fit():
    assert track_b_mos_term(2.295) == pytest.approx(0.0, abs=1e-12)
    assert track_b_mos_term(3.295) == pytest.approx(0.0719)


@pytest.mark.parametrize(("latency", "baseline"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (math.nan, 1.0)])
def test_times_must_be_positive(latency, baseline):
    with pytest.raises(ConfigError, match="latencies must be positive"):
        pirm_score("A", psnr_db=27, ms_ssim=0.95, latency_ms=latency, baseline_ms=baseline)


@given(st.lists(st.tuples(st.floats(20, 40), st.floats(0.5, 5000)), min_size=1, max_size=8))
def test_mobile_ai_is_the_ratio_of_the_challenge_formula(rows):
    scores = mobile_ai_relative([psnr for psnr, _ in rows], [ms for _, ms in rows])
    raw = [4.0**psnr / ms for psnr, ms in rows]  # 2^(2 PSNR) = 4^PSNR
    assert scores == pytest.approx([value / max(raw) for value in raw], rel=1e-9)
    assert max(scores) == 1.0


def test_mobile_ai_does_not_overflow():
    assert mobile_ai_relative([600.0, 599.0], [1.0, 1.0]) == pytest.approx([1.0, 0.25])


def test_mobile_ai_refuses_bad_input():
    with pytest.raises(ConfigError, match="2 PSNRs but 1 latencies"):
        mobile_ai_relative([1.0, 2.0], [1.0])
    with pytest.raises(ConfigError, match="must be positive, not 0"):
        mobile_ai_relative([1.0], [0.0])
    assert mobile_ai_relative([], []) == []
