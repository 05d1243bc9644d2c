"""The choice by itself: few members are measured, and what is chosen is the best of all that fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.fitting.choose import Line, choose, rank


def line(width, *, tail=10.0, step=None, precision="int8", least=1, most=32, macs_in_all=0, bend=0.0):
    """A shape whose costs are a line, with `bend` added for every second layer."""
    per_layer = width**2 if step is None else step
    made = Line(
        {"width": width},
        precision,
        least,
        most,
        lambda depth: (depth * width**2, depth * width**2 + macs_in_all),
    )
    made.true = lambda depth: tail + per_layer * depth + bend * (depth % 2)
    return made


def measuring(log):
    def measure(members):
        for one, depth in members:
            if depth in one.costs or one.problem:
                continue
            log.append((one, depth))
            one.costs[depth] = one.true(depth)

    return measure


def best_of_all(lines, budget):
    members = [
        (one, depth) for one in lines for depth in range(one.least, one.most + 1) if one.true(depth) <= budget
    ]
    return max((rank(*member) for member in members), default=None)


def test_a_line_needs_two_depths_and_a_check():
    lines, log = [line(4), line(8)], []
    chosen = choose(lines, 300.0, measuring(log))
    assert rank(*chosen) == best_of_all(lines, 300.0)
    assert chosen == (lines[0], 18)
    assert len(log) == 5
    assert chosen in log


def test_a_member_that_misses_is_stepped_down_from():
    lines, log = [line(4, bend=20.0)], []  # odd depths cost more, and both first ones were odd
    chosen = choose(lines, 200.0, measuring(log))
    assert chosen[1] in lines[0].costs
    assert lines[0].costs[chosen[1]] <= 200.0
    assert chosen[1] in (10, 11)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 9), st.floats(0, 50), st.floats(0.1, 100), st.integers(1, 4), st.integers(5, 32)
        ),
        min_size=1,
        max_size=5,
    ),
    st.floats(1, 3000),
)
def test_on_true_lines_it_is_the_best_of_all(shapes, budget):
    lines = [
        line(width, tail=tail, step=step, least=least, most=most) for width, tail, step, least, most in shapes
    ]
    log = []
    chosen = choose(lines, budget, measuring(log))
    expected = best_of_all(lines, budget)
    assert (None if chosen is None else rank(*chosen)) == expected
    assert chosen is None or chosen[0].true(chosen[1]) <= budget
    assert len(log) <= 6 * len(lines)


@given(st.lists(st.floats(0.5, 20), min_size=32, max_size=32), st.floats(1, 400))
def test_whatever_the_costs_it_ends_with_one_that_was_measured_and_fits(costs, budget):
    one = line(3)
    one.true = lambda depth: sum(costs[:depth]) if depth % 3 else costs[depth - 1]  # not even monotone
    chosen = choose([one], budget, measuring([]))
    if chosen is None:
        assert one.costs[1] > budget
    else:
        assert one.costs[chosen[1]] <= budget


def test_ties_go_to_the_larger_tail_and_then_to_the_more_exact_precision():
    lines = [
        line(4, precision="int8", macs_in_all=5),
        line(4, precision="int8", macs_in_all=9),
        line(4, precision="fp32", macs_in_all=9),
        line(4, precision="fp16", macs_in_all=9),
    ]
    assert choose(lines, 100.0, measuring([])) == (lines[2], 5)
    lines = lines[:2]
    assert choose(lines, 100.0, measuring([])) == (lines[1], 5)


def test_of_equals_the_depth_near_to_the_recipes_is_taken():
    lines = [line(8, step=1, most=2), line(4, step=1, most=8), line(2, step=1, most=32)]
    for one in lines:
        one.near = 6
    assert choose(lines, 100.0, measuring([])) == (lines[1], 8)  # all three multiply as much


def test_nothing_fits_and_only_the_cheapest_were_measured():
    lines, log = [line(4), line(8)], []
    assert choose(lines, 1.0, measuring(log)) is None
    assert log == [(lines[0], 1), (lines[1], 1)]


def test_what_cannot_run_is_left_out():
    lines = [line(8), line(4)]
    lines[0].problem = "cannot run: no"
    assert choose(lines, 300.0, measuring([])) == (lines[1], 18)


def test_predictions_take_the_nearest_measured_depths():
    one = line(4)
    assert one.predict(3) == float("inf")
    one.costs = {1: 10.0}
    assert one.predict(9) == 10.0
    one.costs = {1: 10.0, 7: 70.0, 9: 190.0}
    assert one.predict(7) == 70.0
    assert one.predict(4) == pytest.approx(40.0)
    assert one.predict(8) == pytest.approx(130.0)
    assert one.predict(10) == pytest.approx(250.0)
