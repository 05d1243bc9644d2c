"""Degradations: a contract for all of them, and each against its formula or a published figure."""

import io
import math
import typing

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from scipy import ndimage
from skimage import data as photographs

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.core.errors import DataError
from edgeir.data.degrade import (
    AWGN,
    JPEG,
    AnyDegradation,
    Bicubic,
    BlurNoiseJPEG,
    GaussianBlur,
    Haze,
    Hybrid,
    OneOf,
    PhoneCamera,
    Rain,
    Unknown,
    Zoom,
)
from edgeir.data.degrade.base import to_bytes, to_unit
from edgeir.data.degrade.bicubic import upscale
from edgeir.data.degrade.camera import _demosaic, linear_to_srgb, srgb_to_linear
from edgeir.data.degrade.haze import add_haze
from edgeir.data.degrade.hybrid import combinations
from edgeir.data.degrade.jpeg import compress
from edgeir.data.degrade.rain import rain_streaks
from edgeir.data.patches import _degrade_patch
from edgeir.data.sources.standard import StandardSet
from edgeir.imaging.files import list_images
from edgeir.metrics.psnr import psnr

MEMBERS = [member() for member in typing.get_args(typing.get_args(AnyDegradation)[0])]


@pytest.fixture(scope="module")
def photo():
    return np.ascontiguousarray(photographs.astronaut()[100:340, 120:360])


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("degradation", MEMBERS, ids=lambda d: d.kind)
def test_it_is_a_function_of_the_image_and_the_generator(degradation, photo):
    before = photo.copy()
    first, again, other = (degradation.degrade(photo, rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(photo, before)
    assert np.array_equal(first, again)
    assert first.shape == (240 // degradation.scale, 240 // degradation.scale, 3)
    assert first.dtype in (np.uint8, np.float32)
    enlarged = first.repeat(degradation.scale, 0).repeat(degradation.scale, 1)
    kept = psnr(to_unit(enlarged), photo, channel="rgb", crop=0)
    assert (
        kept == float("inf") if degradation.unlabelled else 10 < kept < 60
    )  # degraded, and still this image
    if not degradation.random:
        assert np.array_equal(first, other)
    assert degradation.margin % degradation.scale == 0


@pytest.mark.parametrize(
    "degradation",
    [
        GaussianBlur(sigma=2.5),
        Unknown(blur_sigma=2.0, noise_sigma=0.0),
        PhoneCamera(shot=0.0, read=0.0, cast=0.0, quality=None),
        AWGN(sigma=0.0, clip=True),
        BlurNoiseJPEG(blur_sigma=3.0, noise_sigma=0.0, jpeg_quality=None),
        Zoom(zoom=2, blur_sigma=2.0, noise_sigma=0.0),
    ],
    ids=lambda d: d.kind,
)
@pytest.mark.parametrize("place", [(0, 0), (7, 12), (20, 20)])
def test_a_patch_is_cut_with_the_surroundings_that_it_depends_on(degradation, place, photo):
    size, scale = 24, degradation.scale
    top, left = (2 * (side // 2) for side in place)  # the mosaic has a period of two
    whole = degradation.degrade(photo, rng())
    cut = _degrade_patch(degradation, photo, top, left, size, rng())
    assert np.array_equal(cut, whole[top : top + size, left : left + size])
    last = 240 // scale - size
    assert np.array_equal(_degrade_patch(degradation, photo, last, last, size, rng()), whole[last:, last:])


@pytest.mark.parametrize(("sigma", "decibel"), [(15, 24.609), (25, 20.172), (50, 14.151)])
def test_noise_has_the_published_strength(sigma, decibel):
    photo = photographs.astronaut()
    noisy = AWGN(sigma=float(sigma)).degrade(photo, rng())
    assert noisy.dtype == np.float32
    error = np.mean((noisy.astype(np.float64) - photo / 255) ** 2)
    assert -10 * math.log10(error) == pytest.approx(decibel, abs=0.03)
    clipped = AWGN(sigma=float(sigma), clip=True).degrade(photo, rng())
    assert np.array_equal(clipped, to_bytes(noisy))
    assert psnr(to_unit(clipped), photo, channel="rgb", crop=0) > decibel


def test_zoom_is_the_unknown_degradation_enlarged_again(photo):
    zoom = Zoom(zoom=4, blur_sigma=1.0, noise_sigma=2.0)
    small = Unknown(scale=4, blur_sigma=1.0, noise_sigma=2.0).degrade(photo, rng())
    assert np.array_equal(zoom.degrade(photo, rng()), upscale(small, 4))
    odd = photo[:239, :238]  # no multiples of 4: the border is replicated up to one
    padded = np.pad(odd, ((0, 1), (0, 2), (0, 0)), mode="edge")
    assert np.array_equal(zoom.degrade(odd, rng()), zoom.degrade(padded, rng())[:239, :238])


def test_gray_noise_is_equal_in_the_colours(photo):
    noise = AWGN(gray=True).degrade(photo, rng()) - to_unit(photo)
    assert np.allclose(noise[..., 0], noise[..., 2], atol=1e-6)


def test_a_range_is_drawn_per_image(photo):
    deviations = [
        np.std(AWGN(sigma=(5.0, 75.0)).degrade(photo, rng(seed)) - to_unit(photo)) * 255 for seed in range(40)
    ]
    assert 5 <= min(deviations) < 15
    assert 60 < max(deviations) <= 76
    with pytest.raises(ValidationError, match="the range begins at 9, above its end 3"):
        AWGN(sigma=(9.0, 3.0))
    with pytest.raises(ValidationError):
        AWGN(sigma=-1.0)
    for degradation in (JPEG, PhoneCamera):
        with pytest.raises(ValidationError, match="begins at 80"):
            degradation(quality=(80, 20))


def test_jpeg_is_the_codec_of_pillow(photo):
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=30, subsampling=2)  # 4:2:0
    assert np.array_equal(compress(photo, 30), np.asarray(Image.open(stream)))
    full = compress(photo, 30, "4:4:4")
    assert psnr(to_unit(full), photo, channel="rgb", crop=0) > psnr(
        to_unit(compress(photo, 30)), photo, channel="rgb", crop=0
    )


@pytest.mark.shared
def test_the_grid_of_a_shifted_jpeg_begins_anywhere(photo):
    def steps_across(image, axis):
        """Mean step between neighbours at each of the eight places in a block."""
        change = np.abs(np.diff(image.astype(float), axis=axis)).mean(axis=(1 - axis, 2))
        return [change[place::8].mean() for place in range(8)]

    places = set()
    for seed in range(12):
        degraded = JPEG(quality=5, shifted=1.0).degrade(photo, np.random.default_rng(seed))
        assert degraded.shape == photo.shape
        places.add((int(np.argmax(steps_across(degraded, 0))), int(np.argmax(steps_across(degraded, 1)))))
    assert len(places) > 4
    aligned = {
        JPEG(quality=5, shifted=0.5).degrade(photo, np.random.default_rng(seed)).tobytes()
        for seed in range(12)
    }
    assert JPEG(quality=5).degrade(photo, rng()).tobytes() in aligned


@pytest.mark.parametrize(("quality", "decibel"), [(10, 27.82), (20, 30.12), (30, 31.48), (40, 32.43)])
def test_jpeg_reproduces_the_published_row_of_classic5(shared_data, quality, decibel):
    scores = []
    for path in list_images(shared_data / "test" / "classic5"):
        gray = np.asarray(Image.open(path).convert("L"))
        image = np.repeat(gray[:, :, None], 3, axis=2)
        degraded = JPEG(quality=quality, gray=True).degrade(image, rng())[:, :, 0]
        scores.append(-10 * math.log10(np.mean((degraded.astype(float) - gray) ** 2) / 255**2))
    assert np.mean(scores) == pytest.approx(decibel, abs=0.02)


@pytest.mark.parametrize("sigma", [0.6, 2.0])
def test_blur_equals_scipy(sigma, photo):
    expected = ndimage.gaussian_filter(
        to_unit(photo).astype(np.float64), (sigma, sigma, 0), mode="nearest", truncate=10 / sigma
    )
    blurred = GaussianBlur(sigma=sigma).degrade(photo, rng())
    assert np.abs(blurred / 255 - expected).max() <= 0.501 / 255
    assert np.array_equal(GaussianBlur(sigma=0.0).degrade(photo, rng()), photo)


def test_haze_follows_the_scattering_model():
    image = np.full((4, 5, 3), 0.25, np.float32)
    depth = np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)
    hazy = add_haze(image, depth, 1.2, 0.8)
    expected = 0.25 * np.exp(-1.2 * depth) + 0.8 * (1 - np.exp(-1.2 * depth))
    assert np.allclose(hazy[..., 1], expected, atol=1e-6)
    assert np.array_equal(add_haze(image, depth, 0.0, 0.8), image)


def test_haze_is_lighter_and_flatter(photo):
    hazy = Haze(beta=1.5, airlight=0.9).degrade(photo, rng())
    assert hazy.mean() > photo.mean()
    assert hazy.std() < photo.std()


def test_rain_brightens_along_its_direction(photo):
    dry = Rain(density=0.0).degrade(photo, rng())
    assert np.array_equal(dry, photo)
    wet = Rain().degrade(photo, rng())
    assert (wet >= photo).all()
    assert (wet > photo).any()
    layer = rain_streaks(200, 200, 0.003, 20, 0.0, rng())
    along = np.corrcoef(layer[:-6].ravel(), layer[6:].ravel())[0, 1]
    across = np.corrcoef(layer[:, :-6].ravel(), layer[:, 6:].ravel())[0, 1]
    assert along > across + 0.4


def test_blur_noise_and_jpeg_come_in_this_order(photo):
    def spoilt(**strengths):
        options = {"blur_sigma": 0.0, "noise_sigma": 0.0, "jpeg_quality": None, **strengths}
        return BlurNoiseJPEG(**options).degrade(photo, rng())

    assert np.array_equal(spoilt(), photo)
    assert np.array_equal(spoilt(blur_sigma=2.0), GaussianBlur(sigma=2.0).degrade(photo, rng()))
    assert np.array_equal(spoilt(jpeg_quality=20), compress(photo, 20))
    blurred = spoilt(blur_sigma=2.0)
    noise = to_unit(spoilt(blur_sigma=2.0, noise_sigma=10.0)) - to_unit(blurred)
    assert noise.std() * 255 == pytest.approx(10, rel=0.1)  # the noise is not blurred
    all_three = spoilt(blur_sigma=2.0, noise_sigma=10.0, jpeg_quality=20)
    assert np.array_equal(all_three, compress(spoilt(blur_sigma=2.0, noise_sigma=10.0), 20))


def test_hybrid_has_the_combinations_of_the_protocol():
    counts = [len(combinations(level)) for level in ("mild", "moderate", "severe")]
    assert counts == [163, 434, 163]


def test_hybrid_levels_are_ordered(photo):
    def mean(level):
        return np.mean(
            [psnr(to_unit(Hybrid(level=level).degrade(photo, rng(s))), photo, channel="rgb", crop=0)
             for s in range(25)]
        )  # fmt: skip

    assert mean("mild") > mean("moderate") > mean("severe")


def test_camera_light_round_trips_and_a_flat_scene_stays_flat():
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    assert np.allclose(linear_to_srgb(srgb_to_linear(levels)), levels, atol=1e-5)
    assert srgb_to_linear(np.float32([0.5]))[0] == pytest.approx(0.21404, abs=1e-4)
    flat = np.full((9, 8, 3), (0.2, 0.5, 0.7), np.float32)
    assert np.allclose(_demosaic(flat), flat, atol=1e-6)


def test_camera_noise_grows_with_light():
    scene = np.zeros((128, 256, 3), np.uint8)
    scene[:, :128], scene[:, 128:] = 60, 200
    camera = PhoneCamera(
        blur_sigma=0.0, shot=0.003, read=0.002, demosaic=False, tone=1.0, cast=0.0, quality=None
    )
    light = srgb_to_linear(to_unit(camera.degrade(scene, rng())))
    for half, level in ((light[:, :120], 60), (light[:, 136:], 200)):
        mean = srgb_to_linear(np.float32([level / 255]))[0]
        assert half.std() == pytest.approx(math.sqrt(0.003 * mean + 0.002**2), rel=0.05)


def test_bicubic_is_stored_the_others_are_drawn():
    assert [member.kind for member in MEMBERS if not member.random] == ["bicubic"]
    assert Bicubic(flavour="pillow").enlargement == "pillow"
    assert GaussianBlur().enlargement == "matlab"


@pytest.mark.shared
def test_the_listed_part_of_a_folder_is_a_set(shared_data, monkeypatch, tmp_path):
    monkeypatch.setenv("EDGEIR_DATA", str(shared_data))
    refs = StandardSet(name="CBSD68").images()
    assert len(refs) == 68
    assert refs[0].name == (shared_data / "test" / "cbsd68.txt").read_text().split()[0]
    (tmp_path / "test" / "bsds500-val").mkdir(parents=True)
    (tmp_path / "test" / "cbsd68.txt").write_text("a\nb\n")
    Image.new("RGB", (8, 8)).save(tmp_path / "test" / "bsds500-val" / "a.png")
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    with pytest.raises(DataError, match="1 of the images in cbsd68.txt are missing, first `b`"):
        StandardSet(name="CBSD68").images()


@pytest.mark.shared
def test_the_untouched_input_is_a_baseline(shared_data, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(shared_data))
    row = evaluate("input", "classic5-jpeg10", runtime="torch", threads=1)["rows"][0]
    assert row["name"] == "input"
    assert row["quality"]["sets"][0]["psnr_db"] == pytest.approx(27.82, abs=0.02)


def test_one_of_draws_each_by_its_share_and_computes_what_it_alone_would(photo):
    image = photo[:16, :16]
    choices = (JPEG(quality=10), AWGN(sigma=0.0))
    coded, same = (one.degrade(image, rng()) for one in choices)
    assert not np.array_equal(to_unit(coded), to_unit(same))
    for shares, expected in ((None, 0.5), ((3.0, 1.0), 0.75)):
        mixed = OneOf(choices=choices, shares=shares)
        results = [to_unit(mixed.degrade(image, rng(seed))) for seed in range(400)]
        hits = [np.array_equal(result, to_unit(coded)) for result in results]
        assert all(
            hit or np.array_equal(result, to_unit(same)) for hit, result in zip(hits, results, strict=True)
        )
        assert np.mean(hits) == pytest.approx(expected, abs=0.08)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"choices": [{"kind": "awgn"}]}, "at least 2"),
        ({"choices": [{"kind": "awgn"}, {"kind": "bicubic", "scale": 2}]}, "one scale, but have 1 .* and 2"),
        ({"choices": [{"kind": "awgn", "noise_map": True}, {"kind": "jpeg"}]}, "noise_map"),
        ({"choices": [{"kind": "awgn"}, {"kind": "as-is"}]}, "no clean image"),
        ({"shares": [1.0]}, "1 values for 2"),
        ({"shares": [1.0, 0.0]}, "greater than 0"),
        ({"choices": [{"kind": "awgn"}, {"kind": "one-of"}]}, "one-of"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        OneOf(**settings)
