"""A standard set of single images, by name; `edgeir.data.sources.layouts` says where each is looked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from edgeir.core.errors import DataError
from edgeir.data.sources.base import Files, ImageRef
from edgeir.data.sources.layouts import set_images
from edgeir.data.sources.licences import free_images

__all__ = ["StandardSet"]


_Index = Annotated[int, Field(ge=0, le=1_000_000)]


class StandardSet(Files):
    """A standard data set, found under ``$EDGEIR_DATA``."""

    kind: Literal["standard"] = "standard"
    name: Literal[
        "Set5", "Set14", "B100", "Urban100", "BSDS500", "T91", "DIV2K", "DIV2K-val", "Flickr2K",
        "Set12", "BSD68", "CBSD68", "Classic5", "LIVE1", "Kodak24", "McMaster", "photos",
    ]  # fmt: skip

    range: tuple[_Index, _Index] | None = None
    """Images from the first to before the last, counted from 0 in the order of names; None: all. RL-Restore trains on
    [0, 750] of DIV2K and tests on [750, 800]."""

    free_only: bool = False
    """Leave out images whose licence is not free, as the list of licences beside them says."""

    @field_validator("range")
    @classmethod
    def _not_empty(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value is not None and value[0] >= value[1]:
            raise ValueError(f"the range [{value[0]}, {value[1]}] holds no image")
        return value

    def images(self) -> list[ImageRef]:
        """List the images. A number that is not the published one is logged as a warning.

        Raises:
            DataError: ``$EDGEIR_DATA`` is not set, the set is in none of the folders tried, `range` leaves it, or
                nothing says which licences are free.
        """
        crop = (480, 320) if self.name == "B100" else None
        paths = set_images(self.name)
        paths = free_images(paths) if self.free_only else paths
        first, last = self.range if self.range is not None else (0, len(paths))
        if last > len(paths):
            raise DataError(
                f"the range [{first}, {last}] leaves the set {self.name}, which has {len(paths)} images here",
                where=paths[0].parent,
                fix="lower `range` or complete the set",
            )
        return [self._ref(path, crop) for path in paths[first:last]]
