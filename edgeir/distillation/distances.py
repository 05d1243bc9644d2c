"""Distances between two feature maps of equal size: the six that STFT compares (Fig. 4).

``l2`` and ``l1`` are means over elements. ``focal`` weights the squared error of each element by its own relative
size, so that the hard ones count (after Tan et al., CVPR 2018; normalised here so that the mean weight is one); the
weights are constants, no gradient flows through them. ``inner-product`` compares the matrices of cosine similarity
between positions (Liu et al., CVPR 2019), ``kl`` the distributions over channels at each position (the same paper;
the divergence of the first from the reference), ``mmd`` the sets of channel maps by the squared maximum mean
discrepancy with a polynomial kernel of degree 2 (Huang and Wang, 2017). The second argument is the reference;
gradients flow into both unless the caller detaches one.

STFT names the six (its references 33 to 35) and gives no equations; what is open in those papers is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F

__all__ = ["DISTANCES", "Distance", "focal", "focal_weights"]

Distance = Literal["l2", "l1", "focal", "inner-product", "kl", "mmd"]


def focal_weights(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The absolute error of each element relative to the mean one, without a gradient."""
    error = (a - b).detach().abs()
    return error / error.mean().clamp_min(1e-12)


def focal(a: torch.Tensor, b: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    """Mean of the weighted squared errors; `weights` of the elements are `focal_weights` where they are not given."""
    return ((focal_weights(a, b) if weights is None else weights) * (a - b).square()).mean()


def _unit(x: torch.Tensor, dim: int) -> torch.Tensor:
    """(N, C, H, W) to (N, C, P), normalised; not in half precision, since small differences of products follow."""
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    return F.normalize(wide.flatten(2), dim=dim)


def _between_channels(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Squares of the (N, C, C) products of the channels of both, (N, C, P) each."""
    with torch.autocast(x.device.type, enabled=False):
        return torch.einsum("nip,njp->nij", x, y).square()


def _inner_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean of |X'X - Y'Y|^2 over its P^2 elements, as |XX'|^2 + |YY'|^2 - 2|XY'|^2 of C^2: memory grows with P only."""
    x, y = _unit(a, 1), _unit(b, 1)
    total = _between_channels(x, x) + _between_channels(y, y) - 2 * _between_channels(x, y)
    return total.sum((1, 2)).mean() / x.shape[2] ** 2


def _kl(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    reference = torch.log_softmax(b, dim=1)
    divergence = reference.exp() * (reference - torch.log_softmax(a, dim=1))
    return divergence.sum(1).mean()


def _mmd(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    x, y = _unit(a, 2), _unit(b, 2)
    return (_between_channels(x, x) + _between_channels(y, y) - 2 * _between_channels(x, y)).mean()


DISTANCES: dict[Distance, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "l2": F.mse_loss,
    "l1": F.l1_loss,
    "focal": focal,
    "inner-product": _inner_product,
    "kl": _kl,
    "mmd": _mmd,
}
"""Name to function of two (N, C, H, W) tensors."""
