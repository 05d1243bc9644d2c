"""The interpreter's operators against torch's own, through coremltools' conversion of small modules."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edgeir.core.errors import ArtifactError
from edgeir.runtime.mil.operators import OPERATORS
from edgeir.runtime.mil.package import read_package
from edgeir.runtime.mil.program import Program
from edgeir.runtime.quiet import libraries_silenced


class Calls(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function = function
        self.w = nn.Parameter(torch.randn(4, 4, 3, 3))
        self.d = nn.Parameter(torch.randn(4, 1, 3, 3))
        self.b = nn.Parameter(torch.randn(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, x)


CASES = {
    "strided conv": lambda m, x: F.conv2d(x, m.w, m.b, stride=2, padding=1),
    "uneven padding": lambda m, x: F.conv2d(F.pad(x, (0, 1, 2, 0)), m.w, m.b),
    "dilated depthwise": lambda m, x: F.conv2d(x, m.d, m.b, padding=2, dilation=2, groups=4),
    "transposed": lambda m, x: F.conv_transpose2d(x, m.w, m.b, stride=2, padding=1, output_padding=1),
    "reflected": lambda m, x: F.pad(x, (1, 2, 3, 1), mode="reflect"),
    "replicated": lambda m, x: F.pad(x, (1, 2, 3, 1), mode="replicate"),
    "constant pad": lambda m, x: F.pad(x, (1, 2, 3, 1), value=0.5),
    "max pool": lambda m, x: F.max_pool2d(x, 3, 2, 1),
    "avg pool": lambda m, x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "nearest": lambda m, x: F.interpolate(x, scale_factor=2, mode="nearest"),
    "bilinear": lambda m, x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
    "bilinear corners": lambda m, x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True),
    "shuffle": lambda m, x: F.pixel_shuffle(x, 2),
    "unshuffle": lambda m, x: F.pixel_unshuffle(x, 2),
    "slices": lambda m, x: x[:, 1:3, ::2, :-1],
    "chunks": lambda m, x: torch.cat(torch.chunk(x, 2, 1)[::-1], 1),
    "prelu": lambda m, x: F.prelu(x, m.b),
    "activations": lambda m, x: F.silu(x) + F.gelu(x) + F.softplus(x) + torch.tanh(x) + F.leaky_relu(x, 0.1),
    "mish": lambda m, x: F.mish(x),
    "instance norm": lambda m, x: F.instance_norm(x, weight=m.b, bias=m.b),
    "layer norm": lambda m, x: F.layer_norm(x.permute(0, 2, 3, 1), (4,), m.b, m.b).permute(0, 3, 1, 2),
    "means": lambda m, x: x * x.mean((2, 3), keepdim=True) + x.amax((2, 3), keepdim=True),
    "roots": lambda m, x: torch.rsqrt(x.square() + 1e-3) + torch.sqrt(x.abs() + 0.1) + torch.exp(-x),
    "quotient": lambda m, x: x / (x.abs() + 1) + torch.maximum(x, m.b[None, :, None, None]),
    "attention": lambda m, x: torch.softmax(
        x.flatten(2).transpose(1, 2) @ x.flatten(2), -1
    ).matmul(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape),
    "grid sample": lambda m, x: F.grid_sample(
        x, torch.tanh(x[:, :2]).permute(0, 2, 3, 1), mode="bilinear", align_corners=True
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_what_torch_does(name, tmp_path):
    import coremltools as ct

    module = Calls(CASES[name]).eval()
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 4, 8, 10)).astype(np.float32))
    with libraries_silenced():
        program = torch.export.export(module, (x,)).run_decompositions({})
        ct.convert(
            program, convert_to="mlprogram", skip_model_load=True, compute_precision=ct.precision.FLOAT32,
            minimum_deployment_target=ct.target.iOS16,
        ).save(str(tmp_path / "m.mlpackage"))  # fmt: skip
    got = Program(read_package(tmp_path / "m.mlpackage").function, threads=1, where=tmp_path).run(x.numpy())
    with torch.inference_mode():
        np.testing.assert_allclose(got, module(x).numpy(), atol=2e-5)


def fake(op_type: str, **values) -> SimpleNamespace:
    """A function of one operator on its input `x`."""
    entry = SimpleNamespace(name="x", val=None, dtype=None)
    out = SimpleNamespace(name="y", val=None, dtype=None)
    inputs = {"x": entry} | {name: SimpleNamespace(name=name, val=value) for name, value in values.items()}
    operator = SimpleNamespace(op_type=op_type, inputs=inputs, outputs=[out])
    return SimpleNamespace(operations=[operator], inputs={"x": entry}, outputs=[out])


def test_what_it_does_not_know_is_refused(tmp_path):
    assert "topk" not in OPERATORS
    with pytest.raises(ArtifactError, match="does not know the operator `topk`"):
        Program(fake("topk"), threads=1, where=tmp_path)
    program = Program(fake("gelu", mode="SIGMOID_APPROXIMATION"), threads=1, where=tmp_path)
    with pytest.raises(ArtifactError, match="does not know gelu with SIGMOID_APPROXIMATION"):
        program.run(np.zeros((1, 1, 2, 2), np.float32))
    with pytest.raises(ArtifactError, match="`pixel_shuffle` fails"):
        Program(fake("pixel_shuffle", upscale_factor=3), threads=1, where=tmp_path).run(
            np.zeros((1, 4, 2, 2), np.float32)
        )


def test_a_run_leaves_torchs_threads_alone(tmp_path):
    before = torch.get_num_threads()
    Program(fake("relu"), threads=before + 1, where=tmp_path).run(np.zeros((1, 1, 2, 2), np.float32))
    assert torch.get_num_threads() == before
