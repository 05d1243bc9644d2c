"""A missing optional package becomes the exact line to type."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgeir.core.errors import MissingExtraError
from edgeir.core.requires import missing_extra, require


def test_an_installed_module_is_returned() -> None:
    assert require("json.decoder", "reading").__name__ == "json.decoder"


@pytest.mark.parametrize(
    ("module", "extra"),
    [("coremltools.models", "coreml"), ("torch", "train"), ("ai_edge_litert.interpreter", "run")],
)
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


def test_a_package_of_no_extra_is_not_explained() -> None:
    assert missing_extra(ModuleNotFoundError("x", name="left_pad.core"), "it") is None
    found = missing_extra(ModuleNotFoundError("x", name="onnxruntime.quantization"), "it")
    assert found is not None
    assert str(found).endswith("(pip install 'edgeir[onnx]')")
