"""SIDD's validation blocks in their published files, made small: which block is which, and files that are wrong."""

import numpy as np
import pytest
from scipy.io import savemat

from edgeir.core.errors import DataError
from edgeir.data.paired import sidd
from edgeir.data.paired.published import SIDD
from edgeir.data.store.pair_store import open_store

NOISY, CLEAN = "ValidationNoisyBlocksSrgb", "ValidationGtBlocksSrgb"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "SIDD").mkdir(parents=True)
    return tmp_path / "data"


@pytest.fixture
def blocks(root):
    rng = np.random.default_rng(0)
    values = {name: rng.integers(0, 256, (3, 2, 16, 10, 3), dtype=np.uint8) for name in (NOISY, CLEAN)}
    for name, array in values.items():
        savemat(root / "SIDD" / f"{name}.mat", {name: array}, do_compression=True)
    return values


def test_every_block_is_a_pair(blocks, tmp_path, caplog):
    pairs = SIDD(part="validation").pairs()
    assert [pair.name for pair in pairs] == ["00-00", "00-01", "01-00", "01-01", "02-00", "02-01"]
    assert len({pair.stamp for pair in pairs}) == 6
    assert np.array_equal(pairs[3].given(), blocks[NOISY][1, 1])
    assert np.array_equal(pairs[3].clean(), blocks[CLEAN][1, 1])
    store = open_store([SIDD(part="validation")], None, root=tmp_path)
    assert np.array_equal(store.pair(5)[0], blocks[NOISY][2, 1])
    assert "SIDD's validation has 6 blocks here instead of the 1280 published" in caplog.text


def test_a_file_is_decoded_once_and_only_when_needed(blocks, monkeypatch):
    decoded = []

    def counting(path, **arguments):
        decoded.append(path.name)
        return original(path, **arguments)

    original = sidd.loadmat
    monkeypatch.setattr(sidd, "loadmat", counting)
    pairs = SIDD(part="validation").pairs()
    assert not decoded
    for pair in pairs:
        pair.given(), pair.clean()
    assert decoded == [f"{NOISY}.mat", f"{CLEAN}.mat"]


def test_files_that_are_not_the_published_ones(blocks, root):
    path = root / "SIDD" / f"{CLEAN}.mat"
    for array, message in (
        (blocks[CLEAN][:2], r"the blocks are \(2, 2, 16, 10, 3\), but the noisy ones \(3, 2, 16, 10, 3\)"),
        (
            blocks[CLEAN].astype(float),
            r"there is `ValidationGtBlocksSrgb` \(3, 2, 16, 10, 3\) double .*uint8",
        ),
        (blocks[CLEAN][0], r"there is .* \(2, 16, 10, 3\) uint8 .expected `ValidationGtBlocksSrgb` \(40, 32"),
    ):
        savemat(path, {CLEAN: array})
        with pytest.raises(DataError, match=message):
            SIDD(part="validation").pairs()
    savemat(path, {"other": blocks[CLEAN]})
    with pytest.raises(DataError, match="there is `other`"):
        SIDD(part="validation").pairs()
    for damage in (b"", b"no MATLAB", b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400)):
        path.write_bytes(damage)
        with pytest.raises(DataError, match="no MATLAB 5 file, or a damaged one"):
            SIDD(part="validation").pairs()
    savemat(path, {CLEAN: blocks[CLEAN]}, do_compression=True)
    whole = path.read_bytes()
    pairs = SIDD(part="validation").pairs()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(DataError, match="no MATLAB 5 file, or a damaged one"):
        pairs[0].clean()
    path.unlink()
    with pytest.raises(
        DataError, match=f"SIDD's validation was not found; in SIDD there is {NOISY}.mat .*{CLEAN}"
    ):
        SIDD(part="validation").pairs()
