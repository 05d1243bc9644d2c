"""The error voice: one line, where: what (fix); and one tree."""

from __future__ import annotations

import copy
import inspect
import pickle

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


ARGUMENTS: dict[str, object] = {
    "what": "too\nlarge", "where": "photo.png", "fix": "use a smaller one", "problems": ["`a` is b", "`c` is d"],
    "step": 12, "term": "l1", "value": float("inf"), "package": "onnx", "extra": "onnx", "purpose": "exporting",
    "ladder": ("what was tried",),
}  # fmt: skip
"""By the names of constructors' parameters."""


def every_error() -> list[type[EdgeIRError]]:
    found, queue = [], [EdgeIRError]
    while queue:
        kind = queue.pop()
        found.append(kind)
        queue += [other for other in kind.__subclasses__() if other.__module__.startswith("edgeir")]
    return found


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("bare", [False, True])
def test_an_error_that_is_sent_to_another_process_arrives_whole(kind: type[EdgeIRError], bare: bool) -> None:
    parameters = inspect.signature(kind).parameters.values()
    wanted = [p.name for p in parameters if not (bare and p.default is not p.empty)]
    error = kind(**{name: ARGUMENTS[name] for name in wanted})
    error.add_note("seen in a test")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
        assert type(again) is kind
        assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
