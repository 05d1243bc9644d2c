"""The graph of any Core ML ML program with one image in and out, for `edgeir inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgeir.exporting.inspect.graph import (
    GraphDescription,
    OperatorEntry,
    Quantisation,
    Reach,
    TensorEntry,
    Window,
    reach_of,
)
from edgeir.exporting.targets.coreml.details import attributes_of, quantisation_of, values_of
from edgeir.runtime.mil.package import read_package

__all__ = ["describe"]

_DTYPES = {"fp32": "float32", "fp16": "float16", "bool": "bool", "str": "str"}
_STORED = "constexpr_"
"""Beginning of the operators that only unpack constants."""


def describe(path: Path, size: tuple[int, int] | None = None) -> GraphDescription:
    """Read a ``.mlpackage``, whoever made it.

    Args:
        size: not used: a program holds its sizes.

    Raises:
        ArtifactError: it is damaged, or holds something else than one program of one image.
        MissingExtraError: coremltools is not installed.
    """
    del size
    package = read_package(path)
    function = package.function
    tensors = {name: _tensor(var) for name, var in function.inputs.items()}
    operators: list[OperatorEntry] = []
    weights: list[str] = []
    variables: dict[str, Any] = {}
    for operator in function.operations:
        if _is_stored(operator):
            continue
        for var in operator.outputs:
            tensors[var.name] = _tensor(var)
        names = {role: _names(var) for role, var in operator.inputs.items() if var is not None}
        for var in (item for value in operator.inputs.values() for item in _listed(value)):
            tensors.setdefault(var.name, _stored(var))
            variables.setdefault(var.name, var)
        inputs = tuple(name for group in names.values() for name in group if not _is_setting(tensors[name]))
        found = OperatorEntry(
            operator.op_type,
            inputs,
            tuple(v.name for v in operator.outputs),
            **_work(operator),
            attributes=attributes_of(operator),
            name=operator.outputs[0].name,
        )
        operators.append(found)
        weights += [name for name in inputs if tensors[name].constant]
    return GraphDescription(
        f"Core ML program, {function.opset_version.name}",
        tuple(function.inputs),
        tuple(var.name for var in function.outputs),
        tuple(operators),
        tensors,
        tuple(dict.fromkeys(weights)),
        lambda name: values_of(variables[name]) if name in variables else None,
    )


def _is_stored(operator: Any) -> bool:
    kind: str = operator.op_type
    return kind == "const" or kind.startswith(_STORED)


def _is_setting(tensor: TensorEntry) -> bool:
    """Sizes, axes, flags and names: constants, but nothing that is computed with."""
    return tensor.constant and (
        tensor.dtype not in ("float32", "float16", "int8", "uint8") or tensor.shape == ()
    )


def _listed(value: Any) -> list[Any]:
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    return [item for item in items if item is not None]


def _names(value: Any) -> list[str]:
    return [item.name for item in _listed(value)]


def _tensor(
    var: Any,
    *,
    constant: bool = False,
    dtype: str | None = None,
    quantised: Quantisation | None = None,
) -> TensorEntry:
    kind = dtype or _type_name(var)
    shape = getattr(var, "shape", None)
    sides = (
        None if shape is None else tuple(int(s) if isinstance(s, (int, np.integer)) else None for s in shape)
    )
    return TensorEntry(var.name, sides, _DTYPES.get(kind, kind), constant, quantised)


def _stored(var: Any) -> TensorEntry:
    """A constant, of the type that the file holds it in."""
    made_by = getattr(var, "op", None)
    if made_by is not None and made_by.op_type.startswith(_STORED):
        packed = made_by.inputs.get("quantized_data") or made_by.inputs.get("data")
        dtype = None if packed is None else _type_name(packed)
        return _tensor(var, constant=True, dtype=dtype, quantised=quantisation_of(made_by))
    return _tensor(var, constant=True)


def _type_name(var: Any) -> str:
    value = var.val
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.name
    from coremltools.converters.mil.mil.types import builtin_to_string

    return str(builtin_to_string(var.dtype))


def _setting(operator: Any, name: str, default: Any) -> Any:
    var = operator.inputs.get(name)
    return default if var is None or var.val is None else var.val


def _work(operator: Any) -> dict[str, Any]:
    kind = operator.op_type
    if kind in ("conv", "conv_transpose"):
        weight = operator.inputs["weight"]
        shape = tuple(int(side) for side in weight.shape)
        strides = [int(step) for step in _setting(operator, "strides", (1, 1))]
        dilations = [int(step) for step in _setting(operator, "dilations", (1, 1))]
        extent = ((shape[2] - 1) * dilations[0] + 1, (shape[3] - 1) * dilations[1] + 1)
        transposed = kind == "conv_transpose"
        window = Window(extent, enlarge=strides[0]) if transposed else Window(extent, stride=strides[0])
        products = int(np.prod(shape[1:]))
        return {"weights": weight.name, "products": products, "per_input": transposed, "reach": window}
    if kind in ("linear", "matmul"):
        right = operator.inputs["weight" if kind == "linear" else "y"]
        inner = operator.inputs["x"].shape[-1]
        reach: Reach = "pixel" if right.val is not None else "unknown"
        return {"products": int(inner) if isinstance(inner, (int, np.integer)) else None, "reach": reach}
    return {"reach": _reach(operator, kind)}


def _reach(operator: Any, kind: str) -> Reach:
    if kind in ("avg_pool", "max_pool"):
        sides = [int(side) for side in _setting(operator, "kernel_sizes", (1, 1))]
        return Window((sides[0], sides[1]), stride=int(_setting(operator, "strides", sides)[0]))
    if kind in ("pixel_shuffle", "depth_to_space"):
        factor = _setting(operator, "upscale_factor", None) or _setting(operator, "block_size", None)
        return Window(enlarge=int(factor)) if factor is not None else "unknown"
    if kind in ("pixel_unshuffle", "space_to_depth"):
        factor = _setting(operator, "downscale_factor", None) or _setting(operator, "block_size", None)
        return Window((int(factor), int(factor)), stride=int(factor)) if factor is not None else "unknown"
    if kind == "concat":  # along height or width it puts pixels elsewhere
        return "pixel" if int(_setting(operator, "axis", 0)) in (1, -3) else "unknown"
    if kind.startswith("upsample_"):
        factor = _setting(operator, "scale_factor_height", None)
        whole = factor is not None and float(factor).is_integer()
        return Window((3, 3), enlarge=int(factor)) if whole and factor is not None else "unknown"
    if kind.startswith("reduce_"):
        axes = _setting(operator, "axes", None)
        rank = len(operator.inputs["x"].shape)
        spatial = axes is None or any(int(axis) % rank >= 2 for axis in axes)
        return "global" if spatial else "pixel"
    return reach_of(kind)
