"""Budgets as a user writes them, and the units that suit a device."""

import pytest

from edgeir.core.errors import ConfigError
from edgeir.fitting.budget import Budget, check_unit, parse_budget


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("8ms", 8.0, "ms"),
        ("0.5s", 500.0, "ms"),
        (" 800 us ", 0.8, "ms"),
        ("0.6G", 6e8, "instructions"),
        ("600M", 6e8, "instructions"),
        ("7K", 7e3, "instructions"),
    ],
)
def test_times_and_counts(text, value, unit):
    assert parse_budget(text) == Budget(pytest.approx(value), unit, text.strip())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("8", "has no unit"),
        ("8 MS", "has the unit `MS`"),
        ("8m", "has the unit `m`"),
        ("-8ms", "is no number with a unit"),
        ("fast", "is no number with a unit"),
        ("nanms", "is no number with a unit"),
        ("1e3ms", "is no number with a unit"),
        ("0ms", "must be above 0"),
        ("0.0G", "must be above 0"),
        ("", "is no number with a unit"),
    ],
)
def test_what_is_no_budget_is_refused(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_budget(text)
    assert "8ms is a time, 0.6G or 600M are instructions" in str(caught.value)


def test_the_unit_suits_the_device():
    for device in ("here", "cpu", "browser"):
        check_unit(parse_budget("8ms"), device)
        with pytest.raises(ConfigError, match=r"is timed, and counts no instructions: not 0\.6G"):
            check_unit(parse_budget("0.6G"), device)
    check_unit(parse_budget("0.6G"), "android-arm64:a76")
    with pytest.raises(ConfigError, match="emulated and has no clock: it counts instructions, not 8ms"):
        check_unit(parse_budget("8ms"), "android-arm64:a76")
    with pytest.raises(ConfigError, match="there is no device `slate`"):
        check_unit(parse_budget("8ms"), "slate")
