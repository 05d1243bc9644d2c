"""Networks of one channel through training, and what they cannot be asked for."""

import numpy as np
import pytest
from PIL import Image

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.benchmarking.suite import ImageSet, Suite
from edgeir.checkpoint.load import load_checkpoint
from edgeir.core.errors import ConfigError
from edgeir.data.degrade import JPEG
from edgeir.data.degrade.base import to_unit
from edgeir.data.sources.folder import Folder
from edgeir.imaging.luma import luma_of
from edgeir.metrics import PROTOCOLS, psnr
from edgeir.runtime.loading import load
from edgeir.training.recipe import load_recipe
from edgeir.training.run import distill, train

GRAY = {"kind": "dncnn", "channels": 1, "depth": 3, "width": 4}
STFT = {"kind": "target-features", "student_taps": ["body.0"], "extractor_taps": ["body.0"],
        "extractor": {"kind": "dncnn", "channels": 1, "depth": 3, "width": 4, "residual": False}}  # fmt: skip


@pytest.fixture
def gray(recipe):
    data = recipe.values["data"] | {"degradation": {"kind": "awgn", "sigma": 25.0}}
    validation = recipe.values["validation"] | {"channel": "gray"}
    return recipe(model=GRAY, data=data, validation=validation)


def test_a_gray_network_trains_and_is_validated_on_its_plane_or_on_ys_range(gray, tmp_path):
    found = {}
    for channel in ("gray", "y"):
        options = {"out": tmp_path / "run", "overwrite": True}
        found[channel] = train(gray, overrides=[f"validation.channel={channel}"], **options).metrics[
            "psnr_db"
        ]
    # Y spans 219 of 255 levels.
    assert found["y"] - found["gray"] == pytest.approx(20 * np.log10(255 / 219), abs=0.02)
    assert load_checkpoint(tmp_path / "run")[1].facts.colour == "y"
    with Image.open(tmp_path / "run" / "samples" / "0-0000008.png") as sample:
        assert sample.mode == "L"


@pytest.mark.parametrize("channels", [1, 3])
def test_validation_and_eval_have_one_ruler(gray, tmp_path, channels):
    folder = tmp_path / "photos"
    folder.mkdir()
    small = np.random.default_rng(7).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC).save(folder / "colour.png")
    changes = [
        f"model.channels={channels}",
        "validation.channel=y",
        "data.degradation={kind: jpeg, quality: 20}",
        f"validation.sources=[{{kind: folder, path: {folder}}}]",
        "validation.size=64",
    ]
    trained = train(gray, overrides=changes, out=tmp_path / "run").metrics["psnr_db"]
    clean = np.asarray(Image.open(folder / "colour.png"))
    with_eval = psnr(
        load(tmp_path / "run" / "checkpoints" / "last").run(
            to_unit(
                JPEG(quality=20).degrade(luma_of(clean) if channels == 1 else clean, np.random.default_rng())
            )
        ),
        clean,
        **PROTOCOLS["jpeg"].model_dump(),
    )
    # The deployed form adds up in another order: a sample at a rounding tie may come out a level apart.
    assert trained == pytest.approx(with_eval, abs=1e-3)
    if channels == 3:  # of a gray network `edgeir eval` degrades the colour image
        sets = (ImageSet(name="one", source=Folder(path=str(folder))),)
        suite = Suite(name="x", title="x", sets=sets, degradation=JPEG(quality=20), protocol="jpeg")
        row = evaluate(tmp_path / "run" / "checkpoints" / "last", suite, runtime="torch")["rows"][0]
        assert trained == pytest.approx(row["quality"]["sets"][0]["psnr_db"], abs=1e-3)


def test_stft_of_a_gray_network(gray, tmp_path):
    override = f"objective.distillation={{methods: [{STFT}]}}".replace("False", "false")
    assert distill(gray, out=tmp_path / "run", overrides=[override]).steps == 8


def test_a_teacher_of_other_channels_is_refused(gray, recipe, tmp_path):
    train(gray, out=tmp_path / "teacher", overrides=["model.channels=3", "validation.channel=rgb"])
    override = f"objective.distillation={{teacher: {tmp_path / 'teacher'}, methods: [{{kind: output}}]}}"
    with pytest.raises(ConfigError, match="the teacher has 3 channels, the student 1"):
        distill(gray, out=tmp_path / "run", overrides=[override])


def test_a_network_that_is_told_the_noise_level(gray, tmp_path):
    noise = "data.degradation={kind: awgn, sigma: [5.0, 50.0], noise_map: true}"
    overrides = [noise, "model={kind: ffdnet, channels: 1, depth: 3, width: 4}"]
    train(gray, out=tmp_path / "run", overrides=overrides)
    x = np.random.default_rng(0).random((6, 8, 1), dtype=np.float32)
    found = [load(tmp_path / "run", sigma=sigma).run(x) for sigma in (None, 25.0, 50.0)]
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    with pytest.raises(ConfigError, match="`degradation.noise_map` needs a network that takes it"):
        load_recipe(gray, [noise])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["validation.channel=rgb"], "not measured on rgb"),
        (["model.channels=3"], "`validation.channel: gray` needs a network of one channel"),
        (["objective.losses=[{kind: l1, luma: 0.5}]"], "the `luma` share of `l1` needs a network of three"),
        (["objective.distillation={teacher: x, methods: [{kind: output, luma: 0.5}]}"], "share of `output`"),
        (["objective.distillation={teacher: x, cache: true, methods: [{kind: output}]}",
          "data.degradation={kind: bicubic}", "model={kind: edsr}", "validation.channel=gray"],
         "needs a network of one channel"),
        ([f"objective.distillation={{methods: [{STFT | {'extractor': {'kind': 'dncnn'}}}]}}"],
         "the network beside the student in `target-features` needs the student's channels"),
    ],
)  # fmt: skip
def test_what_does_not_fit_one_channel(gray, overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe(gray, overrides)
