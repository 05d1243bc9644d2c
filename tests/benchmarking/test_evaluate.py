"""Quality: means against an independent computation, tiles against the whole, labels of what cannot be compared."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from edgeir.benchmarking.quality.evaluate import evaluate, measure_quality
from edgeir.benchmarking.result import Result
from edgeir.benchmarking.suite import ImageSet, Suite, load_suite
from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.errors import ConfigError
from edgeir.data.degrade import AWGN, Bicubic
from edgeir.data.degrade.bicubic import downscale, upscale
from edgeir.data.sources.embedded import Embedded
from edgeir.data.sources.folder import Folder
from edgeir.data.sources.standard import StandardSet
from edgeir.exporting.run import export
from edgeir.manifest.facts import NetworkFacts
from edgeir.models import DANetAutoEncoderConfig, FFDNetConfig
from edgeir.models.ppcn_enhance import PPCNEnhanceConfig, load_reference_weights


@pytest.fixture
def images(tmp_path):
    """Three smooth images, one of a size that is no multiple of four."""
    source = np.random.default_rng(5)
    folder = tmp_path / "images"
    folder.mkdir()
    for index, size in enumerate([(48, 64), (61, 43), (40, 40)]):
        small = source.integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((size[1], size[0]), Image.Resampling.BICUBIC).save(
            folder / f"{index}.png"
        )
    return folder


@pytest.fixture
def suite(images):
    return Suite(
        name="mine",
        title="three images",
        sets=(ImageSet(name="three", source=Folder(path=str(images))),),
        degradation=Bicubic(scale=4),
        protocol="sr-x4",
    )


def luma_psnr(a, b, crop):
    """PSNR of BT.601 luma in 8-bit levels, written down again from the definition."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    first, second = (image.astype(float) @ weights + 16 for image in (a, b))
    difference = (first - second)[crop:-crop, crop:-crop]
    return 10 * np.log10(255**2 / np.mean(difference**2))


def test_bicubic_against_an_independent_computation(suite, images):
    result = Result.model_validate(evaluate("bicubic", suite))
    (entry,) = result.rows[0].quality.sets
    expected = []
    for path in sorted(images.iterdir()):
        image = np.asarray(Image.open(path))
        image = image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4]
        expected.append(luma_psnr(upscale(downscale(image, 4), 4), image, 4))
    assert [score.psnr_db for score in entry.per_image] == pytest.approx(expected, abs=1e-3)
    assert entry.psnr_db == pytest.approx(np.mean(expected), abs=1e-3)
    assert entry.ssim == pytest.approx(np.mean([score.ssim for score in entry.per_image]))
    assert entry.images == 3
    assert result.comparable
    assert (result.protocol["channel"], result.protocol["round_y"]) == ("y", False)


def test_a_single_channel_file_is_compared_on_its_own_values(suite, tmp_path):
    folder = tmp_path / "gray"
    folder.mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (5, 6), dtype=np.uint8)
    Image.fromarray(pixels).resize((48, 40), Image.Resampling.BICUBIC).save(folder / "gray.png")
    gray = suite.model_copy(update={"sets": (ImageSet(name="gray", source=Folder(path=str(folder))),)})
    found = evaluate("bicubic", gray)["rows"][0]["quality"]["sets"][0]["psnr_db"]
    image = np.asarray(Image.open(folder / "gray.png"))
    difference = (upscale(downscale(image, 4), 4).astype(float) - image)[4:-4, 4:-4]
    assert found == pytest.approx(10 * np.log10(255**2 / np.mean(difference**2)), abs=1e-3)


def test_a_limit_is_labelled(suite):
    result = evaluate("bicubic", suite, limit=2)
    assert not result["comparable"]
    assert result["notes"] == ["three: the first 2 of 3 images only"]
    assert evaluate("bicubic", suite, limit=3)["comparable"]
    with pytest.raises(ConfigError, match="`limit` must be at least 1, not 0"):
        evaluate("bicubic", suite, limit=0)


