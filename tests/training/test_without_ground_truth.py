"""A student that learns from its teacher alone: of degraded photographs, or of unlabelled ones as they are."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.errors import ConfigError
from edgeir.core.progress import no_progress
from edgeir.data.degrade.as_is import AsIs
from edgeir.data.patches import PatchSampler
from edgeir.data.sources.folder import Folder
from edgeir.data.store.pair_store import open_store
from edgeir.models import (
    ARCNNConfig,
    BSRNConfig,
    DnCNNConfig,
    PlainUSRConfig,
    PPCNEnhanceConfig,
    SMFANetConfig,
)
from edgeir.training.preflight import check_ahead
from edgeir.training.recipe import Distillation, load_recipe
from edgeir.training.run import distill
from edgeir.training.teacher import teacher_images

SMALL = {
    "smfanet": SMFANetConfig(channels=6, blocks=1),
    "bsrn": BSRNConfig(channels=8, blocks=1),
    "plainusr": PlainUSRConfig(channels=6, widths=(6, 4)),
}
AS_IS = {"kind": "as-is"}
BICUBIC = {"kind": "bicubic", "scale": 4}
OUTPUT = [{"kind": "output", "distance": "l2"}]


def saved(config, folder: Path) -> str:
    torch.manual_seed(0)
    network = config.build().eval()
    save_checkpoint(folder, network, network.state_dict(), name=config.kind, metrics={}, provenance={})
    return str(folder)


def terms_of(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def alone(recipe, tmp_path):
    """The tiny recipe without losses, for a teacher and settings of the distillation."""

    def write(teacher: str, *, unlabelled: bool = False, **settings):
        values = recipe.values
        data = values["data"] | {"degradation": AS_IS if unlabelled else BICUBIC}
        validation = values["validation"] | ({"degradation": BICUBIC} if unlabelled else {})
        distillation = {"teacher": teacher, "methods": OUTPUT} | settings
        recipe(data=data, validation=validation, objective={"losses": [], "distillation": distillation})
        return recipe.path

    return write


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("unlabelled", [False, True], ids=["degraded", "unlabelled"])
@pytest.mark.parametrize(
    "settings", [{}, {"cache": True}, {"cache": True, "self_ensemble": True}], ids=["live", "cache", "x8"]
)
def test_the_student_comes_nearer_to_its_teacher(kind, unlabelled, settings, alone, tmp_path):
    path = alone(saved(SMALL[kind], tmp_path / "teacher"), unlabelled=unlabelled, **settings)
    run = distill(path, overrides=["train.steps=40", "optim.lr=0.01"], out=tmp_path / "run").run_dir
    rows = [row for row in terms_of(run) if "loss/distill/output" in row]
    assert rows, terms_of(run)[0]
    assert not [key for key in rows[0] if key.startswith("loss/") and key not in ("loss/distill/output",)]
    values = [row["loss/distill/output"] for row in rows]
    assert np.mean(values[-5:]) < 0.5 * np.mean(values[:5])


def test_nothing_is_read_of_the_clean_image(alone, tmp_path):
    """Other clean images beside the same degraded ones: the same student, bit for bit."""
    teacher = saved(SMALL["plainusr"], tmp_path / "teacher")
    rng = np.random.default_rng(0)
    states = []
    for number in range(2):
        for name, size in (("given", (28, 24)), ("clean", (112, 96))):
            folder = tmp_path / f"{name}{number}"
            folder.mkdir()
            pixels = np.random.default_rng(5) if name == "given" else rng
            image = pixels.integers(0, 256, (*size, 3), dtype=np.uint8)
            Image.fromarray(image).save(folder / "0.png")
        path = alone(teacher)
        pairs = {"kind": "paired-folders", "given": str(tmp_path / f"given{number}"),
                 "clean": str(tmp_path / f"clean{number}"), "times": 4}  # fmt: skip
        overrides = [
            f"data.sources=[{json.dumps(pairs)}]",
            "data.degradation=null",
            "validation.degradation={kind: bicubic, scale: 4}",
        ]
        run = distill(path, overrides=[*overrides, "train.steps=3"], out=tmp_path / f"run{number}").run_dir
        states.append(load_file(run / "checkpoints" / "last" / "weights.safetensors"))
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_the_teacher_s_images_of_unlabelled_photographs_are_what_it_makes_of_them(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for index, size in enumerate([(20, 26), (33, 17)]):
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    teacher = saved(SMALL["smfanet"], tmp_path / "teacher")
    store = open_store([Folder(path=str(folder))], AsIs())
    assert store.scale == 1
    images = teacher_images(
        Distillation(teacher=teacher, methods=({"kind": "output"},), cache=True), store, no_progress
    )
    torch.manual_seed(0)
    network = SMALL["smfanet"].build().eval()
    for index in range(2):
        photo = store.clean(index)
        with torch.no_grad():
            out = network(torch.from_numpy(photo.copy()).permute(2, 0, 1)[None].float() / 255).clamp(0, 1)
        expected = (out[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        assert images(index).shape == expected.shape
        assert np.abs(images(index).astype(int) - expected).max() <= 1
    sampler = PatchSampler(
        store, patch=8, batch=6, seed=0, planes=[images], degradation=AsIs(), planes_scale=4
    )
    given, clean, planes = sampler.batch(0)
    assert np.array_equal(given, clean)
    assert planes.shape == (6, 32, 32, 3)
    pairs = [(store.clean(index), images(index)) for index in range(2)]
    for patch, plane in zip(given, planes, strict=True):
        assert any(holds(photo, large, patch, plane) for photo, large in pairs)


def holds(photo: np.ndarray, large: np.ndarray, patch: np.ndarray, plane: np.ndarray) -> bool:
    """Whether the patch is a turned piece of the photo, and the plane the same piece of the teacher's image of it."""
    for top in range(photo.shape[0] - 7):
        for left in range(photo.shape[1] - 7):
            small = photo[top : top + 8, left : left + 8]
            wide = large[4 * top : 4 * top + 32, 4 * left : 4 * left + 32]
            for turn, step in itertools.product(range(4), (1, -1)):
                if np.array_equal(np.rot90(small, turn)[:, ::step], patch):
                    return np.array_equal(np.rot90(wide, turn)[:, ::step], plane)
    return False


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["objective.losses=[{kind: l1}]"], "the loss `l1` needs the clean image"),
        (["objective.distillation.methods=[{kind: mutual, peer: {kind: plainsr, channels: 4}}]"],
         "the method `mutual` needs the clean image"),
        (["objective.adversarial={patch: 32}"], "`adversarial` needs the clean image"),
        (["validation.degradation=null"], "`validation.degradation` is missing"),
        (["validation.degradation={kind: as-is}"], "without a clean image nothing can be measured"),
        (["model={kind: srcnn, scale: 4}"], "`srcnn` reads the enlarged image"),
    ],
    ids=lambda value: "" if isinstance(value, str) else value[0].partition("=")[0],
)  # fmt: skip
def test_what_needs_ground_truth_is_refused_for_unlabelled_photographs(overrides, said, alone, tmp_path):
    path = alone("teacher", unlabelled=True)
    with pytest.raises(ConfigError, match=said):
        load_recipe(path, overrides)


