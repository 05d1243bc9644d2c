"""The proof: by its definition, on images that calibration never saw, and refusing what it must."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeir.core.assets import find_zoo
from edgeir.core.errors import ArtifactError, DataError, ParityError
from edgeir.data.sources.embedded import CALIBRATION_PHOTOS, PROOF_PHOTOS, embedded
from edgeir.exporting import calibration
from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.prove.compare import compare, compare_extremes
from edgeir.exporting.prove.extremes import extremes
from edgeir.exporting.prove.gate import applied_gate, check_gate, gate_lines
from edgeir.exporting.prove.images import Patch, fingerprint, proof_photographs
from edgeir.exporting.prove.repeat import prove_again
from edgeir.exporting.run import export
from edgeir.manifest.parity import Gate, Parity

GATE = Gate(
    max_abs_error=1e-3, p99_abs_error=1e-3, psnr_drop_db=0.01, worst_psnr_drop_db=0.1, colour_shift=0.1,
    extreme_shift=0.2,
)  # fmt: skip


def parity(**figures: Any) -> Parity:
    values: dict[str, Any] = {
        "images": 1, "max_abs_error": 0.0, "p99_abs_error": 0.0, "psnr_drop_db": 0.0, "worst_psnr_drop_db": 0.0,
        "worst_image": "cat", "colour_shift": (0, 0, 0), "engine": "x", "extremes": 1, "extreme_shift": 0.0,
        "worst_extreme": "white", "gate": GATE,
    }  # fmt: skip
    return Parity(**values | figures)


def night(folder: Path) -> Path:
    """Dark photographs: nothing above a quarter of the brightness."""
    for ref in embedded(CALIBRATION_PHOTOS):
        Image.fromarray((ref.load() // 4).astype(np.uint8)).save(folder / f"{ref.name}.png")
    return folder


def test_the_figures_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    first, second = (
        Patch(rng.random((4, 4, 3), dtype=np.float32), rng.random((4, 4, 3), dtype=np.float32), name)
        for name in ("one", "two")
    )
    tint = np.array([0.01, 0, -0.02], np.float32)

    def file(x: Any) -> Any:
        return x + tint * (2 if np.array_equal(x, second.input) else 1)

    found = compare(file, lambda x: x, [first, second])
    assert found.images == 2
    assert found.max_abs_error == pytest.approx(0.04, rel=1e-4)
    assert found.p99_abs_error == pytest.approx(0.04, rel=1e-4), (
        "of the worst image, not of all pixels together"
    )
    assert found.colour_shift == pytest.approx((1.5 * 2.55, 0, -1.5 * 5.1), rel=1e-3, abs=1e-6)
    drops = [
        10 * np.log10(np.mean((file(p.input) - p.truth) ** 2) / np.mean((p.input - p.truth) ** 2))
        for p in (first, second)
    ]
    assert found.psnr_drop_db == pytest.approx(np.mean(drops), abs=1e-4)
    assert found.worst_psnr_drop_db == pytest.approx(max(drops), abs=1e-4)
    assert found.worst_image == ("one", "two")[int(np.argmax(drops))]


def test_an_extreme_that_comes_out_gray_is_found() -> None:
    inputs = extremes(6, 8, 3)
    shift, name = compare_extremes(lambda x: np.minimum(x, np.float32(0.25)), lambda x: x, inputs)
    assert shift == pytest.approx(0.75 * 255, rel=1e-5)
    assert name in ("white", "red", "green", "blue", "cyan", "magenta", "yellow")


@pytest.mark.parametrize("channels", [1, 3])
def test_extremes_reach_both_ends_of_every_channel(channels: int) -> None:
    found = extremes(16, 256, channels)
    assert {image.shape for image in found.values()} == {(16, 256, channels)}
    every = np.stack(list(found.values()))
    assert (every.min((0, 1, 2)) == 0).all()
    assert (every.max((0, 1, 2)) == 1).all()
    assert len(np.unique(found["ramp"])) == 256
    if channels == 3:
        for index, name in enumerate(("red", "green", "blue")):
            assert (found[name].mean((0, 1)) == np.eye(3)[index]).all()


def test_nan_never_passes() -> None:
    patch = Patch(np.zeros((2, 2, 3), np.float32), np.zeros((2, 2, 3), np.float32), "cat")
    with pytest.raises(ParityError, match="NaN or infinity on the image `cat`"):
        compare(lambda x: x * np.float32("nan"), lambda x: x, [patch])
    with pytest.raises(ParityError, match="NaN or infinity on the image `white`"):
        compare_extremes(
            lambda x: x * np.float32("inf") if x.min() == 1 else x, lambda x: x, extremes(2, 2, 3)
        )


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"max_abs_error": 2e-3}, "largest error 2.00e-03 on [0, 1] (at most 1.00e-03)"),
        ({"p99_abs_error": 2e-3}, "99th percentile 2.00e-03"),
        ({"psnr_drop_db": 0.02}, "PSNR lost +0.020 dB on average (at most 0.010)"),
        ({"worst_psnr_drop_db": 0.2}, "worst image +0.200 dB on cat (at most 0.100)"),
        ({"colour_shift": (0, -0.2, 0.1)}, "colour shift G by -0.20 of 255 levels (at most 0.10)"),
        ({"extreme_shift": 190.0}, "extremes 190.00 of 255 levels on white (at most 0.20)"),
    ],
)
def test_every_figure_of_the_gate_refuses(figures: dict[str, Any], words: str) -> None:
    check_gate(parity(), where="x")
    with pytest.raises(ParityError) as caught:
        check_gate(parity(**figures), where="x")
    assert words in str(caught.value)
    assert len([line for line in gate_lines(parity(**figures)) if not line[2]]) == 1


def test_byte_files_are_forgiven_their_rounding_and_no_more() -> None:
    gate = GATE.model_copy(update={"max_abs_error": 1e-5})
    rounded = parity(max_abs_error=0.499 / 255, gate=applied_gate(gate, "uint8"))
    check_gate(rounded, where="x")
    with pytest.raises(ParityError):
        check_gate(rounded.model_copy(update={"gate": applied_gate(gate, "float")}), where="x")
    with pytest.raises(ParityError):
        check_gate(rounded.model_copy(update={"max_abs_error": 1 / 255}), where="x")


def test_no_photograph_of_the_calibration_is_in_the_proof(tmp_path: Path) -> None:
    assert not set(CALIBRATION_PHOTOS) & set(PROOF_PHOTOS)
    assert [ref.name for ref in proof_photographs(None, ())] == list(PROOF_PHOTOS)
    copies = tmp_path / "copies"
    copies.mkdir()
    seen = set()
    for index, ref in enumerate(embedded(PROOF_PHOTOS[:3])):
        Image.fromarray(ref.load()).save(copies / f"renamed-{index}.png")
        seen.add(fingerprint(ref.load()))
    names = {ref.name for ref in proof_photographs(copies, seen)}
    assert names == {*PROOF_PHOTOS[3:], *CALIBRATION_PHOTOS}, (
        "the same pixels under another name were seen too"
    )


def test_a_proof_needs_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {fingerprint(ref.load()) for ref in embedded([*PROOF_PHOTOS, *CALIBRATION_PHOTOS])}
    with pytest.raises(DataError, match=r"only 0 photographs are left .*--proof"):
        proof_photographs(None, seen)


@pytest.mark.parametrize("target", ["tflite"])
def test_a_file_whose_ranges_come_from_dark_photographs_alone_is_refused(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "night"
    photos.mkdir()
    night(photos)
    monkeypatch.setattr(CalibrationData, "range_inputs", property(lambda data: data.inputs))
    with pytest.raises(ParityError, match=r"PSNR lost \+.* dB .*extremes .* levels on"):
        export(
            find_zoo("sr-x4-xs"), target=target, precision="int8", sizes=[(32, 32)], out=tmp_path / "out",
            calibration=photos,
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_dark_photographs_are_remarked_on_and_the_file_is_right_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photos = tmp_path / "night"
    photos.mkdir()
    night(photos)
    made = export(
        find_zoo("sr-x4-xs"), target="tflite", precision="int8", sizes=[(32, 32)], out=tmp_path / "out",
        calibration=photos,
    )  # fmt: skip
    proof = made.main.parity
    assert isinstance(proof, Parity)
    assert proof.psnr_drop_db < 0.1
    assert proof.extreme_shift < 2.5
    remarks = [record.getMessage() for record in caplog.records if record.name.startswith("edgeir")]
    assert "calibration: only 3 images; use 4 or more different photographs" in remarks
    assert any("red hardly reaches above 0.2" in remark for remark in remarks)


@pytest.mark.parametrize(
    ("inputs", "images", "words"),
    [
        (
            np.full((2, 8, 8, 3), 0.5, np.float32),
            9,
            ["red hardly reaches above 0.50", "add dark", "almost flat", "all images are gray"],
        ),
        (np.random.default_rng(0).random((4, 16, 16, 3), dtype=np.float32), 1, ["only 1 image; use 4"]),
        (
            np.random.default_rng(0).random((4, 16, 16, 1), dtype=np.float32) / 2,
            9,
            ["brightness hardly reaches above"],
        ),
        (np.random.default_rng(0).random((4, 16, 16, 3), dtype=np.float32), 4, []),
    ],
)
def test_what_calibration_lacks_is_said(inputs: Any, images: int, words: list[str]) -> None:
    found = calibration.shortcomings(inputs, images)
    assert bool(found) == bool(words)
    for word in words:
        assert any(word in sentence for sentence in found), found


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("again") / "out"
    export(find_zoo("sr-x4-xs"), target="tflite", sizes=[(32, 32)], out=out)
    return out


def test_the_golden_proof_needs_no_torch(artifact: Path) -> None:
    script = (
        "import sys\nsys.modules['torch'] = None\nfrom edgeir.exporting.prove.repeat import prove_again\n"
        f"found = prove_again({str(artifact)!r})\nprint(found.golden.drift, found.golden.max_abs_error < 1e-5)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "0.0 True\n", done.stderr


def test_the_whole_proof_is_repeated_with_the_checkpoint(artifact: Path) -> None:
    found = prove_again(artifact, checkpoint="sr-x4-xs")
    (parity,) = found.files.values()
    assert isinstance(parity, Parity)
    assert parity.images == len(PROOF_PHOTOS)
    assert parity.max_abs_error < 1e-5
    with pytest.raises(ArtifactError, match="made of another checkpoint"):
        prove_again(artifact, checkpoint="sr-x4")


def test_a_runtime_that_computes_something_else_is_found(artifact: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(artifact, copy)
    expected = np.load(copy / "golden" / "expected.npy")
    np.save(copy / "golden" / "expected.npy", expected + np.float32(0.01))
    with pytest.raises(
        ParityError, match=r"on the golden input LiteRT .* differs from the network by 1.00e-02"
    ):
        prove_again(copy)
    np.save(copy / "golden" / "expected.npy", expected[:, 1:])
    with pytest.raises(ArtifactError, match="the golden array `expected` has shape"):
        prove_again(copy)
    (copy / "golden" / "expected.npy").write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match="a golden array is missing or damaged"):
        prove_again(copy)
