"""Networks of other authors through the commands: a weights file, a program, a function; and what is said otherwise."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.cli.app import main

torch = pytest.importorskip("torch")


def lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capfd.readouterr().err.splitlines() if line.strip()]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    coarse = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8))
    coarse.resize((45, 40), Image.Resampling.BICUBIC).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_weights_file_goes_through_every_command(tmp_path: Path, photo: Path, capfd) -> None:
    pytest.importorskip("spandrel")
    pytest.importorskip("onnxruntime")
    from ..popular import saved

    file = str(saved("compact", tmp_path))
    out, large = tmp_path / "out", tmp_path / "large.png"
    assert main(["export", file, "--target", "onnx", "--out", str(out), "--quiet"]) == 0, capfd.readouterr()
    facts = json.loads((out / "artifact.json").read_text())["facts"]
    assert (facts["scale"], facts["receptive_radius"], facts["task"]) == (2, 4, "super-resolution")
    assert main(["restore", str(photo), str(large), "--model", file, "--quiet"]) == 0, capfd.readouterr()
    assert Image.open(large).size == (90, 80)
    again = tmp_path / "again.png"
    assert main(["restore", str(photo), str(again), "--model", str(out), "--tile", "16", "--quiet"]) == 0
    difference = np.asarray(Image.open(large)).astype(int) - np.asarray(Image.open(again))
    assert np.abs(difference).max() <= 1  # tiles leave no seams
    checkpoint = tmp_path / "checkpoint"
    words = ["import", file, "--receptive-radius", "3", "--out", str(checkpoint), "--json"]
    capfd.readouterr()
    assert main(words) == 0
    assert json.loads(capfd.readouterr().out)["facts"]["receptive_radius"] == 3
    assert main(words) == 2  # it is there already
    assert main([*words, "--overwrite"]) == 0


def test_a_bad_file_is_one_line_and_leaves_nothing(tmp_path: Path, capfd) -> None:
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"not a file of torch")
    for command in (["export", str(bad), "--target", "onnx"], ["import", str(bad)]):
        assert main([*command, "--out", str(tmp_path / "out"), "--quiet"]) == 2
        (line,) = lines(capfd)
        assert line.startswith(f"edgeir: error: {bad}: the file is damaged")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.pth"]


def test_a_function_with_its_weights(tmp_path: Path, package: tuple[str, Path], photo: Path, capfd) -> None:
    pytest.importorskip("onnxruntime")
    from safetensors.torch import save_file

    factory = f"{package[0]}:Tiny"
    torch.manual_seed(0)
    state = {
        "head.weight": torch.randn(4, 3, 3, 3) / 5,
        "head.bias": torch.randn(4) / 9,
        "tail.weight": torch.randn(12, 4, 3, 3) / 6,
        "tail.bias": torch.full((12,), 0.5),
    }
    save_file(state, tmp_path / "tiny.safetensors")
    out = tmp_path / "out"
    words = [
        "export",
        factory,
        "--weights",
        str(tmp_path / "tiny.safetensors"),
        "--target",
        "onnx",
        "--quiet",
    ]
    words += ["--size", "16x16", "--out", str(out)]
    assert main(words) == 2
    assert "is code of another package" in lines(capfd)[0]
    assert not package[1].exists()
    assert main([*words, "--trust-code"]) == 0, capfd.readouterr()
    artifact = json.loads((out / "artifact.json").read_text())
    assert artifact["source"] == "tiny"
    assert (artifact["facts"]["scale"], artifact["facts"]["receptive_radius"]) == (2, 2)
    bare = ["export", factory, "--target", "onnx", "--out", str(tmp_path / "bare"), "--quiet", "--trust-code"]
    assert main(bare) == 2
    assert "--weights FILE" in lines(capfd)[0]
    save_file({"head.weight": state["head.weight"]}, tmp_path / "tiny.safetensors")
    assert main([*words, "--trust-code", "--overwrite"]) == 2
    assert "the weights are of another network" in lines(capfd)[0]


def test_a_program_needs_permission_and_any_size(tmp_path: Path, capfd) -> None:
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 12, 3, padding=1), torch.nn.PixelShuffle(2)).eval()
    sides = {2: torch.export.Dim("height", min=2), 3: torch.export.Dim("width", min=2)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.export's own, about its next release
        x = torch.rand(1, 3, 20, 24)
        torch.export.save(torch.export.export(network, (x,), dynamic_shapes=(sides,)), tmp_path / "any.pt2")
        torch.export.save(torch.export.export(network, (x,)), tmp_path / "one.pt2")
    out = tmp_path / "out"
    words = ["--target", "onnx", "--size", "16x16", "--out", str(out), "--quiet"]
    assert main(["export", str(tmp_path / "any.pt2"), *words]) == 2
    assert "can run code when it is read" in lines(capfd)[0]
    assert main(["export", str(tmp_path / "any.pt2"), *words, "--trust-code"]) == 0, capfd.readouterr()
    facts = json.loads((out / "artifact.json").read_text())["facts"]
    assert (facts["scale"], facts["receptive_radius"]) == (2, 1)
    assert main(["export", str(tmp_path / "one.pt2"), *words, "--trust-code", "--overwrite"]) == 2
    assert "takes images of 20x24 alone" in lines(capfd)[0]


def test_stated_facts_must_fit(tmp_path: Path, capfd) -> None:
    pytest.importorskip("spandrel")
    from ..popular import saved

    file = str(saved("compact", tmp_path))
    assert main(["import", file, "--scale", "3", "--out", str(tmp_path / "out")]) == 2
    assert "the network enlarges 2 times, not 3" in lines(capfd)[0]
    assert main(["import", file, "sigma=3", "--out", str(tmp_path / "out")]) == 2
    assert "is a setting of no network" in lines(capfd)[0]
    assert main(["import", file, "--model", "edsr", "--out", str(tmp_path / "out")]) == 2
    assert "no published weights of `edsr` are known" in lines(capfd)[0]
