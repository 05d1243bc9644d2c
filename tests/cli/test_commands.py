"""The commands on real files: a tiny network, checkpoint, artifact, photos, and what a user may get wrong."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeir.cli.app import main
from edgeir.core.assets import find_zoo, list_zoo
from edgeir.manifest.card import read_card

torch = pytest.importorskip("torch")

RECIPE = """
name: tiny
about: A network of a few weights, for tests.
model: {kind: plainsr, scale: 4, channels: 4, blocks: 1}
data:
  sources: [{kind: folder, path: PHOTOS}]
  patch: 8
  batch: 2
train: {steps: 3, seed: 1, validate_every: 3, save_every: 3}
validation: {sources: [{kind: folder, path: PHOTOS}], limit: 1, size: 32}
"""
SUITE = """
name: tiny
title: two images
sets: [{name: two, source: {kind: folder, path: PHOTOS}}]
degradation: {kind: bicubic, scale: 4, flavour: matlab}
protocol: sr
timing: {height: 32, width: 48, baseline: null}
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two photos, a recipe, a suite, and a run of three steps that the command line made."""
    folder = tmp_path_factory.mktemp("workshop")
    photos = folder / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 9, 3), dtype=np.uint8))
        coarse.resize((72, 64), Image.Resampling.BICUBIC).save(photos / f"{name}.png")
    (folder / "tiny.yaml").write_text(RECIPE.replace("PHOTOS", str(photos)))
    (folder / "suite.yaml").write_text(SUITE.replace("PHOTOS", str(photos)))
    assert main(["train", str(folder / "tiny.yaml"), "--out", str(folder / "run"), "--quiet"]) == 0
    return folder


@pytest.fixture
def checkpoint(workshop: Path) -> str:
    return str(workshop / "run" / "checkpoints" / "best")


@pytest.fixture(scope="module")
def artifact(workshop: Path) -> Path:
    """The network as an ONNX file of any size."""
    out = workshop / "onnx"
    words = [
        "export",
        str(workshop / "run" / "checkpoints" / "best"),
        "--target",
        "onnx",
        "--out",
        str(out),
        "-q",
    ]
    assert main(words) == 0
    return out


def result(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def only_error(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("edgeir: error: ")
    return str(line)


def test_an_auto_encoder_is_not_for_export_but_for_others_to_start_from(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, small = tmp_path / "run", "{widths: [8, 8], blocks: 1, bottom_blocks: 1}"
    changes = [
        f"model={{kind: danet-autoencoder, encoder: {small}, decoder: {small}}}",
        "objective.distillation={methods: [{kind: imitation}]}",
        "data.degradation={kind: awgn, sigma: 25}",
        "train.steps=1",
    ]
    assert main(["distill", str(workshop / "tiny.yaml"), *changes, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert f"with `fine_tune_from: {out}` in its recipe" in text
    assert "export" not in text


def test_training_leaves_a_run_and_says_what_is_next(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["train", str(workshop / "tiny.yaml"), "train.steps=2", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert f"finished after 2 steps: {out}" in text
    assert f"next: edgeir export {out / 'checkpoints' / 'best'}" in text
    assert (
        main(["train", str(workshop / "tiny.yaml"), "train.steps=4", "--out", str(out), "--resume", "--json"])
        == 0
    )
    assert result(capsys)["steps"] == 4


def test_every_mistake_in_a_recipe_is_told_at_once(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(workshop / "tiny.yaml"), "optim.lrr=1", "train.steps=0", "data.ptach=8"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 2
    line = only_error(capsys)
    assert "3 problems" in line
    assert "`optim.lrr`, did you mean `lr`?" in line
    assert "`data.ptach`, did you mean `patch`?" in line
    assert not (tmp_path / "run").exists()


def test_training_does_not_write_over_a_run(workshop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(workshop / "tiny.yaml"), "--out", str(workshop / "run")]) == 2
    assert "the output exists already (pass --resume to go on with the run" in only_error(capsys)


def test_a_recipe_without_teacher_is_no_distillation(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["distill", str(workshop / "tiny.yaml"), "--out", str(tmp_path / "run")]) == 2
    assert "use edgeir train" in only_error(capsys)


def test_an_export_is_an_artifact_with_figures(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edgeir.manifest.artifact import read_artifact

    manifest, _ = read_artifact(artifact)
    assert manifest.main.parity.max_abs_error < 1e-4
    assert (artifact / "golden" / "input.npy").is_file()


def test_a_checkpoint_that_is_none_lists_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "no-such-thing", "--target", "onnx", "--out", str(tmp_path / "x")]) == 2
    assert "no-such-thing" in only_error(capsys)
    assert not (tmp_path / "x").exists()


def test_eval_and_report_agree_on_the_figures(
    workshop: Path, artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite, saved = str(workshop / "suite.yaml"), tmp_path / "eval.json"
    assert main(["eval", str(artifact), "--suite", suite, "--out", str(saved), "--json"]) == 0
    figures = result(capsys)
    assert figures == json.loads(saved.read_text())
    (row,) = figures["rows"]
    assert row["runtime"] == "onnxruntime"
    psnr_db = row["quality"]["sets"][0]["psnr_db"]
    assert main(["eval", str(artifact), "--suite", suite]) == 0
    assert f"{psnr_db:.2f}" in capsys.readouterr().out
    assert main(["eval", str(artifact), "--suite", suite, "--out", str(saved)]) == 2
    assert "exists already" in only_error(capsys)
    assert main(["report", str(saved), "--out", str(tmp_path / "report"), "--json"]) == 0
    paths = [Path(path) for path in result(capsys)]
    assert all(path.is_file() for path in paths)
    (page,) = [path for path in paths if path.suffix == ".html"]
    assert f"{psnr_db:.2f}" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_bench_times_and_judges_in_one_result(
    workshop: Path, artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["bench", str(artifact), "--suite", str(workshop / "suite.yaml"), "--repeats", "3"]
    assert main([*words, "--out", str(tmp_path / "bench.json"), "--json"]) == 0
    answer = result(capsys)
    assert Path(answer["path"]) == tmp_path / "bench.json"
    row = answer["result"]["rows"][0]
    assert row["latency"]["p50_ms"] > 0
    assert row["quality"]["sets"][0]["images"] == 2
    assert row["peak_mib"] > 0


def test_an_unknown_suite_gets_a_suggestion(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(artifact), "--suite", "embeded-x4"]) == 2
    assert "did you mean `embedded-x4`?" in only_error(capsys)


def test_a_set_that_is_not_there_says_where_it_belongs(
    artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(artifact), "--suite", "set5-x4"]) == 2
    assert "EDGEIR_DATA" in only_error(capsys)


def test_a_report_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text('{"psnr": 3}')
    assert main(["report", str(tmp_path / "x.json"), "--out", str(tmp_path / "report")]) == 2
    assert "is not a result of edgeir" in only_error(capsys)
    assert not (tmp_path / "report").exists()


def test_a_photo_is_enlarged_by_checkpoint_and_artifact_alike(
    workshop: Path, artifact: Path, checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = []
    for name, model in (("torch.png", checkpoint), ("onnx.png", str(artifact))):
        words = ["restore", str(workshop / "photos" / "a.png"), str(tmp_path / name), "--model", model]
        assert main([*words, "--threads", "1"]) == 0
        assert capsys.readouterr().out.startswith(f"{tmp_path / name}  288x256")
        with Image.open(tmp_path / name) as image:
            images.append(np.asarray(image).astype(int))
    assert np.abs(images[0] - images[1]).max() <= 1


def test_a_folder_with_bad_files_is_done_in_part(
    workshop: Path, artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "in"
    shutil.copytree(workshop / "photos", photos)
    good = (photos / "a.png").read_bytes()
    (photos / "cut.png").write_bytes(good[: len(good) // 2])
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "text.png").write_text("not an image")
    words = ["restore", str(photos), str(tmp_path / "out"), "--model", str(artifact), "--json"]
    assert main(words) == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert [Path(entry["output"]).name for entry in report["restored"]] == ["a.png", "b.png"]
    assert [Path(entry["input"]).name for entry in report["failed"]] == ["cut.png", "empty.jpg", "text.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png"]
    lines = captured.err.splitlines()
    assert [line.startswith("edgeir: not restored: ") for line in lines] == [True, True, True, False]
    assert lines[3] == "edgeir: 3 of 5 images could not be restored"


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt(), 130), (OSError(errno.ENOSPC, "full"), 2)])
def test_a_folder_that_is_stopped_says_what_was_done(
    workshop: Path,
    artifact: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    stop: BaseException,
    code: int,
) -> None:
    real = os.replace

    def replace(source: str, target: str) -> None:
        if Path(target).name == "b.png":
            raise stop
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    words = ["restore", str(workshop / "photos"), str(tmp_path / "out"), "--model", str(artifact)]
    assert main([*words, "--json"]) == code
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert [Path(entry["output"]).name for entry in report["restored"]] == ["a.png"]
    assert [Path(entry).name for entry in report["pending"]] == ["b.png"]
    assert report["stopped"] == "interrupted" if code == 130 else "the disk is full" in report["stopped"]
    assert "edgeir: 1 image restored, 1 not tried (run it again with --skip-existing)" in captured.err
    monkeypatch.undo()
    assert main([*words, "--skip-existing"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{tmp_path / 'out' / 'b.png'}  ")
    assert "edgeir: 1 image left out: the results exist" in captured.err


def test_without_a_network_the_error_names_those_that_come_with_edgeir(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["restore", "photo.jpg", "out.png"]) == 2
    line = only_error(capsys)
    assert "no network is named (pass --model with one of these (" in line
    for name in list_zoo():
        assert f"{name}: {read_card(find_zoo(name)).provenance['use']}" in line


def test_what_needs_a_decoder_and_what_became_a_png_are_said(
    workshop: Path,
    artifact: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photos = tmp_path / "in"
    photos.mkdir()
    Image.new("RGB", (4200, 2), (30, 60, 90)).save(photos / "wide.webp")
    (photos / "x.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    monkeypatch.setattr(
        "edgeir.imaging.files.why_unreadable",
        lambda kind: ("is HEIC, which needs a decoder", "install one") if kind == "HEIC" else None,
    )
    assert main(["restore", str(photos), str(tmp_path / "out"), "--model", str(artifact)]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{tmp_path / 'out' / 'wide.webp.png'}  16800x8  ")
    assert "written as `wide.webp.png`" in captured.err
    assert (
        f"edgeir: skipped: {photos / 'x.heic'}: is HEIC, which needs a decoder (install one)" in captured.err
    )
    assert captured.err.splitlines()[-1] == "edgeir: 1 of 2 images could not be restored"


def test_a_photo_that_cannot_be_read_writes_nothing(
    artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert (
        main(["restore", str(tmp_path / "in.png"), str(tmp_path / "out.png"), "--model", str(artifact)]) == 2
    )
    assert str(tmp_path / "in.png") in only_error(capsys)
    assert not (tmp_path / "out.png").exists()


def test_an_output_that_exists_stays_as_it_is(
    workshop: Path, artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    out.write_text("mine")
    words = ["restore", str(workshop / "photos" / "a.png"), str(out), "--model", str(artifact)]
    assert main(words) == 2
    assert "exists already (choose another name or pass --overwrite)" in only_error(capsys)
    assert out.read_text() == "mine"
    assert main([*words, "--overwrite"]) == 0


def test_a_tampered_artifact_does_not_run(
    workshop: Path, artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(artifact, tmp_path / "bad")
    with (tmp_path / "bad" / "model.onnx").open("ab") as stream:
        stream.write(b"\0")
    words = ["restore", str(workshop / "photos" / "a.png"), str(tmp_path / "out.png")]
    assert main([*words, "--model", str(tmp_path / "bad")]) == 2
    assert "the file changed after it was exported" in only_error(capsys)


def test_the_weights_of_another_network_are_refused(
    workshop: Path, checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(checkpoint, other)
    card = json.loads((other / "card.json").read_text())
    card["model"]["channels"] = 8
    (other / "card.json").write_text(json.dumps(card))
    words = ["restore", str(workshop / "photos" / "a.png"), str(tmp_path / "out.png"), "--model", str(other)]
    assert main(words) == 2
    assert str(other) in only_error(capsys)


@pytest.mark.slow
def test_the_demo_leaves_a_report_and_images(
    workshop: Path, checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeir.cli.demo import STAGES, run_demo

    recipe = tmp_path / "demo.yaml"
    teacher = f"objective: {{distillation: {{teacher: {checkpoint}, methods: [{{kind: output}}]}}}}"
    recipe.write_text((workshop / "tiny.yaml").read_text() + teacher + "\n")
    said: list[str] = []
    done = run_demo(tmp_path / "out", recipe=str(recipe), network=checkpoint, budget_s=0.5, note=said.append)
    assert list(done.seconds) == [line.split()[1].rstrip(":") for line in said] == list(STAGES)
    page = done.report.read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") >= len(done.images) == 9
    assert all(path.is_file() for path in [*done.images, *done.evals, done.bench])
