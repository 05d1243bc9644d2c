"""Every distillation term against its equation written out in float64 (numpy, loops), its gradient, and where no
gradient may flow."""

import numpy as np
import pytest
import torch

from edgeir.distillation import (
    SVDO,
    AttentionMaps,
    FeatureMatch,
    Imitation,
    MutualLearning,
    OutputMatch,
    TargetFeatures,
)
from edgeir.distillation.base import Batch
from edgeir.distillation.taps import NetworkOutput

EXACT = {"rel": 1e-11, "abs": 1e-13}
TAPS = {"student_taps": ("a", "b"), "teacher_taps": ("p", "q")}
PEER = {"kind": "dncnn", "depth": 3, "width": 4, "residual": False}
NOTHING = Batch(torch.empty(0), torch.empty(0))
"""For methods that do not look at the images."""


def numbers(*size, seed=0):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def side(names, widths, seed):
    """An output, and features of 3x4 pixels; gradients are wanted of all."""
    maps = {
        name: numbers(2, width, 3, 4, seed=seed + place + 1)
        for place, (name, width) in enumerate(zip(names, widths, strict=True))
    }
    result = NetworkOutput(numbers(2, 3, 4, 5, seed=seed), maps)
    for value in (result.output, *result.features.values()):
        value.requires_grad_()
    return result


def leaves(one):
    return (one.output, *one.features.values())


def check_gradient(term, moved, still):
    """`term`, a function of two sides, has the right gradient in all of `moved` and none in any of `still`.

    Args:
        term: takes the side that moves.
        moved: the side that `term` is a function of. still: sides that it may not touch.
    """
    names = tuple(moved.features)

    def function(output, *features):
        return term(NetworkOutput(output, dict(zip(names, features, strict=True))))

    assert torch.autograd.gradcheck(function, leaves(moved))
    held = [leaf for other in still for leaf in leaves(other)]
    if held:
        gradients = torch.autograd.grad(term(moved), held, allow_unused=True)
        assert all(gradient is None for gradient in gradients)


def array(tensor):
    return tensor.detach().numpy()


def unit_map(features):
    """F of eq. 12 and its normalisation, pixel by pixel; (C, H, W) to H * W numbers."""
    channels, height, width = features.shape
    flat = [sum(features[c, i, j] for c in range(channels)) / channels
            for i in range(height) for j in range(width)]  # fmt: skip
    length = sum(value * value for value in flat) ** 0.5
    return [value / length for value in flat]


@pytest.mark.parametrize("form", ["norm", "squared"])
def test_attention_is_ppcn_equation_12(form):
    student, teacher = side("ab", (4, 2), 0), side("pq", (5, 3), 10)
    method = AttentionMaps(form=form, **TAPS)
    total = 0.0
    for ours, theirs in (("a", "p"), ("b", "q")):
        for n in range(2):
            one, other = (unit_map(array(s.features[t])[n]) for s, t in ((student, ours), (teacher, theirs)))
            squares = sum((x - y) ** 2 for x, y in zip(one, other, strict=True))
            total += (squares**0.5 if form == "norm" else 0.5 * squares) / 2  # a batch of two
    assert method.terms(student, teacher, NOTHING)["attention"].item() == pytest.approx(total, **EXACT)
    check_gradient(lambda moved: method.terms(moved, teacher, NOTHING)["attention"], student, [teacher])


def test_attention_has_a_finite_gradient_where_the_maps_are_equal():
    student = side("ab", (4, 2), 0)
    same = NetworkOutput(
        student.output, {"p": student.features["a"].detach(), "q": student.features["b"].detach()}
    )
    AttentionMaps(**TAPS).terms(student, same, NOTHING)["attention"].backward()
    assert all(torch.isfinite(value.grad).all() for value in student.features.values())


@pytest.mark.parametrize("normalise", [False, True])
def test_svdo_is_fdr_net_equation_5(normalise):
    student = side("ab", (4, 3), 0)
    method = SVDO(student_taps=("a", "b"), normalise=normalise)
    total = 0.0
    for features in student.features.values():
        for image in array(features):
            matrix = image.reshape(len(image), -1)
            values = np.linalg.svd(matrix, compute_uv=False) ** 2  # eigenvalues of F F^T by another way
            total += (values.max() - values.min()) ** 2 / (12**2 if normalise else 1) / 2
    assert method.terms(student, student, NOTHING)["svdo"].item() == pytest.approx(total, **EXACT)
    check_gradient(lambda moved: method.terms(moved, moved, NOTHING)["svdo"], student, [])


def distance_by_hand(kind, one, other):
    values = [(x - y) ** 2 if kind == "l2" else abs(x - y)
              for x, y in zip(array(one).ravel(), array(other).ravel(), strict=True)]  # fmt: skip
    return sum(values) / len(values)


