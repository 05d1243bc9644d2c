"""A folder of images."""

from __future__ import annotations

from typing import Literal

from edgeir.core.errors import DataError
from edgeir.data.locate import resolve_path
from edgeir.data.sources.base import Files, ImageRef
from edgeir.imaging.files import list_images

__all__ = ["Folder"]


class Folder(Files):
    """Every image file in a folder, sorted by name."""

    kind: Literal["folder"] = "folder"
    path: str
    """From the working directory, or else below ``$EDGEIR_DATA``."""

    def images(self) -> list[ImageRef]:
        """List the images.

        Raises:
            DataError: the folder is missing or holds no image.
        """
        folder = resolve_path(self.path)
        refs = [self._ref(path) for path in list_images(folder)]
        if not refs:
            raise DataError("the folder holds no image", where=folder)
        return refs
