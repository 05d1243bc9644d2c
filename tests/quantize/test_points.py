"""Where a network is rounded, for the operators that restoration networks are made of."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from edgeir.core.errors import ConfigError  # noqa: E402
from edgeir.manifest.facts import NetworkFacts  # noqa: E402
from edgeir.models.base import Clip  # noqa: E402
from edgeir.quantize.points import find_points  # noqa: E402
from edgeir.quantize.ranges import IMAGE  # noqa: E402
from edgeir.quantize.recording import operator_name, record  # noqa: E402

FACTS = NetworkFacts(scale=1, receptive_radius=4)


class Net(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.body, self.clip = body, Clip()

    def forward(self, x):
        return self.clip(self.body(self, x))


def points_of(body):
    recording = record(Net(body).eval(), FACTS)
    names = {node.name: operator_name(node) for node in recording.calls}
    return find_points(recording), names


def test_a_convolution_is_rounded_behind_its_relu_and_the_image_is_eight_bits():
    points, names = points_of(lambda net, x: net.second(torch.relu(net.first(x))))
    assert sorted(names[name] for name in points.rounds if name in names) == ["clamp", "relu"]
    assert [points.fixed[points.group[name]] for name in ("x", "clamp")] == [IMAGE, IMAGE]
    assert points.group["relu"] not in points.fixed


def test_a_relu_beside_another_reader_is_rounded_apart():
    def body(net, x):
        features = net.first(x)
        return torch.relu(features) + net.second(features)

    points, names = points_of(body)
    rounded = sorted(names[name] for name in points.rounds if name in names)
    assert rounded == ["clamp", "conv2d", "conv2d", "relu"]  # the sum is rounded behind the clip
    assert len({points.group[name] for name in points.rounds}) == 5


def test_a_concatenation_and_what_it_joins_share_one_range():
    points, _ = points_of(
        lambda net, x: net.second(torch.cat([torch.relu(net.first(x)), net.first(x)], 1)[:, :3])
    )
    groups = [
        points.group[name] for name in points.group if name.startswith(("relu", "conv2d_1", "cat", "slice"))
    ]
    assert len(set(groups)) == 1
    assert "cat" not in points.rounds


def test_what_moves_pixels_behind_the_image_is_the_image():
    def body(net, x):
        return nn.functional.pixel_shuffle(torch.cat([net.first(x)] * 4, 1), 2)

    recording = record(Net(body).eval(), NetworkFacts(scale=2, receptive_radius=4))
    points = find_points(recording)
    assert all(
        points.fixed[points.group[node.name]] == IMAGE
        for node in recording.calls
        if node.name in points.group
    )


def test_a_branch_on_the_image_cannot_be_recorded():
    with pytest.raises(ConfigError, match=r"cannot be recorded.*edgeir export --precision int8"):
        record(Net(lambda net, x: net.first(x) if x.mean() > 0 else x).eval(), FACTS)
