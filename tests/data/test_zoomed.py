"""RealSR's three versions and DIV2K's own small images: which sizes belong together."""

import numpy as np
import pytest
from PIL import Image

from edgeir.core.errors import ConfigError, DataError
from edgeir.data.items import scale_of
from edgeir.data.paired.published import DIV2KLR, RealSR
from edgeir.data.store.pair_store import open_store


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def image(path, level, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)


def realsr(folder, small, large, zoom=4):
    image(folder / f"Canon/Train/{zoom}/Canon_001_LR{zoom}.png", 50, small)
    image(folder / f"Canon/Train/{zoom}/Canon_001_HR.png", 200, large)


def test_the_third_version_is_smaller_by_the_zoom(root, tmp_path):
    realsr(root / "RealSR(V3)", (6, 5), (25, 22))  # a rest of the division is cropped from the large one
    store = open_store([RealSR(version=3)], None, root=tmp_path)
    lr, hr = store.pair(0)
    assert (lr.shape, hr.shape) == ((5, 6, 3), (20, 24, 3))
    assert (lr.mean(), hr.mean()) == (50, 200)
    scales = {(v, zoom): scale_of([RealSR(version=v, zoom=zoom)], None) for v in (1, 2, 3) for zoom in (2, 4)}
    assert scales == {(1, 2): 1, (1, 4): 1, (2, 2): 1, (2, 4): 1, (3, 2): 2, (3, 4): 4}
    with pytest.raises(ConfigError, match="different scales"):
        scale_of([RealSR(version=1), RealSR(version=3)], None)


def test_sizes_that_contradict_the_version_are_refused(root):
    realsr(root / "RealSR", (6, 5), (24, 20))
    with pytest.raises(
        DataError, match=r"LR4.png is 6x5, .*HR.png 24x20, but in version 1 the first is as large \(.*version"
    ) as caught:
        RealSR().pairs()
    assert caught.value.fix == "these are of version 3: set `version`"
    assert len(RealSR(version=3).pairs()) == 1
    realsr(root / "RealSR", (24, 20), (24, 20))
    assert len(RealSR(version=2).pairs()) == 1
    with pytest.raises(DataError, match="version 3 the first is smaller by 4 .these are of version 1 or 2"):
        RealSR(version=3).pairs()
    realsr(root / "RealSR", (23, 20), (24, 20))
    for version in (1, 3):
        with pytest.raises(DataError, match="get an intact copy"):
            RealSR(version=version).pairs()
    (root / "RealSR/Canon/Train/4/Canon_001_LR4.png").write_text("no image")
    with pytest.raises(DataError, match="cannot be read"):
        RealSR().pairs()


def test_a_version_is_not_taken_for_another(root):
    realsr(root / "RealSR(V3)", (6, 5), (24, 20))
    with pytest.raises(
        DataError,
        match=r"RealSR version 1 was not found; in it there is RealSR\(V3\) \(put it into RealSR \(ICC",
    ):
        RealSR().pairs()


def test_div2k_comes_with_small_images_of_its_own(root, tmp_path, caplog):
    for index in (1, 2):
        image(root / f"DIV2K/DIV2K_train_HR/{index:04d}.png", 100 + index, (26, 20))
        image(root / f"DIV2K/DIV2K_train_LR_unknown/X4/{index:04d}x4.png", index, (6, 5))
    store = open_store([DIV2KLR(track="unknown")], None, root=tmp_path)
    assert [pair.mean() for pair in store.pair(1)] == [2, 102]
    assert store.scale == 4
    assert "DIV2K has 2 pairs here instead of the 800 published" in caplog.text
    (root / "DIV2K/DIV2K_train_HR/0002.png").unlink()
    with pytest.raises(
        DataError, match="1 of 2 images have no partner, first `0002x4.png` .*original under DIV2K_train_HR"
    ):
        DIV2KLR(track="unknown").pairs()
    (root / "DIV2K/DIV2K_train_LR_unknown/X2").mkdir()
    (root / "DIV2K/DIV2K_train_LR_unknown/X2/0001x2.npy").touch()
    with pytest.raises(DataError, match="X2: the folder holds no image, only 0001x2.npy"):
        DIV2KLR(track="unknown", times=2).pairs()
    with pytest.raises(
        DataError, match="DIV2K was not found; in DIV2K there is DIV2K_train_HR, DIV2K_train_LR_un"
    ):
        DIV2KLR().pairs()
    with pytest.raises(DataError, match=r"in DIV2K/DIV2K_train_LR_unknown there is X2, X4 .*LR_unknown/X3"):
        DIV2KLR(track="unknown", times=3).pairs()


def test_the_small_images_are_not_enlarged_ones(root, tmp_path):
    """A small image of a wrong size is an error of the store, not a patch that does not fit."""
    image(root / "DIV2K_valid_HR/0801.png", 0, (24, 20))
    image(root / "DIV2K_valid_LR_bicubic/X2/0801x2.png", 0, (6, 5))
    with pytest.raises(DataError, match="degraded image is 5x6 instead of 10x12"):
        open_store([DIV2KLR(part="validation", times=2)], None, root=tmp_path)
    assert np.array_equal(DIV2KLR(part="validation", times=2).pairs()[0].clean(), np.zeros((20, 24, 3)))
