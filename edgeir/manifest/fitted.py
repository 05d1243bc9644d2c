"""How the size of a network was chosen for a device, as the card of its checkpoint keeps it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from edgeir.core.config import Config

__all__ = ["Fitted", "Member"]


class Member(Config):
    """One size of the network, in one precision."""

    network: dict[str, Any]
    """The fields of the configuration that tell it from the others."""
    precision: str
    capacity_macs: int = Field(ge=0)
    """Multiply-accumulates of the repeated layers, for one input of the stated size."""
    macs: int = Field(ge=0)
    """Of the whole network."""
    cost: float | None = Field(ge=0)
    """In the unit of the budget; None: it could not be made or run."""
    measured: bool
    """False: predicted from measured depths of the same shape."""
    chosen: bool = False
    reason: str = ""
    """Why it was not chosen, in words."""


class Fitted(Config):
    """The choice, what it was chosen from, and where that was measured."""

    budget: float = Field(gt=0)
    unit: Literal["ms", "instructions"]
    """Of the budget and of all costs: the median of the runs, or the instructions of one run."""
    device: str
    """As ``--on`` names it."""
    measured_on: str
    """Runtime, version, threads and processor."""
    target: str
    """Format of the files."""
    precisions: tuple[str, ...]
    """What could be chosen."""
    size: tuple[int, int]
    """Height and width of the network's input."""
    rule: str
    """What decided among those within the budget."""
    remark: str = ""
    """What the costs do not say."""
    members: tuple[Member, ...]
    """Largest capacity first."""

    @property
    def chosen(self) -> Member | None:
        """The member that was chosen; None: nothing is within the budget."""
        return next((member for member in self.members if member.chosen), None)
