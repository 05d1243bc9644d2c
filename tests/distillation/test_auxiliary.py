"""Methods with a network beside the student: what it reads, what trains it, and the loss against its formula."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from edgeir.core.errors import ConfigError
from edgeir.distillation import FeatureMatch, MutualLearning, VariationalFeatures
from edgeir.distillation.objective import Objective
from edgeir.distillation.variational import negative_log_likelihood
from edgeir.losses import L1, L2
from edgeir.models import DANetAutoEncoderConfig, DANetConfig, DnCNNConfig

SMALL = {"widths": (8, 8), "blocks": 1, "bottom_blocks": 1}


def test_two_networks_learn_from_the_truth_and_from_each_other():
    torch.manual_seed(0)
    student = DnCNNConfig(depth=4, width=4).build()
    method = MutualLearning(peer=DnCNNConfig(depth=3, width=6), weight=0.5, distance="l2")
    objective = Objective([L1()], student, [method])
    (peer,) = objective.auxiliary.values()
    student.eval(), peer.eval()
    lr, hr = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    terms = objective.terms(student(lr), lr, hr)
    with torch.no_grad():
        ours, theirs = student(lr), peer(lr)  # the peer reads the degraded image too
        between = F.mse_loss(ours, theirs).item()
        assert terms["distill/mutual"].item() == pytest.approx(0.5 * between, rel=1e-5)
        expected = F.l1_loss(theirs, hr).item() + 0.5 * between
        assert terms["distill/peer"].item() == pytest.approx(expected, rel=1e-5)
    terms["distill/mutual"].backward(retain_graph=True)
    assert all(parameter.grad is None for parameter in peer.parameters())
    student.zero_grad(set_to_none=True)
    terms["distill/peer"].backward()
    assert all(parameter.grad is None for parameter in student.parameters())
    assert all(parameter.grad is not None for parameter in peer.parameters())


@pytest.mark.parametrize("distribution", ["laplace", "gaussian"])
def test_the_likelihood_is_that_of_the_distribution(distribution):
    generator = torch.Generator().manual_seed(0)
    target, mean = (torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    scale = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64) + 0.1
    found = negative_log_likelihood(target, mean, scale, distribution).item()
    if distribution == "laplace":
        expected = -torch.distributions.Laplace(mean, scale).log_prob(target).mean() - np.log(2)
    else:
        expected = -torch.distributions.Normal(mean, scale).log_prob(target).mean() - 0.5 * np.log(2 * np.pi)
    assert found == pytest.approx(expected.item(), rel=1e-12)
    given = (mean.requires_grad_(), scale.requires_grad_())
    assert torch.autograd.gradcheck(lambda m, s: negative_log_likelihood(target, m, s, distribution), given)


def variational(**changes):
    values = {"student_taps": ("head", "decoder.0"), "channels": (8, 8)}
    return VariationalFeatures(**(values | {"teacher_taps": ("decoder.head", "decoder.decoder.0")} | changes))


def test_a_danet_is_held_to_the_features_of_its_auto_encoder():
    torch.manual_seed(0)
    student, teacher = (
        DANetConfig(**SMALL).build(),
        DANetAutoEncoderConfig(encoder=SMALL, decoder=SMALL).build(),
    )
    objective = Objective([L2()], student, [variational()], teacher)
    lr, hr = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    terms = objective.terms(student(lr), lr, hr)
    seen = {}
    for name in ("decoder.head", "decoder.decoder.0"):
        teacher.taps()[name].register_forward_hook(lambda m, i, o, name=name: seen.update({name: o}))
    with torch.no_grad():
        teacher(hr)  # the clean image
        expected = sum(
            feature.abs().mean().item() for feature in seen.values()
        )  # b = 1 and mu = 0 at the start
    assert terms["distill/variational-features"].item() == pytest.approx(1e-4 * expected, rel=1e-4)
    for _ in range(
        2
    ):  # the last layer of a head starts at zero, so what is before it learns from the second step
        sum(objective.terms(student(lr), lr, hr).values()).backward()
        with torch.no_grad():
            for parameter in objective.auxiliary.parameters():
                parameter -= 0.1 * parameter.grad.sign()
    assert all(parameter.grad.abs().sum() > 0 for parameter in objective.auxiliary.parameters())
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_the_head_learns_where_the_student_can_follow():
    torch.manual_seed(0)
    heads = variational(student_taps=("a",), teacher_taps=("a",), channels=(2,)).auxiliary()
    x = torch.randn(4, 2, 16, 16)
    target = torch.stack([2 * x[:, 0], torch.randn(4, 16, 16)], 1)  # one channel can be told, the other not
    optimizer = torch.optim.Adam(heads.parameters(), 0.02)
    for _ in range(300):
        found = heads({"a": x})
        loss = negative_log_likelihood(target, found["mean:a"], found["scale:a"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    told, unknown = found["scale:a"].mean((0, 2, 3)).tolist()
    assert told < 0.15
    assert unknown > 0.6


def test_what_does_not_fit_is_said():
    with pytest.raises(ValidationError, match="`student_taps` has 2 entries and `channels` 1"):
        variational(channels=(8,))
    student, teacher = (
        DANetConfig(**SMALL).build(),
        DANetAutoEncoderConfig(encoder=SMALL, decoder=SMALL).build(),
    )
    objective = Objective([L2()], student, [variational(channels=(8, 9))], teacher)
    x = torch.rand(1, 3, 8, 8)
    with pytest.raises(ConfigError, match="the tap `decoder.0` has 8 channels, but `channels` says 9"):
        objective.terms(student(x), x, x)


def test_features_of_a_deeper_dncnn():
    """Table 3's last row: a teacher of 29 layers, a student of 17, taps at the same shares of the depth."""
    torch.manual_seed(0)
    student, teacher = DnCNNConfig(depth=17, width=4).build(), DnCNNConfig(depth=29, width=4).build().eval()
    taps = {"student_taps": ("body.3", "body.8", "body.13"), "teacher_taps": ("body.6", "body.15", "body.24")}
    objective = Objective([L1()], student, [FeatureMatch(**taps)], teacher)
    x = torch.rand(2, 3, 8, 8)
    terms = objective.terms(student(x), x, x)
    terms["distill/features"].backward()
    assert student.body[3].conv.conv.weight.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in teacher.parameters())
