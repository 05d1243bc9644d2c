"""The public names: sorted, all there, loaded on first use, and verbs that share their name with a package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import edgeir


def test_the_list_is_sorted_and_complete() -> None:
    assert edgeir.__all__ == sorted(edgeir.__all__)
    assert set(edgeir.__all__) == {"__version__", *edgeir._VERBS, *edgeir._NAMES}
    assert set(edgeir.__all__) <= set(dir(edgeir))


def test_what_a_type_checker_sees_is_what_there_is() -> None:
    tree = ast.parse(Path(edgeir.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {node.names[0].name: node.module for node in block.body if isinstance(node, ast.ImportFrom)}
    assert imported == {**edgeir._VERBS, **edgeir._NAMES}


def test_a_verb_is_its_package_and_can_be_called() -> None:
    # In a process of its own, because it replaces the functions.
    code = """
import importlib, sys, types
import edgeir
for name, module in edgeir._VERBS.items():
    getattr(importlib.import_module(module), name)
    package = sys.modules["edgeir." + name]
    assert getattr(edgeir, name) is package and isinstance(package, types.ModuleType)
    called = []
    setattr(sys.modules[module], name, lambda *a, **k: called.append((a, k)) or name)
    assert getattr(edgeir, name)(1, b=2) == name and called == [((1,), dict(b=2))]
print(len(edgeir._VERBS))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout == "6\n", done.stderr


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
