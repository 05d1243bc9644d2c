"""NYU2 and DND in their published layout, and errors that show what was expected and what is there."""

import numpy as np
import pytest
from scipy.io import loadmat

from edgeir.core.errors import ConfigError, DataError
from edgeir.data.items import items_of
from edgeir.data.paired.hdf5 import DND, NYU2Haze
from edgeir.manifest.facts import NetworkFacts
from edgeir.restoring.dnd import restore_dnd

h5py = pytest.importorskip("h5py")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def nyu2(root):
    (root / "NYU2").mkdir()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 3, 12, 9), dtype=np.uint8)
    depths = (rng.random((4, 12, 9)) * 9 + 1).astype(np.float32)
    with h5py.File(root / "NYU2" / "nyu_depth_v2_labeled.mat", "w") as file:
        file["images"], file["depths"] = images, depths
    return images, depths


@pytest.fixture
def dnd(root):
    (root / "DND" / "images_srgb").mkdir(parents=True)
    rng = np.random.default_rng(0)
    noisy = [
        rng.random((3, 20, 16), dtype=np.float32) for _ in range(2)
    ]  # columns first: 16 rows, 20 columns
    boxes = np.array([[1, 1, 8, 8], [3, 5, 12, 20]], np.float64)  # top, left, bottom, right
    for index, values in enumerate(noisy, 1):
        with h5py.File(root / "DND" / "images_srgb" / f"{index:04d}.mat", "w") as file:
            file["InoisySRGB"] = values
    with h5py.File(root / "DND" / "info.mat", "w") as file:
        references = []
        for index in range(2):
            file[f"#refs#/{index}"] = boxes.T
            references.append(file[f"#refs#/{index}"].ref)
        stored = file.create_dataset("info/boundingboxes", (1, 2), dtype=h5py.ref_dtype)
        stored[0] = references
    return noisy


def test_haze_follows_the_measured_depth(nyu2):
    images, depths = nyu2
    sizes = {"copies": 5, "total": 20, "training": 15}
    pairs = NYU2Haze(**sizes, part="all", beta=(1.0, 1.0), airlight=(0.8, 0.8)).pairs()
    assert len(pairs) == 20
    assert len({pair.stamp for pair in NYU2Haze(**sizes, part="all").pairs()}) == 20
    clean, depth = images[2].T, depths[2].T
    assert np.array_equal(pairs[10].clean(), clean)
    t = np.exp(-depth / depth.max())[:, :, None]
    expected = clean / 255 * t + 0.8 * (1 - t)
    assert np.abs(pairs[10].given() / 255 - expected).max() < 0.5 / 255 + 1e-5
    assert np.array_equal(pairs[10].given(), pairs[10].given())


def test_the_parts_of_nyu2_do_not_overlap(nyu2):
    sizes = {"copies": 5, "total": 18, "training": 14}
    names = [
        [pair.name for pair in NYU2Haze(**sizes, part=part).pairs()] for part in ("train", "test", "all")
    ]
    assert [len(part) for part in names] == [14, 4, 18]
    assert names[0] + names[1] == names[2]
    assert names[0][-1] == "0002-03"  # five pairs of an image in a row
    assert names[1] == ["0002-04", "0003-00", "0003-01", "0003-02"]
    assert len(items_of([NYU2Haze(**sizes)], None, (1.0,))) == 14
    with pytest.raises(DataError, match=r"4 images with 19 `copies` each give fewer .* `total` \(=27256\)"):
        NYU2Haze().pairs()
    with pytest.raises(ValueError, match="`training` .=20. must be less than `total` .=20."):
        NYU2Haze(total=20, training=20)


def test_nyu2_has_as_many_pairs_as_stft_trained_and_tested_on(root):
    (root / "NYU2").mkdir()
    with h5py.File(
        root / "NYU2" / "nyu_depth_v2_labeled.mat", "w"
    ) as file:  # of the published number of images
        file["images"], file["depths"] = (
            np.zeros((1449, 3, 2, 2), np.uint8),
            np.ones((1449, 2, 2), np.float32),
        )
    parts = {part: NYU2Haze(part=part).pairs() for part in ("train", "test", "all")}
    assert {part: len(pairs) for part, pairs in parts.items()} == {
        "train": 25_000,
        "test": 2256,
        "all": 27_256,
    }
    assert [pair.stamp for pair in parts["train"]] == [pair.stamp for pair in NYU2Haze().pairs()]
    images = {part: {pair.name.split("-")[0] for pair in pairs} for part, pairs in parts.items()}
    assert len(images["train"] & images["test"]) == 1


def test_dnd_has_crops_but_no_ground_truth(dnd):
    crops = DND().crops()
    assert [(crop.image, crop.box) for crop in crops] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert np.array_equal(crops[3].load(), dnd[1].T[2:12, 4:20])
    with pytest.raises(DataError, match="DND has no ground truth"):
        items_of([DND()], None, (1.0,))


@pytest.mark.parametrize("colour", ["rgb", "y"])
def test_the_submission_is_what_the_server_takes(dnd, tmp_path, colour):
    class Half:
        name, fixed_size, facts = "half", None, NetworkFacts(task="denoising", colour=colour)

        def run(self, x):
            assert x.shape[2] == self.facts.channels
            return x / 2

    assert restore_dnd(Half(), tmp_path / "out") == 4
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0001.mat", "0002.mat"]
    found = loadmat(tmp_path / "out" / "0002.mat")
    assert found["eval_version"] == "1.0"
    assert not found["israw"]
    cells = found["Idenoised"].ravel()
    assert len(cells) == 2
    assert np.allclose(cells[1], dnd[1].T[2:12, 4:20] / 2)
    enlarging = Half()
    enlarging.facts = NetworkFacts(scale=2)
    with pytest.raises(ConfigError, match="enlarges x2"):
        restore_dnd(enlarging, tmp_path / "other")


def test_layouts_that_are_wrong_are_shown(root):
    with pytest.raises(DataError, match="NYU2 was not found.*put it into NYU2/nyu_depth_v2_labeled.mat"):
        NYU2Haze().pairs()
    (root / "DND").mkdir()
    (root / "DND" / "readme.txt").touch()
    with pytest.raises(DataError, match="DND was not found; in DND there is readme.txt.*DND/info.mat"):
        DND().crops()
    (root / "DND" / "info.mat").write_text("MATLAB 5.0")
    with pytest.raises(DataError, match="no MATLAB 7.3"):
        DND().crops()
    (root / "NYU2").mkdir()
    with h5py.File(root / "NYU2" / "nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = np.zeros((2, 3, 4, 5), np.uint8)
    with pytest.raises(DataError, match="there is no `depths`, only images"):
        NYU2Haze().pairs()
