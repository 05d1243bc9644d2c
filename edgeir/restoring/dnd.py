"""Restore the crops of DND and write what its server evaluates.

The server takes one MATLAB file per image, ``0001.mat`` … ``0050.mat``: ``Idenoised``, the 20 restored crops in a cell
array, ``israw`` and ``eval_version``, as the benchmark's own submission kit writes them. The networks run as published
figures are measured, zero-padded at the border of a crop (see `edgeir.restoring.tiling`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import savemat

from edgeir.core.errors import ConfigError
from edgeir.core.files import atomic_dir, refuse_existing
from edgeir.core.progress import Progress, no_progress
from edgeir.data.paired.hdf5 import DND
from edgeir.restoring.tiling import run_tiled
from edgeir.runtime.session import Session

__all__ = ["restore_dnd"]


def restore_dnd(
    session: Session, out: str | Path, *, overwrite: bool = False, progress: Progress = no_progress
) -> int:
    """Run `session` over the sRGB crops of DND and write the submission into the folder `out`.

    Args:
        session: a network that keeps the size, from `edgeir.load`. One of a single channel runs on each colour plane.
        progress: called with the crops done.

    Returns:
        The number of crops.

    Raises:
        ConfigError: the network enlarges.
        DataError: the set, or a part of it, is not where it belongs.
        OutputError: `out` exists.
    """
    if session.facts.scale != 1:
        raise ConfigError(
            [f"the network enlarges x{session.facts.scale}, but DND has noise alone"], where=session.name
        )
    crops = DND().crops()
    refuse_existing(Path(out), overwrite=overwrite, marker="0001.mat", owned=("00??.mat",))
    with atomic_dir(Path(out)) as folder:
        images: dict[int, list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]] = {}
        for done, crop in enumerate(crops):
            progress(done, len(crops), f"{crop.image:04d}/{crop.box:02d}")
            noisy = crop.load()
            planes = [noisy] if session.facts.channels == 3 else list(np.split(noisy, 3, axis=2))
            parts = [run_tiled(session.run, plane, session.facts, session.fixed_size) for plane in planes]
            images.setdefault(crop.image, []).append(np.concatenate(parts, axis=2))
        for image, restored in images.items():
            cells = np.empty((len(restored),), dtype=object)
            cells[:] = restored
            fields = {"Idenoised": cells, "israw": False, "eval_version": "1.0"}
            savemat(folder / f"{image:04d}.mat", fields)
    progress(len(crops), len(crops), "restored")
    return len(crops)
