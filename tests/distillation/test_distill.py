"""Distillation methods inside an objective, and what they refuse; their equations: test_equations.py."""

import pytest
import torch
from pydantic import ValidationError

from edgeir.core.errors import ConfigError
from edgeir.distillation import SVDO, AttentionMaps, FeatureMatch, Imitation, OutputMatch, TargetFeatures
from edgeir.distillation.base import Batch
from edgeir.distillation.objective import Objective
from edgeir.distillation.taps import NetworkOutput, TapRecorder
from edgeir.losses import L1, SSIM
from edgeir.models import DANetAutoEncoderConfig, DANetConfig, DnCNNConfig, PlainSRConfig

NOTHING = Batch(torch.empty(0), torch.empty(0))
"""For methods that do not look at the images."""


def sides(seed=0):
    generator = torch.Generator().manual_seed(seed)
    make = lambda *size: torch.randn(*size, generator=generator)  # noqa: E731
    student = NetworkOutput(make(2, 3, 8, 8), {"a": make(2, 4, 5, 6), "b": make(2, 4, 5, 6)})
    teacher = NetworkOutput(make(2, 3, 8, 8), {"p": make(2, 7, 5, 6), "q": make(2, 9, 5, 6)})
    return student, teacher


def test_attention_ignores_scale_and_width_and_is_zero_for_equal_maps():
    features = torch.rand(2, 4, 5, 6) + 0.1
    student = NetworkOutput(torch.zeros(2, 3, 4, 4), {"a": features})
    teacher = NetworkOutput(torch.zeros(2, 3, 4, 4), {"p": 3 * features.mean(1, keepdim=True)})
    method = AttentionMaps(student_taps=("a",), teacher_taps=("p",))
    assert method.terms(student, teacher, NOTHING)["attention"].item() == pytest.approx(0, abs=1e-6)


def test_a_missing_tap_lists_the_taps_there_are():
    network = PlainSRConfig(channels=4, blocks=2).build()
    with pytest.raises(
        ConfigError, match="the student has no tap `boddy.1`; its taps are head, body.0, body.1"
    ):
        TapRecorder(network, ["boddy.1"], role="student")


def test_taps_of_another_size_are_an_error_that_lists_them():
    student, teacher = sides()
    teacher.features["p"] = torch.rand(2, 3, 10, 12)
    method = AttentionMaps(student_taps=("a",), teacher_taps=("p",))
    with pytest.raises(
        ConfigError, match=r"`a` and the teacher's `p` differ in size.*student a 4x5x6.*teacher p 3x10x12"
    ):
        method.terms(student, teacher, NOTHING)


def test_unpaired_taps_are_refused():
    with pytest.raises(ValidationError, match="compared in pairs"):
        AttentionMaps(student_taps=("a", "b"), teacher_taps=("p",))


def test_objective_trains_the_student_only_and_names_its_terms():
    torch.manual_seed(0)
    student, teacher = (
        PlainSRConfig(channels=4, blocks=1).build(),
        PlainSRConfig(channels=6, blocks=2).build(),
    )
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


def test_two_methods_of_one_kind_both_count():
    torch.manual_seed(0)
    student, teacher = (
        PlainSRConfig(channels=4, blocks=1).build(),
        PlainSRConfig(channels=6, blocks=2).build(),
    )
    methods = [OutputMatch(weight=weight) for weight in (0.5, 0.25, 2.0)]
    objective = Objective((L1(),), student, methods, teacher)
    lr, hr = torch.rand(2, 3, 6, 6), torch.rand(2, 3, 24, 24)
    terms = objective.terms(student(lr), lr, hr)
    assert list(terms) == ["l1", "distill/output", "distill/output-2", "distill/output-3"]
    each = [terms[name].item() for name in list(terms)[1:]]
    assert each[1] == pytest.approx(each[0] / 2, rel=1e-5)
    assert each[2] == pytest.approx(each[0] * 4, rel=1e-5)


def test_a_cached_teacher_image_replaces_the_teacher():
    student = PlainSRConfig(channels=4, blocks=1).build()
    objective = Objective((L1(),), student, (OutputMatch(),))
    lr, hr, cached = torch.rand(2, 3, 6, 6), torch.rand(2, 3, 24, 24), torch.rand(2, 3, 24, 24)
    out = student(lr)
    assert torch.allclose(objective.terms(out, lr, hr, cached)["distill/output"], (out - cached).abs().mean())


def test_feature_match_refuses_other_sizes():
    student, teacher = sides()
    with pytest.raises(
        ConfigError, match="`a` and the teacher's `q` differ in size; .*student a 4x5x6.*9x5x6"
    ):
        FeatureMatch(student_taps=("a",), teacher_taps=("q",)).terms(student, teacher, NOTHING)


