"""The scores of the mobile challenges: PIRM 2018 (A, B, C of both tracks) and Mobile AI's quantised SR.

PIRM 2018 (Ignatov et al., "PIRM Challenge on Perceptual Image Enhancement on Smartphones", section 3):

    total = alpha (PSNR - PSNR_b) + beta (SSIM - SSIM_b) + gamma min(T_b / T, 4)

without a lower clip. T_b is the time of SRCNN on the same machine in the same run, SSIM means MS-SSIM.
Track B's published perceptual term came from mean opinion scores (MOS), not from MS-SSIM: `pirm_score` follows the rule
of the validation phase (MS-SSIM), and `track_b_mos_term` is a line fitted to the published MOS.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from edgeir.core.config import Config
from edgeir.core.errors import ConfigError

__all__ = ["PIRM_TRACKS", "PirmScore", "PirmTrack", "mobile_ai_relative", "pirm_score", "track_b_mos_term"]

SPEEDUP_CAP = 4.0
"""Largest speed-up over SRCNN that counts."""


class PirmTrack(Config):
    """Baseline figures of a track and its weights (alpha, beta, gamma) for the scores A, B and C."""

    psnr_db: float
    ms_ssim: float
    a: tuple[float, float, float]
    b: tuple[float, float, float]
    c: tuple[float, float, float]


PIRM_TRACKS: dict[Literal["A", "B"], PirmTrack] = {
    "A": PirmTrack(psnr_db=26.5, ms_ssim=0.94, a=(4, 100, 1), b=(1, 400, 1), c=(2, 200, 1.5)),
    "B": PirmTrack(psnr_db=21.0, ms_ssim=0.90, a=(4, 100, 2), b=(1, 400, 2), c=(2, 200, 2.9)),
}
"""Track A is super-resolution x4, track B image enhancement."""


class PirmScore(Config):
    """The three totals of a track, and the capped speed-up that went into them."""

    track: Literal["A", "B"]
    a: float
    b: float
    c: float
    speedup: float
    """min(T_b / T, 4)."""


def pirm_score(
    track: Literal["A", "B"], *, psnr_db: float, ms_ssim: float, latency_ms: float, baseline_ms: float
) -> PirmScore:
    """The scores A, B and C of `track`.

    Args:
        psnr_db: mean RGB PSNR in dB.
        ms_ssim: mean RGB MS-SSIM, 0 to 1.
        latency_ms: time of one 1280x720 image.
        baseline_ms: SRCNN's, measured in the same run.

    Raises:
        ConfigError: a time is not positive.
    """
    if not (latency_ms > 0 and baseline_ms > 0):
        raise ConfigError(
            [f"latencies must be positive, not {latency_ms} ms and {baseline_ms} ms (baseline)"],
            where="PIRM score",
        )
    rule = PIRM_TRACKS[track]
    speedup = min(baseline_ms / latency_ms, SPEEDUP_CAP)
    fidelity, perception = psnr_db - rule.psnr_db, ms_ssim - rule.ms_ssim

    def total(weights: tuple[float, float, float]) -> float:
        alpha, beta, gamma = weights
        return alpha * fidelity + beta * perception + gamma * speedup

    return PirmScore(track=track, a=total(rule.a), b=total(rule.b), c=total(rule.c), speedup=speedup)


def track_b_mos_term(mos: float) -> float:
    """The MS-SSIM excess that explains track B's published totals: 0.0719 (MOS - 2.295).

    Fitted to the SRCNN, DPED and Rainbow rows of the published table; multiply by beta. `mos` is 0 to 5.
    """
    return 0.0719 * (mos - 2.295)


def mobile_ai_relative(psnr_db: Sequence[float], latency_ms: Sequence[float]) -> list[float]:
    """Mobile AI's score, 2^(2 PSNR) / runtime, of each row relative to the best of the run (which gets 1).

    The challenge's constant differs per year, so that only ratios between rows of one run mean anything.

    Raises:
        ConfigError: the lists differ in length, or a time is not positive.
    """
    if len(psnr_db) != len(latency_ms):
        raise ConfigError([f"{len(psnr_db)} PSNRs but {len(latency_ms)} latencies"], where="Mobile AI score")
    if any(not value > 0 for value in latency_ms):
        raise ConfigError([f"latencies must be positive, not {min(latency_ms)} ms"], where="Mobile AI score")
    logs = [2.0 * psnr - math.log2(time) for psnr, time in zip(psnr_db, latency_ms, strict=True)]
    return [2.0 ** (value - max(logs)) for value in logs]
