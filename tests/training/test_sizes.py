"""Sides that a network of strides cannot take: refused as settings, cut off images."""

import numpy as np
import pytest
from PIL import Image

from edgeir.core.assets import list_assets
from edgeir.core.errors import ConfigError, DataError
from edgeir.training.recipe import load_recipe
from edgeir.training.run import distill, train
from edgeir.training.sizes import check_sides
from edgeir.training.validation import validation_pairs

DANET = {"kind": "danet", "widths": [8, 8, 8], "blocks": 1, "bottom_blocks": 1}  # halves its input twice


@pytest.fixture
def denoising(recipe):
    """The tiny recipe with a network that takes multiples of 4."""
    data = recipe.values["data"] | {"degradation": {"kind": "awgn", "sigma": 25}}
    recipe(model=DANET, data=data)
    return recipe


def test_a_patch_and_a_size_that_do_not_fit_are_refused_before_anything_is_written(denoising, tmp_path):
    overrides = ["data.patch=30", "validation.size=50"]
    expected = (
        "tiny: 2 problems: `data.patch` is 30, but the networks take multiples of 4: 28 or 32; "
        "`validation.size` is 50, but the networks take multiples of 4: 48 or 52"
    )
    with pytest.raises(ConfigError) as caught:
        train(denoising.path, overrides=overrides, out=tmp_path / "run")
    assert str(caught.value) == expected
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(("height", "width"), [(101, 75), (40, 46)])
def test_validation_images_are_cut_to_what_the_network_takes(denoising, tmp_path, height, width):
    folder = tmp_path / "odd"
    folder.mkdir()
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(image).save(folder / "odd.png")
    overrides = [f"validation.sources=[{{kind: folder, path: {folder}}}]", "validation.size=80"]
    (pair,) = validation_pairs(load_recipe(denoising.path, overrides))
    rows, columns = min(height, 80) // 4 * 4, min(width, 80) // 4 * 4
    top, left = (height - rows) // 2, (width - columns) // 2
    assert np.array_equal(pair.hr, image[top : top + rows, left : left + columns])
    assert pair.lr.shape == pair.hr.shape
    assert train(denoising.path, overrides=[*overrides, "train.steps=1"], out=tmp_path / "run").steps == 1


def test_a_validation_image_smaller_than_the_multiple_is_named(denoising, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    Image.new("RGB", (20, 3)).save(folder / "strip.png")
    with pytest.raises(DataError, match="strip: the validation image is 3x20,.*needs sides of 4"):
        train(
            denoising.path,
            overrides=[f"validation.sources=[{{kind: folder, path: {folder}}}]"],
            out=tmp_path / "run",
        )


def test_an_enlarged_input_counts_after_its_enlargement(recipe):
    """PPCN-SR takes multiples of 4 and reads the image enlarged by 4: any patch will do."""
    recipe(model={"kind": "ppcn-sr"}, data=recipe.values["data"] | {"patch": 7})
    check_sides(load_recipe(recipe.path))


def test_the_teacher_must_be_able_to_take_the_patches_too(denoising, tmp_path):
    teacher = train(denoising.path, overrides=["train.steps=1"], out=tmp_path / "teacher").run_dir
    data = denoising.values["data"] | {
        "degradation": {"kind": "awgn", "sigma": 25},
        "patch": 10,
    }
    settings = {"teacher": str(teacher), "methods": [{"kind": "output"}]}
    model = {"kind": "dncnn", "depth": 3, "width": 4}
    denoising(model=model, data=data, objective={"distillation": settings})
    with pytest.raises(
        ConfigError, match="`data.patch` is 10, but the networks take multiples of 4: 8 or 12"
    ):
        distill(denoising.path, out=tmp_path / "run")
    denoising(model=model, data=data, objective={"distillation": settings | {"methods": []}})
    assert distill(denoising.path, overrides=["train.steps=1"], out=tmp_path / "run").steps == 1


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("{kind: ssim}", "`data.patch` is 8, 8 pixels of the clean image, but `ssim` needs 11"),
        ("{kind: perceptual}", "but `perceptual` needs 16"),
    ],
)
def test_losses_need_images_of_a_least_size(denoising, loss, message):
    overrides = ["data.patch=8", f"objective.losses=[{loss}]"]
    with pytest.raises(ConfigError, match=message):
        check_sides(load_recipe(denoising.path, overrides))


@pytest.mark.parametrize("name", list_assets("recipes"))
def test_shipped_recipes_fit_their_networks(name):
    check_sides(load_recipe(name))
