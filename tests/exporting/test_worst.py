"""The picture of the worst photograph: what is in its panels, and that it is written, listed, or left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from edgeir.core.errors import ConfigError
from edgeir.exporting.bundle.export import export_bundle
from edgeir.exporting.bundle.verify import verify
from edgeir.exporting.prove.compare import compare
from edgeir.exporting.prove.images import Patch
from edgeir.exporting.prove.repeat import prove_again
from edgeir.exporting.prove.worst import SIDE, Worst, side_by_side, write_worst
from edgeir.exporting.run import export
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.parity import Parity

BAR, GAP = 14, 2


def panels(picture: np.ndarray) -> list[np.ndarray]:
    width = (picture.shape[1] + GAP) // 4
    return [picture[BAR:, at * width : at * width + width - GAP] for at in range(4)]


def noisy(seed: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, channels), dtype=np.float32)


def test_the_panels_are_the_part_of_the_images_that_differs_most() -> None:
    truth, network = noisy(0, 400, 500), noisy(1, 400, 500)
    file = network.copy()
    file[230:390, 320:480] += np.float32(3 / 255)
    shown = panels(side_by_side(Worst("cat", truth, network, file)))
    for panel, image in zip(shown, (truth, network, file), strict=False):
        part = np.clip(image[230:390, 320:480], 0, 1) * 255
        np.testing.assert_array_equal(panel, np.rint(part).astype(np.uint8))
    assert np.unique(shown[3]) == [
        round(127.5 + 3 * 32)
    ]  # 96 levels; twice as much would leave gray by over 100


@pytest.mark.parametrize("shape", [(12, 9, 1), (40, 300, 3), (200, 170, 1), (1, 1, 3)])
def test_small_and_gray_images_have_panels_of_their_own_size(shape) -> None:
    height, width, _ = shape
    image = noisy(2, *shape)
    picture = side_by_side(Worst("cat", image, image, image))
    times = max(1, -(-120 // min(width, SIDE)))
    assert picture.shape == (BAR + times * min(height, SIDE), 4 * (times * min(width, SIDE) + GAP) - GAP, 3)
    assert (panels(picture)[3] == 128).all()  # no difference is gray
    assert (picture[:BAR] < 128).any()  # labels


def test_the_same_images_give_the_same_bytes(tmp_path: Path) -> None:
    worst = Worst("cat", noisy(0, 200, 200), noisy(1, 200, 200), noisy(2, 200, 200))
    for name in ("a", "b"):
        write_worst(tmp_path / name / "worst.png", worst)
    data = (tmp_path / "a" / "worst.png").read_bytes()
    assert data == (tmp_path / "b" / "worst.png").read_bytes()
    with Image.open(tmp_path / "a" / "worst.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), side_by_side(worst))


def test_the_worst_photograph_is_the_one_that_loses_most_and_the_figures_are_those_of_their_definitions() -> (
    None
):
    truths = [noisy(seed, 24, 20) for seed in range(3)]
    network = [truth + np.float32(0.01) * (noisy(9, 24, 20) - 0.5) for truth in truths]
    added = [np.float32(scale) * (noisy(8, 24, 20) - 0.5) for scale in (0.02, 0.1, 0.05)]
    files = [image + noise for image, noise in zip(network, added, strict=True)]
    seen = []
    patches = [
        Patch(np.full((1, 1, 3), index, np.float32), truth, "abc"[index])
        for index, truth in enumerate(truths)
    ]
    change = compare(
        lambda x: files[int(x[0, 0, 0])],
        lambda x: network[int(x[0, 0, 0])],
        patches,
        on_worst=lambda patch, wanted, got: seen.append((patch.name, wanted, got)),
    )
    assert [name for name, _, _ in seen] == ["a", "b"]
    assert change.worst_image == "b"
    assert seen[-1][2] is files[1]
    differences = [np.abs(f.astype(float) - n) for f, n in zip(files, network, strict=True)]
    assert change.mean_abs_error == pytest.approx(np.mean(differences))
    assert change.p999_abs_error == pytest.approx(max(np.percentile(d, 99.9) for d in differences))
    luma = [0.299, 0.587, 0.114]

    def similar(image: np.ndarray, truth: np.ndarray) -> float:
        y, t = ((i @ luma) * 219 + 16 for i in (image.astype(float), truth.astype(float)))
        return structural_similarity(
            y, t, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )

    lost = [similar(n, t) - similar(f, t) for n, f, t in zip(network, files, truths, strict=True)]
    assert change.ssim_drop == pytest.approx(np.mean(lost), abs=2e-3)  # theirs averages over borders too


def test_images_too_small_for_ssim_have_none() -> None:
    patch = Patch(noisy(0, 8, 8), noisy(1, 8, 8), "cat")
    assert compare(lambda x: x, lambda x: x, [patch]).ssim_drop is None


@pytest.fixture(scope="module")
def artifact(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("worst") / "out"
    export(student, target="onnx", sizes=[(12, 10), (16, 16)], out=out)
    return out


def test_an_export_has_a_picture_of_each_file_or_none(artifact: Path, student: Path, tmp_path: Path) -> None:
    files = read_artifact(artifact)[0].files
    assert [file.worst for file in files] == ["proof/model.png", "proof/model-16x16.png"]
    with Image.open(artifact / "proof" / "model.png") as picture:
        assert picture.size == (4 * 122 - 2, BAR + 3 * 48)
    export(student, target="onnx", sizes=[(12, 10)], out=tmp_path / "none", worst_image=False)
    assert not (tmp_path / "none" / "proof").exists()
    assert read_artifact(tmp_path / "none")[0].main.worst is None
    export(student, target="onnx", sizes=[(12, 10)], out=artifact, overwrite=True)  # and it replaces its own
    assert sorted(path.name for path in (artifact / "proof").iterdir()) == ["model.png"]


def test_a_bundle_lists_its_pictures_and_is_checked_with_them(student: Path, tmp_path: Path) -> None:
    out = tmp_path / "app"
    bundle = export_bundle(student, targets=["onnx", "tflite"], sizes=[(12, 10)], out=out)
    assert [file.worst for file in bundle.files] == [f"proof/{file.path}.png" for file in bundle.files]
    assert {file.worst for file in bundle.files} <= set(bundle.contents)
    assert "`proof/` shows" in (out / "README.md").read_text()
    assert not verify(out).faults
    (out / str(bundle.files[0].worst)).write_bytes(b"another")
    assert [fault.path for fault in verify(out).faults] == [bundle.files[0].worst]


def test_a_proof_that_is_repeated_writes_pictures_where_it_is_asked_to(
    artifact: Path, student: Path, tmp_path: Path
) -> None:
    found = prove_again(artifact, checkpoint=student, worst_images=tmp_path / "pictures")
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        f"{name}.png" for name in sorted(found.files)
    ]
    with pytest.raises(ConfigError, match=r"need the network .*name the checkpoint"):
        prove_again(artifact, worst_images=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_manifest_without_the_newer_figures_still_loads(artifact: Path, tmp_path: Path) -> None:
    values = json.loads((artifact / "artifact.json").read_text())
    for file in values["files"]:
        del file["worst"]
        for name in ("mean_abs_error", "p999_abs_error", "ssim_drop"):
            del file["parity"][name]
    (artifact / "artifact.json").write_text(json.dumps(values))
    parity = read_artifact(artifact)[0].main.parity
    assert isinstance(parity, Parity)
    assert parity.mean_abs_error is parity.ssim_drop is None
