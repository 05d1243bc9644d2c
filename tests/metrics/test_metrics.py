"""The metrics against independent implementations: scikit-image, scipy and loops written out."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, signal
from skimage.metrics import structural_similarity

from edgeir.core.errors import DataError
from edgeir.imaging.files import read_rgb
from edgeir.metrics import PROTOCOLS, Protocol, ms_ssim, pirm_ms_ssim, psnr, sr, ssim
from edgeir.metrics.conventions import luma, prepare

RAW = {"channel": "rgb", "crop": 0, "rounding": False, "clip": False}


def pair(height: int, width: int, noise: float = 0.05, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    clean = ndimage.gaussian_filter(random.random((height, width, 3)), (2, 2, 0))
    clean = (clean - clean.min()) / np.ptp(clean)
    return clean, clean + random.normal(0, noise, clean.shape)


def test_luma_of_known_colours() -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]])
    np.testing.assert_allclose(luma(colours.astype(float)), [16, 235, 81.481, 144.553, 40.966], atol=5e-4)


@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_psnr_of_noise_is_that_of_its_sigma(sigma: float) -> None:
    # protocols of denoising: 20 log10(255 / sigma), unclipped
    random = np.random.default_rng(0)
    clean = random.random((400, 400, 3))
    noisy = clean + random.normal(0, sigma / 255, clean.shape)
    assert psnr(noisy, clean, **RAW) == pytest.approx(20 * math.log10(255 / sigma), abs=0.02)
    assert psnr(noisy, clean, **{**RAW, "clip": True}) > psnr(noisy, clean, **RAW) + 0.05


@pytest.mark.parametrize("round_y", [True, False])
def test_psnr_written_out(round_y: bool) -> None:
    a, b = pair(9, 11, 0.3)
    total, count = 0.0, 0
    for row in range(2, 7):
        for column in range(2, 9):
            levels = []
            for image in (a, b):
                red, green, blue = (round(min(max(value, 0.0), 1.0) * 255) for value in image[row, column])
                y = (65.481 * red + 128.553 * green + 24.966 * blue) / 255 + 16
                levels.append(round(y) if round_y else y)
            total += (levels[0] - levels[1]) ** 2
            count += 1
    found = psnr(a, b, channel="y", crop=2, round_y=round_y)
    assert found == pytest.approx(10 * math.log10(255**2 * count / total), abs=1e-9)


def test_y_is_whole_levels_as_matlabs_rgb2ycbcr_of_a_uint8_image() -> None:
    # rgb2ycbcr(uint8(cat(3, r, g, b))) for four colours
    colours = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 200, 30]]], np.uint8)
    y, same = prepare(colours, colours, channel="y", crop=0, rounding=True, clip=True, round_y=True)
    np.testing.assert_array_equal(y[0], [[81, 145], [41, 122]])
    np.testing.assert_array_equal(same, y)


@given(height=st.integers(11, 30), width=st.integers(11, 30), seed=st.integers(0, 99))
def test_one_ruler_for_gray_and_colour_networks(height: int, width: int, seed: int) -> None:
    """The output of a network of one channel, and the same luma in three, against an image in colour."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    levels = random.integers(0, 256, (height, width, 1), dtype=np.uint8)
    real = (levels / 255).astype(np.float32)
    for metric in (psnr, ssim):
        for whole in (False, True):
            gray = metric(levels, truth, channel="y", crop=0, round_y=whole)
            colour = metric(np.repeat(levels, 3, 2), truth, channel="y", crop=0, round_y=whole)
            assert gray == pytest.approx(colour, abs=1e-9)
            assert metric(real, truth, channel="y", crop=0, round_y=whole) == pytest.approx(gray, abs=1e-9)
    plain, exact = (prepare(levels, truth, channel="y", crop=0, rounding=True, clip=True, round_y=whole)
                    for whole in (True, False))  # fmt: skip
    for whole, real in zip(plain, exact, strict=True):
        assert (whole == np.rint(whole)).all()
        assert np.abs(whole - real).max() <= 0.5


def test_the_y_of_one_channel_is_rounded_once() -> None:
    # 2.9 levels are 2.49 of Y's, so 18; rounded to 3 levels first they would be 2.58, so 19.
    image = np.array([[0.4, 2.9]]) / 255
    y, _ = prepare(image, image, channel="y", crop=0, rounding=True, clip=True, round_y=True)
    np.testing.assert_array_equal(y[0], [[16, 18]])


def test_psnr_of_equal_images_is_infinite() -> None:
    a = np.zeros((4, 4, 3), np.uint8)
    assert psnr(a, a, channel="rgb", crop=0) == math.inf


