"""Execute a MIL program: its operators in order, each value dropped after its last use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.runtime.mil.operators import OPERATORS

__all__ = ["Program"]

HALF = "fp16"


class Program:
    """The main function of a package.

    Args:
        function: coremltools' `Function`.
        threads: of torch, while it runs.
        where: of the package, for errors.

    Raises:
        ArtifactError: it has an operator that `OPERATORS` does not hold.
    """

    def __init__(self, function: Any, *, threads: int, where: Path) -> None:
        self._where, self._threads = where, threads
        self._constants: dict[str, Any] = {}
        self._steps: list[Any] = []
        for operator in function.operations:
            if operator.op_type == "const":
                self._constants[operator.outputs[0].name] = _constant(operator.outputs[0].val)
            elif operator.op_type in OPERATORS:
                self._steps.append(operator)
            else:
                raise ArtifactError(
                    f"the interpreter does not know the operator `{operator.op_type}`",
                    where=where,
                    fix="run the package with Core ML on a Mac",
                )
        (self._entry,) = function.inputs
        (exit_,) = function.outputs
        self._exit = exit_.name
        self._last = self._last_uses()

    @torch.inference_mode()
    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The output for an input tensor, both as the program lays them out, in float32.

        Raises:
            ArtifactError: an operator fails on its arguments, or one of these is not known.
        """
        values: dict[str, Any] = {self._entry: torch.from_numpy(x)}
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            for step, operator in enumerate(self._steps):
                self._execute(operator, values)
                for name in self._last.get(step, ()):
                    values.pop(name, None)
        finally:
            torch.set_num_threads(before)
        output: NDArray[np.float32] = values[self._exit].float().numpy()
        return output

    def _execute(self, operator: Any, values: dict[str, Any]) -> None:
        try:
            results = OPERATORS[operator.op_type](self._arguments(operator, values))
        except NotImplementedError as error:
            raise ArtifactError(f"the interpreter does not know {error}", where=self._where) from error
        except (RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
            short = (str(error).splitlines() or [""])[0][:150]
            raise ArtifactError(f"its `{operator.op_type}` fails: {short}", where=self._where) from error
        together = results if isinstance(results, tuple) else (results,)
        for var, result in zip(operator.outputs, together, strict=True):
            values[var.name] = _rounded(result, var)

    def _arguments(self, operator: Any, values: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, var in operator.inputs.items():
            if var is None:
                continue
            if isinstance(var, (list, tuple)):
                found[name] = [self._value(item, values) for item in var]
            else:
                found[name] = self._value(var, values)
        return found

    def _value(self, var: Any, values: dict[str, Any]) -> Any:
        if var.name in values:
            return values[var.name]
        if var.name not in self._constants:  # what no operator of its own makes
            self._constants[var.name] = _constant(var.val)
        return self._constants[var.name]

    def _last_uses(self) -> dict[int, list[str]]:
        last: dict[str, int] = {}
        for step, operator in enumerate(self._steps):
            for var in operator.inputs.values():
                for item in var if isinstance(var, (list, tuple)) else (var,):
                    if item is not None:
                        last[item.name] = step
        last.pop(self._exit, None)
        uses: dict[int, list[str]] = {}
        for name, step in last.items():
            uses.setdefault(step, []).append(name)
        return uses


def _constant(value: Any) -> Any:
    """Strings, numbers and flags as they are; arrays as tensors, 16-bit ones in 32."""
    if isinstance(value, np.ndarray):
        wide = value.astype(np.float32) if value.dtype == np.float16 else value
        return torch.from_numpy(np.array(wide))
    return value.item() if isinstance(value, np.generic) else value


def _rounded(result: Any, var: Any) -> Any:
    kind = getattr(var.dtype, "__name__", str(var.dtype))
    return result.half().float() if kind == HALF and isinstance(result, torch.Tensor) else result
