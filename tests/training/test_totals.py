"""The papers' totals: a recipe's sum of terms against the equation in numpy, float64."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import ndimage
from skimage.metrics import structural_similarity

from edgeir.distillation import SVDO, AttentionMaps, Imitation
from edgeir.distillation.objective import Objective
from edgeir.losses import L1, L2, SSIM, Adversarial, Colour, Contextual, TotalVariation
from edgeir.losses.backbone import Backbone
from edgeir.models import DANetAutoEncoderConfig, DnCNNConfig
from edgeir.models.backbones.vgg import VGG
from edgeir.training.recipe import load_recipe

EXACT = {"rel": 1e-10}


def images(size=(2, 3, 20, 20)):
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(size, generator=generator, dtype=torch.float64) for _ in range(2))


def total(objective, output, lr, hr):
    """What the training loop minimises."""
    return torch.stack(list(objective.terms(output, lr, hr).values())).sum().item()


def taps(network, x, names):
    """Output and features of a network, by hooks of its own."""
    seen = {}
    handles = [
        network.taps()[name].register_forward_hook(lambda m, i, o, name=name: seen.update({name: o}))
        for name in names
    ]
    output = network(x)
    for handle in handles:
        handle.remove()
    return output.detach().numpy(), {name: value.detach().numpy() for name, value in seen.items()}


def dissimilarity(x, y):
    """1 - SSIM, valid positions, mean over images and channels."""
    values = [
        structural_similarity(
            a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
        )[1][5:-5, 5:-5].mean()
        for a, b in zip(x.reshape(-1, *x.shape[2:]), y.reshape(-1, *y.shape[2:]), strict=True)
    ]
    return 1 - np.mean(values)


def colour(x, y):
    """Equations 9 and 10, over twice the batch."""
    blurred = ndimage.gaussian_filter(x - y, (0, 0, 3.0, 3.0), mode="constant", radius=(0, 0, 10, 10))
    return (blurred**2).sum() / (2 * len(x))


def attention(x, y):
    """Equation 12 for one pair of taps, mean over the batch."""
    maps = [z.mean(1).reshape(len(z), -1) for z in (x, y)]
    unit = [z / np.sqrt((z**2).sum(1, keepdims=True)) for z in maps]
    return np.sqrt(((unit[0] - unit[1]) ** 2).sum(1)).mean()


def first_layer(x, state):
    """conv1_1 of VGG-19 in numpy, as (N, 64, positions)."""
    mean, std = (
        np.array(values, np.float32).astype(float).reshape(1, 3, 1, 1)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    padded = np.pad((x - mean) / std, ((0, 0), (0, 0), (1, 1), (1, 1)))
    kernel = state["features.0.weight"].double().numpy()
    out = sum(
        np.einsum("oc,nchw->nohw", kernel[:, :, i, j], padded[:, :, i : i + x.shape[2], j : j + x.shape[3]])
        for i, j in np.ndindex(3, 3)
    )
    bias = state["features.0.bias"].double().numpy().reshape(1, -1, 1, 1)
    return (out + bias).reshape(len(x), 64, -1)


def contextual(x, y):
    """Equations 1 and 2 on (N, C, positions)."""
    mean = y.mean((0, 2), keepdims=True)
    values = []
    for a, b in zip(x - mean, y - mean, strict=True):
        a, b = a / np.linalg.norm(a, axis=0), b / np.linalg.norm(b, axis=0)
        distance = (1 - a.T @ b) / 2
        affinity = np.exp(1 - distance / (distance.min(1, keepdims=True) + 1e-5) / 0.5)
        affinity /= affinity.sum(1, keepdims=True)
        values.append(-np.log(affinity.max(0).mean()))
    return np.mean(values)


def test_ppcn_equation_6_on_the_scale_of_bytes():
    x, y = images()
    objective = Objective((L1(weight=255.0), SSIM(weight=25.0)), DnCNNConfig(depth=3, width=4).build())
    bytes_x, bytes_y = x.numpy() * 255, y.numpy() * 255
    expected = np.abs(bytes_x - bytes_y).mean() + 25 * dissimilarity(x.numpy(), y.numpy())
    assert total(objective, x, x, y) == pytest.approx(expected, **EXACT)


def test_ppcn_equations_7_and_13(tmp_path):
    torch.manual_seed(0)
    backbone = VGG(19, last="conv1_1").state_dict()
    save_file(backbone, tmp_path / "vgg19.safetensors")
    losses = (
        Contextual(weight=40.0, layer="conv1_1", backbone=Backbone(weights=str(tmp_path / "vgg19.safetensors"))),
        SSIM(weight=250.0),
        Colour(),
        TotalVariation(weight=2000.0),
    )  # fmt: skip
    pairs = {"student_taps": ("head", "body.0"), "teacher_taps": ("body.0", "body.1")}
    student, teacher = (DnCNNConfig(depth=4, width=width).build().double().eval() for width in (4, 6))
    objective = Objective(
        losses, student, (AttentionMaps(weight=75.0, **pairs),), teacher, Adversarial(weight=2.0, patch=20)
    ).double()
    torch.nn.init.normal_(objective.adversary.network.answer.weight, std=0.5)
    lr, hr = images()
    found = total(objective, student(lr), lr, hr)

    made, ours = taps(student, lr, pairs["student_taps"])
    _, theirs = taps(teacher, lr, pairs["teacher_taps"])
    clean = hr.numpy()
    content = 4 * contextual(first_layer(made, backbone), first_layer(clean, backbone))
    content += 25 * dissimilarity(made, clean)
    with torch.no_grad():
        taken = np.exp(objective.adversary.network(torch.from_numpy(made)).numpy())[:, 0]
    texture = -np.log(taken).sum()  # eq. 8's sum over the batch of two
    variation = (np.diff(made, axis=2) ** 2).mean() + (np.diff(made, axis=3) ** 2).mean()
    distilled = attention(ours["head"], theirs["body.0"]) + attention(ours["body.0"], theirs["body.1"])
    expected = 10 * content + texture + colour(made, clean) + 2000 * variation + 75 * distilled
    assert found == pytest.approx(expected, **EXACT)


def test_the_recipe_of_ppcns_student_has_the_weights_of_equation_13():
    objective = load_recipe("enhancement/ppcn-student-paper").objective
    weights = {loss.kind: loss.weight for loss in objective.losses}
    assert weights == {"contextual": 10 * 4, "ssim": 10 * 25, "colour": 1, "total-variation": 2e3}
    assert objective.adversarial.weight == 50  # eq. 8 is a sum over the batch of 50
    assert [(method.kind, method.weight) for method in objective.distillation.methods] == [("attention", 75)]


def test_fdr_net_equation_8():
    torch.manual_seed(0)
    network = DnCNNConfig(depth=4, width=4).build().double().eval()
    objective = Objective((L1(),), network, (SVDO(student_taps=("body.0",)),)).double()
    lr, hr = images((1, 3, 8, 9))
    found = total(objective, network(lr), lr, hr)
    made, features = taps(network, lr, ("body.0",))
    matrix = features["body.0"][0].reshape(4, -1)
    values = np.linalg.svd(matrix, compute_uv=False) ** 2
    regular = 1e-5 * (values.max() - values.min()) ** 2
    assert regular > 1e-9
    assert found == pytest.approx(np.abs(made - hr.numpy()).mean() + regular, rel=1e-12)


def test_the_total_of_danets_auto_encoder():
    torch.manual_seed(0)
    small = {"widths": (8, 8), "blocks": 1, "bottom_blocks": 1}
    network = DANetAutoEncoderConfig(encoder=small, decoder=small).build().double()
    objective = Objective((L2(),), network, (Imitation(),)).double()
    lr, hr = images((1, 3, 8, 8))
    found = total(objective, network(hr), lr, hr)
    made, features = taps(network, hr, ("encoded",))
    imitation = np.abs(features["encoded"] - lr.numpy()).mean()
    assert found == pytest.approx(((made - hr.numpy()) ** 2).mean() + 1e-4 * imitation, rel=1e-12)
