"""The program as a user meets it: exit codes, one-line errors, help for a newcomer, JSON for a program."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from edgeir.benchmarking.timing.measure import Measured
from edgeir.cli import app as program
from edgeir.cli.app import app, main
from edgeir.core.errors import ImageError

COMMANDS = [
    "train",
    "distill",
    "fit",
    "import",
    "export",
    "restore",
    "serve",
    "eval",
    "bench",
    "report",
    "study",
    "prove",
    "verify",
    "publish",
    "android",
    "cache",
    "channels",
    "demo",
    "inspect",
    "lint",
    "sensitivity",
    "models",
    "recipes",
    "doctor",
]


def python(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", **environment},
        check=False,
    )


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("edgeir: error: ")
    return lines[0]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Run the program with a command that raises."""

    def run(failure: BaseException) -> int:
        broken = typer.Typer()

        @broken.callback()
        def _root() -> None:
            """Nothing."""

        @broken.command()
        def go() -> None:
            raise failure

        monkeypatch.setattr(program, "app", broken)
        return main(["go"])

    return run


@pytest.fixture(autouse=True)
def _keep_signal_handler() -> Any:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_all_commands_are_there() -> None:
    assert set(typer.main.get_command(app).commands) == set(COMMANDS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_option_in_words(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: edgeir {command}" in text
    assert "--json" in text
    assert "--quiet" in text
    group: Any = typer.main.get_command(app)
    assert group.commands[command].help, f"{command} has no description"
    for parameter in group.commands[command].params:
        if parameter.name != "help":
            assert getattr(parameter, "help", None), f"{command}: `{parameter.name}` has no help"


def test_help_and_doctor_need_neither_torch_nor_numpy() -> None:
    code = (
        "import sys\n"
        "from edgeir.cli.app import main\n"
        "assert main(['--help']) == 0\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'PIL', 'scipy', 'yaml'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Usage: edgeir" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    import edgeir

    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == edgeir.__version__


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["modles"], "No such command 'modles'. Did you mean 'models'? (see edgeir --help)"),
        (["models", "--colour"], "No such option: --colour (see edgeir models --help)"),
        (["restore", "a.png"], "Missing argument 'OUT' (see edgeir restore --help)"),
        (["restore", "a", "b", "--model", "x", "--tile", "0"], "'--tile'"),
        (
            ["export", "x", "--target", "mnn", "--out", "o"],
            "'mnn' is not one of 'tflite', 'onnx', 'ort', 'coreml', 'ncnn'",
        ),
        (["bench", "x", "--suite", "s", "--out", "o", "--runtime", "tvm"], "'tvm' is not one of"),
        (["export", "x", "--target", "onnx", "--out", "o", "--size", "720"], "--size must be HEIGHTxWIDTH"),
        (["recipes", "nothing-like-it"], "there is no recipe or file `nothing-like-it`"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert message in error_line(capsys)


def test_an_error_of_the_library_is_one_line_and_exit_2(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(ImageError("is\ntruncated", where="a.png", fix="download it again")) == 2
    assert error_line(capsys) == "edgeir: error: a.png: is truncated (download it again)"


def test_an_unforeseen_error_says_how_to_see_where(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(ValueError("two\nlines")) == 1
    line = error_line(capsys)
    assert "unexpected ValueError: two lines" in line
    assert "EDGEIR_DEBUG=1" in line


@pytest.mark.parametrize(("failure", "code"), [(ImageError("x"), 2), (ValueError("x"), 1)])
def test_debug_shows_the_traceback(
    failing: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    code: int,
) -> None:
    monkeypatch.setenv("EDGEIR_DEBUG", "1")
    assert failing(failure) == code
    text = capsys.readouterr().err
    assert "Traceback (most recent call last)" in text
    assert text.splitlines()[-1].startswith("edgeir: error: ")


def test_a_package_of_an_extra_that_is_missing_names_the_pip_line(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")) == 2
    assert "pip install 'edgeir[train]'" in error_line(capsys)
    assert failing(ModuleNotFoundError("No module named 'sitecustomize'", name="sitecustomize")) == 1


def test_other_failures_have_their_codes(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(PermissionError(errno.EACCES, "Permission denied", "secret.png")) == 2
    assert error_line(capsys) == "edgeir: error: secret.png: Permission denied"
    assert failing(MemoryError()) == 2
    assert "not enough memory" in error_line(capsys)
    assert failing(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "edgeir: interrupted\n"
    assert failing(typer.Exit(130)) == 130
    assert capsys.readouterr().err == "edgeir: interrupted\n"
    assert failing(EOFError("a file ended")) == 1
    assert "edgeir: error: unexpected EOFError: a file ended" in capsys.readouterr().err
    assert failing(typer.Exit(1)) == 1
    with pytest.raises(SystemExit, match="7"):
        failing(SystemExit(7))


@pytest.mark.parametrize("word", ["doctor", "--version"])
def test_a_reader_that_goes_away_is_no_error(word: str) -> None:
    code = f"import sys; from edgeir.cli.app import main; sys.exit(main(['{word}']))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_termination_runs_the_cleanup(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from edgeir.cli import app as program
from edgeir.core.files import atomic_file
import typer
slow = typer.Typer()
@slow.callback()
def root() -> None: ...
@slow.command()
def go() -> None:
    with atomic_file({str(tmp_path / "out.json")!r}) as temporary:
        temporary.write_text("half")
        print("ready", flush=True)
        time.sleep(60)
program.app = slow
sys.exit(program.main(["go"]))
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    assert len(os.listdir(tmp_path)) == 1
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=30) == 128 + signal.SIGTERM
    child.stdout.close()
    assert os.listdir(tmp_path) == []


def test_doctor_is_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["versions"]["edgeir"]
    assert set(facts["runtimes"]) == {"torch", "onnxruntime", "litert", "mil", "coreml", "ncnn", "tensorflow"}
    assert facts["data"]["root"] is None
    assert facts["machine"]["cores"] >= 1


def test_doctor_finds_the_standard_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np
    from PIL import Image

    folder = tmp_path / "Set5"
    folder.mkdir()
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(folder / "a.png")
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    assert main(["doctor"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"Data (EDGEIR_DATA={tmp_path})" in lines
    assert f"Set5 {folder}" in lines
    assert "Set14 not found" in lines


def test_doctor_asks_the_sources_for_lists_and_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np
    from PIL import Image

    from edgeir.data.sources.standard import StandardSet

    images = tmp_path / "test/bsds500-val"
    phone = tmp_path / "dped/sony/training_data/sony"
    for folder in (images, phone, tmp_path / "GoPro/train", tmp_path / "GoPro/test"):
        folder.mkdir(parents=True)
    for name in "ab":
        Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(images / f"{name}.png")
    names = tmp_path / "test/cbsd68.txt"
    names.write_text("b\n")
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    assert [ref.name for ref in StandardSet(name="CBSD68").images()] == ["b"]
    assert main(["doctor"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"CBSD68 {images} + {names}" in lines
    assert f"DPED {phone.parent}" in lines
    assert f"GoPro {tmp_path / 'GoPro/train'} + {tmp_path / 'GoPro/test'}" in lines
    for missing in ("PIRM", "SIDD", "RealSR", "DID-MDN", "NYU2", "DND", "DIV2K-LR"):
        assert f"{missing} not found" in lines


def test_doctor_says_that_the_folder_of_the_sets_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path / "nowhere"))
    assert main(["doctor"]) == 0
    assert (
        f"Data (EDGEIR_DATA={tmp_path / 'nowhere'}, a folder that does not exist)" in capsys.readouterr().out
    )


def test_doctor_names_what_a_missing_extra_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgeir.core import extras

    def version(name: str) -> str | None:
        return None if name in ("coremltools", "h5py") else "1"

    monkeypatch.setattr(extras, "installed_version", version)
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "coreml  pip install 'edgeir[coreml]'" in shown
    assert "hdf5    pip install 'edgeir[hdf5]'" in shown


def test_recipes_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    from edgeir.core.assets import find_asset, list_assets

    assert main(["recipes", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    names = [entry["name"] for entry in listed]
    assert names == list_assets("recipes")
    assert all(entry["about"] for entry in listed)
    assert main(["recipes", names[0], "--as-written"]) == 0
    assert (
        capsys.readouterr().out
        == find_asset("recipes", names[0]).read_text(encoding="utf-8").rstrip("\n") + "\n"
    )
    assert main(["recipes", names[0], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["name"]


def test_a_recipe_is_shown_resolved_and_is_the_same_recipe(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from edgeir.training.recipe import load_recipe

    assert main(["recipes", "mixed/fdrnet-small", "train.steps=7"]) == 0
    text = capsys.readouterr().out
    assert "clip_grad: 1.0" in text
    assert "save_every: " in text, "defaults are shown as well"
    (tmp_path / "resolved.yaml").write_text(text)
    assert load_recipe(tmp_path / "resolved.yaml") == load_recipe("mixed/fdrnet-small", ["train.steps=7"])
    assert main(["recipes", "mixed/fdrnet-small", "train.stepz=7"]) == 2
    assert "stepz" in capsys.readouterr().err
    assert main(["recipes", "mixed/fdrnet-small", "train.steps=7", "--as-written"]) == 2
    assert main(["recipes", "--as-written"]) == 2
    capsys.readouterr()
    assert main(["recipes", "show", "mixed/fdrnet-small", "train.steps=7"]) == 0, "as it was called before"
    assert capsys.readouterr().out == text
    assert main(["recipes", "show"]) == 2
    assert "no recipe is named" in capsys.readouterr().err


def test_models_lists_the_cards(capsys: pytest.CaptureFixture[str]) -> None:
    from edgeir.core.assets import list_zoo

    assert main(["models", "--json"]) == 0
    assert sorted(json.loads(capsys.readouterr().out)) == list_zoo()
    assert main(["models"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "for", "parameters", "file", "quality"]
    assert [row.split()[0] for row in rows] == list_zoo()
    assert all(" KiB" in row and " dB on " in row for row in rows)


def test_models_are_timed_here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeir.benchmarking.timing import zoo

    monkeypatch.setattr(zoo, "measure", lambda contenders, schedule, progress: [
        Measured(one.name, 1.0, (), turns_ms=[[one.height * one.width / 1e6 * 7]]) for one in contenders
    ])  # fmt: skip
    assert main(["models", "--time", "--json"]) == 0
    timed = json.loads(capsys.readouterr().out)
    assert all(entry["ms_per_megapixel"] == pytest.approx(7) for entry in timed.values())
    assert main(["models", "--time", "--quiet"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.endswith("ms per output MP  with")
    assert all(row.split()[-2] == "7" for row in rows)


def test_help_is_quick_enough_to_be_asked_for() -> None:
    # No time limit in a test on a busy machine; this only guards against an import of everything (seconds).
    start = time.monotonic()
    assert python("-m", "edgeir", "--help").returncode == 0
    assert time.monotonic() - start < 20
