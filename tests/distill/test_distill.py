"""Distillation methods against their equations, and what they refuse."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from edgeir.core.errors import ConfigError
from edgeir.distill import AttentionMaps, OutputMatch
from edgeir.distill.objective import Objective
from edgeir.distill.taps import Side, TapRecorder
from edgeir.losses import L1, SSIM
from edgeir.models import PlainSR


def sides(seed=0):
    generator = torch.Generator().manual_seed(seed)
    make = lambda *size: torch.randn(*size, generator=generator)  # noqa: E731
    student = Side(make(2, 3, 8, 8), {"a": make(2, 4, 5, 6), "b": make(2, 4, 5, 6)})
    teacher = Side(make(2, 3, 8, 8), {"p": make(2, 7, 5, 6), "q": make(2, 9, 5, 6)})
    return student, teacher


@pytest.mark.parametrize("form", ["norm", "squared"])
def test_attention_equals_equation_12(form):
    student, teacher = sides()
    method = AttentionMaps(form=form, student_taps=("a", "b"), teacher_taps=("p", "q"))
    total = 0.0
    for ours, theirs in (("a", "p"), ("b", "q")):
        for n in range(2):
            q_s = student.features[ours][n].numpy().mean(0).ravel().astype(np.float64)
            q_t = teacher.features[theirs][n].numpy().mean(0).ravel().astype(np.float64)
            d = q_s / np.sqrt((q_s**2).sum()) - q_t / np.sqrt((q_t**2).sum())
            total += np.sqrt((d**2).sum()) / 2 if form == "norm" else 0.5 * (d**2).sum() / 2
    assert method.terms(student, teacher)["attention"].item() == pytest.approx(total, rel=1e-5)


def test_attention_ignores_scale_and_width_and_is_zero_for_equal_maps():
    features = torch.rand(2, 4, 5, 6) + 0.1
    student = Side(torch.zeros(2, 3, 4, 4), {"a": features})
    teacher = Side(torch.zeros(2, 3, 4, 4), {"p": 3 * features.mean(1, keepdim=True)})
    method = AttentionMaps(student_taps=("a",), teacher_taps=("p",))
    assert method.terms(student, teacher)["attention"].item() == pytest.approx(0, abs=1e-6)


def test_output_match():
    student, teacher = sides()
    d = (student.output - teacher.output).numpy()
    assert OutputMatch().terms(student, teacher)["output"].item() == pytest.approx(np.abs(d).mean(), rel=1e-6)
    squared = OutputMatch(distance="l2").terms(student, teacher)["output"].item()
    assert squared == pytest.approx((d**2).mean(), rel=1e-6)


def test_a_missing_tap_lists_the_taps_there_are():
    network = PlainSR(channels=4, blocks=2).build()
    with pytest.raises(
        ConfigError, match="the student has no tap `boddy.1`; its taps are head, body.0, body.1"
    ):
        TapRecorder(network, ["boddy.1"], role="student")


def test_taps_of_another_size_are_an_error_that_lists_them():
    student, teacher = sides()
    teacher.features["p"] = torch.rand(2, 3, 10, 12)
    method = AttentionMaps(student_taps=("a",), teacher_taps=("p",))
    with pytest.raises(
        ConfigError, match=r"`a` and the teacher's `p` differ in size.*student a 5x6.*teacher p 10x12"
    ):
        method.terms(student, teacher)


def test_unpaired_taps_are_refused():
    with pytest.raises(ValidationError, match="compared in pairs"):
        AttentionMaps(student_taps=("a", "b"), teacher_taps=("p",))


def test_objective_trains_the_student_only_and_names_its_terms():
    torch.manual_seed(0)
    student, teacher = PlainSR(channels=4, blocks=1).build(), PlainSR(channels=6, blocks=2).build()
    methods = (
        AttentionMaps(student_taps=("head",), teacher_taps=("body.1",), weight=2.0),
        OutputMatch(weight=0.5),
    )
    objective = Objective((L1(weight=3.0), SSIM()), student, methods, teacher)
    lr, hr = torch.rand(2, 3, 6, 6), torch.rand(2, 3, 24, 24)
    terms = objective.terms(student(lr), lr, hr)
    assert list(terms) == ["l1", "ssim", "distill/attention", "distill/output"]
    with torch.no_grad():
        assert terms["l1"].item() == pytest.approx(3 * (student(lr) - hr).abs().mean().item(), rel=1e-5)
        expected = 0.5 * (student(lr) - teacher(lr)).abs().mean().item()
    assert terms["distill/output"].item() == pytest.approx(expected, rel=1e-5)
    sum(terms.values()).backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(parameter.grad is not None for parameter in student.parameters())


def test_a_cached_teacher_picture_replaces_the_teacher():
    student = PlainSR(channels=4, blocks=1).build()
    objective = Objective((L1(),), student, (OutputMatch(),))
    lr, hr, cached = torch.rand(2, 3, 6, 6), torch.rand(2, 3, 24, 24), torch.rand(2, 3, 24, 24)
    out = student(lr)
    assert torch.allclose(objective.terms(out, lr, hr, cached)["distill/output"], (out - cached).abs().mean())
