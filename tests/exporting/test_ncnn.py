"""ncnn folders: ends, sizes, precisions, what they compute, and what is refused with nothing left behind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edgeir.core.errors import ExportError
from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.layers import fingerprint_of
from edgeir.exporting.profile import ExportProfile, read_profile
from edgeir.exporting.run import export_network
from edgeir.exporting.target import Job
from edgeir.exporting.targets.ncnn import convert as pnnx
from edgeir.exporting.targets.ncnn.target import NCNN
from edgeir.manifest.facts import NetworkFacts
from edgeir.models import DANetConfig, PlainSRConfig
from edgeir.quantize.plan import LayerFormat, QuantizationPlan
from edgeir.runtime.ncnn_file import BIN, PARAM, Layer, parse_param, weights_of

from .conftest import busy, card_of
from .ncnn_runs import run_ncnn

INT8 = LayerFormat(weights="int8", activations="int8")
FLAT_DANET = {"widths": (16,), "bottom_blocks": 1}


def write(
    target: NCNN, network: Any, folder: Path, *, size: Any = None, io: Any = "float", inputs: Any = None
) -> Path:
    calibration = CalibrationData(np.zeros((0, 1, 1, 3), np.float32) if inputs is None else inputs)
    return target.write(Job(network, size, io, calibration), folder / "model.ncnn").path


def layers_of(folder: Path) -> list[Layer]:
    return parse_param((folder / PARAM).read_text(), where=folder)


def output_of(network: Any, tensor: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network.deploy()(torch.from_numpy(tensor)).numpy()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).random(shape, dtype=np.float32)


class Foreign:
    """A network that somebody else wrote, as far as a target looks at one."""

    def __init__(self, forward: Any, scale: int = 1) -> None:
        self.facts, self._forward = NetworkFacts(scale=scale), forward

    def deploy(self) -> nn.Module:
        class Body(nn.Module):
            def __init__(self, forward: Any) -> None:
                super().__init__()
                self.tail = nn.Conv2d(3, 3, 1)
                self.own = forward

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.tail(self.own(x))

        torch.manual_seed(0)
        return nn.Sequential(Body(self._forward)).eval()


@pytest.mark.parametrize("profile", ["ncnn-fp32", "ncnn-fp16", "ncnn-int8"])
@pytest.mark.parametrize("size", [None, (18, 33)])
def test_the_folder_and_its_ends_are_as_described(profile, size, tiny, calibration, tmp_path) -> None:
    job = Job(tiny, size, "float", CalibrationData(calibration))
    written = read_profile(profile).target.write(job, tmp_path / "model.ncnn")
    assert {path.name for path in written.path.iterdir()} == {PARAM, BIN, "facts.json"}
    sides = (None, None) if size is None else size
    ends = (None, None) if size is None else (size[0] * 4, size[1] * 4)
    assert (written.input.name, written.input.shape) == ("in0", (1, 3, *sides))
    assert (written.output.name, written.output.shape) == ("out0", (1, 3, *ends))
    entry, *_ = layers_of(written.path)
    assert entry.settings == {0: str(sides[1] or 0), 1: str(sides[0] or 0), 2: "3"}


@pytest.mark.parametrize("profile", ["ncnn-fp32", "ncnn-fp16", "ncnn-int8"])
def test_the_same_export_gives_the_same_bytes(profile, tiny, calibration, tmp_path) -> None:
    target: Any = read_profile(profile).target
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    first, second = (write(target, tiny, folder, inputs=calibration) for folder in folders)
    for name in (PARAM, BIN, "facts.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.parametrize("size", [(9, 14), (1, 1), (16, 5)])
def test_fp32_is_the_network_at_any_size(size, tiny, tmp_path) -> None:
    tensor = noise(1, 3, *size)
    folder = write(NCNN(), tiny, tmp_path)
    np.testing.assert_allclose(run_ncnn(folder, tensor), output_of(tiny, tensor), atol=1e-5)


def test_fp16_halves_the_weights(tiny, tmp_path) -> None:
    (tmp_path / "half").mkdir()
    full, half = write(NCNN(), tiny, tmp_path), write(NCNN(precision="fp16"), tiny, tmp_path / "half")  # type: ignore[arg-type]
    assert (half / BIN).stat().st_size < 0.6 * (full / BIN).stat().st_size
    tensor = noise(1, 3, 9, 14)
    difference = np.abs(run_ncnn(half, tensor) - output_of(tiny, tensor)).max()
    assert 1e-5 < difference < 1e-2


def int8_oracle(folder: Path, tensor: np.ndarray) -> np.ndarray:
    """PlainSR's int8 graph by numpy and torch, from the files alone: sums of integers, then one multiplication."""
    layers, content = layers_of(folder), (folder / BIN).read_bytes()
    arrays: dict[int, list[np.ndarray]] = {}
    for weight in weights_of(layers, content, where=folder) or []:
        dtype = {"float32": "<f4", "int8": "i1"}[weight.dtype]
        arrays.setdefault(weight.layer, []).append(np.frombuffer(content, dtype, weight.count, weight.start))
    blobs = {"in0": tensor}
    for index, layer in enumerate(layers):
        entries = [blobs[name] for name in layer.inputs]
        if layer.kind == "Split":
            blobs |= dict.fromkeys(layer.outputs, entries[0])
        elif layer.kind == "Convolution":
            blobs[layer.outputs[0]] = _convolved(layer, arrays[index], entries[0])
        elif layer.kind == "BinaryOp":
            blobs[layer.outputs[0]] = entries[0] + entries[1]
        elif layer.kind == "PixelShuffle":
            blobs[layer.outputs[0]] = F.pixel_shuffle(torch.from_numpy(entries[0]), layer.integer(0)).numpy()
        elif layer.kind == "Clip":
            blobs[layer.outputs[0]] = entries[0].clip(0, 1)
    return blobs["out0"]


