"""fp16 LiteRT files hold what runtimes of 2020 to today compute rightly: weights **and** biases behind a DEQUANTIZE.

Float16 weights beside a float32 bias give NaN or a wrong image on LiteRT 1.1 to 1.3 (`benchmarks/old_runtimes.py`); the
runtime that is installed here computes both forms, so the form itself is checked.
"""

from __future__ import annotations

import numpy as np
import pytest

from edgeir.core.errors import ExportError
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.half import halve_weights
from edgeir.exporting.targets.litert.target import LiteRT
from edgeir.models import RCANConfig

from .conftest import convert


def test_weights_and_biases_come_out_of_a_dequantize(converted, check_halves) -> None:
    assert check_halves(Graph(converted("tflite-fp16").data)) == 2 * 3


def test_depthwise_convolutions_too(busy, calibration, check_halves, run_litert) -> None:
    network = busy(RCANConfig(channels=16, groups=1, blocks=1, scale=1).build())
    halved = Graph(convert(LiteRT(precision="fp16"), network, (12, 10), "float", calibration).data)
    assert "DEPTHWISE_CONV_2D" in halved.kinds()
    weighted = [kind for kind in halved.kinds() if kind.endswith("CONV_2D")]
    assert check_halves(halved) == 2 * len(weighted)


def test_a_constant_with_several_readers_is_stored_once(converted, check_halves) -> None:
    graph = Graph(converted("tflite-fp32").data)
    [one, other, *_] = [op for op in graph.operators if graph.kind(op) == "CONV_2D"]
    other.inputs[2] = one.inputs[2]  # both have 8 outputs
    halve_weights(graph)
    again = Graph(graph.to_bytes())
    assert check_halves(again) == 2 * 3 - 1


def test_half_the_file(converted) -> None:
    full, half = (len(converted(f"tflite-{precision}").data) for precision in ("fp32", "fp16"))
    weights = sum(c.nbytes for c in _constants(Graph(converted("tflite-fp32").data)))
    assert half < full - weights / 2 + 8 * 130  # of the two operators' description per convolution


def test_the_integer_ends_carry_the_version_of_their_type(converted) -> None:
    graph = Graph(converted("tflite-int8").data)
    [last] = [op for op in graph.operators if graph.kind(op) == "DEQUANTIZE"]
    assert graph.model.operatorCodes[last.opcodeIndex].version == 2


def test_what_float16_cannot_hold_is_refused(converted) -> None:
    graph = Graph(converted("tflite-fp32").data)
    first = next(op for op in graph.operators if graph.kind(op) == "CONV_2D")
    buffer = graph.model.buffers[graph.tensor(int(first.inputs[2])).buffer]
    buffer.data = np.frombuffer(np.full(8, 7e4, np.float32).tobytes(), np.uint8)
    with pytest.raises(ExportError, match="7e\\+04 is beyond what float16 holds.*--precision fp32"):
        halve_weights(graph)


def _constants(graph: Graph) -> list[np.ndarray]:
    indices = {int(i) for op in graph.operators for i in op.inputs}
    return [value for index in indices if (value := graph.constant(index)) is not None]
