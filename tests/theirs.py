"""Networks of another package, and what is none: tests copy this file to where Python finds it."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

Path(__file__).with_name("ran").touch()


class Tiny(nn.Module):
    """3x3, ReLU, 3x3, pixel shuffle; with a `cell`, a gate of the largest value of each cell."""

    def __init__(self, width=4, scale=2, channels=3, cell=1):
        super().__init__()
        self.scale, self.cell = scale, cell
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.tail = nn.Conv2d(width, channels * scale**2, 3, padding=1)

    def forward(self, x):
        features = F.relu(self.head(x))
        if self.cell > 1:
            gate = F.max_pool2d(features, self.cell, ceil_mode=True)
            gate = gate.repeat_interleave(self.cell, 2).repeat_interleave(self.cell, 3)
            features = features * gate[:, :, : x.shape[2], : x.shape[3]]
        return F.pixel_shuffle(self.tail(features), self.scale)


class Mean(Tiny):
    def forward(self, x):
        return super().forward(x - x.mean((2, 3), keepdim=True))


class Pair(Tiny):
    def forward(self, x):
        return super().forward(x), x


class Integer(Tiny):
    def forward(self, x):
        return super().forward(x).to(torch.int64)


class Turned(Tiny):
    def forward(self, x):
        return super().forward(x).transpose(2, 3)


class Own(Tiny):
    def get_extra_state(self):
        return {"epoch": 1}

    def set_extra_state(self, state):
        pass


class Device(Tiny):
    """Makes a tensor of its own, which does not run on `meta`."""

    def forward(self, x):
        return super().forward(x) + torch.zeros(1, device="cpu")


class Empty(nn.Module):
    def forward(self, x):
        return x


def broken():
    raise RuntimeError("no\nweights here")


ANSWER = 42
