"""Gray training data: every degradation takes one channel, and patches of luma are the luma of patches."""

import typing

import numpy as np
import pytest

from edgeir.data.degrade import AWGN, JPEG, AnyDegradation, Bicubic
from edgeir.data.degrade.base import to_unit
from edgeir.data.patches import PatchSampler
from edgeir.data.sources.embedded import Embedded
from edgeir.data.store.pair_store import open_store
from edgeir.imaging.luma import luma_of

MEMBERS = typing.get_args(typing.get_args(AnyDegradation)[0])


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member().kind)
def test_one_channel_in_one_channel_out(member):
    degradation = member()
    image = np.random.default_rng(0).integers(0, 256, (48, 40, 1), dtype=np.uint8)
    scale = degradation.scale
    out = degradation.degrade(image, np.random.default_rng(0))
    assert out.shape == (48 // scale, 40 // scale, 1)


def test_what_treats_colours_alike_treats_gray_as_three_equal_colours():
    image = np.random.default_rng(0).integers(0, 256, (16, 24, 1), dtype=np.uint8)
    three = np.repeat(image, 3, axis=2)
    for degradation in (
        Bicubic(scale=2),
        Bicubic(scale=2, flavour="pillow"),
        JPEG(gray=True),
        AWGN(gray=True),
    ):
        one, all_ = (degradation.degrade(x, np.random.default_rng(0)) for x in (image, three))
        assert np.array_equal(np.repeat(one, 3, axis=2), all_)


def test_gray_noise_has_the_whole_sigma(tmp_path):
    """Luma of noise in three colours would have two thirds of it: the luma is degraded, not the colours."""
    store = open_store([Embedded()], AWGN(sigma=25.0), root=tmp_path)
    options = {"patch": 32, "batch": 8, "seed": 3}
    gray = PatchSampler(store, degradation=AWGN(sigma=25.0), gray=True, **options)
    colour = PatchSampler(store, degradation=AWGN(sigma=25.0), **options)
    lr, hr = gray.batch(5)
    assert lr.shape == hr.shape == (8, 32, 32, 1)
    assert (to_unit(lr) - to_unit(hr)).std() * 255 == pytest.approx(25.0, rel=0.02)
    expected = np.stack([luma_of(image) for image in colour.batch(5)[1]])
    assert np.array_equal(hr, expected)


def test_stored_pairs_become_luma(tmp_path):
    store = open_store([Embedded()], Bicubic(scale=4), root=tmp_path)
    gray, colour = (
        PatchSampler(store, patch=12, batch=4, seed=0, gray=flag).batch(1) for flag in (True, False)
    )
    for ours, theirs in zip(gray, colour, strict=True):
        assert np.array_equal(ours, np.stack([luma_of(image) for image in theirs]))