def test_a_recipe_that_minimises_nothing_is_refused(recipe):
    recipe(objective={"losses": []})
    with pytest.raises(ConfigError, match="`losses` is empty, so nothing is minimised"):
        load_recipe(recipe.path)
    recipe(objective={"losses": [], "distillation": {"teacher": "x", "methods": []}})
    with pytest.raises(ConfigError, match="`losses` is empty, so nothing is minimised"):
        load_recipe(recipe.path)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            SMFANetConfig(channels=6, blocks=1, scale=2),
            "the teacher enlarges its input by 2, the student by 4",
        ),
        (DnCNNConfig(depth=3, width=4), "the teacher is for denoising, the student for super-resolution"),
        (DnCNNConfig(depth=3, width=4, channels=1), "the teacher has 1 channels, the student 3"),
    ],
    ids=["scale", "task", "channels"],
)
def test_a_teacher_that_does_not_fit_is_refused(config, said, alone, tmp_path):
    path = alone(saved(config, tmp_path / "teacher"))
    with pytest.raises(ConfigError, match=said):
        check_ahead(load_recipe(path))


def test_a_teacher_of_another_range_is_refused(alone, tmp_path, monkeypatch):
    path = alone(saved(SMALL["bsrn"], tmp_path / "teacher"))
    facts = SMALL["bsrn"].facts.model_copy(update={"value_range": (0.0, 255.0)})
    monkeypatch.setattr(BSRNConfig, "facts", property(lambda self: facts))
    with pytest.raises(
        ConfigError, match="the teacher computes on the range 0 to 255, the student on 0 to 1"
    ):
        check_ahead(load_recipe(path))


def test_a_denoiser_may_teach_jpeg_repair_and_no_other_task(recipe, tmp_path):
    for config, fits in ((DnCNNConfig(depth=3, width=4), True), (PPCNEnhanceConfig(), False)):
        shutil.rmtree(tmp_path / "teacher", ignore_errors=True)
        teacher = saved(config, tmp_path / "teacher")
        degradation = {"kind": "jpeg", "quality": 10}
        recipe(
            model=ARCNNConfig().model_dump(mode="json"), task="jpeg",
            data=recipe.values["data"] | {"degradation": degradation},
            objective={"distillation": {"teacher": teacher, "methods": OUTPUT}},
        )  # fmt: skip
        loaded = load_recipe(recipe.path)
        if fits:
            check_ahead(loaded)
        else:
            with pytest.raises(ConfigError, match="the teacher is for enhancement, the student for jpeg"):
                check_ahead(loaded)
