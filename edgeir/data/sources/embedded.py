"""The photographs that come with scikit-image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from edgeir.core.errors import DataError
from edgeir.core.requires import require
from edgeir.data.sources.base import Files, ImageRef
from edgeir.imaging.files import list_images

__all__ = ["CALIBRATION_PHOTOS", "EMBEDDED_PHOTOS", "PROOF_PHOTOS", "Embedded", "embedded"]

EMBEDDED_PHOTOS = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "motorcycle_left", "rocket")
"""The colour photographs inside scikit-image's wheel (its other samples are downloads, drawings or microscopy)."""
CALIBRATION_PHOTOS = ("astronaut", "coffee", "motorcycle_left")
"""Those that set integer ranges where the user names no photographs."""
PROOF_PHOTOS = ("chelsea", "hubble_deep_field", "rocket", "camera", "brick", "grass", "gravel")
"""Those that a written file is compared with its network on: none that calibrates; the last four are gray."""


def embedded(names: Sequence[str], source: Files | None = None) -> list[ImageRef]:
    """The named photographs of the installed scikit-image, those that it holds, as `source` gives them.

    Raises:
        DataError: it holds none of them.
    """
    skimage = require("skimage", "the embedded photographs")
    folder = Path(str(skimage.__file__)).parent / "data"
    files = {path.stem: path for path in list_images(folder)}
    give = (source or Files())._ref
    refs = [give(files[name]) for name in names if name in files]
    if not refs:
        raise DataError("scikit-image holds none of the photographs", where=folder)
    return refs


class Embedded(Files):
    """The photographs bundled with scikit-image: no download, good for demos, tests and calibration."""

    kind: Literal["embedded"] = "embedded"

    def images(self) -> list[ImageRef]:
        """List the photographs that the installed scikit-image holds."""
        return embedded(EMBEDDED_PHOTOS, self)
