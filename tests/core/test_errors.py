"""The error voice: one line, where: what (fix); and one tree."""

from __future__ import annotations

import inspect

import pytest

from edgeir.core import errors
from edgeir.core.errors import ConfigError, EdgeIRError, NonFiniteError


def test_the_message_is_one_line_with_where_what_and_fix() -> None:
    error = EdgeIRError("is\ntoo  large", where="photo.png", fix="use a smaller one")
    assert str(error) == "photo.png: is too large (use a smaller one)"
    assert (error.what, error.where, error.fix) == ("is\ntoo  large", "photo.png", "use a smaller one")


def test_one_problem_is_not_counted() -> None:
    assert str(ConfigError(["a"], where="x")) == "x: a"
    assert str(ConfigError(["a", "b"], where="x")) == "x: 2 problems: a; b"


def test_a_loss_that_is_not_finite_says_when_and_which() -> None:
    error = NonFiniteError(12, "charbonnier", float("nan"))
    assert (error.step, error.term) == (12, "charbonnier")
    assert "loss term `charbonnier` is nan at step 12" in str(error)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_in_the_tree_and_in_its_drawing(name: str) -> None:
    assert issubclass(getattr(errors, name), EdgeIRError)
    assert name in inspect.getdoc(errors).split()  # type: ignore[union-attr]