def test_a_fallback_is_labelled(suite, images):
    entry = ImageSet(name="DIV2K", source=StandardSet(name="DIV2K"), fallback=Folder(path=str(images)))
    result = evaluate("bicubic", suite.model_copy(update={"sets": (entry,)}))
    assert not result["comparable"]
    assert "DIV2K was not found, so the folder images were used: not comparable" in result["notes"][0]
    assert result["rows"][0]["quality"]["sets"][0]["name"] == "folder"


def test_an_incomplete_set_is_labelled(suite, images, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    shutil.copytree(images, tmp_path / "Set5")
    entry = ImageSet(name="Set5", source=StandardSet(name="Set5"))
    result = evaluate("bicubic", suite.model_copy(update={"sets": (entry,)}))
    assert not result["comparable"]
    assert result["notes"] == ["Set5 has 3 images here instead of the 5 published: not comparable"]
    assert not caplog.records
    assert len(StandardSet(name="Set5").images()) == 3  # where nobody collects it, it is logged
    assert "not comparable" in caplog.text


def test_equal_images_count_as_100_db(suite, tmp_path):
    folder = tmp_path / "flat"
    folder.mkdir()
    Image.fromarray(np.full((32, 32, 3), 77, np.uint8)).save(folder / "flat.png")
    flat = suite.model_copy(update={"sets": (ImageSet(name="flat", source=Folder(path=str(folder))),)})
    assert evaluate("bicubic", flat)["rows"][0]["quality"]["sets"][0]["psnr_db"] == 100.0


def test_tiles_of_a_fixed_size_score_like_the_whole(suite, clock, fake_session):
    facts = NetworkFacts(scale=4, receptive_radius=2)
    whole = measure_quality(fake_session(clock, 1.0, facts=facts), suite)
    session = fake_session(clock, 1.0, facts=facts, fixed_size=(9, 8))
    tiled = measure_quality(session, suite)
    assert set(session.sizes) == {(9, 8)}
    assert tiled.tiled
    assert not whole.tiled
    assert tiled.sets == whole.sets


def test_a_network_of_the_enlarged_image_gets_it(suite, clock, fake_session):
    facts = NetworkFacts(scale=4, input_kind="bicubic")
    found = measure_quality(fake_session(clock, 1.0, facts=facts), suite)  # passes its input through
    assert found.sets[0].psnr_db == pytest.approx(
        evaluate("bicubic", suite)["rows"][0]["quality"]["sets"][0]["psnr_db"]
    )


def test_another_scale_is_refused(suite, clock, fake_session):
    with pytest.raises(ConfigError, match="enlarges x2, the suite shrinks by 4"):
        measure_quality(fake_session(clock, 1.0, facts=NetworkFacts(scale=2)), suite)


def test_progress_counts_every_image(suite):
    seen = []
    evaluate("bicubic", suite, progress=lambda done, total, label: seen.append((done, total, label)))
    assert seen == [(0, 3, "three/0"), (1, 3, "three/1"), (2, 3, "three/2"), (3, 3, "measured")]


def test_ms_ssim_where_the_suite_asks_for_it():
    suite = load_suite("pirm-a")
    entry = ImageSet(name="photos", source=Embedded())
    found = evaluate("bicubic", suite.model_copy(update={"sets": (entry,)}), limit=1)["rows"][0]["quality"][
        "sets"
    ][0]
    assert found["ssim"] is None
    assert 0.5 < found["ms_ssim"] < 1


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """Five patch pairs in PIRM's layout; the camera's image is the phone's, 40 levels brighter."""
    source = np.random.default_rng(3)
    for index in range(5):
        given = source.integers(0, 200, (32, 32, 3), dtype=np.uint8)
        for name, image in (("iphone", given), ("canon", given + 40)):
            folder = tmp_path / "data" / "pirm" / "enhance-patches" / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{index}.png")
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path / "data"))


def test_pairs_are_compared_as_they_are(pairs):
    (entry,) = evaluate("input", "pirm-b")["rows"][0]["quality"]["sets"]
    assert entry["images"] == 5
    assert entry["psnr_db"] == pytest.approx(20 * np.log10(255 / 40))
    (part,) = evaluate("input", "pirm-b-heldout")["rows"][0]["quality"]["sets"]
    assert [score["name"] for score in part["per_image"]] == ["0", "4"]


