"""How LiteRT loads and runs a file for the first time: a part of `trial_child`, read from its path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ai_edge_litert.interpreter import Interpreter

__all__ = ["load"]

Pattern = Callable[[tuple[int, ...], Any], Any]
"""Shape and dtype to values of every size."""


def load(model: str, side: int, pattern: Pattern) -> Callable[[], Any]:
    """Load the file; the function that comes back runs it once."""
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()

    def run() -> None:
        for entry in interpreter.get_input_details():
            interpreter.set_tensor(entry["index"], pattern(tuple(entry["shape"]), entry["dtype"]))
        interpreter.invoke()
        for exit_ in interpreter.get_output_details():
            interpreter.get_tensor(exit_["index"])

    return run
