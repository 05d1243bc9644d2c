"""The decoded store: contents, resumption, damage; and the sampler on it."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeir.core.errors import DataError
from edgeir.data import items as items_module
from edgeir.data.degrade.bicubic import Bicubic, downscale, resize
from edgeir.data.patches import PatchSampler, Prefetcher
from edgeir.data.sources.folder import Folder
from edgeir.data.store import pair_store as store_module
from edgeir.data.store.pair_store import open_store


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    images = tmp_path / "images"
    images.mkdir()
    for index, size in enumerate([(41, 50), (64, 33), (48, 48), (12, 90)]):
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(images / f"{index}.png")
    return images


def build(folder, root, **arguments):
    return open_store([Folder(path=str(folder))], Bicubic(scale=4), root=root, **arguments)


def test_pairs_are_the_images_and_their_degradation(folder, tmp_path):
    store = build(folder, tmp_path, rescale=(1.0, 0.5))
    assert len(store) == 8
    for index in range(0, 8, 2):
        image = np.asarray(Image.open(folder / f"{index // 2}.png"))
        image = image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4]
        lr, hr = store.pair(index)
        assert np.array_equal(hr, image)
        assert np.array_equal(lr, downscale(image, 4))
    assert store.pair(1)[1].shape == (20, 24, 3)  # 41x50 at one half, cropped to a multiple of 4


def test_a_source_has_factors_of_its_own(folder, tmp_path):
    sources = [Folder(path=str(folder), rescale=(0.5,)), Folder(path=str(folder))]
    store = open_store(sources, Bicubic(scale=4), rescale=(1.0, 0.7), root=tmp_path)
    assert [record.size for record in store.records[:3]] == [(20, 24), (32, 16), (24, 24)]
    assert len(store) == 4 + 8


def test_a_second_opening_decodes_nothing(folder, tmp_path, monkeypatch):
    first = build(folder, tmp_path)
    monkeypatch.setattr(store_module, "build_store", lambda *a: pytest.fail("built again"))
    assert build(folder, tmp_path).records == first.records


def test_a_changed_image_makes_another_store(folder, tmp_path):
    first = build(folder, tmp_path)
    Image.new("RGB", (48, 48)).save(folder / "2.png")
    second = build(folder, tmp_path)
    assert second.folder != first.folder
    assert not second.pair(2)[1].any()


def test_recipes_that_differ_in_weights_share_a_store(folder, tmp_path):
    sources = [Folder(path=str(folder), weight=weight) for weight in (1.0, 3.0)]
    first, second = (open_store([source], Bicubic(scale=4), root=tmp_path) for source in sources)
    assert first.folder == second.folder
    assert first.weights == (1.0,) * 4
    assert second.weights == (3.0,) * 4


def test_processes_that_want_the_same_store_build_it_once(folder, tmp_path):
    built = []
    original = store_module.build_store

    def build_slowly(*arguments):
        built.append(1)
        time.sleep(0.2)
        original(*arguments)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(3) as pool:
        patch.setattr(store_module, "build_store", build_slowly)
        stores = list(pool.map(lambda _: build(folder, tmp_path), range(3)))
    assert len(built) == 1
    assert len({store.folder for store in stores}) == 1


@pytest.mark.parametrize("garbage", [b"", b"half a rec"])
def test_an_interrupted_build_goes_on_where_it_stopped(folder, tmp_path, monkeypatch, garbage):
    whole = build(folder, tmp_path / "whole")
    original, seen = items_module._whole, []

    def whole_image(image, scale, name):
        seen.append(Path(name).stem)
        if seen == ["0", "1", "2"]:
            raise KeyboardInterrupt
        return original(image, scale, name)

    monkeypatch.setattr(items_module, "_whole", whole_image)
    with pytest.raises(KeyboardInterrupt):
        build(folder, tmp_path / "cut")
    for path in (tmp_path / "cut").rglob("*.bin"):
        path.write_bytes(path.read_bytes() + garbage)  # bytes written after the last journal line
    resumed = build(folder, tmp_path / "cut")
    assert seen == ["0", "1", "2", "2", "3"]
    assert resumed.records == whole.records
    assert (resumed.folder / "hr.bin").read_bytes() == (whole.folder / "hr.bin").read_bytes()


def test_damage_is_noticed(folder, tmp_path):
    store = build(folder, tmp_path)
    raw = bytearray((store.folder / "hr.bin").read_bytes())
    raw[10] ^= 1
    (store.folder / "hr.bin").write_bytes(raw)
    with pytest.raises(DataError, match="`0` does not match its hash.*delete it"):
        build(folder, tmp_path).pair(0)
    (store.folder / "hr.bin").write_bytes(raw[:-1])
    with pytest.raises(DataError, match="bytes instead of"):
        build(folder, tmp_path)
    (store.folder / "index.json").write_text(json.dumps({"pairs": [{"name": "x"}]}))
    with pytest.raises(DataError, match="the index is damaged"):
        build(folder, tmp_path)


class Doubled:
    """A store whose clean image is the degraded one with every pixel repeated: alignment is visible."""

    scale = 3
    origin = "memory"

    def __init__(self, sizes):
        rng = np.random.default_rng(1)
        self.images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
        self.records = [
            store_module.Record(str(i), (3 * h, 3 * w), 0, 0, "") for i, (h, w) in enumerate(sizes)
        ]
        self.weights, self.extra_degradations = (1.0,) * len(sizes), (None,) * len(sizes)

    def __len__(self):
        return len(self.images)

    def pair(self, index):
        return self.images[index], self.images[index].repeat(3, 0).repeat(3, 1)


@given(
    st.lists(st.tuples(st.integers(6, 20), st.integers(6, 20)), min_size=1, max_size=4), st.integers(0, 2**32)
)
def test_patches_are_aligned_and_augmented_alike(sizes, seed):
    store = Doubled(sizes)
    sampler = PatchSampler(store, patch=6, batch=5, seed=seed, planes=[lambda i: store.pair(i)[1]])
    lr, hr, plane = sampler.batch(7)
    assert lr.shape == (5, 6, 6, 3)
    assert np.array_equal(hr, lr.repeat(3, 1).repeat(3, 2))
    assert np.array_equal(plane, hr)


def test_batches_depend_on_seed_and_step_alone_and_split_into_shares():
    store = Doubled([(20, 30), (9, 40)])
    sampler = PatchSampler(store, patch=6, batch=8, seed=3)
    again = PatchSampler(store, patch=6, batch=8, seed=3)
    assert np.array_equal(sampler.batch(5)[0], again.batch(5)[0])
    assert not np.array_equal(sampler.batch(5)[0], sampler.batch(6)[0])
    assert not np.array_equal(sampler.batch(5)[0], PatchSampler(store, patch=6, batch=8, seed=4).batch(5)[0])
    halves = [sampler.batch(5, part)[0] for part in (slice(0, 4), slice(4, 8))]
    assert np.array_equal(np.concatenate(halves), sampler.batch(5)[0])


@pytest.mark.parametrize("flavour", ["matlab", "pillow"])
def test_patches_are_enlarged_bicubically_where_that_is_read(flavour):
    store = Doubled([(20, 30), (19, 40)])
    options = {"patch": 6, "batch": 4, "seed": 0, "augment": "none"}
    small, clean = PatchSampler(store, **options).batch(2)
    large, same = PatchSampler(store, enlarge=flavour, **options).batch(2)
    assert np.array_equal(clean, same)
    assert large.shape == clean.shape
    for one, result in zip(small, large, strict=True):
        assert np.array_equal(result, resize(one, (18, 18), flavour))


def test_all_eight_symmetries_occur_and_pixels_are_covered_evenly():
    store = Doubled([(6, 6)])
    sampler = PatchSampler(store, patch=6, batch=400, seed=0)
    seen = {image.tobytes() for image in sampler.batch(0)[0]}
    assert len(seen) == 8
    counts = [0, 0]
    big = Doubled([(12, 12), (24, 24)])
    firsts = {image.tobytes() for image in _windows(big.images[0], 6)}
    for image in PatchSampler(big, patch=6, batch=1000, seed=0, augment="none").batch(0)[0]:
        counts[0 if image.tobytes() in firsts else 1] += 1
    assert counts[0] / 1000 == pytest.approx(144 / (144 + 576), abs=0.04)


def _windows(image, size):
    for top in range(image.shape[0] - size + 1):
        for left in range(image.shape[1] - size + 1):
            yield image[top : top + size, left : left + size]


def test_weights_say_how_often_a_pixel_is_drawn():
    store = Doubled([(12, 12), (12, 12)])
    store.weights = (1.0, 3.0)
    firsts = {image.tobytes() for image in _windows(store.images[0], 6)}
    drawn = PatchSampler(store, patch=6, batch=1000, seed=0, augment="none").batch(0)[0]
    assert sum(image.tobytes() in firsts for image in drawn) / 1000 == pytest.approx(0.25, abs=0.05)


def test_too_small_images_are_skipped_or_refused():
    assert PatchSampler(Doubled([(4, 30), (9, 9)]), patch=6, batch=1, seed=0).skipped == 1
    with pytest.raises(DataError, match="large enough for 18x18 patches.*lower data.patch"):
        PatchSampler(Doubled([(4, 30)]), patch=6, batch=1, seed=0)


def test_prefetcher_keeps_order_and_hands_errors_over():
    def make(step):
        if step == 5:
            raise DataError("broken")
        return (np.full(1, step),)

    batches = Prefetcher(make, 2)
    assert [int(batches.next()[0][0]) for _ in range(3)] == [2, 3, 4]
    with pytest.raises(DataError, match="broken"):
        batches.next()
    batches.close()
    assert batches.waited_s >= 0
