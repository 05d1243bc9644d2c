"""Timing with scripted sessions and a clock that only they move: every number is known in advance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.benchmarking.timing.measure import (
    Contender,
    Schedule,
    input_size,
    latency_of,
    measure,
    percentile,
    ratio_of,
)
from edgeir.core.errors import ArtifactError
from edgeir.manifest.facts import NetworkFacts


def contender(clock, session, *, load_ms=7.0, height=16, width=24):
    def load():
        clock.spend(load_ms)
        return session

    return Contender(session.name, load, height, width)


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=60), st.floats(0, 1))
def test_percentile_is_numpys(samples, share):
    assert percentile(samples, share) == pytest.approx(np.quantile(np.array(samples), share), rel=1e-9)


def test_every_figure_of_a_known_run(clock, fake_session):
    first = {0: 50.0, 1: 30.0, 2: 12.0, 3: 14.0}
    session = fake_session(clock, lambda index: first.get(index, 10.0))
    schedule = Schedule(warmup_s=0.05, turn_s=0.0, budget_s=0.1, min_rounds=5, max_rounds=100)
    (measured,) = measure([contender(clock, session)], schedule, clock=clock)
    latency = latency_of(measured, height=16, width=24, threads=1, macs=2_000_000, gemm_gmac_s=0.4)
    assert latency.init_ms == pytest.approx(7.0)
    assert latency.first_run_ms == pytest.approx(50.0)
    assert latency.pirm_ms == pytest.approx(13.0)  # the mean of the third and fourth image
    assert latency.warmup_runs == 4 + 5
    assert latency.repeats == 10  # 100 ms of 10 ms each
    assert latency.p50_ms == latency.p99_ms == latency.min_ms == latency.mean_ms == pytest.approx(10.0)
    assert latency.gmac_s == pytest.approx(0.2)
    assert latency.gemm_share == pytest.approx(0.5)
    assert session.closed
    assert set(session.sizes) == {(4, 6)}  # the network's own input for 16x24 out


def test_turns_are_interleaved_and_rotate(clock, fake_session):
    log = []
    sessions = [fake_session(clock, 100.0, name=name, log=log) for name in "ABC"]
    schedule = Schedule(warmup_s=0.0, turn_s=0.0, budget_s=0.0, min_rounds=3, max_rounds=3)
    measure([contender(clock, session) for session in sessions], schedule, clock=clock)
    assert "".join(log[3 * 4 :]) == "ABCBCACAB"


def test_a_ratio_is_paired_so_that_a_slow_moment_cancels(clock, fake_session):

    def slow_moment(base):  # every second round the machine is three times slower, for both
        return lambda index: base * (3.0 if index % 2 else 1.0)

    sessions = [
        fake_session(clock, slow_moment(10.0), name="A"),
        fake_session(clock, slow_moment(25.0), name="B"),
    ]
    schedule = Schedule(warmup_s=0.0, turn_s=0.0, budget_s=0.0, min_rounds=8, max_rounds=8)
    a, b = measure([contender(clock, session) for session in sessions], schedule, clock=clock)
    ratio = ratio_of(a, b)
    assert (ratio.median, ratio.p10, ratio.p90, ratio.rounds) == (2.5, 2.5, 2.5, 8)
    assert ratio.against == "B"
    assert ratio_of(b, a).median == pytest.approx(0.4)


def test_short_runs_fill_their_turn_and_drop_the_cold_one(clock, fake_session):
    session = fake_session(
        clock, lambda index: 9.0 if index == 4 else 1.0
    )  # the turn's first run finds cold caches
    schedule = Schedule(warmup_s=0.0, turn_s=0.1, budget_s=0.0, min_rounds=1, max_rounds=1)
    (measured,) = measure([contender(clock, session)], schedule, clock=clock)
    assert len(measured.turns_ms[0]) in (91, 92)
    assert max(measured.turns_ms[0]) == pytest.approx(1.0)


def test_rounds_stop_at_the_budget_but_not_below_the_minimum(clock, fake_session):
    schedule = Schedule(warmup_s=0.0, turn_s=0.0, budget_s=1.0, min_rounds=5, max_rounds=200)
    (fast,) = measure([contender(clock, fake_session(clock, 1.0))], schedule, clock=clock)
    assert len(fast.turns_ms) == 200
    (slow,) = measure([contender(clock, fake_session(clock, 900.0))], schedule, clock=clock)
    assert len(slow.turns_ms) == 5


def test_another_fixed_size_is_tiled_and_said_so(clock, fake_session):
    facts = NetworkFacts(scale=4, receptive_radius=1)
    session = fake_session(clock, 1.0, facts=facts, fixed_size=(8, 8))
    schedule = Schedule(warmup_s=0.0, turn_s=0.0, budget_s=0.0, min_rounds=1, max_rounds=1)
    (measured,) = measure([contender(clock, session, height=64, width=64)], schedule, clock=clock)
    assert measured.tiled
    assert set(session.sizes) == {(8, 8)}
    assert measured.turns_ms[0][0] >= 4.0  # 16x16 of input takes at least four tiles of 8x8


def test_sessions_are_closed_when_one_fails(clock, fake_session):
    good = fake_session(clock, 1.0)

    def broken():
        raise ArtifactError("does not load", where="x")

    with pytest.raises(ArtifactError, match="does not load"):
        measure([contender(clock, good), Contender("bad", broken, 16, 24)], Schedule(), clock=clock)
    assert good.closed


def test_input_size():
    assert input_size(NetworkFacts(scale=4), 720, 1280) == (180, 320)
    assert input_size(NetworkFacts(scale=4, input_kind="bicubic"), 720, 1280) == (720, 1280)
    with pytest.raises(ArtifactError, match="multiples of 8"):
        input_size(NetworkFacts(scale=4, size_multiple=2), 724, 1280)


@pytest.mark.parametrize("fixed_size", [None, (4, 6), (4, 5)], ids=["any size", "its size", "in tiles"])
def test_the_way_to_a_process_of_its_own_is_not_counted(fixed_size, clock, fake_session):
    session = fake_session(clock, 12.0, fixed_size=fixed_size)
    session.transport_s, session.file, session.memory_mib = 0.005, None, lambda: (1.0, 2.0)
    run = session.run_raw

    def with_transport(tensor):
        session.transport_s += 0.002
        return run(tensor)

    session.run_raw = with_transport
    schedule = Schedule(warmup_s=0.0, turn_s=0.0, budget_s=0.0, min_rounds=3, max_rounds=3)
    (measured,) = measure([contender(clock, session)], schedule, clock=clock)
    tiles = session.runs / (3 + 4)
    assert measured.tiled == (tiles > 1)
    assert measured.init_ms == pytest.approx(2.0)
    assert measured.turns_ms == [[pytest.approx(10.0 * tiles)]] * 3