def test_ms_ssim_sees_what_the_clip_would_cut(pairs, tmp_path):
    network = PPCNEnhanceConfig().build()
    torch.nn.init.constant_(network.tail.bias, 3.0)  # far above white
    save_checkpoint(tmp_path / "bright", network, network.state_dict(), name="b", metrics={}, provenance={})
    unclipped = load_suite("pirm-b")
    clipped = unclipped.model_copy(update={"ms_ssim_protocol": None})
    a, b = (
        evaluate(tmp_path / "bright", suite)["rows"][0]["quality"]["sets"][0]
        for suite in (unclipped, clipped)
    )
    assert a["psnr_db"] == pytest.approx(b["psnr_db"])
    assert a["ms_ssim"] != pytest.approx(b["ms_ssim"], abs=1e-5)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("size", "decibel", "similarity"), [("student", 22.54, 0.9244), ("teacher", 22.96, 0.9299)]
)
def test_published_enhancement_rows(size, decibel, similarity, shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(shared_data))
    network = PPCNEnhanceConfig(size=size).build()
    load_reference_weights(network, shared_data / "weights" / f"ppcn-enhance-{size}.npz")
    save_checkpoint(tmp_path / size, network, network.state_dict(), name=size, metrics={}, provenance={})
    found = evaluate(tmp_path / size, "pirm-b")["rows"][0]["quality"]["sets"][0]
    assert found["images"] == 400
    assert found["psnr_db"] == pytest.approx(decibel, abs=0.05)
    assert found["ms_ssim"] == pytest.approx(similarity, abs=0.002)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["set5-x4", "set14-x4", "b100-x4"])
def test_published_bicubic_rows(name, shared_data, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(shared_data))
    suite = load_suite(name)
    found = evaluate("bicubic", suite)["rows"][0]["quality"]["sets"][0]
    published = next(row for row in suite.sets[0].published if row.model == "bicubic")
    assert found["psnr_db"] == pytest.approx(published.psnr_db, abs=0.0201)
    assert found["ssim"] == pytest.approx(published.ssim, abs=0.002)


def test_a_network_that_takes_a_noise_level_is_told_the_suites(suite, tmp_path):
    torch.manual_seed(0)
    network = FFDNetConfig(depth=3, width=8, sigma=25.0).build()
    save_checkpoint(
        tmp_path / "ffdnet", network, network.state_dict(), name="ffdnet", metrics={}, provenance={}
    )
    noisy = suite.model_copy(update={"degradation": AWGN(sigma=50.0), "protocol": "colour-denoising"})

    def measured(**options):
        result = Result.model_validate(evaluate(tmp_path / "ffdnet", noisy, **options))
        return result.rows[0].sigma, result.rows[0].quality.sets[0].psnr_db, result.notes

    level, psnr, notes = measured()
    assert (level, notes) == (50.0, ())
    assert measured(sigma=50.0) == (50.0, psnr, ())
    level, other, notes = measured(sigma=10.0)
    assert level == 10.0
    assert other != psnr
    assert notes == ("the network was given a noise level of 10, the suite has 50",)


def test_an_auto_encoder_is_not_measured_as_a_restorer(suite, tmp_path):
    small = {"widths": (16, 24), "blocks": 1, "bottom_blocks": 1}
    network = DANetAutoEncoderConfig(encoder=small, decoder=small).build()
    save_checkpoint(tmp_path / "ae", network, network.state_dict(), name="ae", metrics={}, provenance={})
    noisy = suite.model_copy(update={"degradation": AWGN(sigma=50.0), "protocol": "colour-denoising"})
    with pytest.raises(ConfigError, match=r"ae: an auto-encoder reads the clean image.*`fine_tune_from`"):
        evaluate(tmp_path / "ae", noisy)
    with pytest.raises(ConfigError, match="an auto-encoder reads the clean image"):
        export(tmp_path / "ae", target="onnx", out=tmp_path / "out")
