"""The joint loss (Liu et al., IJCAI 2018, eq. 1) against an independent computation, and who learns from it."""

import numpy as np
import pytest
import torch
from torch import nn

from edgeir.core.errors import ConfigError, DataError
from edgeir.distillation import HighLevelTask
from edgeir.distillation.base import Batch
from edgeir.distillation.objective import Objective
from edgeir.distillation.taps import NetworkOutput
from edgeir.losses import L2
from edgeir.models import MultiscaleDenoiserConfig

MODULE = {"kind": "module", "target": "edgeir.models.backbones.digits:DigitClassifier"}
SEGMENTER = {"kind": "module", "target": "edgeir.models.backbones.digits:StrokeSegmenter"}


def cross_entropy(scores, labels):
    """-log softmax at the label, by hand in float64; scores (N, K), labels (N,), -1 left out."""
    values = []
    for row, label in zip(scores, labels, strict=True):
        if label >= 0:
            shifted = row - row.max()
            values.append(np.log(np.exp(shifted).sum()) - shifted[label])
    return np.mean(values)


def batch(labels, size=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    lr, hr = (torch.rand(len(labels), 3, size, size, generator=generator, dtype=torch.float64) for _ in "ab")
    return lr, hr, torch.as_tensor(labels, dtype=torch.int16)


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_the_joint_loss_is_equation_1(task):
    torch.manual_seed(0)
    student = MultiscaleDenoiserConfig(width=4).build().double()
    whole = task == "classification"
    weight = 0.25 if whole else 0.5
    method = HighLevelTask(weight=weight, network=MODULE if whole else SEGMENTER)
    objective = Objective((L2(weight=3.0),), student, (method,)).double()
    maps = np.random.default_rng(0).integers(-1, 2, (3, 1, 8, 8))
    classes = np.broadcast_to(np.array([4, 0, 9]).reshape(3, 1, 1, 1), (3, 1, 8, 8)).copy()
    lr, hr, labels = batch(classes if whole else maps)
    output = student(lr)
    terms = objective.terms(output, lr, hr, labels)
    assert list(terms) == ["l2", "distill/high-level"]
    with torch.no_grad():
        scores = objective.frozen["0"](output).numpy()
    if whole:
        expected = cross_entropy(scores, [4, 0, 9])
    else:
        expected = cross_entropy(scores.transpose(0, 2, 3, 1).reshape(-1, 2), maps.ravel())
    mse = ((output - hr) ** 2).mean().item()
    total = sum(terms.values()).item()
    assert total == pytest.approx(3 * mse + weight * expected, rel=1e-12)


@pytest.mark.parametrize("target", ["labels", "clean"])
def test_the_gradient_towards_the_image_is_right(target):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).double()
    method = HighLevelTask(network=MODULE, target=target)
    clean = network(torch.rand(2, 3, 5, 5, dtype=torch.float64)).detach()
    labels = torch.tensor([1, 3]).view(2, 1, 1, 1).expand(2, 1, 5, 5)

    def loss(image):
        side = NetworkOutput(network(image), {"clean": clean})
        return method.terms(NetworkOutput(image), side, Batch(image, image, labels))["high-level"]

    x = torch.rand(2, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (x,))


def test_the_clean_target_is_the_networks_own_opinion():
    method = HighLevelTask(weight=1.0, network=SEGMENTER, target="clean")
    scores, clean = torch.randn(2, 2, 4, 4).double(), torch.randn(2, 2, 4, 4).double()
    value = method.terms(
        NetworkOutput(scores), NetworkOutput(scores, {"clean": clean}), Batch(scores, scores)
    )["high-level"]
    p = torch.softmax(clean, 1)
    assert value.item() == pytest.approx(-(p * torch.log_softmax(scores, 1)).sum(1).mean().item(), rel=1e-12)
    assert not method.needs_labels
    student = MultiscaleDenoiserConfig(width=4).build()
    objective = Objective((L2(),), student, (method,))
    lr, hr = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    equal = objective.terms(hr, lr, hr)["distill/high-level"]  # a perfect restoration: the entropy is left
    own = objective.frozen["0"](hr)
    assert torch.allclose(equal, -(own.softmax(1) * own.log_softmax(1)).sum(1).mean())


def test_only_the_denoiser_is_updated():
    torch.manual_seed(0)
    student = MultiscaleDenoiserConfig(width=4).build().train()
    objective = Objective((L2(),), student, (HighLevelTask(network=MODULE),))
    frozen = objective.frozen["0"]
    before = {key: value.clone() for key, value in frozen.state_dict().items()}
    start = {key: value.detach().clone() for key, value in student.named_parameters()}
    objective.train()  # even then the statistics of its normalisations stay
    optimizer = torch.optim.Adam([*student.parameters(), *objective.auxiliary.parameters()], 1e-2)
    lr, hr, labels = (value.float() for value in batch(np.full((4, 1, 8, 8), 2)))
    losses = []
    for _ in range(8):
        terms = objective.terms(student(lr), lr, hr, labels)
        sum(terms.values()).backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(terms["distill/high-level"].item())
    assert losses[-1] < losses[0]
    assert all(torch.equal(value, before[key]) for key, value in frozen.state_dict().items())
    assert all(parameter.grad is None for parameter in frozen.parameters())
    assert all(not torch.equal(value, start[key]) for key, value in student.named_parameters())


def test_labels_that_do_not_fit_are_refused():
    method = HighLevelTask(network=SEGMENTER)
    image = torch.rand(1, 3, 8, 8)
    maps = torch.zeros(1, 1, 8, 8, dtype=torch.int16)
    with pytest.raises(ConfigError, match="scores are 4x4, the labels 8x8"):
        method.terms(NetworkOutput(image), NetworkOutput(torch.rand(1, 2, 4, 4)), Batch(image, image, maps))
    with pytest.raises(DataError, match="a label is 2, but the high-level network has 2 classes"):
        method.terms(
            NetworkOutput(image), NetworkOutput(torch.rand(1, 2, 8, 8)), Batch(image, image, maps + 2)
        )
