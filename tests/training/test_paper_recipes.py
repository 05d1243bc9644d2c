"""The recipes of the papers: what their headers must say, and the published settings."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from edgeir.benchmarking.suite import load_suite
from edgeir.core.assets import list_assets
from edgeir.data.items import items_of
from edgeir.distillation import TargetFeatures
from edgeir.losses import L1, SSIM
from edgeir.models import AnyModel
from edgeir.models.base import outline
from edgeir.training.recipe import load_recipe
from edgeir.training.run import train

PAPER = [name for name in list_assets("recipes") if name.endswith("-paper")]
FIGURE = r"\b\d\d\.\d{1,3}\b"
UNITS = ("dB", "mIoU", "top-1")
HARDWARE = ("names no GPU", "Tesla V100", "GTX 1080 Ti", "NVIDIA 1080 Ti")
GPU_OF = {"DANet": "Tesla V100", "FDR-Net": "NVIDIA 1080 Ti", "PPCN": "GTX 1080 Ti", "STFT": "names no GPU"}
"""What each paper says that it used."""


@pytest.mark.parametrize("name", PAPER)
def test_its_header_has_a_published_figure_and_the_hardware(name):
    about = load_recipe(name).about
    assert re.search(FIGURE, about)
    assert any(re.search(rf"\b{unit}\b", about) for unit in UNITS)
    assert sum(hardware in about for hardware in HARDWARE) == 1
    for system, hardware in GPU_OF.items():
        if system in about:
            assert hardware in about


@pytest.mark.parametrize("size", ["DANet", "DANet-S"])
@pytest.mark.parametrize("task", ["denoising/danet-gray", "denoising/danet-colour", "jpeg/danet-jpeg"])
def test_the_suites_quote_the_same_figures_of_danet(task, size):
    about = load_recipe(f"{task}{'-s' if size == 'DANet-S' else ''}-paper").about
    sets = {"gray": ("set12", "bsd68"), "colour": ("kodak24", "cbsd68"), "jpeg": ("classic5", "live1")}
    beginnings = sets[task.split("-")[-1]]
    rows = [
        row
        for name in list_assets("suites")
        if name.startswith(beginnings)
        for entry in load_suite(name).sets
        for row in entry.published
        if row.model == size
    ]
    assert len(rows) == 8
    for row in rows:
        assert f"{row.psnr_db:.2f}/{row.ssim:.4f}".replace("/0.", "/.") in about


MEASURED_BY = {
    "denoising/danet-sidd-paper": ["sidd"],
    "denoising/danet-sidd-s-paper": ["sidd"],
    "denoising/danet-sidd-autoencoder-paper": ["sidd"],
    "super-resolution/danet-realsr-paper": ["realsr-x4", "realsr-x2", "realsr-x3"],
    "super-resolution/danet-realsr-s-paper": ["realsr-x4", "realsr-x2", "realsr-x3"],
    "super-resolution/danet-realsr-autoencoder-paper": ["realsr-x4"],
    "deblurring/fdrnet-paper": ["gopro"],
    "deraining/fdrnet-paper": ["did-mdn"],
    "mixed/fdrnet-did-hy-paper": ["did-hy"],
    "mixed/fdrnet-paper": ["div2k-hybrid", "div2k-hybrid-mild", "div2k-hybrid-severe"],
    "dehazing/aod-stft-paper": ["nyu2-haze"],
    "dehazing/ppdn-stft-paper": ["nyu2-haze"],
}
"""The recipes that validate on test images, and the suites that measure their figures."""


@pytest.mark.parametrize("name", MEASURED_BY)
def test_a_header_names_the_suites_that_quote_its_figures(name):
    recipe = load_recipe(name)
    assert f"--suite {MEASURED_BY[name][0]}`" in recipe.about
    figures = {float(figure) for figure in re.findall(FIGURE, recipe.about)}
    similarities = {float(figure) for figure in re.findall(r"(?<=/)\.\d+", recipe.about)}
    for suite in MEASURED_BY[name]:
        assert re.search(rf"{suite}\b(?!-)", recipe.about)
        (entry,) = load_suite(suite).sets
        rows = [row for row in entry.published if row.psnr_db in figures]
        assert rows
        if similarities:
            assert any(row.ssim in similarities for row in rows)


def test_validation_reaches_what_the_headers_say(tmp_path, monkeypatch):
    realsr = load_recipe("super-resolution/danet-realsr-paper").validation
    assert {source.camera for source in realsr.sources} == {"Canon", "Nikon"}
    assert realsr.limit == 2 * 15  # the test pairs of both cameras
    assert load_recipe("denoising/danet-sidd-paper").validation.limit == 40 * 32  # images x blocks
    h5py = pytest.importorskip("h5py")
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    (tmp_path / "NYU2").mkdir()
    with h5py.File(tmp_path / "NYU2/nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = np.zeros((1449, 3, 1, 1), np.uint8)
        file["depths"] = np.ones((1449, 1, 1), np.float32)
    hazed = load_recipe("dehazing/aod-stft-paper")
    tested = [ref.name[:4] for ref in hazed.validation.sources[0].pairs()[: hazed.validation.limit]]
    assert len(set(tested)) == 6
    trained = {ref.name[:4] for ref in hazed.data.sources[0].pairs()}
    assert [image for image in tested if image in trained] == ["1315"] * 4


def test_the_multiscale_denoiser_trains_on_the_augmented_set_of_voc_without_its_labels(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    voc = tmp_path / "VOCdevkit" / "VOC2012"
    for place in ("JPEGImages", "SegmentationClassAug", "ImageSets/Segmentation"):
        (voc / place).mkdir(parents=True)
    for name in ("2007_000032", "2007_000033"):  # of the training and of the validation set
        Image.new("RGB", (64, 56), (90, 120, 60)).save(voc / "JPEGImages" / f"{name}.jpg")
    (voc / "SegmentationClassAug/2007_000032.png").write_text("not read")
    (voc / "ImageSets/Segmentation/train_aug.txt").write_text("2007_000032\n")
    recipe = load_recipe("denoising/multiscale-paper")
    assert recipe.data.sources == load_recipe("denoising/multiscale-deeplab-joint-paper").data.sources
    listed = items_of(recipe.data.sources, recipe.data.degradation, recipe.data.rescale)
    assert [item.name for item in listed] == ["2007_000032"]
    settings = ("train.steps=1", "data.batch=1", "model.width=4", "validation.limit=1", "validation.size=16")
    train("denoising/multiscale-paper", out=tmp_path / "run", overrides=settings)
    assert (tmp_path / "run/checkpoints/last").is_dir()


FOLLOWING = [
    name
    for name in PAPER
    if (distillation := load_recipe(name).objective.distillation) is not None
    and any(isinstance(method, TargetFeatures) for method in distillation.methods)
]


@pytest.mark.parametrize("name", FOLLOWING)
def test_features_of_student_and_extractor_have_the_same_size(name):
    recipe = load_recipe(name)
    [method] = recipe.objective.distillation.methods
    patch = recipe.data.patch
    ours = sizes(recipe.model, method.student_taps, patch)
    theirs = sizes(method.extractor, method.extractor_taps, patch * recipe.model.scale)
    assert ours == theirs
    upsamples = recipe.model.scale > 1
    assert len(ours) == (1 if upsamples else 3)  # the levels D of eq. 5


def sizes(config: AnyModel, taps: tuple[str, ...], side: int) -> list[torch.Size]:
    """Shapes of the named features for one patch; nothing is computed."""
    network, seen = outline(config), {}
    for tap in taps:
        network.taps()[tap].register_forward_hook(lambda m, i, out, tap=tap: seen.update({tap: out.shape}))
    network(torch.empty(1, network.facts.channels, side, side, device="meta"))
    return [seen[tap] for tap in taps]


def test_ppcn_enhancement_weighs_its_losses_as_equations_7_and_13():
    student = load_recipe("enhancement/ppcn-student-paper").objective
    weights = {loss.kind: loss.weight for loss in student.losses}
    content = {"contextual": 4.0, "ssim": 25.0}  # eq. 7
    total = {"content": 10.0, "colour": 1.0, "total-variation": 2e3, "distillation": 75.0}  # eq. 13
    assert weights == {
        **{kind: total["content"] * weight for kind, weight in content.items()},
        "colour": total["colour"],
        "total-variation": total["total-variation"],
    }
    assert [method.weight for method in student.distillation.methods] == [total["distillation"]]
    recipe = load_recipe("enhancement/ppcn-student-paper")
    assert student.adversarial.weight == recipe.data.batch  # eq. 8 sums over the batch, the loss is a mean
    teacher = load_recipe("enhancement/ppcn-teacher-paper").objective
    assert teacher.losses == student.losses
    assert teacher.distillation is None


def test_ppcn_super_resolution_minimises_equation_6():
    recipe = load_recipe("super-resolution/ppcn-sr-paper")
    prediction, target = torch.rand(2, 2, 3, 24, 24)
    ours = sum(loss.weight * loss.build()(prediction, target) for loss in recipe.objective.losses)
    absolute = (255 * prediction - 255 * target).abs().mean()  # eq. 3, on 0-255
    assert ours.item() == pytest.approx((absolute + 25 * SSIM().build()(prediction, target)).item(), rel=1e-5)
    assert [type(loss) for loss in recipe.objective.losses] == [L1, SSIM]


def test_ppcn_super_resolution_trains_as_section_4_2():
    recipe = load_recipe("super-resolution/ppcn-sr-paper")
    assert (recipe.data.patch, recipe.data.batch, recipe.model.scale) == (96, 16, 4)
    assert recipe.optim.betas == (0.9, 0.999)
    rates = [
        recipe.optim.lr * recipe.optim.schedule.factor(step, recipe.train.steps)
        for step in (0, 49_999, 50_000, 100_000)
    ]
    assert rates == pytest.approx([5e-4, 5e-4, 1e-4, 2e-5])
