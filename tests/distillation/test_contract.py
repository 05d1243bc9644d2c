"""Every method of `AnyDistillation`, driven as training drives it: inside an objective, with what it says it needs.

A new method is covered as soon as it is named in the union and has its settings below; its equation is for
test_equations.py or test_auxiliary.py.
"""

import typing

import pytest
import torch
import yaml
from pydantic import TypeAdapter
from safetensors.torch import load, save

from edgeir.core.config import dump_yaml
from edgeir.distillation import AnyDistillation
from edgeir.distillation.objective import Objective
from edgeir.models import DnCNNConfig

MEMBERS = typing.get_args(typing.get_args(AnyDistillation)[0])
PEER = {"kind": "dncnn", "depth": 3, "width": 3, "residual": False}
TEACHERS_TAPS = {"student_taps": ("body.0", "body.1"), "teacher_taps": ("body.0", "body.2")}
SETTINGS = {
    "attention": TEACHERS_TAPS,
    "features": TEACHERS_TAPS,
    "output": {},
    "target-features": {"extractor": PEER, "student_taps": ("body.0",), "extractor_taps": ("body.0",)},
    "mutual": {"peer": PEER},
    "variational-features": {**TEACHERS_TAPS, "channels": (3, 3)},
    "svdo": {"student_taps": ("body.0", "body.1")},
    "imitation": {"student_tap": "body.0"},
    "high-level": {"network": {"kind": "module", "target": "edgeir.models.backbones.digits:StrokeSegmenter"}},
}
"""The least that each kind needs beside a student whose features have the three channels of an image."""
RATE = 1e-2


def test_every_method_of_the_union_is_here():
    assert {member.model_fields["kind"].default for member in MEMBERS} == set(SETTINGS)


@pytest.fixture(params=MEMBERS, ids=lambda member: member.model_fields["kind"].default)
def method(request):
    return request.param(**SETTINGS[request.param.model_fields["kind"].default])


class Setup:
    """A student, what the method wants beside it, an optimiser as in training, and one batch; no image loss."""

    def __init__(self, method, seed=0):
        torch.manual_seed(seed)
        self.student = DnCNNConfig(depth=4, width=3, residual=False).build()
        self.teacher = DnCNNConfig(depth=5, width=3, residual=False).build() if method.needs_teacher else None
        self.objective = Objective([], self.student, [method], self.teacher)
        trained = [*self.student.parameters(), *self.objective.auxiliary.parameters()]
        self.optimizer = torch.optim.Adam(trained, RATE)
        self.lr, self.hr = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
        self.labels = torch.randint(-1, 2, (2, 1, 8, 8)) if method.needs_labels else None

    def terms(self):
        return self.objective.terms(self.student(self.lr), self.lr, self.hr, self.labels)

    def step(self):
        self.optimizer.zero_grad()
        sum(self.terms().values()).backward()
        self.optimizer.step()

    def evaluated(self):
        """Terms that a normalisation's statistics of the batch do not enter."""
        self.student.eval(), self.objective.eval()
        with torch.no_grad():
            return self.terms()


def copies(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


def moved(module, before):
    return any(not torch.equal(value, before[key]) for key, value in module.named_parameters())


def test_settings_survive_yaml(method):
    again = TypeAdapter(AnyDistillation).validate_python(yaml.safe_load(dump_yaml(method)))
    assert type(again) is type(method)
    assert again == method


def test_terms_are_finite_scalars(method):
    terms = Setup(method).terms()
    assert terms
    for name, value in terms.items():
        assert value.shape == (), name
        assert torch.isfinite(value), name
        assert value.requires_grad, f"{name} trains nothing"


def test_every_term_has_a_weight_and_the_methods_own_weight_counts(method):
    names = [name.removeprefix("distill/") for name in Setup(method).terms()]
    heavier = method.model_copy(update={"weight": 2 * method.weight})
    for name in names:
        weight = method.weight_of(name)
        assert weight > 0, name
        assert heavier.weight_of(name) in (weight, 2 * weight), name
    followed = [name for name in names if heavier.weight_of(name) == 2 * method.weight_of(name)]
    assert followed, "`weight` weighs no term"
    once, twice = (Setup(one).terms() for one in (method, heavier))
    for name in followed:
        assert twice[f"distill/{name}"].item() == pytest.approx(2 * once[f"distill/{name}"].item(), rel=1e-5)


def test_a_gradient_reaches_the_student_and_everything_that_is_trained(method):
    setup = Setup(method)
    setup.step()  # a head whose last layer starts at zero passes nothing on before its first step
    student = list(setup.student.parameters())
    auxiliary = list(setup.objective.auxiliary.parameters())
    reached = torch.zeros(len(student) + len(auxiliary), dtype=torch.bool)
    for name, term in setup.terms().items():
        found = torch.autograd.grad(term, [*student, *auxiliary], allow_unused=True, retain_graph=True)
        assert all(gradient is None or torch.isfinite(gradient).all() for gradient in found), name
        here = torch.tensor([gradient is not None and bool(gradient.any()) for gradient in found])
        assert here.any(), f"{name} trains nothing"
        reached |= here
    assert reached[: len(student)].any(), "the student learns nothing from this method"
    assert not auxiliary or reached[len(student) :].any(), "the auxiliary network learns nothing"


def test_a_step_moves_what_is_trained_and_nothing_else(method):
    setup = Setup(method)
    auxiliary, frozen = setup.objective.auxiliary, setup.objective.frozen
    before = [copies(module) for module in (setup.student, auxiliary, frozen)]
    held = {} if setup.teacher is None else copies(setup.teacher)
    for _ in range(2):
        setup.step()
    assert moved(setup.student, before[0])
    assert moved(auxiliary, before[1]) == bool(auxiliary)
    assert all(torch.equal(value, before[2][key]) for key, value in frozen.state_dict().items())
    if setup.teacher is not None:
        assert all(torch.equal(value, held[key]) for key, value in setup.teacher.state_dict().items())
    trained = [*setup.student.parameters(), *auxiliary.parameters()]
    assert all(torch.isfinite(parameter).all() for parameter in trained)


def test_the_state_is_that_of_the_auxiliary_networks_and_survives_a_file(method):
    setup = Setup(method)
    for _ in range(2):
        setup.step()
    expected = setup.evaluated()
    other = Setup(method, seed=1)  # another start, the same batch
    other.lr, other.hr, other.labels = setup.lr, setup.hr, setup.labels
    for name in ("student", "teacher"):
        if getattr(setup, name) is not None:
            getattr(other, name).load_state_dict(getattr(setup, name).state_dict())
    other.objective.frozen.load_state_dict(setup.objective.frozen.state_dict())
    if setup.objective.auxiliary:
        found = other.evaluated()
        assert any(not torch.equal(found[name], value) for name, value in expected.items())
    state = load(save(setup.objective.auxiliary.state_dict())) if setup.objective.auxiliary else {}
    other.objective.auxiliary.load_state_dict(state)
    found = other.evaluated()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
