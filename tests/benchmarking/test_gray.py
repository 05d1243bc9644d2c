"""Suites and networks of one channel: each on the channel that is measured."""

import numpy as np
import pytest
from PIL import Image

from edgeir.benchmarking.quality.evaluate import evaluate, measure_quality
from edgeir.benchmarking.suite import ImageSet, Suite, load_suite
from edgeir.core.errors import ConfigError
from edgeir.data.degrade import AWGN, JPEG
from edgeir.data.degrade.jpeg import compress
from edgeir.data.sources.folder import Folder
from edgeir.manifest.facts import NetworkFacts

GRAY = NetworkFacts(colour="y", task="jpeg")


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    small = np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC).save(folder / "colour.png")
    return folder


def suite(folder, degradation, protocol):
    sets = (ImageSet(name="one", source=Folder(path=str(folder))),)
    return Suite(name="mine", title="one", sets=sets, degradation=degradation, protocol=protocol)


def test_y_of_a_colour_image_is_compared_on_its_own_range(images, clock, fake_session):
    quality = measure_quality(fake_session(clock, 1.0, facts=GRAY), suite(images, JPEG(quality=20), "jpeg"))
    clean = np.asarray(Image.open(images / "colour.png"))
    weights = np.array([65.481, 128.553, 24.966]) / 255
    b = clean.astype(float) @ weights + 16
    # The fake network gives the luma that it was given, which an 8-bit file would hold in whole levels.
    luma = np.rint(compress(clean, 20).astype(float) @ [0.299, 0.587, 0.114])
    a = 16 + 219 / 255 * luma
    assert quality.sets[0].psnr_db == pytest.approx(10 * np.log10(255**2 / np.mean((a - b) ** 2)), abs=1e-3)


def test_the_same_noise_reaches_gray_and_colour_networks(images, clock, fake_session):
    gray = suite(images, AWGN(sigma=25.0), "gray-denoising")
    one = measure_quality(fake_session(clock, 1.0, facts=GRAY), gray).sets[0]
    three = measure_quality(fake_session(clock, 1.0, facts=NetworkFacts()), gray).sets[0]
    given = evaluate("input", gray)["rows"][0]["quality"]["sets"][0]
    assert one.psnr_db == three.psnr_db == given["psnr_db"]
    assert one.psnr_db == pytest.approx(20.2, abs=0.5)  # 20 log10(255 / 25), and what clipping brings


def test_a_colour_suite_refuses_a_gray_network(images, clock, fake_session):
    with pytest.raises(ConfigError, match="one channel, the suite is measured on RGB"):
        measure_quality(fake_session(clock, 1.0, facts=GRAY), suite(images, AWGN(), "colour-denoising"))


@pytest.mark.parametrize("sigma", [15, 25, 50])
@pytest.mark.parametrize("name", ["set12", "bsd68"])
def test_the_gray_suites_say_what_they_are(name, sigma):
    found = load_suite(f"{name}-awgn{sigma}")
    assert found.degradation == AWGN(sigma=sigma)
    assert found.resolved_protocol().channel == "gray"
