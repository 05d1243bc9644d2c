"""What a step measured: loss terms as checked numbers, and their means and rates between two logged rows.

What shows in no term yet, a gradient or weights that are not finite, is checked here too.
"""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from lightning_fabric import Fabric

from edgeir.core.errors import NonFiniteError, TrainingError

__all__ = ["Meter", "check_norm", "check_weights", "finite_values"]


class Meter:
    """Means of the terms, and rates, since the last logged row."""

    def __init__(self, start: int, steps: int) -> None:
        self._first, self._steps, self._began = start, steps, time.perf_counter()
        self._sums: dict[str, float] = {}
        self._count, self._since, self._waited, self._waited_before = 0, self._began, 0.0, 0.0
        self.loss = math.nan

    def add(self, values: dict[str, float], others: dict[str, float], waited_s: float) -> None:
        """One step's terms, what else it measured (no part of the loss), and the seconds waited for data in all."""
        named = {f"loss/{name}": value for name, value in values.items()} | others
        for name, value in named.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        self._waited = waited_s

    def row(self, step: int, rate: float, batch: int) -> dict[str, Any]:
        """The metrics of the steps since the last call."""
        now = time.perf_counter()
        elapsed = max(now - self._since, 1e-9)
        means = {name: total / self._count for name, total in self._sums.items()}
        self.loss = sum(value for name, value in means.items() if name.startswith("loss/"))
        row = {
            "step": step,
            "loss": self.loss,
            **means,
            "lr": rate,
            "steps_per_s": self._count / elapsed,
            "images_per_s": self._count * batch / elapsed,
            "data_wait_share": (self._waited - self._waited_before) / elapsed,
            "eta_s": (self._steps - step) * (now - self._began) / max(1, step - self._first),
        }
        self._sums, self._count, self._since, self._waited_before = {}, 0, now, self._waited
        return row

    def label(self, validation: dict[str, float]) -> str:
        """One line for a progress bar."""
        parts = [] if math.isnan(self.loss) else [f"loss {self.loss:.5f}"]
        if validation:
            parts.append(f"val {validation['psnr_db']:.2f} dB")
        return ", ".join(parts) or "training"


def finite_values(fabric: Fabric, terms: dict[str, torch.Tensor], step: int) -> dict[str, float]:
    """The terms as floats, averaged over processes.

    Raises:
        NonFiniteError: naming the first term that is not finite.
    """
    stacked = torch.stack([value.detach().float() for value in terms.values()])
    if fabric.world_size > 1:
        stacked = fabric.all_reduce(stacked, reduce_op="mean")  # type: ignore[assignment]
    values = dict(zip(terms, stacked.tolist(), strict=True))
    for name, value in values.items():
        if not math.isfinite(value):
            raise NonFiniteError(step, name, value)
    return values


def check_norm(norm: torch.Tensor, step: int) -> None:
    """Refuse a gradient that cannot be clipped: scaled by its infinite norm it would be zero or NaN.

    Raises:
        TrainingError: with the norm.
    """
    if not torch.isfinite(norm):
        raise TrainingError(
            f"the gradient's norm is {norm.item()} at step {step}",
            fix="lower optim.lr, or resume from the last checkpoint",
        )


def check_weights(network: torch.nn.Module, step: int) -> None:
    """Refuse weights and statistics that are not finite: what a last step did shows in no loss before they are saved.

    Raises:
        TrainingError: naming the first such tensor.
    """
    for name, value in network.state_dict().items():
        if not torch.isfinite(value).all():
            raise TrainingError(
                f"the weights `{name}` are no longer finite after step {step}",
                fix="lower optim.lr, set train.clip_grad, or resume from the last checkpoint",
            )
