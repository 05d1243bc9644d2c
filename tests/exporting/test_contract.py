"""Every network of `AnyModel`, on every target: it converts, the graph is clean, and the file computes the network.

A new network is covered the moment it is named in `AnyModel`. That it passes `torch.export` is part of the networks'
own contract (`tests/models/test_contract.py`).
"""

from __future__ import annotations

import importlib.util
import typing

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from edgeir.core.errors import ExportError
from edgeir.core.trust import trusting_code
from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.inspect.graph import GraphDescription
from edgeir.exporting.inspect.measure import macs, parameters, receptive_field
from edgeir.exporting.target import Job
from edgeir.exporting.targets.coreml.describe import describe as describe_coreml
from edgeir.exporting.targets.coreml.target import CoreML
from edgeir.exporting.targets.litert.describe import describe as describe_litert
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.half import halve_weights
from edgeir.exporting.targets.litert.target import LiteRT, clean_problems, pixel_shuffles
from edgeir.exporting.targets.ncnn.describe import describe as describe_ncnn
from edgeir.exporting.targets.ncnn.target import NCNN
from edgeir.exporting.targets.onnx.describe import describe as describe_onnx
from edgeir.exporting.targets.onnx.target import ONNX
from edgeir.models import (
    AnyModel,
    AODNetConfig,
    DANetConfig,
    EDSRConfig,
    PlainSRConfig,
    PlainUSRConfig,
    SMFANetConfig,
    SpandrelConfig,
)
from edgeir.models.base import parameter_count
from edgeir.models.blocks.gates import GateKind
from edgeir.models.blocks.image_grid import GRID
from edgeir.restoring.tiling import plan, run_tiled
from edgeir.runtime.mil.package import read_package
from edgeir.runtime.mil.program import Program

from .conftest import convert
from .ncnn_runs import run_ncnn

MEMBERS = [
    member
    for member in typing.get_args(typing.get_args(AnyModel)[0])
    if member is not SpandrelConfig or importlib.util.find_spec("spandrel")  # an extra
]
SMALL_DANET = {"widths": (16, 24), "blocks": 1, "bottom_blocks": 1}
FLAT_DANET = {"widths": (16,), "bottom_blocks": 1}
SMALL_PPDN = {"stem": 4, "growth": 2, "layers": (1, 2, 1, 1), "expansion": 1.0,
              "decoder_growths": (4, 4, 3, 3, 2), "decoder_widths": (4, 3, 3, 2, 2)}  # fmt: skip
FOREIGN = {"factory": "torch.nn:Conv2d", "task": "denoising", "receptive_radius": 1,
           "arguments": {"in_channels": 3, "out_channels": 3, "kernel_size": 3, "padding": 1}}  # fmt: skip
POPULAR = {"architecture": "Compact", "network": "SRVGGNetCompact", "task": "super-resolution", "scale": 2,
           "arguments": {"num_feat": 8, "num_conv": 2, "upscale": 2}, "receptive_radius": 4}  # fmt: skip
SMALLER = {
    "module": FOREIGN,
    "spandrel": POPULAR,
    "plainsr": {"channels": 8, "blocks": 2},
    "unet": {"widths": (8, 12), "middle": 1, "decoder": 1, "branches": ()},
    "dilated": {"width": 16, "layers": 3},
    "edsr": {"channels": 8, "blocks": 1, "residual_scale": 0.5},
    "rcan": {"channels": 16, "groups": 1, "blocks": 1},
    "smfanet": {"channels": 8, "blocks": 2},
    "bsrn": {"channels": 16, "blocks": 2},
    "plainusr": {"channels": 10, "widths": (10, 6)},
    "dncnn": {"depth": 4, "width": 16},
    "fdr-net": {"channels": 16, "phases": 1, "layers": 1, "process_blocks": 1, "auxiliary_blocks": 1},
    "ppdn": SMALL_PPDN,
    "danet": SMALL_DANET,
    "danet-autoencoder": {"encoder": FLAT_DANET, "decoder": FLAT_DANET},
}
"""Where the default takes long to convert; every kind of operator is still there."""
LONG = {"danet", "danet-autoencoder", "multiscale-denoiser", "ppdn"}
CONFIGS = [
    pytest.param(
        member(**SMALLER.get(kind := member.model_fields["kind"].default, {})),
        id=kind,
        marks=[pytest.mark.slow] if kind in LONG else [],
    )
    for member in MEMBERS
] + [
    pytest.param(PlainSRConfig(channels=8, blocks=2, branches=(), gate=gate), id=f"plainsr-{gate}")
    for gate in typing.get_args(GateKind)
]
RESHAPES_OF_A_SAMPLING, RESHAPES_OF_THE_GRIDS = 7, 4
RESHAPES_OF_THE_SIDES = 6
"""ONNX: GridSample takes groups of channels as images of a batch, and its grid grows with the image. What
continues an image up to whole cells counts the pixels that its sides lack."""


