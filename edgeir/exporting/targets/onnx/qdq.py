"""Static QDQ int8 of an ONNX graph by onnxruntime.quantization: per-channel weights, images of exactly 8 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.core.files import scratch_dir
from edgeir.core.requires import require
from edgeir.exporting.layers import fingerprint_of
from edgeir.exporting.targets.onnx.passes.integer_graph import set_image_output
from edgeir.exporting.targets.onnx.saturation import weight_overrides
from edgeir.quantize.weight_scales import WeightRule

__all__ = [
    "Images",
    "copied",
    "correct_bias",
    "layer_nodes",
    "nchw",
    "output_bias_error",
    "own_output_bias",
    "quantise_qdq",
]

Images = NDArray[np.float32]
"""(N, H, W, C) in [0, 1], or one of them."""


def quantise_qdq(
    model: Any,
    images: Images,
    *,
    ranges: Literal["minmax", "mean", "percentile", "entropy"],
    activations: Literal["uint8", "int8"],
    weights: WeightRule,
    per_tensor: bool = False,
    floats: Mapping[str, NDArray[np.float32]] | None = None,
    given: Mapping[str, list[dict[str, Any]]] | None = None,
) -> Any:
    """Quantise `model` (input ``image``, output ``restored``, NCHW float32, no clip at the end).

    The image's range is [0, 1] at both ends (scale 1/255), and so is the tensor that DepthToSpace only rearranges.

    Args:
        given: onnxruntime's `TensorQuantOverrides` of tensors whose range is known already.

    Raises:
        ExportError: onnxruntime has no such ranges, or a layer cannot stay in float.
    """
    methods = {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}
    if ranges not in methods:
        raise ExportError(
            f"onnxruntime sets no ranges by {ranges}",
            fix="choose target.ranges=minmax, percentile or entropy",
        )
    quantization = require("onnxruntime.quantization", "int8 for ONNX")
    onnx = require("onnx", "int8 for ONNX")
    kind = quantization.QuantType.QUInt8 if activations == "uint8" else quantization.QuantType.QInt8
    zero_point = np.array(0 if activations == "uint8" else -128, activations)
    eight_bits = [{"scale": np.array(1 / 255, np.float32), "zero_point": zero_point, "quant_type": kind}]
    overrides = {
        **weight_overrides(model, weights, per_tensor=per_tensor),
        **(given or {}),
        **dict.fromkeys(_image_tensors(model), eight_bits),
    }
    with scratch_dir("quantize", libraries=True) as folder:  # onnxruntime makes temporary folders of its own
        path = folder / "int8.onnx"
        quantization.quantize_static(
            copied(model),
            path,
            _Reader(images),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=not per_tensor,
            nodes_to_exclude=layer_nodes(model, floats or {}),
            activation_type=kind,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=getattr(quantization.CalibrationMethod, methods[ranges]),
            extra_options={"TensorQuantOverrides": overrides},
        )
        integer = onnx.load(path)
    set_image_output(integer, activations)  # onnxruntime leaves it in float behind what it does not quantise
    return integer


def layer_nodes(model: Any, layers: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """The name of the node that is each layer, by `edgeir.exporting.layers.fingerprint_of` its weights.

    Raises:
        ExportError: a layer was merged into another one, or makes the output.
    """
    numpy_helper = require("onnx.numpy_helper", "int8 for ONNX")
    constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    kernels = {
        node.name: (node, fingerprint_of(constants[node.input[1]]))
        for node in model.graph.node
        if node.op_type == "Conv" and node.input[1] in constants
    }
    names = []
    for layer, fingerprint in layers.items():
        found = [node for node, own in kernels.values() if np.array_equal(own, fingerprint)]
        if len(found) != 1:
            raise ExportError(
                f"the layer `{layer}` is not a layer of its own in the converted graph",
                fix="leave it out of the plan",
            )
        users = [node.op_type for node in model.graph.node if found[0].output[0] in node.input]
        if found[0].output[0] == "restored" or {"Add", "DepthToSpace"} & set(users):
            raise ExportError(
                f"the layer `{layer}` makes the output, which an int8 file gives in integers",
                fix="leave it out of the plan",
            )
        names.append(found[0].name)
    return names


def own_output_bias(model: Any) -> None:
    """Give the convolution whose bias is added to the output a bias of its own, in place.

    torch's exporter stores equal constants once: a bias of zeros may be that of another layer as well.
    """
    convolution, _ = _last_convolution(model)
    if convolution is None:
        return
    shared = next((one for one in model.graph.initializer if one.name == convolution.input[2]), None)
    if shared is not None and _users(model, shared.name) > 1:
        own = model.graph.initializer.add()
        own.CopyFrom(shared)
        own.name = convolution.input[2] = f"{shared.name}_of_{convolution.output[0]}"


def correct_bias(model: Any, integer: Any, images: Images) -> bool:
    """Subtract the integer graph's mean error from the float graph's last bias, in place; whether there was one.

    The error is measured per colour and position in the shuffle's block (see `bias` of the LiteRT target).
    """
    numpy_helper = require("onnx.numpy_helper", "int8 for ONNX")
    found = output_bias_error(model, integer, images)
    if found is None:
        return False
    name, error = found
    initialiser = next(entry for entry in model.graph.initializer if entry.name == name)
    bias = numpy_helper.to_array(initialiser)
    initialiser.CopyFrom(numpy_helper.from_array((bias - error).astype(np.float32), name))
    return True


def output_bias_error(model: Any, integer: Any, images: Images) -> tuple[str, NDArray[np.float64]] | None:
    """The constant that is the float graph's last bias, and the integer graph's mean error where it is added.

    None: the graph ends without such a bias, or other layers use it as well.
    """
    convolution, block = _last_convolution(model)
    if convolution is None:
        return None
    name = convolution.input[2]
    if _users(model, name) != 1 or name not in {entry.name for entry in model.graph.initializer}:
        return None
    return name, _means(integer, images, block) - _means(model, images, block)


class _Reader:
    """A calibration data reader of onnxruntime."""

    def __init__(self, images: Images) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, Images] | None:
        image = next(self._images, None)
        return None if image is None else {"image": nchw(image)}


def copied(model: Any) -> Any:
    """A copy of a model."""
    copy = type(model)()
    copy.CopyFrom(model)
    return copy


def nchw(image: Images) -> Images:
    """An HWC image as a batch of one, NCHW."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None])


