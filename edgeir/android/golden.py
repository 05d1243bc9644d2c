"""Golden arrays as an app gets them: of a large output every fifth row and column alone.

The outputs are most of a bundle, and floats that hardly compress, while the check on the phone judges the image as a
whole (`GoldenCheck` of the library). Five has no divisor in common with the scales 2, 3 and 4, so that all phases of a
pixel shuffle are among the values. The input stays whole: the model runs on it. The shape tells the reader the step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgeir.core.files import write_json
from edgeir.manifest.bundle import BUNDLE_NAME, Bundle, Content
from edgeir.manifest.model_file import ModelFile

__all__ = ["MOST_VALUES", "STEP", "thin_golden"]

STEP = 5
MOST_VALUES = 400_000
"""Of an output that stays whole; a larger one keeps at least 16,000."""


def thin_golden(folder: Path, bundle: Bundle, files: Sequence[ModelFile]) -> Bundle:
    """Thin the golden outputs of `files` in a copy of a bundle, and write its manifest with their new checksums.

    The arrays are (1, height, width, channels). Without a large one nothing is written.

    Returns:
        The manifest of the copy.
    """
    contents = dict(bundle.contents)
    paths = {path for file in files if file.golden for path in (file.golden.output, file.golden.expected)}
    for path in sorted(paths):
        array = np.load(folder / path, allow_pickle=False)
        if array.size <= MOST_VALUES:
            continue
        np.save(folder / path, np.ascontiguousarray(array[:, ::STEP, ::STEP]), allow_pickle=False)
        written = (folder / path).read_bytes()
        contents[path] = Content(bytes=len(written), sha256=hashlib.sha256(written).hexdigest())
    if contents == bundle.contents:
        return bundle
    thinned = bundle.model_copy(update={"contents": contents})
    write_json(folder / BUNDLE_NAME, thinned.model_dump(mode="json"))
    return thinned
