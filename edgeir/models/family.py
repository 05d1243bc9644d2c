"""The family of a network: the sizes that `edgeir fit` chooses from, stated beside each configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from edgeir.core.config import Config

__all__ = ["Family"]

ConfigT = TypeVar("ConfigT", bound=Config)


@dataclass(frozen=True)
class Family:
    """Networks of one kind that differ in size: a few shapes, each in many depths.

    Attributes:
        depth: the field that repeats a layer or a block; what a network costs is nearly a line over it.
        least, most: depths to choose from.
        shapes: values of the other fields, one mapping for each shape, all with the same fields.
        empty: values that leave out everything that is repeated. The multiply-accumulates that a member has more than
            the same shape with these values are its capacity: head and tail are the price of a shape, and what is
            saved there buys layers.
        training_only: values of fields that the deployed network does not show, as they are cheapest to build.
    """

    depth: str
    least: int
    most: int
    shapes: tuple[Mapping[str, Any], ...]
    empty: Mapping[str, Any]
    training_only: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that tell members apart, the depth last."""
        return (*self.shapes[0], self.depth)

    def member(self, config: ConfigT, shape: Mapping[str, Any], depth: int) -> ConfigT:
        """`config` with these values, validated."""
        return type(config).model_validate({**config.model_dump(), **shape, self.depth: depth})

    def without_layers(self, config: ConfigT) -> ConfigT:
        """What is left of a member without its repeated layers."""
        return type(config).model_validate({**config.model_dump(), **self.empty})

    def deployed(self, config: ConfigT) -> ConfigT:
        """A member as its file shows it."""
        return type(config).model_validate({**config.model_dump(), **self.training_only})
