"""Finding recipes, profiles, suites and zoo entries by name or by path."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeir.core import assets
from edgeir.core.errors import CheckpointError, ConfigError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package beside a few asset folders."""
    for name in ("recipes/sr/small", "recipes/sr/demo", "recipes/denoise/demo", "benchmarks/suites/set5"):
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"name: {name}\n")
    for name, files in {"sr-x4": ("card.json", "weights.safetensors"), "half": ("card.json",)}.items():
        for file in files:
            path = tmp_path / "edgeir" / "zoo" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path / "edgeir")
    return tmp_path


def test_names_are_paths_without_suffix(checkout: Path) -> None:
    assert assets.list_assets("recipes") == ["denoise/demo", "sr/demo", "sr/small"]
    assert assets.list_assets("profiles") == []


@pytest.mark.parametrize("name", ["sr/small", "sr/small.yaml", "small"])
def test_a_name_is_found_in_each_of_its_forms(checkout: Path, name: str) -> None:
    assert assets.find_asset("recipes", name) == checkout / "recipes/sr/small.yaml"


def test_an_existing_file_wins(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    (checkout / "set5").write_text("mine")
    assert assets.find_asset("suites", "set5") == Path("set5")


def test_a_folder_of_that_name_does_not_hide_an_asset(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    (checkout / "set5").mkdir()
    assert assets.find_asset("suites", "set5") == checkout / "benchmarks/suites/set5.yaml"


def test_a_misspelt_name_gets_suggestions_and_the_command_that_lists_all(checkout: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        assets.find_asset("recipes", "smal")
    assert str(caught.value) == (
        "there is no recipe or file `smal` (did you mean `sr/small`? see `edgeir recipes`)"
    )
    with pytest.raises(ConfigError, match=r"\(did you mean `denoise/demo` or `sr/demo`\? see"):
        assets.find_asset("recipes", "noise/demo")
    with pytest.raises(ConfigError, match=r"`zzz` \(see `edgeir recipes`\)"):
        assets.find_asset("recipes", "zzz")
    with pytest.raises(ConfigError, match=r"`zzz` \(see `edgeir doctor`\)"):
        assets.find_asset("suites", "zzz")


def test_an_ambiguous_name_lists_what_it_could_mean(checkout: Path) -> None:
    with pytest.raises(ConfigError, match="`demo` is ambiguous: denoise/demo, sr/demo"):
        assets.find_asset("recipes", "demo")


@pytest.mark.parametrize("name", ["../edgeir/zoo", "", ".", "/", "sr", "sr/../sr/small"])
def test_odd_names_are_not_found(checkout: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        assets.find_asset("recipes", name)


def test_a_wheel_carries_its_own_assets(checkout: Path) -> None:
    packed = checkout / "edgeir/_data/recipes/only.yaml"
    packed.parent.mkdir(parents=True)
    packed.write_text("name: only\n")
    assert assets.list_assets("recipes") == ["only"]
    assert assets.list_assets("suites") == ["set5"]


def test_a_zoo_entry_needs_card_and_weights(checkout: Path) -> None:
    assert assets.list_zoo() == ["sr-x4"]
    assert assets.zoo_folder("sr-x4") == checkout / "edgeir/zoo/sr-x4"
    assert assets.zoo_folder("half") is None
    for name in ("", ".", "..", "../zoo/sr-x4", "sr-x4/"):
        assert assets.zoo_folder(name) is None, name


def test_an_unknown_zoo_name_gets_a_suggestion(checkout: Path) -> None:
    with pytest.raises(CheckpointError, match="did you mean `sr-x4`"):
        assets.find_zoo("srx4")
    assert assets.find_zoo("sr-x4").name == "sr-x4"


@pytest.mark.parametrize("kind", ["recipes", "profiles", "suites"])
def test_everything_listed_is_found_and_is_a_mapping(kind: assets.AssetKind) -> None:
    from edgeir.core.config import read_yaml

    names = assets.list_assets(kind)
    assert names, f"the checkout has no {kind}"
    for name in names:
        assert read_yaml(assets.find_asset(kind, name))