@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_feature_match_is_the_sum_over_pairs(distance):
    student, teacher = side("ab", (4, 2), 0), side("pq", (4, 2), 10)
    method = FeatureMatch(distance=distance, **TAPS)
    expected = sum(
        distance_by_hand(distance, student.features[ours], teacher.features[theirs])
        for ours, theirs in (("a", "p"), ("b", "q"))
    )
    assert method.terms(student, teacher, NOTHING)["features"].item() == pytest.approx(expected, **EXACT)
    check_gradient(lambda moved: method.terms(moved, teacher, NOTHING)["features"], student, [teacher])


@pytest.mark.parametrize("luma", [0.0, 0.4])
@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_output_match_is_the_distance_of_the_images(distance, luma):
    student, teacher = side("", (), 0), side("", (), 10)
    method = OutputMatch(distance=distance, luma=luma)
    colours = distance_by_hand(distance, student.output, teacher.output)
    weights = np.array([0.299, 0.587, 0.114], np.float32).astype(float)  # kept in float32
    gray = [torch.from_numpy(sum(k * array(one.output)[:, c] for c, k in enumerate(weights)))
            for one in (student, teacher)]  # fmt: skip
    expected = (1 - luma) * colours + luma * distance_by_hand(distance, *gray)
    assert method.terms(student, teacher, NOTHING)["output"].item() == pytest.approx(expected, **EXACT)
    check_gradient(lambda moved: method.terms(moved, teacher, NOTHING)["output"], student, [teacher])


@pytest.mark.parametrize("distance", ["l1", "l2"])
@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_mutual_learning_pulls_each_side_towards_the_other(distance, loss):
    student, peer = side("", (), 0), side("", (), 10)
    method = MutualLearning(peer=PEER, weight=0.3, distance=distance, loss=loss)
    clean = numbers(2, 3, 4, 5, seed=20)
    batch = Batch(clean, clean)
    terms = method.terms(student, peer, batch)
    between = distance_by_hand(distance, student.output, peer.output)
    assert terms["mutual"].item() == pytest.approx(between, **EXACT)
    own = distance_by_hand(loss, peer.output, clean)
    assert terms["peer"].item() == pytest.approx(own + 0.3 * between, **EXACT)
    assert [method.weight_of(term) for term in terms] == [0.3, 1.0]
    check_gradient(lambda moved: method.terms(moved, peer, batch)["mutual"], student, [peer])
    check_gradient(lambda moved: method.terms(student, moved, batch)["peer"], peer, [student])


@pytest.mark.parametrize("distance", ["l2", "l1", "inner-product", "kl", "mmd"])
def test_stft_follows_equations_4_5_and_11(distance):
    student, extractor = side("ab", (4, 2), 0), side("pq", (4, 2), 10)
    method = TargetFeatures(
        extractor=PEER, student_taps=("a", "b"), extractor_taps=("p", "q"), weight=50.0,
        extractor_weight=0.25, distance=distance,
    )  # fmt: skip
    clean = numbers(2, 3, 4, 5, seed=20)
    batch = Batch(clean, clean)
    terms = method.terms(student, extractor, batch)
    if distance in ("l1", "l2"):  # the others against numpy: tests/distill/test_distances.py
        gap = sum(
            distance_by_hand(distance, student.features[ours], extractor.features[theirs])
            for ours, theirs in (("a", "p"), ("b", "q"))
        )
        assert terms["target-features"].item() == pytest.approx(gap, **EXACT)
        reconstruction = distance_by_hand("l1", extractor.output, clean)
        assert terms["extractor"].item() == pytest.approx(reconstruction + 0.25 * gap, **EXACT)
    assert [method.weight_of(term) for term in terms] == [50.0, 1.0]
    # The student follows the extractor; that rebuilds the image and follows the student. Neither moves the other.
    check_gradient(
        lambda moved: method.terms(moved, extractor, batch)["target-features"], student, [extractor]
    )
    check_gradient(lambda moved: method.terms(student, moved, batch)["extractor"], extractor, [student])


def test_imitation_is_the_mean_absolute_difference_from_the_degraded_image():
    student = side(("encoded",), (3,), 0)
    degraded = numbers(2, 3, 3, 4, seed=20)
    batch, method = Batch(degraded, degraded), Imitation()
    expected = distance_by_hand("l1", student.features["encoded"], degraded)
    assert method.terms(student, student, batch)["imitation"].item() == pytest.approx(expected, **EXACT)
    check_gradient(lambda moved: method.terms(moved, moved, batch)["imitation"], student, [])


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_features_of_half_precision_are_compared_in_float32(half):
    student, teacher = side("ab", (4, 2), 0), side("pq", (4, 2), 10)
    for one in (student, teacher):
        one.features = {name: value.detach().to(half) for name, value in one.features.items()}
    wide = [NetworkOutput(one.output, {name: value.float() for name, value in one.features.items()})
            for one in (student, teacher)]  # fmt: skip
    for method in (AttentionMaps(**TAPS), FeatureMatch(**TAPS), SVDO(student_taps=("a", "b"))):
        (found,), (expected,) = (method.terms(*pair, NOTHING).values() for pair in ((student, teacher), wide))
        assert torch.equal(found, expected)
