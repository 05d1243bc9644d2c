"""Static QDQ int8 of an ONNX graph by NNCF, OpenVINO's quantiser: its choice of tensors, their ranges, its biases.

NNCF measures each layer's mean error and takes it off that layer's bias (fast bias correction); onnxruntime's quantiser
knows nothing of the kind. Whatever makes a file of edgeir's right everywhere is the same with both: weights that no x86
CPU saturates on, images of exactly 8 bits at both ends, activations of one type, biases in integers
(`passes.integer_graph`).

NNCF sends statistics of its use to its makers, without asking; here it does not.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.core.requires import require
from edgeir.exporting.targets.onnx.passes.integer_graph import (
    integer_biases,
    one_type,
    set_image_input,
    set_image_output,
    set_weights,
)
from edgeir.exporting.targets.onnx.qdq import Images, copied, layer_nodes, nchw, output_bias_error
from edgeir.quantize.weight_scales import WeightRule

__all__ = ["quantise_nncf"]

_NOT_IMPORTED = ("openvino_telemetry",)
_OUTSIDE = 1e-4
"""`percentile`: the share of values that may lie beyond either end of a range."""


def quantise_nncf(
    model: Any,
    images: Images,
    *,
    ranges: str,
    activations: str,
    weights: WeightRule,
    per_tensor: bool = False,
    floats: Mapping[str, NDArray[np.float32]] | None = None,
    bias_images: Images | None = None,
) -> Any:
    """Quantise `model` (input ``image``, output ``restored``, NCHW float32, no clip at the end); it stays as it is.

    Args:
        bias_images: correct biases, the last one so that the mean colour on these images is the float graph's.

    Raises:
        ExportError: NNCF has no such ranges, or a layer cannot stay in float.
        MissingExtraError: nncf is not installed.
    """
    nncf = _nncf()
    integer = nncf.quantize(
        copied(model),
        nncf.Dataset(list(images), lambda image: {"image": nchw(image)}),
        subset_size=len(images),
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(names=layer_nodes(model, floats or {})),
        advanced_parameters=_advanced(ranges, per_tensor=per_tensor, correct=bias_images is not None),
    )
    del integer.graph.value_info[:]  # types that change below
    set_weights(integer, model, weights, per_tensor=per_tensor)
    one_type(integer, activations)
    set_image_input(integer, activations)
    set_image_output(integer, activations)
    if bias_images is not None and (found := output_bias_error(model, integer, bias_images)) is not None:
        numpy_helper = require("onnx.numpy_helper", "int8 for ONNX")
        name, error = found
        bias = next(entry for entry in integer.graph.initializer if entry.name == name)
        bias.CopyFrom(numpy_helper.from_array((numpy_helper.to_array(bias) - error).astype(np.float32), name))
    integer_biases(integer)
    return integer


def _nncf() -> Any:
    """The package, imported without the one that sends statistics of use and writes a folder into the user's home."""
    absent = {name: None for name in _NOT_IMPORTED if name not in sys.modules}
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        nncf = require("nncf", "quantising with NNCF")
    finally:
        for name in absent:
            del sys.modules[name]
    # Not `nncf.set_log_level`, which also turns down every handler that its logger has, whoever put it there.
    logging.getLogger("nncf").setLevel(logging.ERROR)
    return nncf


def _advanced(ranges: str, *, per_tensor: bool, correct: bool) -> Any:
    advanced = require("nncf.quantization.advanced_parameters", "quantising with NNCF")
    estimators = require("nncf.quantization.range_estimator", "quantising with NNCF")
    if ranges == "entropy":
        raise ExportError(
            "NNCF sets no ranges by entropy", fix="choose target.ranges=minmax, mean or percentile"
        )
    kinds, aggregators = estimators.StatisticsType, estimators.AggregatorType

    def end(kind: Any, aggregator: Any) -> Any:
        return estimators.StatisticsCollectorParameters(
            statistics_type=kinds.QUANTILE if ranges == "percentile" else kind,
            aggregator_type=aggregators.MEAN if ranges == "mean" else aggregator,
            quantile_outlier_prob=_OUTSIDE,
        )

    return advanced.AdvancedQuantizationParameters(
        overflow_fix=advanced.OverflowFix.DISABLE,  # `set_weights` has a finer one
        disable_bias_correction=not correct,
        weights_quantization_params=advanced.QuantizationParameters(per_channel=not per_tensor),
        activations_range_estimator_params=estimators.RangeEstimatorParameters(
            min=end(kinds.MIN, aggregators.MIN), max=end(kinds.MAX, aggregators.MAX)
        ),
    )
