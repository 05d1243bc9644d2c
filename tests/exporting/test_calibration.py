"""Calibration inputs: from arrays, from a folder, from the embedded photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.core.errors import DataError, ExportError
from edgeir.data.degrade import Bicubic
from edgeir.exporting.calibration import gather, shortcomings
from edgeir.manifest.facts import NetworkFacts


def test_calibration_takes_arrays_and_says_what_is_wrong_with_others() -> None:
    facts = NetworkFacts(scale=4)
    ready = np.random.default_rng(0).integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    np.testing.assert_allclose(gather(ready, facts, None, size=64, count=9).inputs, ready / 255, atol=1e-6)
    for wrong, message in (
        (ready[0], r"shape \(N, H, W, 3\)"),
        (np.full((1, 4, 4, 3), 200.0), r"must lie in \[0, 1\]"),
        (np.full((1, 4, 4, 3), np.nan), r"must lie in \[0, 1\]"),
        (ready[:0], "shape"),
    ):
        with pytest.raises(ExportError, match=message):
            gather(wrong, facts, None, size=64, count=9)


def test_the_embedded_photographs_calibrate_by_default(caplog: pytest.LogCaptureFixture) -> None:
    data = gather(None, NetworkFacts(scale=4), Bicubic(), size=16, count=8)
    assert data.inputs.shape == (9, 16, 16, 3)
    assert len(data.seen) == 3
    assert data.inputs.std() > 0.1
    assert not caplog.records


@pytest.mark.parametrize("channels", [1, 3])
def test_ranges_also_see_noise_and_saturated_colours(channels: int) -> None:
    facts = NetworkFacts(colour="y" if channels == 1 else "rgb")
    data = gather(np.full((1, 12, 20, channels), 0.5, np.float32), facts, None, size=8, count=1)
    assert data.range_inputs.shape == (7, 12, 20, channels)
    assert set(np.unique(data.range_inputs[2])) == {0.0, 1.0}
    assert data.range_inputs[1].std() > 0.25
    np.testing.assert_allclose(np.unique(data.range_inputs[3:]), [0.125, 0.875], rtol=1e-6)


def test_inputs_smaller_than_what_the_network_sees_are_remarked_on() -> None:
    inputs = np.random.default_rng(0).random((9, 8, 64, 3), dtype=np.float32)
    assert shortcomings(inputs, 9, radius=3) == []
    assert shortcomings(inputs, 9, radius=4) == [
        "the inputs are 8x64, and the network sees 4 pixels to each side; use larger ones"
    ]


def test_gray_images_for_a_colour_network_are_remarked_on(caplog: pytest.LogCaptureFixture) -> None:
    gray = np.random.default_rng(0).random((9, 32, 32, 1), dtype=np.float32)
    gather(gray.repeat(3, axis=3), NetworkFacts(), None, size=32, count=9)
    gather(gray, NetworkFacts(colour="y"), None, size=32, count=9)
    assert [record.getMessage() for record in caplog.records] == [
        "calibration: all images are gray; add images in colour"
    ]


def test_a_calibration_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    for wrong in (tmp_path, tmp_path / "absent", tmp_path / "notes.txt"):
        with pytest.raises(DataError) as caught:
            gather(wrong, NetworkFacts(), None, size=32, count=9)
        assert "\n" not in str(caught.value)
    with pytest.raises(ExportError, match=r"shape \(N, H, W, 3\), not \(4, 8, 8, 1\)"):
        gather(np.zeros((4, 8, 8, 1), np.uint8), NetworkFacts(), None, size=32, count=9)


def test_files_smaller_than_a_crop_are_continued(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(
        tmp_path / "a.png"
    )
    assert gather(tmp_path, NetworkFacts(scale=4), Bicubic(), size=32, count=2).inputs.shape == (2, 32, 32, 3)
