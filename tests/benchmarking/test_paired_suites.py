"""The suites of published test pairs, on made-up images in the published layouts."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.benchmarking.suite import load_suite
from edgeir.data.degrade.blur_noise_jpeg import BlurNoiseJPEG

RNG = np.random.default_rng(7)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    return tmp_path


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def noisy_pair(size=(32, 24)):
    """An image, and the same with an error of its own in every pixel; no value is clipped."""
    clean = RNG.integers(40, 200, (*size, 3), dtype=np.uint8)
    return clean, (clean + RNG.integers(-30, 31, clean.shape)).astype(np.uint8)


def decibel(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2))


def luma(image):
    return image.astype(float) @ (np.array([65.481, 128.553, 24.966]) / 255) + 16


def measured(suite, **settings):
    """The result and its only set."""
    result = evaluate("input", suite, **settings)
    return result, result["rows"][0]["quality"]["sets"][0]


def test_realsr_is_the_mean_over_both_cameras_on_y(root):
    expected = {}
    for camera in ("Canon", "Nikon"):
        clean, given = noisy_pair()
        folder = root / "RealSR (ICCV2019)" / camera / "Test" / "3"
        save(folder / f"{camera}_001_HR.png", clean)
        save(folder / f"{camera}_001_LR3.png", given)
        expected[f"{camera}_001_HR"] = decibel(luma(given)[3:-3, 3:-3], luma(clean)[3:-3, 3:-3])
    result, found = measured("realsr-x3")
    assert {score["name"]: score["psnr_db"] for score in found["per_image"]} == pytest.approx(
        expected, abs=1e-3
    )
    assert found["psnr_db"] == pytest.approx(np.mean(list(expected.values())), abs=1e-3)
    assert not result["comparable"]
    assert result["notes"] == ["RealSR x3 has 2 test pairs here instead of the 30 published: not comparable"]


def test_gopro_is_measured_on_rgb(root):
    expected = []
    for sequence in ("GOPR0384_11_00", "GOPR0385_11_01"):
        clean, given = noisy_pair()
        save(root / "GOPRO_Large/test" / sequence / "sharp/000001.png", clean)
        save(root / "GOPRO_Large/test" / sequence / "blur/000001.png", given)
        expected.append(decibel(given, clean))
    result, found = measured("gopro")
    assert [score["psnr_db"] for score in found["per_image"]] == pytest.approx(expected)
    assert result["notes"] == ["GoPro has 2 pairs here instead of the 1111 published: not comparable"]


def test_did_hy_is_did_mdn_degraded_further(root):
    pairs = [noisy_pair() for _ in range(2)]
    for index, (clean, given) in enumerate(pairs):
        save(root / f"DID-MDN-test/{index}.png", np.concatenate([given, clean], axis=1))
    rain, found = measured("did-mdn")
    assert [score["psnr_db"] for score in found["per_image"]] == pytest.approx(
        [decibel(given, clean) for clean, given in pairs]
    )
    hybrid, further = measured("did-hy")
    assert [score["psnr_db"] for score in further["per_image"]] == pytest.approx(
        [
            decibel(BlurNoiseJPEG().degrade(given, np.random.default_rng([0, index])), clean)
            for index, (clean, given) in enumerate(pairs)
        ]
    )
    note = "DID-MDN has 2 pairs here instead of the 1200 published: not comparable"
    assert rain["notes"] == hybrid["notes"] == [note]


def test_sidd_s_blocks(root):
    pairs = [noisy_pair((16, 16)) for _ in range(4)]
    for name, place in (("ValidationNoisyBlocksSrgb", 1), ("ValidationGtBlocksSrgb", 0)):
        blocks = np.stack([pair[place] for pair in pairs]).reshape(2, 2, 16, 16, 3)
        savemat(root / f"{name}.mat", {name: blocks})
    result, found = measured("sidd")
    assert [score["psnr_db"] for score in found["per_image"]] == pytest.approx(
        [decibel(given, clean) for clean, given in pairs]
    )
    assert result["notes"] == [
        "SIDD's validation has 4 blocks here instead of the 1280 published: not comparable"
    ]


def test_nyu2_has_the_published_number_of_test_pairs(root):
    h5py = pytest.importorskip("h5py")
    (root / "NYU2").mkdir()
    with h5py.File(root / "NYU2/nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = RNG.integers(0, 256, (1449, 3, 12, 11), dtype=np.uint8)
        file["depths"] = RNG.random((1449, 12, 11), dtype=np.float32) + 1
    (found,) = [entry.images() for entry in load_suite("nyu2-haze").sets]
    assert len(found.refs) == 2256
    assert not found.note
    result, scores = measured("nyu2-haze", limit=2)
    assert [score["psnr_db"] for score in scores["per_image"]] == pytest.approx(
        [decibel(ref.given(), ref.clean()) for ref in found.refs[:2]]
    )
    assert not result["comparable"]


def test_div2k_s_images_are_the_last_fifty_of_training(root):
    for index in range(1, 801):
        save(root / f"DIV2K/DIV2K_train_HR/{index:04d}.png", noisy_pair((1, 1))[0])
    suites = [load_suite(f"div2k-hybrid{level}") for level in ("", "-mild", "-severe")]
    assert [suite.degradation.level for suite in suites] == ["moderate", "mild", "severe"]
    for suite in suites:
        found = suite.sets[0].images()
        assert [ref.name for ref in found.refs] == [f"{index:04d}" for index in range(751, 801)]
        assert not found.note
