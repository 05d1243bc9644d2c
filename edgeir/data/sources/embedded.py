"""The photographs that come with scikit-image."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from edgeir.core.errors import DataError
from edgeir.core.requires import require
from edgeir.data.sources.base import Files, ImageRef
from edgeir.imaging.files import list_images

__all__ = ["EMBEDDED_PHOTOS", "Embedded"]

EMBEDDED_PHOTOS = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "motorcycle_left", "rocket")
"""The colour photographs inside scikit-image's wheel (its other samples are downloads, drawings or microscopy)."""


class Embedded(Files):
    """The photographs bundled with scikit-image: no download, good for demos, tests and calibration."""

    kind: Literal["embedded"] = "embedded"

    def images(self) -> list[ImageRef]:
        """List the photographs that the installed scikit-image holds."""
        skimage = require("skimage", "the embedded photographs")
        folder = Path(str(skimage.__file__)).parent / "data"
        found = {path.stem: path for path in list_images(folder)}
        refs = [self._ref(found[name]) for name in EMBEDDED_PHOTOS if name in found]
        if not refs:
            raise DataError("scikit-image holds none of the photographs", where=folder)
        return refs
