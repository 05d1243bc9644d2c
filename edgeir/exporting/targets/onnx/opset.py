"""The oldest operator set and IR that a graph can be written in and still compute the same, bit by bit.

A runtime refuses a file whose stamp is newer than itself, whatever operators the file holds. So a file gets the oldest
stamp that its operators can have: `passes.lower_opset` says which, and here the result is checked by ONNX's own checker
and run beside the graph that it was made of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.core.requires import require
from edgeir.exporting.targets.onnx.passes.lower_opset import (
    CannotLowerError,
    changes_of,
    lowered,
    opset_of,
)

__all__ = ["OLDEST", "OLDEST_WITHOUT_ASKING", "at_opset"]

OLDEST = 7
"""No version of ONNX Runtime reads an older operator set."""
OLDEST_WITHOUT_ASKING = 11
"""ONNX Runtime 1.0 (2019) reads it, and many converters and quantisers read nothing older."""
_OLDEST_IR = 4
"""Before, a constant had to be an input of the graph as well."""
_FUNCTIONS_IR = 8
_LARGE = 3 * 256 * 256
"""Values of an input up to which every tensor of the graph is compared, which takes the memory of all of them."""
_PURPOSE = "exporting to ONNX"


def at_opset(model: Any, wanted: int | None, multiple: int) -> Any:
    """`model`, or a copy of it in an older operator set, with the oldest IR version that knows it.

    Args:
        wanted: exactly this one; None: the oldest from `OLDEST_WITHOUT_ASKING` on.
        multiple: height and width of an input of any size are multiples of it.

    Raises:
        ExportError: `wanted` does not have the operators.
    """
    own = opset_of(model)
    if wanted is not None:
        if wanted > own:
            raise ExportError(f"the graph has opset {own}, and {wanted} was asked for")
        return _asked(model, wanted, multiple)
    changes = changes_of(model)
    for version in [max(changes[0], OLDEST_WITHOUT_ASKING), *changes]:
        if OLDEST_WITHOUT_ASKING <= version < own:
            try:
                return _same(model, version, multiple)
            except CannotLowerError:
                continue
    return _stamped(model)


def _asked(model: Any, wanted: int, multiple: int) -> Any:
    try:
        return _same(model, wanted, multiple)
    except CannotLowerError as error:
        least = opset_of(at_opset(model, None, multiple))
        raise ExportError(
            f"opset {wanted} is too old for this network: {error.what}",
            fix=f"--opset {least} or newer, or none",
        ) from error


def _same(model: Any, version: int, multiple: int) -> Any:
    """The graph in an older set, valid there, with the same bits in every tensor.

    Raises:
        CannotLowerError: there is none.
        ExportError: the graph itself does not run.
    """
    result = _stamped(lowered(model, version))
    try:
        expected = _run(_stamped(model), multiple)
    except Exception as error:  # onnxruntime's exceptions share no public base
        raise ExportError(f"ONNX Runtime cannot run the graph: {_first_line(error)}") from error
    try:
        require("onnx.checker", _PURPOSE).check_model(result, full_check=True)
        got = _run(result, multiple)
    except Exception as error:  # what the schemas do not say: the checker's and the runtime's own rules
        raise CannotLowerError(f"in opset {version} the graph is not valid: {_first_line(error)}") from error
    for name, values in expected.items():
        if name in got and not np.array_equal(values, got[name], equal_nan=values.dtype.kind == "f"):
            raise CannotLowerError(f"in opset {version} the operator that makes `{name}` computes otherwise")
    return result


def _stamped(model: Any) -> Any:
    """The model with the IR version of its operator set, and no set that no node uses; changes and returns it."""
    helper = require("onnx.helper", _PURPOSE)
    used = {node.domain for node in model.graph.node} | {""}
    for entry in [entry for entry in model.opset_import if entry.domain not in used]:
        model.opset_import.remove(entry)
    standard = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    needed = helper.find_min_ir_version_for(standard)
    model.ir_version = max(needed, _OLDEST_IR, _FUNCTIONS_IR if model.functions else 0)
    return model


def _run(model: Any, multiple: int) -> dict[str, NDArray[Any]]:
    """The tensors of one random image by name: each one node by node as the graph says, the output also as optimised.

    Of a large file the output only.
    """
    sides = iter(
        (multiple * -(-24 // multiple), multiple * -(-40 // multiple))
    )  # unequal: they cannot be mixed up
    shape = [d.dim_value or next(sides) for d in model.graph.input[0].type.tensor_type.shape.dim]
    levels = np.random.default_rng(0).integers(0, 256, shape)
    optimised = _tensors(model, levels, "ORT_ENABLE_ALL")
    if levels.size <= _LARGE:
        watched = type(model)()
        watched.CopyFrom(model)
        ends = {value.name for value in model.graph.output}
        made = [name for node in model.graph.node for name in node.output if name and name not in ends]
        value_info = require("onnx", _PURPOSE).ValueInfoProto
        watched.graph.output.extend(value_info(name=name) for name in made)
        model = watched
    plain = _tensors(model, levels, "ORT_DISABLE_ALL")
    return plain | {f"{name} (optimised)": values for name, values in optimised.items()}


def _tensors(model: Any, levels: NDArray[Any], optimisation: str) -> dict[str, NDArray[Any]]:
    ort = require("onnxruntime", _PURPOSE)
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, optimisation)
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    image = levels.astype(np.uint8) if entry.type == "tensor(uint8)" else (levels / 255).astype(np.float32)
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, {entry.name: image}), strict=True))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