def _users(model: Any, name: str) -> int:
    return sum(list(node.input).count(name) for node in model.graph.node)


def _maker(model: Any, name: str) -> Any | None:
    return next((node for node in model.graph.node if name in node.output), None)


def _image_tensors(model: Any) -> list[str]:
    """Tensors that hold the image: input, output, and what DepthToSpace rearranges into it."""
    last = _maker(model, "restored")
    shuffled = [last.input[0]] if last is not None and last.op_type == "DepthToSpace" else []
    return ["image", "restored", *shuffled]


def _last_convolution(model: Any) -> tuple[Any | None, int]:
    """The convolution whose bias is added to the output, and the shuffle's block size."""
    node, block = _maker(model, "restored"), 1
    if node is not None and node.op_type == "Clip":  # left in graphs that compute in float
        node = _maker(model, node.input[0])
    if node is not None and node.op_type == "DepthToSpace":
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if attributes["mode"].s != b"CRD":
            return None, 1
        block = int(attributes["blocksize"].i)
        node = _maker(model, node.input[0])
    return _convolution_with_bias(model, node), block


def _convolution_with_bias(model: Any, node: Any | None) -> Any | None:
    """The node itself, or the first of those that are added up in it."""
    if node is not None and node.op_type == "Add":
        terms = (_convolution_with_bias(model, _maker(model, name)) for name in node.input)
        return next((term for term in terms if term is not None), None)
    return node if node is not None and node.op_type == "Conv" and len(node.input) > 2 else None


def _means(model: Any, images: Images, block: int) -> NDArray[np.float64]:
    """Mean of each channel in front of the shuffle, measured behind it: (colours * block²,), colour-major."""
    total: NDArray[np.float64] = np.zeros(())
    for output in _outputs(model, images):
        out = np.clip(output, 0, 1)
        colours, height, width = out.shape
        cells = out.reshape(colours, height // block, block, width // block, block)
        total = total + cells.mean((1, 3), dtype=np.float64).reshape(-1)
    return total / len(images)


def _outputs(model: Any, images: Images) -> list[NDArray[np.float32]]:
    """What the graph makes of the images, each (C, H, W), without the saturation that some CPUs' kernels have.

    Raises:
        ExportError: onnxruntime cannot run the graph.
    """
    ort = require("onnxruntime", "int8 for ONNX")
    content, reason = model.SerializeToString(), ""
    # The option that keeps saturation out stops at some graphs ("attempt to replace the existing tensor", FDR-Net with
    # onnxruntime 1.31). Below "extended" nothing is fused into integer kernels: floats compute what the integers mean.
    for level in (ort.GraphOptimizationLevel.ORT_ENABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_BASIC):
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        options.graph_optimization_level = level
        options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            session = ort.InferenceSession(
                content, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
            return [session.run(None, {"image": nchw(image)})[0][0] for image in images]
        except Exception as error:  # onnxruntime's own classes, which have no common base
            reason = reason or str(error).split("onnxruntime_src/onnxruntime/")[-1][:160]
    raise ExportError(
        f"onnxruntime cannot run the integers that its quantiser made of this network: {reason}",
        fix="choose --precision w8 or fp16, --quantizer nncf, or another target",
    )
