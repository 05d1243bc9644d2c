"""Pairs whose given image is degraded further (DID-HY: blur, noise and JPEG on DID-MDN's rain)."""

import numpy as np
import pytest
from PIL import Image

from edgeir.benchmarking.quality.images import quality_of
from edgeir.benchmarking.suite import ImageSet, Suite
from edgeir.core.errors import ConfigError
from edgeir.data.degrade import AWGN, JPEG, Bicubic, BlurNoiseJPEG, GaussianBlur
from edgeir.data.degrade.base import to_unit
from edgeir.data.items import drawn_anew, items_of, scale_of
from edgeir.data.paired.published import PairedFolders
from edgeir.data.patches import PatchSampler
from edgeir.data.sources.embedded import Embedded
from edgeir.data.store.pair_store import open_store
from edgeir.imaging.luma import luma_of
from edgeir.training.recipe import load_recipe
from edgeir.training.run import train


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(3):
        clean = rng.integers(0, 256, (48, 40, 3), dtype=np.uint8)
        for folder, image in (("clean", clean), ("rainy", clean ^ 7)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(image).save(tmp_path / folder / f"{index}.png")
    return {"given": str(tmp_path / "rainy"), "clean": str(tmp_path / "clean")}


def patches(folders, then, root, **options):
    store = open_store([PairedFolders(**folders, extra_degradation=then)], None, root=root)
    return store, PatchSampler(store, **{"patch": 12, "batch": 6, "seed": 3, **options})


def test_the_store_is_that_of_the_pairs_alone(folders, tmp_path):
    plain, _ = patches(folders, None, tmp_path)
    further, _ = patches(folders, GaussianBlur(), tmp_path)
    assert further.folder == plain.folder
    assert plain.extra_degradations == (None,) * 3
    assert further.extra_degradations == (GaussianBlur(),) * 3


def test_a_patch_is_the_patch_of_the_whole_image_degraded(folders, tmp_path):
    """Blur reaches beyond the patch: it must have seen the given image's surroundings, and the clean one stays."""
    blur = GaussianBlur(sigma=2.0)
    store, sampler = patches(folders, blur, tmp_path, augment="none")
    lr, hr = sampler.batch(4)
    plain = PatchSampler(open_store([PairedFolders(**folders)], None, root=tmp_path), patch=12, batch=6, seed=3,
                         augment="none").batch(4)  # fmt: skip
    assert np.array_equal(hr, plain[1])
    wholes = [blur.degrade(store.pair(index)[0], np.random.default_rng(0)) for index in range(3)]
    for before, after in zip(plain[0], lr, strict=True):
        places = [
            (index, top, left)
            for index in range(3)
            for top in range(37)
            for left in range(29)
            if np.array_equal(store.pair(index)[0][top : top + 12, left : left + 12], before)
        ]
        ((index, top, left),) = places
        assert np.array_equal(after, wholes[index][top : top + 12, left : left + 12])


def test_it_is_drawn_for_every_patch_and_depends_on_seed_and_step_alone(folders, tmp_path):
    _, sampler = patches(folders, AWGN(sigma=(5.0, 50.0)), tmp_path)
    _, again = patches(folders, AWGN(sigma=(5.0, 50.0)), tmp_path)
    first = sampler.batch(2)
    assert np.array_equal(first[0], again.batch(2)[0])
    halves = [again.batch(2, part)[0] for part in (slice(0, 3), slice(3, 6))]
    assert np.array_equal(np.concatenate(halves), first[0])
    noise = [(lr - to_unit(hr ^ 7)).std() * 255 for lr, hr in zip(*first, strict=True)]
    assert max(noise) - min(noise) > 5


def test_luma_is_what_is_degraded_for_a_gray_network(folders, tmp_path):
    _, gray = patches(folders, AWGN(sigma=25.0), tmp_path, gray=True, augment="none", batch=40)
    _, colour = patches(folders, None, tmp_path, augment="none", batch=40)
    luma = np.stack([luma_of(image) for image in colour.batch(1)[0]])
    assert (gray.batch(1)[0] - to_unit(luma)).std() * 255 == pytest.approx(25, rel=0.03)


def test_bytes_and_floats_in_one_batch_have_one_range(folders, tmp_path):
    sources = [PairedFolders(**folders), PairedFolders(**folders, extra_degradation=AWGN(sigma=1.0))]
    sampler = PatchSampler(open_store(sources, None, root=tmp_path), patch=12, batch=20, seed=0)
    lr, hr = sampler.batch(0)
    assert lr.dtype == np.float32
    assert np.abs(lr - to_unit(hr ^ 7)).max() < 0.05


def test_what_does_not_fit_is_refused(folders):
    with pytest.raises(ValueError, match="must keep the size, but `bicubic` shrinks by 4"):
        PairedFolders(**folders, extra_degradation=Bicubic())
    with pytest.raises(ValueError, match="`noise_map` appends one"):
        PairedFolders(**folders, extra_degradation=AWGN(noise_map=True))
    with pytest.raises(
        ConfigError, match="set `degradation: null` .what comes on top is their `extra_degradation`"
    ):
        scale_of([PairedFolders(**folders)], JPEG())
    assert drawn_anew([PairedFolders(**folders, extra_degradation=JPEG())], None)
    assert not drawn_anew([PairedFolders(**folders)], None)
    assert drawn_anew([Embedded()], JPEG())
    assert not drawn_anew([Embedded()], Bicubic())


def overrides(folders, then):
    given, clean = folders["given"], folders["clean"]
    source = f"{{kind: paired-folders, given: {given}, clean: {clean}, extra_degradation: {then}}}"
    return [
        f"data.sources=[{source}]", "data.degradation=null", f"validation.sources=[{source}]",
        "model={kind: dncnn, depth: 3, width: 4}", "data.patch=16", "data.batch=2", "train.steps=3",
    ]  # fmt: skip


def test_training_sees_it_and_so_does_validation(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    results = [
        train("denoising/dncnn-small", overrides=overrides(folders, then), out=tmp_path / name)
        for name, then in (("mild", "{kind: awgn, sigma: 1}"), ("strong", "{kind: awgn, sigma: 100}"))
    ]
    assert [result.steps for result in results] == [3, 3]
    mild, strong = (result.metrics["best_psnr_db"] for result in results)
    assert (
        mild > strong + 5
    )  # three steps change little: it is the noise of the validation images that differs


def test_a_teacher_cannot_be_cached_where_the_input_is_drawn(folders):
    teacher = "objective.distillation={teacher: x, cache: true, methods: [{kind: output}]}"
    with pytest.raises(ConfigError, match="`cache` keeps one teacher image for each image"):
        load_recipe("denoising/dncnn-small", [*overrides(folders, "{kind: jpeg}"), teacher])


def test_a_suite_measures_on_what_was_degraded_further(folders):
    def score(then, protocol="colour-denoising"):
        source = PairedFolders(**folders, extra_degradation=then)
        suite = Suite(
            name="x",
            title="x",
            sets=(ImageSet(name="a", source=source),),
            degradation=None,
            protocol=protocol,
        )
        seen = []

        def restore(given):
            seen.append(given)
            return to_unit(given)

        quality = quality_of(restore, suite, tiled=False, limit=None, progress=lambda *_: None)
        return quality.sets[0].psnr_db, seen

    for protocol, shape in (("colour-denoising", (48, 40, 3)), ("gray-denoising", (48, 40, 1))):
        plain, _ = score(None, protocol)
        noisy, seen = score(AWGN(sigma=50.0), protocol)
        again, repeated = score(AWGN(sigma=50.0), protocol)
        assert plain > noisy + 5
        assert noisy == again
        assert np.array_equal(seen[2], repeated[2])
        assert seen[0].shape == shape


def test_did_hy_is_did_mdn_with_blur_noise_and_jpeg(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    folder = tmp_path / "DID-MDN-training/Rain_Heavy/train2018new"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    both = rng.integers(0, 256, (32, 64, 3), dtype=np.uint8)
    Image.fromarray(both).save(folder / "1.png")
    source = load_recipe(
        "denoising/dncnn-small",
        [
            "data.sources=[{kind: did-mdn, extra_degradation: {kind: blur-noise-jpeg}}]",
            "data.degradation=null",
            "validation.sources=[{kind: did-mdn, part: test, extra_degradation: {kind: blur-noise-jpeg}}]",
        ],
    ).data.sources[0]
    assert source.extra_degradation == BlurNoiseJPEG()
    (item,) = items_of([source], None, (1.0,))
    given, clean = item.load()
    assert np.array_equal(given, both[:, :32])
    assert np.array_equal(clean, both[:, 32:])
    sampler = PatchSampler(open_store([source], None, root=tmp_path), patch=16, batch=4, seed=0)
    assert sampler.batch(0)[0].shape == (4, 16, 16, 3)
