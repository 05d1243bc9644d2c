"""The public names: sorted, all there, plain functions that are loaded on first use."""

from __future__ import annotations

import ast
import subprocess
import sys
import types
from pathlib import Path

import pytest

import edgeir
from edgeir import api


def test_the_list_is_sorted_and_complete() -> None:
    assert edgeir.__all__ == sorted(edgeir.__all__)
    assert set(edgeir.__all__) == {"__version__", *api.__all__}
    assert set(edgeir.__all__) <= set(dir(edgeir))
    assert list(api.MODULES) == api.__all__ == sorted(api.__all__)


def test_what_a_type_checker_sees_is_what_there_is() -> None:
    tree = ast.parse(Path(str(api.__file__)).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {node.names[0].name: node.module for node in block.body if isinstance(node, ast.ImportFrom)}
    assert imported == api.MODULES


@pytest.mark.parametrize("name", sorted(set(api.__all__) - {"EdgeIRError"}))
def test_every_stage_is_a_plain_documented_function(name: str) -> None:
    function = getattr(edgeir, name)
    assert isinstance(function, types.FunctionType)
    assert (function.__module__, function.__name__) == (api.MODULES[name], name)
    assert function.__doc__
    assert "Raises:" in function.__doc__ or "errors as for `train`" in function.__doc__


def test_no_package_has_the_name_of_a_public_function() -> None:
    folder = Path(str(edgeir.__file__)).parent
    packages = {
        path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert not packages & set(edgeir.__all__)


def test_importing_edgeir_imports_nothing_else() -> None:
    code = (
        "import sys, edgeir\n"
        "print([name for name in sys.modules if name.startswith('edgeir.')],"
        " {'torch', 'numpy', 'pydantic', 'typer'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[] set()"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute `destil`"):
        _ = edgeir.destil
    with pytest.raises(AttributeError, match="has no attribute `destil`"):
        _ = api.destil
