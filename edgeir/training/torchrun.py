"""Training in processes that ``torchrun`` has started, on one machine or on several, and starts again.

torchrun's agents run the same command in every process. When a process or a machine is lost, they end the others and
run the command anew, with as many processes as there are then. So the command has to be one that begins a run and goes
on with it: with ``--resume``, or after a restart, it does whichever is possible. The folder of the run lies on a file
system that all machines share, and only the first process writes there.

A run with another number of processes stays the same run: the global batch is the recipe's, patches are a function of
(seed, step), and each process computes its share of every batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from edgeir.core.errors import ConfigError, EdgeIRError, TrainingError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["Launched", "by_first", "launched", "lost_peer", "restarted"]

T = TypeVar("T")

_LOST = ("gloo", "nccl", "connection closed by peer", "connection reset by peer", "socket timeout")
"""How PyTorch's messages name the loss of another process; it has no exception class for all of them."""


@dataclass(frozen=True)
class Launched:
    """This process among those that torchrun has started."""

    rank: int
    nodes: int
    per_node: int
    restarts: int
    """How often the agent of this machine has started its processes again."""

    @property
    def first(self) -> bool:
        """The one that writes and prints."""
        return self.rank == 0


def launched() -> Launched | None:
    """What torchrun says of this process in its environment; None where another program has started it.

    Raises:
        ConfigError: the machines run different numbers of processes.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    nodes, per_node, world = (
        int(os.environ[name]) for name in ("GROUP_WORLD_SIZE", "LOCAL_WORLD_SIZE", "WORLD_SIZE")
    )
    if nodes * per_node != world:
        raise ConfigError(
            [f"{world} processes on {nodes} machines, {per_node} of them on this one"],
            where="torchrun",
            fix="use the same --nproc-per-node on every machine",
        )
    restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    return Launched(int(os.environ["RANK"]), nodes, per_node, restarts)


def restarted(fabric: Fabric, processes: Launched) -> bool:
    """Whether any machine has started its processes again: one that was lost and came back does not know it."""
    import torch

    most = fabric.all_reduce(torch.tensor(float(processes.restarts), device=fabric.device), reduce_op="max")
    return bool(most > 0)  # type: ignore[operator]


def by_first(fabric: Fabric, work: Callable[[], T]) -> T:
    """Let the first process do `work`, and give all of them what it returns.

    Raises:
        EdgeIRError, OSError: what it raised, in the first process.
        SystemExit: in the others.
    """
    outcome: tuple[Any, Exception | None] = (None, None)
    if fabric.is_global_zero:
        try:
            outcome = (work(), None)
        except (EdgeIRError, OSError) as error:
            outcome = (None, error)
    value, failure = fabric.broadcast(outcome)
    if failure is not None:
        raise failure if fabric.is_global_zero else SystemExit(2)
    result: T = value
    return result


def lost_peer(error: RuntimeError) -> TrainingError | None:
    """The error that a user can act on, where `error` says that another process is gone; else None."""
    text = str(error).lower()
    if not any(word in text for word in _LOST):
        return None
    return TrainingError(
        "another process of the training ended or cannot be reached",
        fix="torchrun starts all of them again (--max-restarts), from the last checkpoint with --resume",
    )
