"""Write a graph in an older operator set, as far as the operators' schemas say the same in both.

An operator's schema changes when it takes more types, has one more attribute or input, or makes an input of an
attribute; each change gives all its later uses a new version, also those that need nothing new. A node is written in
the older version where that version takes its types, its inputs, and its attributes:

- an attribute that the older version does not know is dropped where it has its default, which means "as before";
- an input of the newer version that is an attribute of the older one becomes that attribute, if it is a constant;
- an attribute whose default was renamed (``linear`` for ``bilinear``) is renamed, and one whose default changed and
  that the node leaves out is written out.

The schemas come with the package `onnx`; nothing here knows an operator by name. A change of what is computed under the
same signature is no part of a schema: `edgeir.exporting.targets.onnx.opset` runs both graphs and compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgeir.core.errors import ExportError
from edgeir.core.requires import require

__all__ = ["CannotLowerError", "changes_of", "lowered", "opset_of"]

_STANDARD = ("", "ai.onnx")
"""Names of ONNX's own set of operators."""


class CannotLowerError(ExportError):
    """An operator has no form in the older set."""


def changes_of(model: Any) -> list[int]:
    """The operator sets, oldest first, at which a schema of the graph's operators changed, the graph's own the last."""
    own = opset_of(model)
    schemas = require("onnx.defs", "exporting to ONNX")
    kinds = {node.op_type for node in _nodes(model.graph) if node.domain in _STANDARD}
    versions = {
        schema.since_version
        for schema in schemas.get_all_schemas_with_history()
        if schema.domain == "" and schema.name in kinds and schema.since_version < own
    }
    return [*sorted(versions), own]


def opset_of(model: Any) -> int:
    """The version of ONNX's own operators that the graph is written in."""
    return next(int(entry.version) for entry in model.opset_import if entry.domain in _STANDARD)


def lowered(model: Any, version: int) -> Any:
    """A copy of `model` in the operator set `version`, not newer than its own; the copy's IR version stays.

    Raises:
        CannotLowerError: naming the first operator that has no such form.
    """
    own = opset_of(model)
    result = type(model)()
    result.CopyFrom(model)
    if version == own:
        return result
    types = _element_types(model)
    for node in _nodes(result.graph):
        if node.domain in _STANDARD:
            _lower(node, own, version, result.graph, types)
    _drop_unused(result.graph)
    for entry in result.opset_import:
        if entry.domain in _STANDARD:
            entry.version = version
    return result


def _nodes(graph: Any) -> Iterator[Any]:
    """Every node, those of branches and loops included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)
            for inner in attribute.graphs:
                yield from _nodes(inner)


def _lower(node: Any, own: int, version: int, graph: Any, types: dict[str, str]) -> None:
    schemas = require("onnx.defs", "exporting to ONNX")
    newer = schemas.get_schema(node.op_type, own)
    if newer.since_version <= version:
        return
    if not schemas.has(node.op_type, max_inclusive_version=version, domain=""):
        raise CannotLowerError(f"opset {version} has no operator {node.op_type}")
    older = schemas.get_schema(node.op_type, version)
    if older.deprecated:
        raise CannotLowerError(f"the operator {node.op_type} is deprecated in opset {version}")
    _lower_attributes(node, newer, older, version)
    _inputs_to_attributes(node, newer, older, graph, version)
    _check_types(node, older, version, types)


def _lower_attributes(node: Any, newer: Any, older: Any, version: int) -> None:
    helper = require("onnx.helper", "exporting to ONNX")
    given = {attribute.name: attribute for attribute in node.attribute}
    for name, attribute in given.items():
        default = _default(newer, name)
        if name not in older.attributes:
            if default is None or helper.get_attribute_value(attribute) != default:
                raise CannotLowerError(
                    f"the operator {node.op_type} in opset {version} does not know its attribute `{name}`"
                )
            node.attribute.remove(attribute)
        elif isinstance(default, bytes) and helper.get_attribute_value(attribute) == default:
            attribute.s = _default(older, name) or default
    for name in newer.attributes:
        if name in given or name not in older.attributes:
            continue
        default, before = _default(newer, name), _default(older, name)
        if default != before and not (isinstance(default, bytes) and before is not None):
            if default is None:
                raise CannotLowerError(
                    f"the operator {node.op_type} in opset {version} wants the attribute `{name}`"
                )
            node.attribute.append(helper.make_attribute(name, default))


def _inputs_to_attributes(node: Any, newer: Any, older: Any, graph: Any, version: int) -> None:
    """Constant inputs that the older version has as attributes."""
    numpy_helper = require("onnx.numpy_helper", "exporting to ONNX")
    helper = require("onnx.helper", "exporting to ONNX")
    known = {parameter.name for parameter in older.inputs}
    if older.inputs and str(older.inputs[-1].option).endswith("Variadic"):
        return
    kept = []
    for parameter, name in zip(newer.inputs, node.input, strict=False):
        if parameter.name in known or parameter.name not in older.attributes:
            kept.append(name)
        elif name:
            constant = next((entry for entry in graph.initializer if entry.name == name), None)
            if constant is None:
                raise CannotLowerError(
                    f"the operator {node.op_type} in opset {version} wants a constant `{parameter.name}`"
                )
            value = numpy_helper.to_array(constant).tolist()
            node.attribute.append(helper.make_attribute(parameter.name, value))
    while kept and not kept[-1]:
        kept.pop()
    if len(kept) > older.max_input:
        raise CannotLowerError(
            f"the operator {node.op_type} in opset {version} takes {older.max_input} inputs, not {len(kept)}"
        )
    del node.input[:]
    node.input.extend(kept)


def _check_types(node: Any, older: Any, version: int, types: dict[str, str]) -> None:
    for parameters, names in ((older.inputs, node.input), (older.outputs, node.output)):
        for position, name in enumerate(names):
            parameter = parameters[min(position, len(parameters) - 1)]
            if name in types and types[name] not in parameter.types:
                raise CannotLowerError(
                    f"the operator {node.op_type} in opset {version} takes no {types[name]} as `{parameter.name}`"
                )


def _element_types(model: Any) -> dict[str, str]:
    """The type of every tensor that is known without running the graph, as schemas write it: ``tensor(float)``."""
    onnx = require("onnx", "exporting to ONNX")
    graph = onnx.shape_inference.infer_shapes(model).graph
    codes = {entry.name: entry.data_type for entry in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.HasField("tensor_type"):
            codes[value.name] = value.type.tensor_type.elem_type
    return {
        name: f"tensor({onnx.TensorProto.DataType.Name(code).lower()})"
        for name, code in codes.items()
        if code
    }


def _default(schema: Any, name: str) -> Any:
    """The default of an attribute; None where it has none."""
    helper = require("onnx.helper", "exporting to ONNX")
    attribute = schema.attributes[name].default_value
    return helper.get_attribute_value(attribute) if attribute.name else None


def _drop_unused(graph: Any) -> None:
    """Constants that nothing reads any more."""
    read = {name for node in _nodes(graph) for name in node.input} | {value.name for value in graph.output}
    for constant in [entry for entry in graph.initializer if entry.name not in read]:
        graph.initializer.remove(constant)