def test_rounding_and_clip_are_those_of_a_file() -> None:
    a, b = pair(20, 20, 0.4)
    as_file = np.rint(np.clip(b, 0, 1) * 255).astype(np.uint8)
    target = np.rint(a * 255).astype(np.uint8)
    assert psnr(b, target, channel="rgb", crop=0) == psnr(as_file, target, channel="rgb", crop=0)
    assert psnr(b, target, **RAW) != psnr(as_file, target, **RAW)


@given(
    height=st.integers(11, 70), width=st.integers(11, 50), noise=st.floats(0.01, 0.5), seed=st.integers(0, 99)
)
def test_ssim_is_scikit_images_on_the_valid_region(height: int, width: int, noise: float, seed: int) -> None:
    a, b = pair(height, width, noise, seed)
    _, whole = structural_similarity(
        a * 255, b * 255, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=255, full=True,
    )  # fmt: skip
    assert ssim(a, b, **RAW) == pytest.approx(whole[5:-5, 5:-5].mean(), abs=1e-9)


def test_ssim_written_out() -> None:
    a, b = pair(13, 12)
    x, y = (channels[0] for channels in prepare(a, b, channel="y", crop=0, rounding=True, clip=True))
    grid = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(grid, grid) / np.outer(grid, grid).sum()
    values = []
    for row in range(3):
        for column in range(2):
            p, q = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
            cov = (window * (p - mp) * (q - mq)).sum()
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            values.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    assert ssim(a, b, channel="y", crop=0) == pytest.approx(np.mean(values), abs=1e-10)


def direct_ms_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """PIRM's procedure, from its description, with scipy: full 2-D windows, scipy's mirrored 2x2 box."""
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])

    def terms(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        size = min(11, *x.shape[:2])
        sigma = size * 1.5 / 11
        place = np.arange(size) - (size - 1) / 2
        window = np.exp(-(place[:, None] ** 2 + place[None, :] ** 2) / (2 * sigma**2))
        window = (window / window.sum())[:, :, None]

        def blur(z: np.ndarray) -> np.ndarray:
            return signal.fftconvolve(z, window, mode="valid")

        mx, my = blur(x), blur(y)
        xx, yy, xy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        structure = (2 * xy + c2) / (xx + yy + c2)
        return float(np.mean((2 * mx * my + c1) / (mx * mx + my * my + c1) * structure)), float(
            structure.mean()
        )

    result = 1.0
    for level, weight in enumerate(weights):
        whole, structure = terms(a, b)
        result *= (whole if level == 4 else structure) ** weight
        box = np.ones((2, 2, 1)) / 4
        a, b = (ndimage.convolve(z, box, mode="reflect")[::2, ::2] for z in (a, b))
    return result


@pytest.mark.parametrize("size", [(100, 100), (97, 131), (177, 40), (32, 33)])
def test_ms_ssim_is_the_challenges_procedure(size: tuple[int, int]) -> None:
    a, b = pair(*size)
    assert ms_ssim(a, b, **RAW) == pytest.approx(direct_ms_ssim(a * 255, b * 255), abs=1e-9)


def test_ms_ssim_of_opposites_is_zero_not_nan() -> None:
    a, _ = pair(64, 64)
    assert ms_ssim(a, 1 - a, **RAW) == 0.0
    assert pirm_ms_ssim(np.ones((1, 20, 20)), np.ones((1, 20, 20))) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", [psnr, ssim, ms_ssim])
@given(seed=st.integers(0, 50), crop=st.integers(0, 6), channel=st.sampled_from(["y", "rgb"]))
def test_symmetric_best_for_equal_images_and_blind_to_what_is_cropped(metric, seed, crop, channel) -> None:  # type: ignore[no-untyped-def]
    a, b = (np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8) for image in pair(40, 37, 0.1, seed))
    value = metric(a, b, channel=channel, crop=crop)
    assert value == pytest.approx(metric(b, a, channel=channel, crop=crop), abs=1e-9)
    assert metric(a, a, channel=channel, crop=crop) > value
    framed = b.copy()
    if crop:
        framed[:crop] = framed[-crop:] = 0
        framed[:, :crop] = framed[:, -crop:] = 255
    assert metric(a, framed, channel=channel, crop=crop) == value
    inside = slice(crop, -crop or None)
    assert metric(a[inside, inside], b[inside, inside], channel=channel, crop=0) == value


