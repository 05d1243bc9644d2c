"""DeepLab-LargeFOV against its published size, the grid of the authors' Caffe model, and plain torch."""

import pytest
import torch
import torch.nn.functional as F

from edgeir.models.backbones.deeplab import DeepLabLargeFOV
from edgeir.models.base import parameter_count


def test_parameters_as_published():
    with torch.device("meta"):
        assert parameter_count(DeepLabLargeFOV()) == 20_505_429  # 20.5 M: Chen et al., table 2
        names = [name for name, _ in DeepLabLargeFOV().named_parameters()]
    assert names[:2] == ["conv1_1.weight", "conv1_1.bias"]
    assert names[-2:] == ["fc8.weight", "fc8.bias"]
    assert len(names) == 2 * (13 + 3)


@pytest.mark.parametrize(("side", "coarse"), [(321, 41), (306, 40), (9, 2)])
def test_scores_come_at_an_eighth_and_are_enlarged(side, coarse):
    with torch.device("meta"):
        network, x = DeepLabLargeFOV(), torch.rand(1, 3, side, side)
        assert network.coarse(x).shape == (1, 21, coarse, coarse)
        assert network(x).shape == (1, 21, side, side)


def test_the_graph_is_the_one_of_the_paper():
    torch.manual_seed(0)
    network = DeepLabLargeFOV(5).double().eval()
    x = torch.rand(1, 3, 33, 41, dtype=torch.float64)
    out = 255 * x[:, [2, 1, 0]] - torch.tensor([104.008, 116.669, 122.675]).view(1, 3, 1, 1)
    values = dict(network.named_parameters())
    for stage, count in enumerate((2, 2, 3, 3, 3), start=1):
        for place in range(1, count + 1):
            name, reach = f"conv{stage}_{place}", 2 if stage == 5 else 1
            out = F.conv2d(
                out, values[f"{name}.weight"], values[f"{name}.bias"], padding=reach, dilation=reach
            )
            out = out.clamp(min=0)
        padded = F.pad(out, (1, 1, 1, 1), value=-torch.inf)
        windows = padded.unfold(2, 3, 2 if stage < 4 else 1).unfold(3, 3, 2 if stage < 4 else 1)
        out = windows.amax((4, 5))
    out = F.pad(out, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1).mean((4, 5))
    out = F.conv2d(out, values["fc6.weight"], values["fc6.bias"], padding=12, dilation=12).clamp(min=0)
    out = F.conv2d(out, values["fc7.weight"], values["fc7.bias"]).clamp(min=0)
    out = F.conv2d(out, values["fc8.weight"], values["fc8.bias"])
    with torch.no_grad():
        assert torch.allclose(network.coarse(x), out)
        # Corners lie on corners, and every eighth pixel is a coarse score.
        assert torch.allclose(network(x)[:, :, ::8, ::8], out)
