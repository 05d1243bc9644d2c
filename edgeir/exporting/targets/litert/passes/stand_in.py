"""Replace a deformable convolution by a stand-in that the converter knows.

The converter would write the sampling with transposes, high ranks and checks of every index. So it gets a convolution
of the concatenated operands [x, offsets, masks], with the weights of the real one, zero for offsets and masks, and a
dilation that no network has. `deformable` recognises it in the converted graph by that dilation.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from edgeir.exporting.targets.litert.passes.deformable import MARK
from edgeir.models.blocks.deformable import DeformableConv

__all__ = ["put_stand_ins"]


class _StandIn(nn.Module):
    """Same arguments and output shape as `DeformableConv`; computes something else."""

    def __init__(self, layer: DeformableConv) -> None:
        super().__init__()
        weight = layer.weight.detach()
        self.weight = nn.Parameter(F.pad(weight, (0, 0, 0, 0, 0, 27 * layer.groups)), requires_grad=False)
        self.bias = nn.Parameter(layer.bias.detach().clone(), requires_grad=False)

    def forward(self, x: torch.Tensor, offsets: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        given = torch.cat([x, offsets, masks], 1)
        return F.conv2d(given, self.weight, self.bias, padding=MARK, dilation=MARK)


def put_stand_ins(module: nn.Module) -> nn.Module:
    """Replace every `DeformableConv` inside `module`, in place."""
    for name, child in module.named_children():
        if isinstance(child, DeformableConv):
            setattr(module, name, _StandIn(child))
        else:
            put_stand_ins(child)
    return module