EXTRACTOR = {"kind": "dncnn", "depth": 3, "width": 4, "residual": False}


def stft(**changes):
    return TargetFeatures(
        extractor=EXTRACTOR, student_taps=("body.0",), extractor_taps=("body.0",), weight=7.0, **changes
    )


def test_stft_follows_equations_5_and_11_and_each_pull_stops_at_its_target():
    torch.manual_seed(0)
    student = DnCNNConfig(depth=4, width=4).build()
    objective = Objective([L1()], student, [stft()])
    lr, hr = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    terms = objective.terms(student(lr), lr, hr)
    assert list(terms) == ["l1", "distill/target-features", "distill/extractor"]
    extractor = objective.auxiliary["0"]

    def tap(network, x):
        seen = []
        handle = network.taps()["body.0"].register_forward_hook(lambda m, i, o: seen.append(o))
        out = network(x)
        handle.remove()
        return out, seen[0]

    (_, ours), (rebuilt, target) = tap(student, lr), tap(extractor, hr)
    gap = (ours - target).square().mean().item()
    assert terms["distill/target-features"].item() == pytest.approx(7 * gap, rel=1e-5)
    reconstruction = (rebuilt - hr).abs().mean().item()
    assert terms["distill/extractor"].item() == pytest.approx(reconstruction + 0.1 * gap, rel=1e-5)
    terms["distill/target-features"].backward(retain_graph=True)
    assert all(p.grad is None for p in extractor.parameters())
    assert student.head.conv.weight.grad.abs().sum() > 0
    student.zero_grad()
    terms["distill/extractor"].backward()
    assert all(p.grad is None for p in student.parameters())
    assert extractor.head.conv.weight.grad.abs().sum() > 0


def test_stft_refuses_what_cannot_work():
    with pytest.raises(ValidationError, match="the extractor must have scale 1, not 4"):
        TargetFeatures(extractor={"kind": "plainsr"}, student_taps=("a",), extractor_taps=("b",))
    with pytest.raises(ValidationError, match="compared in pairs"):
        TargetFeatures(extractor=EXTRACTOR, student_taps=("a", "b"), extractor_taps=("b",))
    student = DnCNNConfig(depth=4, width=4).build()
    with pytest.raises(ConfigError, match="the extractor has no tap `x`; its taps are head, body.0"):
        Objective([L1()], student, [stft().model_copy(update={"extractor_taps": ("x",)})])
    wide = DnCNNConfig(depth=4, width=5).build()
    objective = Objective([L1()], wide, [stft()])
    x = torch.rand(1, 3, 6, 6)
    with pytest.raises(
        ConfigError, match="differ in size; the taps are student body.0 5x6x6, extractor body.0 4x6x6"
    ):
        objective.terms(wide(x), x, x)


def test_svdo_is_zero_for_channels_of_equal_energy_that_do_not_correlate():
    orthogonal = NetworkOutput(torch.zeros(1), {"a": torch.eye(4).reshape(1, 4, 2, 2)})
    assert SVDO(student_taps=("a",)).terms(orthogonal, orthogonal, NOTHING)["svdo"].item() == pytest.approx(
        0, abs=1e-9
    )


def test_svdo_joins_an_objective_without_any_other_network():
    network = DnCNNConfig(depth=4, width=4).build()
    objective = Objective([L1()], network, [SVDO(student_taps=("body.1",))])
    x = torch.rand(2, 3, 8, 8)
    terms = objective.terms(network(x), x, x)
    assert list(terms) == ["l1", "distill/svdo"]
    terms["distill/svdo"].backward()
    assert network.head.conv.weight.grad.abs().sum() > 0


def test_an_auto_encoder_imitates_the_degraded_image_and_hands_its_decoder_on():
    torch.manual_seed(0)
    small = {"widths": (8, 8), "blocks": 1, "bottom_blocks": 1}
    network = DANetAutoEncoderConfig(encoder=small, decoder=small).build()
    objective = Objective([L1()], network, [Imitation()])
    lr, hr = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    assert network.reads == "clean"
    terms = objective.terms(network(hr), lr, hr)
    with torch.no_grad():
        expected = 1e-4 * (network.encoder(hr) - lr).abs().mean().item()
    assert terms["distill/imitation"].item() == pytest.approx(expected, rel=1e-5)
    student = DANetConfig(**small).build()
    student.load_state_dict(student.weights_from(network))
    with torch.no_grad():
        assert torch.equal(student(lr), network.decoder(lr))
    with pytest.raises(ConfigError, match="not the degraded image's"):
        objective.terms(network(hr), lr[:, :, :4], hr)
