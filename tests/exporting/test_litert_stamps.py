"""Operator versions and the oldest runtime in a file, against LiteRT's own converter; constants aligned."""

from __future__ import annotations

import json
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.prepared import prepared
from edgeir.exporting.target import Job
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.stamps import MIN_RUNTIME_ENTRY, version_needed
from edgeir.exporting.targets.litert.releases import (
    MEASURED_NETWORKS,
    MEASURED_PRECISIONS,
    OLDEST_MEASURED,
    needs_of,
)
from edgeir.exporting.targets.litert.target import _as_it_comes
from edgeir.models import ARCNNConfig, DANetConfig, FFDNetConfig, MultiscaleDenoiserConfig, PlainSRConfig
from edgeir.runtime.quiet import libraries_silenced


@pytest.mark.parametrize(
    "config",
    [
        PlainSRConfig(channels=8, blocks=1),
        FFDNetConfig(channels=1),
        ARCNNConfig(),
        MultiscaleDenoiserConfig(),
        pytest.param(DANetConfig(widths=(16, 24), blocks=1, bottom_blocks=1), marks=pytest.mark.slow),
    ],
    ids=lambda config: config.kind,
)
def test_float_operators_are_stamped_as_the_converter_stamps_them(config, busy):
    network = busy(config.build())
    with libraries_silenced():
        job = Job(network, (32, 32), "float", CalibrationData.none(network.facts.channels))
        graph = Graph(_as_it_comes(prepared(network, (32, 32)), job, (32, 32)))
    ours = [version_needed(graph, operator) for operator in graph.operators]
    assert [
        (graph.kind(operator), version) for operator, version in zip(graph.operators, ours, strict=True)
    ] == [(graph.kind(operator), graph.version(operator)) for operator in graph.operators]


def test_integer_and_half_operators_are_stamped_by_the_published_rules(converted):
    """The versions of LiteRT's op_version.cc for 8-bit data."""
    expected = {
        "CONV_2D": 3,
        "DEPTH_TO_SPACE": 2,
        "QUANTIZE": 1,
        "DEQUANTIZE": 2,
        "ADD": 2,
        "CONCATENATION": 2,
    }
    graph = Graph(converted("tflite-int8").data)
    found = {graph.kind(operator): graph.version(operator) for operator in graph.operators}
    assert found == {kind: expected[kind] for kind in found}
    graph = Graph(converted("tflite-fp16").data)
    assert {graph.version(op) for op in graph.operators if graph.kind(op) == "DEQUANTIZE"} == {3}


@pytest.mark.parametrize(
    ("profile", "oldest"), [("tflite-fp32", "2.1.0"), ("tflite-fp16", "2.1.0"), ("tflite-int8", "2.5.0")]
)
def test_a_file_says_the_first_runtime_that_knows_its_operators(converted, profile, oldest):
    model = schema.ModelT.InitFromPackedBuf(bytearray(converted(profile).data), 0)
    entries = {entry.name.decode(): bytes(model.buffers[entry.buffer].data) for entry in model.metadata}
    assert entries[MIN_RUNTIME_ENTRY] == oldest.encode().ljust(16, b"\0")  # DEPTH_TO_SPACE of version 1 or 2


@pytest.mark.parametrize("profile", ["tflite-fp32", "tflite-fp16", "tflite-int8"])
def test_constants_start_at_multiples_of_16_bytes(converted, profile):
    data = converted(profile).data
    model = schema.Model.GetRootAs(data, 0)
    starts = []
    for number in range(model.BuffersLength()):
        buffer = model.Buffers(number)
        field = flatbuffers.number_types.UOffsetTFlags.py_type(buffer._tab.Offset(4))
        if field:
            starts.append(buffer._tab.Vector(field))
    assert len(starts) > 4
    assert [start % 16 for start in starts] == [0] * len(starts)
    np.testing.assert_equal(model.Buffers(0).DataLength(), 0)  # the schema's empty buffer


def test_the_oldest_measured_release_is_that_of_the_published_check():
    results = json.loads((Path(__file__).parents[2] / "benchmarks/results/old-runtimes.json").read_text())
    found = results["oldest_right"]
    assert set(found) - {"int8-bytes"} == MEASURED_PRECISIONS
    assert {name.removesuffix("-gray") for name in found["fp32"]} == MEASURED_NETWORKS
    for precision in found:
        assert set(found[precision].values()) == {f"tflite-runtime=={OLDEST_MEASURED}"}, precision


def test_what_was_not_run_is_not_said_to_be_right(tiny):
    with libraries_silenced():
        job = Job(tiny, (16, 16), "float", CalibrationData.none(3))
        graph = Graph(_as_it_comes(prepared(tiny, (16, 16)), job, (16, 16)))
    assert needs_of(graph, "plainsr", "fp16").measured == OLDEST_MEASURED
    assert needs_of(graph, "module", "fp16").measured is None
    assert needs_of(graph, "plainsr", "w8").measured is None
