"""Synthetic patterns: the same from one seed, every kind among them, and colours that photographs do not have."""

import numpy as np
import pytest
from pydantic import ValidationError

from edgeir.data.sources.patterns import Patterns
from edgeir.exporting.prove.extremes import extremes


def drawn(**settings):
    return {ref.name: ref.load() for ref in Patterns(**settings).images()}


def test_an_image_depends_on_its_seed_and_number_alone():
    first, more, other = drawn(count=10, side=24), drawn(count=20, side=24), drawn(count=10, side=24, seed=1)
    assert all(np.array_equal(image, more[name]) for name, image in first.items())
    assert sum(np.array_equal(image, other[name]) for name, image in first.items()) < 3
    stamps = {ref.stamp for s in ({}, {"seed": 1}, {"side": 32}) for ref in Patterns(count=5, **s).images()}
    assert len(stamps) == 15


def test_every_kind_is_among_them():
    images = list(drawn(count=50, side=48).values())
    colours = [len(np.unique(image.reshape(-1, 3), axis=0)) for image in images]
    assert {1, 2} <= set(colours)
    assert max(colours) > 30
    assert all(image.shape == (48, 48, 3) and image.dtype == np.uint8 for image in images)


def test_a_third_of_the_values_is_at_each_end():
    flat = np.stack([image[0, 0] for image in list(drawn(count=1500, side=16).values())[::5]])
    assert np.mean(flat == 0) == pytest.approx(1 / 3, abs=0.06)
    assert np.mean(flat == 255) == pytest.approx(1 / 3, abs=0.06)


def test_they_are_not_the_images_of_a_proof_but_for_flat_colours():
    judged = {np.rint(image * 255).astype(np.uint8).tobytes() for image in extremes(64, 64, 3).values()}
    same = [image for image in drawn(count=300, side=64).values() if image.tobytes() in judged]
    assert all(len(np.unique(image.reshape(-1, 3), axis=0)) == 1 for image in same)


@pytest.mark.parametrize("settings", [{"count": 0}, {"side": 8}, {"seed": -1}])
def test_refusals(settings):
    with pytest.raises(ValidationError):
        Patterns(**settings)
