"""A session whose time is scripted, and results made of it."""

import numpy as np
import pytest

from edgeir.manifest.artifact import TensorSpec
from edgeir.manifest.facts import NetworkFacts


class Clock:
    """Seconds that pass only when somebody works."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def spend(self, milliseconds):
        self.now += milliseconds / 1e3


class FakeSession:
    """Takes `milliseconds` (a number, or a function of the run's index) per run and remembers its inputs."""

    runtime = "litert"
    artifact = None
    source_sha256 = "0" * 64

    def __init__(self, clock, milliseconds, *, name="fake", facts=None, fixed_size=None, log=None):
        self.clock, self.milliseconds, self.name = clock, milliseconds, name
        self.facts = facts or NetworkFacts(scale=4, receptive_radius=2)
        self.fixed_size = fixed_size
        self.input = TensorSpec(name="x", shape=(1, None, None, 3), layout="NHWC", dtype="float32")
        self.runs, self.closed, self.sizes = 0, False, []
        self.log = log if log is not None else []

    def run_raw(self, tensor):
        assert not self.closed
        assert tensor.dtype == np.float32
        self.sizes.append(tensor.shape[1:3])
        self.log.append(self.name)
        spent = self.milliseconds(self.runs) if callable(self.milliseconds) else self.milliseconds
        self.clock.spend(spent)
        self.runs += 1
        return tensor

    def run(self, x):
        self.run_raw(x[None])
        scale = self.facts.net_scale
        return np.repeat(np.repeat(x, scale, axis=0), scale, axis=1)

    def close(self):
        self.closed = True


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fake_session():
    """The class, since test modules cannot import each other."""
    return FakeSession