def _convolved(layer: Layer, arrays: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    kernel, bias, *scales = arrays
    if scales:
        x = np.clip(np.rint(x.astype(np.float64) * scales[1][0]), -127, 127)
    size = layer.integer(1)
    shaped = torch.from_numpy(kernel.reshape(layer.integer(0), -1, size, size).astype(np.float64))
    y = F.conv2d(torch.from_numpy(x.astype(np.float64)), shaped, padding=layer.integer(4)).numpy()
    if scales:
        y = y / (scales[0].astype(np.float64)[:, None, None] * scales[1][0])
    y = y + bias[:, None, None]
    return np.maximum(y, 0) if layer.integer(9) == 1 else y


def test_int8_is_computed_in_integers(tiny, calibration, tmp_path) -> None:
    """An independent interpreter of the files agrees with ncnn far more closely than float does."""
    folder = write(NCNN(precision="int8"), tiny, tmp_path, inputs=calibration)  # type: ignore[arg-type]
    tensor = noise(1, 3, 20, 26)
    got, wanted = run_ncnn(folder, tensor), output_of(tiny, tensor)
    exact = int8_oracle(folder, tensor)
    assert np.abs(got - exact).mean() < 1e-4  # an activation on the edge of a level may fall to either side
    assert 20 * np.abs(got - exact).mean() < np.abs(got - wanted).mean() < 0.05


def test_int8_weights_are_bytes_and_the_image_is_read_in_float(tiny, calibration, tmp_path) -> None:
    for number, (image_layers, floats) in enumerate({"float": 2, "int8": 0}.items()):
        (tmp_path / str(number)).mkdir()
        target = NCNN(precision="int8", image_layers=image_layers)  # type: ignore[arg-type]
        folder = write(target, tiny, tmp_path / str(number), inputs=calibration)
        convolutions = [layer for layer in layers_of(folder) if layer.kind == "Convolution"]
        assert sum(layer.integer(8) == 0 for layer in convolutions) == floats
        found = weights_of(layers_of(folder), (folder / BIN).read_bytes(), where=folder)
        assert found is not None
        assert sum(weight.dtype == "int8" for weight in found) == len(convolutions) - floats


def test_int8_corrects_the_mean_colour(tiny, calibration, tmp_path) -> None:
    shifts = []
    for correct in (False, True):
        (tmp_path / str(correct)).mkdir()
        target = NCNN(precision="int8", correct_bias=correct)  # type: ignore[arg-type]
        folder = write(target, tiny, tmp_path / str(correct), inputs=calibration)
        planes = (np.ascontiguousarray(image.transpose(2, 0, 1)[None]) for image in calibration)
        difference = [run_ncnn(folder, image) - output_of(tiny, image) for image in planes]
        shifts.append(np.abs(np.mean(difference, axis=(0, 1, 3, 4))).max())
    assert shifts[1] < shifts[0]


def test_an_int8_plan_keeps_the_named_layer_in_float(calibration, tmp_path) -> None:
    network = busy(PlainSRConfig(channels=8, blocks=2, branches=()).build())
    plan = QuantizationPlan(default=INT8, layers={"body.2": LayerFormat()})
    folder = write(NCNN(precision=plan, image_layers="int8"), network, tmp_path, inputs=calibration)
    layers, content = layers_of(folder), (folder / BIN).read_bytes()
    wanted = fingerprint_of(dict(network.deploy().named_modules())["body.2"].weight.numpy())  # type: ignore[union-attr]
    kept = [
        np.frombuffer(content, "<f4", weight.count, weight.start)
        for weight in weights_of(layers, content, where=folder) or []
        if weight.dtype == "float32" and weight.count == wanted.size
    ]
    assert [np.array_equal(fingerprint_of(array), wanted) for array in kept] == [True]


def test_one_scale_per_tensor(calibration, tmp_path) -> None:
    network = busy(PlainSRConfig(channels=8, blocks=1, branches=()).build())
    plan = QuantizationPlan(default=LayerFormat(weights="int8", activations="int8", granularity="tensor"))
    folder = write(NCNN(precision=plan), network, tmp_path, inputs=calibration)
    layers, content = layers_of(folder), (folder / BIN).read_bytes()
    found = weights_of(layers, content, where=folder) or []
    scales = [
        np.frombuffer(content, "<f4", found[i + 2].count, found[i + 2].start)
        for i, weight in enumerate(found)
        if weight.dtype == "int8"
    ]
    assert scales
    assert all(len(set(scale)) == 1 for scale in scales)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (QuantizationPlan(default=INT8, layers={"nose": LayerFormat()}), "no layer `nose`"),
        (QuantizationPlan(default=INT8, layers={"*": LayerFormat()}), "no convolution is left"),
        (QuantizationPlan(layers={"body.0": INT8}), r"let its `default` be one with int8 weights"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(plan, words, tiny, calibration, empty) -> None:
    with pytest.raises(ExportError, match=words):
        write(NCNN(precision=plan), tiny, empty, inputs=calibration)
    assert list(empty.iterdir()) == []


def test_bytes_at_the_ends_are_the_apps_to_convert(tiny, empty) -> None:
    with pytest.raises(ExportError, match="takes float32, not uint8 .*from_pixels"):
        write(NCNN(), tiny, empty, io="uint8")
    assert list(empty.iterdir()) == []


def test_an_operator_that_pnnx_ignores_is_named_with_its_place(empty) -> None:
    network = Foreign(lambda x: torch.repeat_interleave(x, 2, dim=2))
    with pytest.raises(
        ExportError, match=r"ncnn has no operator `torch.repeat_interleave`, which `0` uses .*another target"
    ):
        write(NCNN(), network, empty, size=(16, 12))
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("size", [None, (16, 12)])
def test_an_operator_that_stays_aten_is_named(size, empty) -> None:
    with pytest.raises(ExportError, match="ncnn has no operator `aten::erfinv`, which `0` uses") as caught:
        write(NCNN(), Foreign(lambda x: torch.erfinv(x * 0.5)), empty, size=size)
    assert ("any size" in str(caught.value)) == (size is None)


def test_a_branch_on_the_images_values_is_refused(empty) -> None:
    network = Foreign(lambda x: x * 2 if float(x.mean()) > 0.25 else x - 1)
    with pytest.raises(ExportError, match="computes in another way for another image"):
        write(NCNN(), network, empty)
    assert list(empty.iterdir()) == []


def test_deformable_sampling_asks_for_a_size_and_names_the_operator(empty) -> None:
    network = DANetConfig(**FLAT_DANET).build()
    with pytest.raises(
        ExportError, match=r"no operator `torch.arange`, which `0\..*deform` uses.*any size .*pass --size"
    ):
        write(NCNN(), network, empty)
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("exit 3", r"pnnx failed \(exit code 3\)"),
        ("kill -SEGV $$", r"pnnx failed \(SIGSEGV\)"),
        ("true", "pnnx wrote no net.ncnn.param"),
        ("echo rubbish > net.ncnn.param; : > net.ncnn.bin", "pnnx wrote no usable ncnn graph: the .param is damaged"),
        ("echo 'ignore F.thing thing_0 param a=1'; printf '7767517\\n1 1\\nInput in0 0 1 in0\\n' > net.ncnn.param; "
         ": > net.ncnn.bin", r"pnnx cannot convert the network: F.thing \(a=1\)"),
    ],
)  # fmt: skip
def test_a_failing_pnnx_is_one_line(code, words, tiny, empty, tmp_path, monkeypatch) -> None:
    program = tmp_path / "pnnx"
    program.write_text(f"#!/bin/sh\n{code}\n")
    program.chmod(0o755)
    require = pnnx.require
    fake = SimpleNamespace(EXEC_PATH=str(program))
    monkeypatch.setattr(pnnx, "require", lambda name, why: fake if name == "pnnx" else require(name, why))
    with pytest.raises(ExportError, match=words) as caught:
        write(NCNN(), tiny, empty, size=(8, 6))
    assert "\n" not in str(caught.value)
    assert list(empty.iterdir()) == []


def test_what_loses_too_much_leaves_nothing_behind(tiny, tmp_path) -> None:
    settings = read_profile("ncnn-int8")
    gate = settings.gate.model_copy(update={"max_abs_error": 1e-6})
    profile = ExportProfile.model_validate({**settings.model_dump(), "gate": gate})
    with pytest.raises(ExportError, match="differs too much"):
        export_network(tiny, card_of(tiny), profile, out=tmp_path / "out", name="strict")
    assert not (tmp_path / "out").exists()
