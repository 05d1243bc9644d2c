"""The graph of any ncnn network with pnnx's names, one input and one output, for `edgeir inspect`.

An ncnn file does not say the sizes of its tensors, so what depends on them is left open.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.exporting.inspect.graph import (
    Attribute,
    GraphDescription,
    OperatorEntry,
    Quantisation,
    TensorEntry,
    Window,
    reach_of,
)
from edgeir.runtime.ncnn_file import BIN, INPUT, OUTPUT, PARAM, Layer, parse_param, weights_of

__all__ = ["describe"]


def describe(path: Path, size: tuple[int, int] | None = None) -> GraphDescription:
    """Read the ``.param`` and the ``.bin`` in a folder.

    Args:
        size: not used.

    Raises:
        ArtifactError: they are damaged, or the network has other ends.
    """
    del size
    try:
        text, content = (path / PARAM).read_text(encoding="utf-8"), (path / BIN).read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"cannot be read: {error}", where=path) from error
    layers = parse_param(text, where=path)
    tensors = {name: TensorEntry(name, None, "float32") for layer in layers for name in layer.outputs}
    inputs: dict[int, list[str]] = {}
    parts: Counter[int] = Counter()
    stretches: dict[str, tuple[int, int, str]] = {}
    for weight in weights_of(layers, content, where=path) or []:
        name = f"{layers[weight.layer].name}.{parts[weight.layer]}"
        parts[weight.layer] += 1
        stretches[name] = (weight.start, weight.end, weight.dtype)
        quantised = _quantised(layers[weight.layer]) if weight.dtype == "int8" else None
        tensors[name] = TensorEntry(name, (weight.count,), weight.dtype, constant=True, quantised=quantised)
        inputs.setdefault(weight.layer, []).append(name)
    operators = [
        OperatorEntry(
            layer.kind,
            (*layer.inputs, *inputs.get(index, ())),
            tuple(layer.outputs),
            **_work(layer),
            attributes=_attributes(layer),
            name=layer.name,
        )
        for index, layer in enumerate(layers)
        if layer.kind not in ("Input", "MemoryData")
    ]

    def values(name: str) -> NDArray[Any] | None:
        start, end, dtype = stretches.get(name, (0, 0, "float32"))
        return np.frombuffer(content[start:end], dtype) if end else None

    scales = {name for index, names in inputs.items() for name in names[_weights_and_bias(layers[index]) :]}
    return GraphDescription(
        "ncnn",
        (INPUT,),
        (OUTPUT,),
        tuple(operators),
        tensors,
        tuple(name for names in inputs.values() for name in names if name not in scales),
        values,
    )


def _quantised(layer: Layer) -> Quantisation:
    """Scales of each output channel; of a depthwise convolution for each group or one (`ncnn_file`)."""
    alone = layer.kind == "ConvolutionDepthWise" and layer.integer(8) % 100 != 1
    return Quantisation("tensor" if alone else "channel")


def _attributes(layer: Layer) -> dict[str, Attribute]:
    """The settings by their numbers, and what `OperatorEntry.attributes` asks of a convolution."""
    found: dict[str, Attribute] = {}
    for key, text in layer.settings.items():
        with contextlib.suppress(ValueError):
            if key >= 0:
                found[str(key)] = float(text) if "." in text or "e" in text else int(text)
    value = layer.integer
    if layer.kind.startswith(("Convolution", "Deconvolution")):
        found["kernel"] = (value(11, value(1)), value(1))
        found["stride"] = (value(13, value(3, 1)), value(3, 1))
        found["dilation"] = (value(12, value(2, 1)), value(2, 1))
        found["groups"], found["channels"] = value(7, 1), value(0)
        found["int8"] = bool(value(8))
    return found


def _weights_and_bias(layer: Layer) -> int:
    """How many of the layer's arrays are weights and biases; what follows are the scales of integers."""
    if layer.kind.startswith(("Convolution", "Deconvolution")):
        return 1 + bool(layer.integer(5))
    return 1 + bool(layer.integer(1)) if layer.kind == "InnerProduct" else 9


def _work(layer: Layer) -> dict[str, Any]:
    value = layer.integer
    if layer.kind.startswith(("Convolution", "Deconvolution")):
        width = (value(1) - 1) * value(2, 1) + 1
        height = (value(11, value(1)) - 1) * value(12, value(2, 1)) + 1
        stride = value(3, 1)
        if layer.kind.startswith("De"):
            return {"products": value(6), "per_input": True, "reach": Window((height, width), enlarge=stride)}
        return {"products": value(6) // max(value(0), 1), "reach": Window((height, width), stride=stride)}
    if layer.kind == "Pooling":
        whole = bool(value(4))
        return {"reach": "global" if whole else Window((value(11, value(1)), value(1)), stride=value(2, 1))}
    if layer.kind == "PixelShuffle":
        return {"reach": Window(enlarge=value(0, 1))}
    if layer.kind == "Concat":  # along height or width it puts pixels elsewhere
        return {"reach": "pixel" if value(0) in (0, -3) else "unknown"}
    if layer.kind == "Reduction":
        return {"reach": "global"}
    return {"reach": "pixel" if layer.kind == "Split" else reach_of(layer.kind)}