def test_gray_images() -> None:
    a, b = (np.rint(np.clip(image[:, :, 0], 0, 1) * 255).astype(np.uint8) for image in pair(30, 30))
    value = psnr(a, b, channel="gray", crop=0)
    assert psnr(a[:, :, None], b[:, :, None], channel="rgb", crop=0) == pytest.approx(value)
    assert psnr(np.stack([a] * 3, 2), np.stack([b] * 3, 2), channel="gray", crop=0) == pytest.approx(value)
    # Y spans 219 of 255 levels
    found = psnr(a, b, channel="y", crop=0)
    assert found == pytest.approx(value + 20 * math.log10(255 / 219), abs=1e-3)
    with pytest.raises(DataError, match="needs a grayscale image"):
        psnr(*(np.clip(image, 0, 1) for image in pair(30, 30)), channel="gray", crop=0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"b": np.zeros((20, 21, 3))}, "different sizes, 20x20 and 20x21"),
        ({"crop": 10}, "cropping 10 pixels off each side of a 20x20 image leaves nothing"),
        ({"crop": -1}, "must not be negative"),
        ({"a": np.full((20, 20, 3), np.nan)}, "not finite"),
        ({"a": np.zeros((20, 20, 3), np.uint16)}, "not uint16"),
        ({"a": np.zeros((20, 20, 2))}, "must be HW, HW1 or HW3"),
    ],
)
def test_what_cannot_be_compared_is_said(change: dict, words: str) -> None:
    arguments = {
        "a": np.zeros((20, 20, 3)),
        "b": np.zeros((20, 20, 3)),
        "channel": "rgb",
        "crop": 0,
        **change,
    }
    for metric in (psnr, ssim, ms_ssim):
        with pytest.raises(DataError, match=words):
            metric(**arguments)


def test_ssim_needs_a_window() -> None:
    with pytest.raises(DataError, match="needs 11 pixels a side, the images have 8x20"):
        ssim(np.zeros((12, 24, 3)), np.zeros((12, 24, 3)), channel="y", crop=2)


def test_protocols_are_arguments_of_every_metric() -> None:
    a, b = pair(64, 64)
    gray = {"gray-denoising"}
    for name, protocol in PROTOCOLS.items():
        images = [image[:, :, 0] for image in (a, b)] if name in gray else [a, b]
        for metric in (psnr, ssim, ms_ssim):
            assert math.isfinite(metric(*images, **protocol.model_dump()))
    assert sr(3) == Protocol(channel="y", crop=3, rounding=True, clip=True, round_y=False)
    assert PROTOCOLS["sr-x3-whole-y"] == sr(3).model_copy(update={"round_y": True})
    assert PROTOCOLS["div2k-x2"].crop == 8
    assert PROTOCOLS["pirm-a"].crop == 16
    assert not PROTOCOLS["pirm-b-ms-ssim"].clip


def test_an_hd_image_is_measured_within_a_second() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(0, 256, (2, 720, 1280, 3), dtype=np.uint8)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        ssim(a, b, channel="y", crop=4)
        times.append(time.perf_counter() - start)
    assert min(times) < 1.0


@pytest.mark.shared
def test_pirm_b_patches_score_as_published(shared_data: Path) -> None:
    """The challenge's SRCNN on its 400 test patches: published 21.32 dB / 0.9030, measured again 21.33 / 0.9040."""
    torch = pytest.importorskip("torch")
    from torch.nn import functional

    with np.load(shared_data / "weights" / "dped-srcnn.npz") as file:
        arrays = {name: torch.from_numpy(np.array(file[name], np.float32)) for name in file.files}
    folder = shared_data / "pirm" / "enhance-patches"
    levels, structures = [], []
    with torch.inference_mode():
        for path in sorted((folder / "iphone").iterdir()):
            x = torch.from_numpy(read_rgb(path).astype(np.float32) / 255).permute(2, 0, 1)[None]
            for layer in (1, 2, 3):
                kernel, bias = arrays[f"generator__w{layer}"], arrays[f"generator__b{layer}"]
                x = functional.conv2d(x, kernel.permute(3, 2, 0, 1), padding="same") + bias[:, None, None]
                x = functional.relu(x) if layer < 3 else torch.tanh(x) * 0.58 + 0.5
            output = x[0].permute(1, 2, 0).numpy()
            target = read_rgb(folder / "canon" / path.name)
            levels.append(psnr(output, target, **PROTOCOLS["pirm-b"].model_dump()))
            structures.append(ms_ssim(output, target, **PROTOCOLS["pirm-b-ms-ssim"].model_dump()))
    assert len(levels) == 400
    assert np.mean(levels) == pytest.approx(21.33, abs=0.006)
    assert np.mean(structures) == pytest.approx(0.9040, abs=0.0001)
