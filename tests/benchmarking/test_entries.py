"""What a run says about itself: its share of the progress, and whether the machine was busy."""

import pytest

from edgeir.benchmarking.entries import busy_notes, part
from edgeir.benchmarking.result import TimingFacts


def test_a_stage_reports_its_share_of_the_whole():
    seen = []
    stage = part(part(lambda done, total, label: seen.append((done, total, label)), 20, 60), 50, 100)
    stage(0, 4, "a")
    stage(3, 4, "b")
    stage(4, 4, "c")
    assert seen == [(40, 100, "a"), (55, 100, "b"), (60, 100, "c")]


@pytest.mark.parametrize(
    ("others", "warns"), [(None, False), (0.0, False), (0.2, False), (0.21, True), (1.5, True)]
)
def test_a_busy_machine_is_noted(others, warns):
    facts = TimingFacts(
        height=1,
        width=1,
        threads=1,
        rule="median",
        rounds=1,
        warmup_s=0,
        turn_s=0,
        budget_s=0,
        gemm_gmac_s=None,
        load_average=(0, 0),
        others_cores=others,
    )
    assert bool(busy_notes(facts)) == warns
