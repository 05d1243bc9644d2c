"""SMFANet, BSRN and PlainUSR against plain functions of their published weights, written from their papers' equations
and the authors' names; and the grid that they lay over an image against torch's own layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from edgeir.checkpoint.foreign.convert import import_weights
from edgeir.checkpoint.foreign.maps import MAPS
from edgeir.checkpoint.load import load_checkpoint
from edgeir.models import BSRNConfig, PlainUSRConfig, SMFANetConfig
from edgeir.models.blocks.image_grid import _nearest_along as nearest_along
from edgeir.models.blocks.image_grid import continued, grid_maximum, spread

SMALL = {
    "smfanet": SMFANetConfig(channels=8, blocks=2),
    "bsrn": BSRNConfig(channels=16, blocks=2, scale=3),
    "plainusr": PlainUSRConfig(channels=10, widths=(10, 7, 4, 7, 10), scale=2),
}


def smfanet(x, w):
    def conv(name, x, **settings):
        return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **settings)

    first = conv("to_feat", x, padding=1)
    x, width = first, first.shape[1]
    for block in ("feats.0", "feats.1"):
        y, g = conv(f"{block}.smfa.linear_0", F.normalize(x, dim=1)).split(width, 1)
        height, columns = g.shape[2:]
        q = F.adaptive_max_pool2d(g, (height // 8, columns // 8))
        q = conv(f"{block}.smfa.dw_conv", q, padding=1, groups=width)
        v = torch.var(g, (2, 3), unbiased=True, keepdim=True)
        m = F.gelu(conv(f"{block}.smfa.linear_1", q * w[f"{block}.smfa.alpha"] + v * w[f"{block}.smfa.belt"]))
        gated = g * F.interpolate(m, (height, columns), mode="nearest")
        details = conv(f"{block}.smfa.lde.conv_0.0", y, padding=1, groups=width)
        details = conv(f"{block}.smfa.lde.conv_1", F.gelu(conv(f"{block}.smfa.lde.conv_0.1", details)))
        x = x + conv(f"{block}.smfa.linear_2", gated + details)
        z = F.gelu(conv(f"{block}.pcfn.conv_0", F.normalize(x, dim=1)))
        part = width // 2
        z = torch.cat([F.gelu(conv(f"{block}.pcfn.conv_1", z[:, :part], padding=1)), z[:, part:]], 1)
        x = x + conv(f"{block}.pcfn.conv_2", z)
    return F.pixel_shuffle(conv("to_img.0", x + first, padding=1), 4)


def bsrn(x, w):
    def conv(name, x, **settings):
        return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **settings)

    def blueprint(name, x, padding=1, stride=1):
        x = F.conv2d(x, w[f"{name}.pw.weight"])
        return conv(f"{name}.dw", x, padding=padding, stride=stride, groups=x.shape[1])

    first = blueprint("fea_conv", torch.cat([x, x, x, x], 1))
    y, outputs = first, []
    for block in ("B1", "B2"):
        a, parts = y, []
        for step in ("c1", "c2", "c3"):
            parts.append(F.gelu(conv(f"{block}.{step}_d", a)))
            a = F.gelu(blueprint(f"{block}.{step}_r", a) + a)
        parts.append(F.gelu(blueprint(f"{block}.c4", a)))
        o = conv(f"{block}.c5", torch.cat(parts, 1))
        c1 = conv(f"{block}.esa.conv1", o)
        t = F.max_pool2d(blueprint(f"{block}.esa.conv2", c1, padding=0, stride=2), 7, 3)
        t = F.gelu(blueprint(f"{block}.esa.conv_max", t))
        t = blueprint(f"{block}.esa.conv3_", F.gelu(blueprint(f"{block}.esa.conv3", t)))
        t = F.interpolate(t, o.shape[2:], mode="bilinear", align_corners=False)
        o = o * torch.sigmoid(conv(f"{block}.esa.conv4", t + conv(f"{block}.esa.conv_f", c1)))
        s = o.std((2, 3), correction=0, keepdim=True) + o.mean((2, 3), keepdim=True)
        s = conv(f"{block}.cca.conv_du.2", torch.relu(conv(f"{block}.cca.conv_du.0", s)))
        y = o * torch.sigmoid(s) + y
        outputs.append(y)
    fused = blueprint("c2", F.gelu(conv("c1", torch.cat(outputs, 1)))) + first
    return F.pixel_shuffle(conv("upsampler.upsampleOneStep.0", fused, padding=1), 3)


def plainusr(x, w):
    def conv(name, x, **settings):
        return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **settings)

    x = conv("head", x, padding=1)
    for block in ("block1", "block2", "blockm", "block3", "block4"):
        width = w[f"{block}.body.0.weight"].shape[0]
        y = F.leaky_relu(conv(f"{block}.body.0", x[:, :width], padding=1), 0.05)
        y = F.leaky_relu(conv(f"{block}.body.2", y, padding=1), 0.05)
        y = conv(f"{block}.body.4", y, padding=1)
        a = conv(f"{block}.body.5.body.0", y)
        a = F.avg_pool2d(a.exp() * a, 7, 3) / F.avg_pool2d(a.exp(), 7, 3)
        a = conv(f"{block}.body.5.body.2", a, stride=2, padding=1)
        a = torch.sigmoid(conv(f"{block}.body.5.body.3", a, padding=1))
        a = F.interpolate(a, y.shape[2:], mode="bilinear", align_corners=False)
        x = torch.cat([y * a * torch.sigmoid(y[:, :1]), x[:, width:]], 1)
    return F.pixel_shuffle(conv("tail.0", x, padding=1), 2)


@pytest.mark.parametrize("kind", SMALL)
def test_it_computes_what_its_authors_weights_say(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = SMALL[kind]
    own = config.build().state_dict()
    theirs = {
        name: 0.5 * torch.randn(own[place].shape) / max(1, own[place][0].numel()) ** 0.5
        for place, name in MAPS[kind].names(config, {}).items()
    }
    assert len(theirs) == len(own)
    save_file(theirs, tmp_path / "weights.safetensors")
    card = import_weights(tmp_path / "weights.safetensors", out=tmp_path / "made")  # no --model is needed
    assert card.model == config.model_dump(mode="json")
    network = load_checkpoint(tmp_path / "made")[0]
    formula = {"smfanet": smfanet, "bsrn": bsrn, "plainusr": plainusr}[kind]
    for size in ((61, 74), (16, 24), (15, 33)):
        x = torch.rand(2, 3, *size)
        with torch.no_grad():
            expected = formula(x, theirs)
            assert expected.std() > 0.01
            torch.testing.assert_close(network(x), expected, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("width", [8, 9, 15, 16, 23])
def test_the_windows_of_the_grid_are_those_of_adaptive_pooling(width: int) -> None:
    for height in (*range(8, 60), 123, 255, 321):
        x = torch.randn(1, 2, height, width)
        pooled = grid_maximum(x, 8)
        assert torch.equal(pooled, F.adaptive_max_pool2d(x, (height // 8, width // 8)))
        expected = F.interpolate(pooled, (height, width), mode="nearest")
        assert torch.equal(spread(pooled, x, 8), expected)
        assert torch.equal(nearest_along(nearest_along(pooled, 2, height, 8), 3, width, 8), expected)


def test_images_smaller_than_a_cell_are_one_cell() -> None:
    x = torch.randn(1, 2, 5, 20)
    assert torch.equal(grid_maximum(x, 8), F.adaptive_max_pool2d(x, (1, 2)))
    assert torch.equal(continued(x, 7)[:, :, 4:], x[:, :, 4:].expand(-1, -1, 3, -1))
    assert continued(x, 5) is x


@pytest.mark.parametrize("kind", SMALL)
def test_flat_images_have_finite_gradients(kind: str) -> None:
    """A root of a variance of zero, and vectors of length zero."""
    network = SMALL[kind].build()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith("head"):
                parameter.zero_()
    network(torch.zeros(1, 3, 16, 16)).sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())
