"""Golden arrays as an app gets them: large outputs thinned, and the copy's manifest in step with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeir.android import golden
from edgeir.android.bundles import pack_bundles, taken_files
from edgeir.exporting.bundle.verify import faults_of
from edgeir.manifest.bundle import BUNDLE_NAME, read_bundle


def test_large_outputs_are_thinned_and_the_manifest_says_so(
    zipped: Path, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden, "MOST_VALUES", 100)
    (packed,) = pack_bundles([zipped], tmp_path / "into")
    (file,) = taken_files(packed.bundle)
    assert file.golden is not None
    for path in (file.golden.output, file.golden.expected):
        whole, thin = np.load(bundle_folder / path), np.load(packed.folder / path)
        assert thin.shape == tuple(
            -(-side // 5) if axis in (1, 2) else side for axis, side in enumerate(whole.shape)
        )
        np.testing.assert_array_equal(thin, whole[:, ::5, ::5])
        assert packed.bundle.contents[path].bytes == (packed.folder / path).stat().st_size
    assert (packed.folder / file.golden.input).read_bytes() == (
        bundle_folder / file.golden.input
    ).read_bytes()
    assert read_bundle(packed.folder) == packed.bundle
    # What is there has the checksums of the copy's manifest; nothing but that is missing which was left out.
    assert {fault.path for fault in faults_of(packed.folder, packed.bundle)} == set(packed.left_out)
    before = read_bundle(bundle_folder)
    changed = {path for path, content in before.contents.items() if packed.bundle.contents[path] != content}
    assert changed == {file.golden.output, file.golden.expected}
    assert before.model_copy(update={"contents": packed.bundle.contents}) == packed.bundle


def test_small_outputs_stay_with_the_manifest_byte_by_byte(
    zipped: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    (packed,) = pack_bundles([zipped], tmp_path / "into")
    for path in packed.files:
        assert (packed.folder / path).read_bytes() == (bundle_folder / path).read_bytes()
    assert BUNDLE_NAME in packed.files


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_phase_of_a_pixel_shuffle_is_among_the_values(scale: int) -> None:
    phases = {place % scale for place in range(0, 100 * scale, golden.STEP)}
    assert phases == set(range(scale))
