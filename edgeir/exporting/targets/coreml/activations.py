"""8-bit activations: a quantize and a dequantize in front of every convolution, with calibrated ranges.

coremltools' own quantiser of activations runs Core ML, which is on a Mac only. Quantised pairs of operators in torch's
program convert to MIL's; Core ML fuses them with the convolution and its 8-bit weights on the neural engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from edgeir.exporting.calibration import CalibrationData
from edgeir.quantize.observers import BINS, Observation
from edgeir.quantize.ranges import activation_range

__all__ = ["quantise_activations"]

_CONVOLUTIONS = ("conv2d", "convolution", "conv_transpose2d")


def quantise_activations(
    network: nn.Module, calibration: CalibrationData, example: torch.Tensor
) -> nn.Module:
    """The network as a graph whose convolutions read 8-bit values.

    Args:
        network: the deployed network.
        calibration: its `range_inputs` set the ranges; smaller inputs are mirrored to the size of `example`.
        example: (1, C, H, W), the size that is exported.
    """
    import torch.ao.quantization.fx._decomposed  # registers the operators

    graph_module: Any = torch.export.export(network, (example,)).module()
    sources = list(dict.fromkeys(node.args[0] for node in graph_module.graph.nodes if _is_convolution(node)))
    ranges = _ranges(graph_module, sources, _fitted(calibration.range_inputs, example.shape[2:]))
    quantized = torch.ops.quantized_decomposed
    for source in sources:
        scale, zero = _parameters(*ranges[source])
        with graph_module.graph.inserting_after(source):
            pair = graph_module.graph.call_function(
                quantized.quantize_per_tensor.default, (source, scale, zero, -128, 127, torch.int8)
            )
        with graph_module.graph.inserting_after(pair):
            back = graph_module.graph.call_function(
                quantized.dequantize_per_tensor.default, (pair, scale, zero, -128, 127, torch.int8)
            )
        for user in list(source.users):
            if _is_convolution(user) and user.args[0] is source:
                user.args = (back, *user.args[1:])
    graph_module.graph.lint()
    return torch.fx.GraphModule(graph_module, graph_module.graph)


def _is_convolution(node: Any) -> bool:
    name = getattr(node.target, "__name__", str(node.target))
    return node.op == "call_function" and name.split(".")[0] in _CONVOLUTIONS


def _ranges(module: Any, sources: list[Any], images: torch.Tensor) -> dict[Any, tuple[float, float]]:
    """The (low, high) of each value over the images; that of the network's input is the image's own."""
    seen: dict[Any, tuple[float, float]] = {}

    class Recorder(torch.fx.Interpreter):
        def run_node(self, n: Any) -> Any:
            result = super().run_node(n)
            if n in wanted:
                low, high = seen.get(n, (0.0, 0.0))
                seen[n] = (min(low, float(result.min())), max(high, float(result.max())))
            return result

    wanted = set(sources)
    with torch.inference_mode():
        for image in images:
            Recorder(module).run(image[None])
    for node in sources:
        low, high = seen[node]
        empty = np.zeros(1)
        seen[node] = (
            (0.0, 1.0)
            if node.op == "placeholder"
            else activation_range(Observation(low, high, empty, empty, np.zeros(BINS)), "minmax")
        )
    return seen


def _parameters(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of 8 signed bits over a range that holds zero."""
    scale = float(np.float32((high - low) / 255))
    return scale, int(np.clip(round(-128 - low / scale), -128, 127))


def _fitted(images: np.ndarray[Any, Any], size: Any) -> torch.Tensor:
    height, width = (int(side) for side in size)
    lacking = [(0, max(0, height - images.shape[1])), (0, max(0, width - images.shape[2]))]
    whole = np.pad(images[:, :height, :width], [(0, 0), *lacking, (0, 0)], mode="symmetric")
    return torch.from_numpy(np.ascontiguousarray(whole.transpose(0, 3, 1, 2)))
