"""8-bit activations: a quantize and a dequantize in front of every convolution, with calibrated ranges.

coremltools' own quantiser of activations runs Core ML, which is on a Mac only. Quantised pairs of operators in torch's
program convert to MIL's; Core ML fuses them with the convolution and its 8-bit weights on the neural engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgeir.exporting.calibration import CalibrationData, fitted

__all__ = ["quantise_activations"]

_NARROWEST = 1e-6
"""Width of the range of a value that is always zero."""
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
    ranges = _ranges(
        graph_module, sources, fitted(calibration.range_inputs, (example.shape[2], example.shape[3]))
    )
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


def _ranges(module: Any, sources: list[Any], images: NDArray[np.float32]) -> dict[Any, tuple[float, float]]:
    """The (low, high) of each value over (N, H, W, C) images, zero in it; that of the input is the image's own."""
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
            Recorder(module).run(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None])))
    return {node: (0.0, 1.0) if node.op == "placeholder" else seen[node] for node in sources}


def _parameters(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of 8 signed bits over a range that holds zero."""
    scale = float(np.float32((max(high, low + _NARROWEST) - low) / 255))
    return scale, int(np.clip(round(-128 - low / scale), -128, 127))
