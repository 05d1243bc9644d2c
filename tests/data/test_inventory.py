"""Which paired sets are here: every published one is looked for, in all its parts, where its source looks."""

from __future__ import annotations

import typing
from pathlib import Path

import pytest

from edgeir.data.paired.base import Paired
from edgeir.data.paired.inventory import PAIRED_SETS, find_paired
from edgeir.data.paired.published import PairedFolders
from edgeir.data.union import AnySource


def test_every_source_of_a_published_set_is_asked() -> None:
    sources = {kind for kind in typing.get_args(typing.get_args(AnySource)[0]) if issubclass(kind, Paired)}
    assert set(PAIRED_SETS.values()) == sources - {PairedFolders}


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("DPED", ["dped/iphone/training_data", "dped/sony/test_data/patches"]),
        ("PIRM", ["dped_patches"]),
        ("SIDD", ["SIDD/SIDD_Medium_Srgb/Data"]),
        ("RealSR", ["RealSR(V3)/Nikon/Test/2"]),
        ("GoPro", ["GOPRO_Large/test"]),
        ("DID-MDN", ["DID-MDN/Rain_Light/train2018new", "DID-MDN-test"]),
    ],
)
def test_a_part_is_found_in_its_published_layout(
    name: str, places: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    assert find_paired(name) == []
    for place in places:
        phone = Path(place).parts[1] if name == "DPED" else {"PIRM": "iphone"}.get(name, ".")
        (tmp_path / place / phone).mkdir(parents=True)
    assert find_paired(name) == [tmp_path / place for place in places]


def test_files_and_both_folders_of_div2k_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    files = ["NYU2/nyu_depth_v2_labeled.mat", "DND/info.mat"]
    files += [f"SIDD/Validation{kind}BlocksSrgb.mat" for kind in ("Noisy", "Gt")]
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert find_paired("NYU2") == [tmp_path / files[0]]
    assert find_paired("DND") == [tmp_path / files[1]]
    assert find_paired("SIDD") == [tmp_path / file for file in files[2:]]
    folders = [tmp_path / f"DIV2K/DIV2K_train_{end}" for end in ("LR_unknown/X4", "HR")]
    folders[0].mkdir(parents=True)
    assert find_paired("DIV2K-LR") == [], "the large images are missing"
    folders[1].mkdir()
    assert find_paired("DIV2K-LR") == folders
