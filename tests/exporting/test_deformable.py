"""Deformable convolutions in a LiteRT graph: against torch's grid_sample, far outside the image too."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.target import LiteRT, clean_problems
from edgeir.manifest.facts import NetworkFacts
from edgeir.models.blocks.deformable import DeformableConv

from .conftest import convert


class Moving(torch.nn.Module):
    """One deformable convolution whose offsets reach `reach` pixels, and a ReLU for the converter to fuse."""

    facts = NetworkFacts()
    config = SimpleNamespace(kind="moving", operators="moving")

    def __init__(self, groups: int, reach: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.entry = torch.nn.Conv2d(3, 6, 3, padding=1)
        self.guide = torch.nn.Conv2d(3, 27 * groups, 3, padding=1)
        self.layer = DeformableConv(6, 3, groups)
        torch.nn.init.constant_(self.layer.bias, 0.2)
        self.reach, self.groups = reach, groups

    def deploy(self) -> torch.nn.Module:
        copy = Moving(self.groups, self.reach)
        copy.load_state_dict(self.state_dict())
        return copy.eval().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        guide = self.guide(x - 0.5)
        offsets, masks = guide[:, : 18 * self.groups], torch.sigmoid(guide[:, 18 * self.groups :])
        return torch.relu(self.layer(self.entry(x), self.reach * offsets, masks))


@pytest.mark.parametrize(("groups", "reach"), [(1, 1.0), (3, 100.0)])
def test_it_computes_what_torch_computes(groups, reach, calibration, run_litert) -> None:
    network = Moving(groups, reach)
    made = convert(LiteRT(), network, (9, 14), "float", calibration)  # type: ignore[arg-type]
    graph = Graph(made.data)
    assert clean_problems(graph) == []
    assert graph.kinds().count("GATHER_ND") == 1
    image = np.random.default_rng(1).random((1, 9, 14, 3), dtype=np.float32)
    with torch.inference_mode():
        expected = network.deploy()(torch.from_numpy(image.transpose(0, 3, 1, 2))).numpy()
    assert (expected > 0).mean() > 0.3
    got = run_litert(made.data, image).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(got, expected, atol=2e-5)
