"""A missing optional package becomes the exact line to type."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from edgeir.core.environment import PACKAGES
from edgeir.core.errors import MissingExtraError
from edgeir.core.requires import EXTRAS, require

ROOT = Path(__file__).resolve().parents[2]


def test_an_installed_module_is_returned() -> None:
    assert require("json.decoder", "reading").__name__ == "json.decoder"


@pytest.mark.parametrize(("module", "extra"), [("coremltools.models", "coreml"), ("torch", "train")])
def test_a_missing_package_names_purpose_package_and_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    top = module.partition(".")[0]
    monkeypatch.setitem(sys.modules, top, None)
    if module != top:
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(MissingExtraError) as caught:
        require(module, "the conversion")
    assert str(caught.value) == (
        f"the conversion needs the package `{top}`, which is not installed (pip install 'edgeir[{extra}]')"
    )


def test_a_package_that_is_there_but_broken_shows_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_package.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        require("broken_package", "the test")


def test_every_extra_that_a_message_names_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert set(EXTRAS.values()) | (set(PACKAGES.values()) - {""}) <= set(extras)
    for package, extra in PACKAGES.items():
        wanted = extras[extra] if extra else project["dependencies"]
        assert any(line.split(">")[0] == package for line in wanted), f"{package} is not in `{extra}`"
