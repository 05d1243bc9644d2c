"""Which symmetries of a patch are drawn, and that the draw never changes: runs are repeated by their seed."""

import hashlib
from collections import Counter

import numpy as np
import pytest

from edgeir.data.patches import PatchSampler
from edgeir.data.store import pair_store as store_module


class Ramp:
    """A store of images without any symmetry; the clean one is the degraded one with every pixel doubled."""

    scale = 2
    folder = "memory"

    def __init__(self, *sizes):
        self.images = [
            (np.arange(h * w * 3, dtype=np.uint32) * 7919 % 251).astype(np.uint8).reshape(h, w, 3)
            for h, w in sizes
        ]
        self.records = [
            store_module.Record(str(place), (2 * h, 2 * w), 0, 0, "") for place, (h, w) in enumerate(sizes)
        ]
        self.weights = tuple(float(1 + place) for place in range(len(sizes)))
        self.extra_degradations = (None,) * len(sizes)

    def __len__(self):
        return len(self.images)

    def pair(self, index):
        return self.images[index], self.images[index].repeat(2, 0).repeat(2, 1)


IMAGE = Ramp((6, 6)).images[0]
TURNS = [IMAGE, IMAGE.transpose(1, 0, 2)[::-1], IMAGE[::-1, ::-1], IMAGE.transpose(1, 0, 2)[:, ::-1]]
FLIPS = [IMAGE, IMAGE[:, ::-1], IMAGE[::-1], IMAGE[::-1, ::-1]]
SYMMETRIES = {
    "all": TURNS + [turned[:, ::-1] for turned in TURNS],
    "flips": FLIPS,
    "rotations": TURNS,
    "none": [IMAGE],
}


@pytest.mark.parametrize("augment", list(SYMMETRIES))
def test_each_symmetry_is_as_likely(augment):
    allowed = [image.tobytes() for image in SYMMETRIES[augment]]
    assert len(set(allowed)) == len(allowed)
    lr, hr = PatchSampler(Ramp((6, 6)), patch=6, batch=1600, seed=0, augment=augment).batch(0)
    seen = Counter(image.tobytes() for image in lr)
    assert seen.keys() == set(allowed)
    share = 1600 / len(allowed)
    assert all(abs(count - share) < 5 * share**0.5 for count in seen.values())
    assert np.array_equal(hr, lr.repeat(2, 1).repeat(2, 2))


def test_the_same_seed_draws_the_same_pixels_as_ever():
    """The bytes of three batches, as the first version drew them, whose `all` was the only choice beside `none`."""
    sampler = PatchSampler(Ramp((20, 30), (9, 40)), patch=6, batch=64, seed=3)
    found = hashlib.sha256()
    for step in (0, 1, 12345):
        for images in sampler.batch(step):
            found.update(images.tobytes())
    assert found.hexdigest() == "375776bad9988df9a9e04ab35a49f7b4dc6e0651a75be84c7c81eaa9698adb80"


def test_the_choice_of_symmetries_does_not_move_the_patches():
    """Of the four numbers drawn per patch, the last one alone is the symmetry."""
    store = Ramp((20, 30), (9, 40))
    plain = PatchSampler(store, patch=6, batch=200, seed=3, augment="none").batch(7)[0]
    for augment in ("flips", "rotations"):
        other = PatchSampler(store, patch=6, batch=200, seed=3, augment=augment).batch(7)[0]
        assert [sorted(patch.ravel()) for patch in other] == [sorted(patch.ravel()) for patch in plain]