@pytest.fixture(params=CONFIGS)
def network(request, busy):
    with trusting_code():
        return busy(request.param.build())


def sides(network, *units: int, whole_cells: bool = True) -> tuple[int, ...]:
    """Large enough for the network, and with `whole_cells` of a size that every format can pool on its grid."""
    least = network.least_side if network.least_side > 1 else 0
    wanted = [network.facts.size_multiple * unit + least for unit in units]
    return tuple(
        side - side % network.cell if whole_cells and not network.continues else side for side in wanted
    )


def image_and_output(network, size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A random NCHW image and what the deployed network makes of it."""
    image = np.random.default_rng(5).random((1, 3, *size), dtype=np.float32)
    with torch.inference_mode():
        expected = network.deploy()(torch.from_numpy(image)).numpy()
    assert ((expected > 0) & (expected < 1)).mean() > 0.1  # a clip hides what a wrong graph computes
    return image, expected


def check_description(
    network, described: GraphDescription, size: tuple[int, ...], *, counts: bool = True
) -> None:
    """What `edgeir inspect` reads out of the file agrees with the network, which knows nothing of the file."""
    found = receptive_field(described)
    if set(network.facts.global_operations) - {GRID}:  # a grid alone reaches a few cells
        assert found.radius is None
    else:
        assert found.radius is None or found.radius >= network.facts.receptive_radius
    counted, weights = macs(described, size), parameters(described)
    assert weights is not None
    assert weights <= 1.02 * parameter_count(network) + 100
    if counts and counted is not None and "deformable sampling" not in network.facts.global_operations:
        assert counted == network.macs(*size)


def run_onnx(data: bytes, tensor: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(["restored"], {"image": tensor})[0]


def test_litert(network, calibration, run_litert, check_halves, tmp_path) -> None:
    size = sides(network, 11, 7)
    made = convert(LiteRT(), network, size, "float", calibration)
    graph = Graph(made.data)
    assert clean_problems(graph, shuffles=pixel_shuffles(network)) == []
    scale = network.facts.net_scale
    assert made.input.shape == (1, *size, 3)
    assert made.output.shape == (1, *(scale * side for side in size), 3)
    image, expected = image_and_output(network, size)
    got = run_litert(made.data, np.ascontiguousarray(image.transpose(0, 2, 3, 1)))
    np.testing.assert_allclose(got.transpose(0, 3, 1, 2), expected, atol=1e-5)
    (tmp_path / "model.tflite").write_bytes(made.data)
    check_description(network, describe_litert(tmp_path / "model.tflite"), size)
    halve_weights(graph)
    halved = graph.to_bytes()
    assert check_halves(Graph(halved)) > 0
    got = run_litert(halved, np.ascontiguousarray(image.transpose(0, 2, 3, 1)))
    np.testing.assert_allclose(got.transpose(0, 3, 1, 2), expected, atol=5e-3)


def test_onnx(network, calibration, tmp_path) -> None:
    made = convert(ONNX(), network, None, "float", calibration)
    kinds = [node.op_type for node in onnx.load_from_string(made.data).graph.node]
    assert "Transpose" not in kinds
    samplings = kinds.count("GridSample")
    allowed = RESHAPES_OF_A_SAMPLING * samplings + RESHAPES_OF_THE_GRIDS if samplings else 0
    if network.cell > 1:  # of the numbers of rows and columns that make a cell
        allowed += kinds.count("Gather") + (RESHAPES_OF_THE_SIDES if network.continues else 0)
    assert kinds.count("Reshape") <= allowed
    assert kinds.count("DepthToSpace") <= pixel_shuffles(network)
    (tmp_path / "model.onnx").write_bytes(made.data)
    for units in ((11, 7), (8, 13)):
        size = sides(network, *units, whole_cells=False)
        # The number of pixels is followed through a file of any size, not what it continues the image by.
        whole = not network.continues or all(side % network.cell == 0 for side in size)
        check_description(network, describe_onnx(tmp_path / "model.onnx", size), size, counts=whole)
        image, expected = image_and_output(network, size)
        np.testing.assert_allclose(run_onnx(made.data, image), expected, atol=1e-5)


def test_coreml(network, calibration, tmp_path) -> None:
    size = sides(network, 11, 7)
    image, expected = image_and_output(network, size)
    for precision, tolerance in (("fp32", 1e-5), ("fp16", 1e-2)):
        package = tmp_path / f"{precision}.mlpackage"
        CoreML(precision=precision).write(Job(network, size, "float", CalibrationData(calibration)), package)
        check_description(network, describe_coreml(package), size)
        got = Program(read_package(package).function, threads=1, where=package).run(image)
        np.testing.assert_allclose(got, expected, atol=tolerance)


@pytest.mark.parametrize(("plan", "limit"), [("fp32", 1e-4), ("fp16", 5e-3)])
def test_ncnn(plan, limit, network, tmp_path) -> None:
    """Any size, but for deformable sampling, grids over the image and continued images: ncnn computes them for one."""
    bound = not {"deformable sampling", GRID}.isdisjoint(network.facts.global_operations) or network.continues
    sizes = [sides(network, *units) for units in ([(11, 7)] if bound else [(11, 7), (8, 13)])]
    job = Job(network, sizes[0] if bound else None, "float", CalibrationData.none(3))
    folder = NCNN(precision=plan).write(job, tmp_path / "model.ncnn").path
    for size in sizes:
        check_description(network, describe_ncnn(folder), size)
        image, expected = image_and_output(network, size)
        np.testing.assert_allclose(run_ncnn(folder, image), expected, atol=limit)


@pytest.mark.parametrize("config", [EDSRConfig(**SMALLER["edsr"]), AODNetConfig()], ids=["edsr", "aod-net"])
def test_litert_int8_is_integer_inside(config, busy, calibration, run_litert) -> None:
    network = busy(config.build())
    made = convert(LiteRT(precision="int8"), network, (16, 12), "float", calibration)
    graph = Graph(made.data)
    assert graph.kinds().count("QUANTIZE") == graph.kinds().count("DEQUANTIZE") == 1
    image, expected = image_and_output(network, (16, 12))
    got = run_litert(made.data, np.ascontiguousarray(image.transpose(0, 2, 3, 1)))
    assert 0 < np.sqrt(np.mean((got.transpose(0, 3, 1, 2) - expected) ** 2)) < 0.02


@pytest.mark.parametrize(
    ("target", "title"),
    [(LiteRT(), "LiteRT"), (CoreML(), "Core ML"), (NCNN(), "ncnn")],
    ids=lambda value: str(value)[:6],
)
def test_a_grid_that_does_not_fit_is_refused_with_a_size_that_does(
    target, title, calibration, tmp_path
) -> None:
    network = SMFANetConfig(**SMALLER["smfanet"]).build()
    said = rf"cells of 8 pixels, and a {title} file .* not for 20x27 \(choose --size 16x24, .* or --target onnx\)"
    with pytest.raises(ExportError, match=said):
        convert(target, network, (20, 27), "float", calibration)


def test_a_file_of_several_sizes_has_no_grid(calibration, tmp_path) -> None:
    network = PlainUSRConfig(**SMALLER["plainusr"]).build()
    with pytest.raises(ExportError, match=r"a ncnn file holds that of one size \(pass one --size"):
        NCNN().write(Job(network, None, "float", CalibrationData.none(3)), tmp_path / "model.ncnn")
    continued = PlainSRConfig(channels=8, blocks=2, gate="local").build()
    with pytest.raises(
        ExportError, match=r"cells of 8 pixels, and a ncnn file .* of one size \(pass one --size"
    ):
        NCNN().write(Job(continued, None, "float", CalibrationData.none(3)), tmp_path / "model.ncnn")
    job = Job(network, (16, 16), "float", CalibrationData(calibration), more_sizes=((24, 16),))
    with pytest.raises(ExportError, match=r"a Core ML file holds that of one size \(pass one --size"):
        CoreML(enumerated=True).write(job, tmp_path / "model.mlpackage")


def test_deformable_sampling_has_no_litert_int8(calibration) -> None:
    with pytest.raises(
        ExportError, match=r"int8 is not possible .*deformable sampling.*\(choose --precision fp16"
    ):
        convert(LiteRT(precision="int8"), DANetConfig(**FLAT_DANET).build(), (8, 8), "float", calibration)


@pytest.mark.parametrize("gate", typing.get_args(GateKind))
def test_gates_are_integers_inside(gate, busy, calibration, run_litert) -> None:
    """Calibrated on crops of another size than the file's, which 8 does not divide."""
    network = busy(PlainSRConfig(channels=8, blocks=2, branches=(), gate=gate).build())
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith("body"):
                parameter *= 0.5
    made = convert(LiteRT(precision="int8"), network, (20, 13), "float", calibration)
    graph = Graph(made.data)
    used = {int(index) for operator in graph.operators for index in (*operator.inputs, *operator.outputs)}
    floats = {index for index in used if index >= 0 and graph.dtype(index) == "FLOAT32"}
    assert floats == {graph.inputs[0], graph.outputs[0]}
    image, expected = image_and_output(network, (20, 13))
    got = run_litert(made.data, np.ascontiguousarray(image.transpose(0, 2, 3, 1)))
    assert 0 < np.sqrt(np.mean((got.transpose(0, 3, 1, 2) - expected) ** 2)) < 0.03


@pytest.mark.parametrize("target", [LiteRT(), ONNX()], ids=["LiteRT", "ONNX"])
def test_a_file_of_a_gated_network_is_exact_in_tiles(target, busy, calibration, run_litert) -> None:
    """In windows of one size, which 8 does not divide, as the network itself over the whole image."""
    network = busy(PlainSRConfig(channels=8, blocks=2, scale=2, branches=(), gate="local").build())
    size, (height, width) = (76, 61), (117, 94)
    made = convert(target, network, size, "float", calibration)

    def run(window: np.ndarray) -> np.ndarray:
        if isinstance(target, LiteRT):
            return run_litert(made.data, window[None])[0]
        return run_onnx(made.data, np.ascontiguousarray(window.transpose(2, 0, 1)[None]))[0].transpose(
            1, 2, 0
        )

    image = np.random.default_rng(3).random((height, width, 3), dtype=np.float32)
    found = run_tiled(run, image, network.facts, size)
    windows = plan(height, width, network.facts, fixed=size, largest=None)
    assert len(windows.rows.windows) > 1
    assert len(windows.columns.windows) > 1
    beyond = ((0, windows.rows.end - height), (0, windows.columns.end - width), (0, 0))
    continued = np.pad(image, beyond, mode="symmetric")  # as the windows read it
    with torch.no_grad():
        whole = network.deploy()(torch.from_numpy(continued.transpose(2, 0, 1)[None].copy()))
    expected = whole[0].numpy().transpose(1, 2, 0)[: 2 * height, : 2 * width]
    np.testing.assert_allclose(found, expected, atol=1e-4)
