"""A teacher must give what the student gives, and its images may be of any size."""

import numpy as np
import pytest
import torch
from PIL import Image

from edgeir.core.errors import ConfigError
from edgeir.models import DANetConfig
from edgeir.training.run import distill, train
from edgeir.training.teacher import _image

DANET = {"kind": "danet", "widths": [8, 8, 8], "blocks": 1, "bottom_blocks": 1}  # halves its input twice
STUDENT = {"kind": "dncnn", "depth": 3, "width": 4}
CACHED = {"methods": [{"kind": "output"}], "cache": True}


@pytest.fixture
def repair(recipe, tmp_path):
    """Pairs of images of odd sides."""
    rng = np.random.default_rng(0)
    for name in ("given", "clean"):
        (tmp_path / name).mkdir()
        for index in range(2):
            image = rng.integers(0, 256, (45, 50 + index, 3), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / name / f"{index}.png")
    pairs = {"kind": "paired-folders", "given": str(tmp_path / "given"), "clean": str(tmp_path / "clean")}
    recipe.values["data"] |= {"sources": [pairs], "degradation": None}
    recipe.values["validation"] |= {"sources": [pairs]}
    recipe(model=DANET)
    return recipe


def test_a_cached_teacher_takes_images_that_its_strides_do_not_divide(repair, tmp_path):
    teacher = train(repair.path, overrides=["train.steps=1"], out=tmp_path / "teacher").run_dir
    for turned in (False, True):
        repair(
            model=STUDENT,
            objective={"distillation": CACHED | {"teacher": str(teacher), "self_ensemble": turned}},
        )
        assert distill(repair.path, overrides=["train.steps=1"], out=tmp_path / f"run{turned}").steps == 1


def test_what_a_image_is_padded_with_is_cut_off():
    torch.manual_seed(0)
    network = DANetConfig(widths=(8, 8, 8), blocks=1, bottom_blocks=1).build().eval()
    lr = np.random.default_rng(0).integers(0, 256, (13, 18, 3), dtype=np.uint8)
    padded = np.pad(lr, ((0, 3), (0, 2), (0, 0)), mode="edge")
    assert np.array_equal(_image(network, lr, False), _image(network, padded, False)[:13, :18])


@pytest.mark.parametrize("cache", [False, True])
def test_a_teacher_of_another_scale_stops_a_run_before_its_store_is_built(repair, tmp_path, cache):
    teacher = train(repair.path, overrides=["train.steps=1"], out=tmp_path / "teacher").run_dir
    stores = set((tmp_path / "cache").rglob("*"))
    folder = [{"kind": "folder", "path": str(tmp_path / "clean")}]
    data = repair.values["data"] | {"sources": folder, "degradation": {"kind": "bicubic"}}
    settings = CACHED | {"teacher": str(teacher), "cache": cache}
    changes = {"data": data, "validation": repair.values["validation"] | {"sources": folder}}
    model = {"kind": "plainsr", "channels": 4, "blocks": 1}
    repair(model=model, objective={"distillation": settings}, **changes)
    whom = "the data" if cache else "the student"
    with pytest.raises(ConfigError, match=f"the teacher enlarges its input by 1, {whom} by 4"):
        distill(repair.path, out=tmp_path / "run")
    assert set((tmp_path / "cache").rglob("*")) == stores


def test_an_auto_encoder_of_clean_images_has_no_images_of_degraded_ones(repair, tmp_path):
    small = {"widths": [8, 8], "blocks": 1, "bottom_blocks": 1}
    auto_encoder = {"kind": "danet-autoencoder", "encoder": small, "decoder": small}
    repair(model=auto_encoder, objective={"distillation": {"methods": [{"kind": "imitation"}]}})
    teacher = distill(repair.path, overrides=["train.steps=1"], out=tmp_path / "teacher").run_dir
    repair(model=STUDENT, objective={"distillation": CACHED | {"teacher": str(teacher)}})
    with pytest.raises(ConfigError, match="an auto-encoder reads the clean image"):
        distill(repair.path, out=tmp_path / "run")


def test_partners_that_do_not_fit_stop_a_run_before_its_store_is_built(recipe, tmp_path):
    noisy = {"degradation": {"kind": "awgn", "sigma": 25.0}}
    peer = {"kind": "plainsr", "channels": 4, "blocks": 1}
    mutual = {"distillation": {"methods": [{"kind": "mutual", "peer": peer}]}}
    recipe(model=STUDENT, data=recipe.values["data"] | noisy, objective=mutual)
    with pytest.raises(
        ConfigError, match="beside the student in `mutual` enlarges its input by 4, the student by 1"
    ):
        distill(recipe.path, out=tmp_path / "run")
    assert not (tmp_path / "cache").exists()
    recipe(model=STUDENT, data=recipe.values["data"] | noisy)
    teacher = train(recipe.path, overrides=["train.steps=1"], out=tmp_path / "teacher").run_dir
    told = {"degradation": {"kind": "awgn", "sigma": 25.0, "noise_map": True}}
    settings = {"distillation": {"teacher": str(teacher), "methods": [{"kind": "output"}]}}
    recipe(
        model={"kind": "ffdnet", "depth": 3, "width": 8},
        data=recipe.values["data"] | told,
        objective=settings,
    )
    with pytest.raises(ConfigError, match="the teacher takes no noise level, but `noise_map` appends one"):
        distill(recipe.path, out=tmp_path / "run")
