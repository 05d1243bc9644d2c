"""benchmarks/fuzz_files.py and its parts: the damage, the forked children against edgeir's own, what is a failure."""

from __future__ import annotations

import importlib.util
import io
import sys
import zipfile
from functools import partial
from pathlib import Path

import pytest

from edgeir.core.errors import ArtifactError
from edgeir.runtime import trial
from edgeir.runtime.child_process import command

ROOT = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))

    def load(name):
        spec = importlib.util.spec_from_file_location(name, ROOT / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


def test_damage_is_the_same_each_time_and_of_every_kind(script) -> None:
    damage = script("fuzz_damage")
    content = bytes(range(256)) * 20
    ways = {}
    for seed in range(200):
        damaged = damage.damaged(content, seed)
        assert damaged == damage.damaged(content, seed)
        ways.setdefault(damage.way_of(seed), []).append(damaged)
    assert set(ways) == set(damage.WAYS)
    for damaged in ways["bytes"]:
        assert len(damaged) == len(content)
        assert 1 <= sum(a != b for a, b in zip(damaged, content, strict=True)) <= 4
    assert all(content.startswith(damaged) and damaged != content for damaged in ways["truncated"])
    assert all(len(damaged) > len(content) for damaged in ways["longer"])


def test_a_zip_that_is_packed_again_is_a_good_one_with_one_member_changed(script) -> None:
    damage = script("fuzz_damage")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("a", "b", "c"):
            archive.writestr(name, name.encode() * 500)
    changed = set()
    for seed in range(1, 40, 2):
        with zipfile.ZipFile(io.BytesIO(damage.damaged_zip(packed.getvalue(), seed))) as archive:
            assert archive.testzip() is None
            found = [name for name in archive.namelist() if archive.read(name) != name.encode() * 500]
        assert len(found) <= 1
        changed |= set(found)
    assert changed == {"a", "b", "c"}


@pytest.mark.skipif(sys.platform != "linux", reason="the fork server is for Linux")
def test_a_forked_child_ends_as_one_of_edgeir_does(script, tmp_path) -> None:
    fork = script("fork_server")
    loader, model = tmp_path / "loader.py", tmp_path / "model"
    model.write_bytes(b"")
    server = fork.ForkServer(trial.CHILD, ["numpy"], python=sys.executable, MALLOC_PERTURB_="165")
    assert server.threads >= 1
    for does, code in (
        ("return lambda: None", 0),
        ("raise ValueError('not this one')", 86),
        ("return lambda: 1 / 0", 87),
        ("import os; os.abort()", -6),
        ("import ctypes; ctypes.string_at(0)", -11),
    ):
        loader.write_text(f"def load(model, side, pattern):\n    {does}\n")
        words = command(trial.CHILD, str(loader), str(model), "16")
        assert server.run(words, 20) == trial._run(words, 20)
        assert server.run(words, 20)[0] == code
    loader.write_text("import time\ndef load(*_):\n    time.sleep(60)\n")
    with pytest.raises(trial.subprocess.TimeoutExpired):
        server.run(command(trial.CHILD, str(loader), str(model), "16"), 0.3)
    with pytest.raises(ValueError, match=r"forks trial_child\.py, not other\.py"):
        server.start(command(tmp_path / "other.py"), 0, 1)
    server.close()


def test_an_error_must_name_the_file(script) -> None:
    worker = script("fuzz_worker")
    judged = worker.judged
    assert judged(ArtifactError("cannot be read", where="/x/model.onnx"), "/x") == "refused"
    assert judged(ArtifactError("cannot be read"), "/x") == worker.UNNAMED
    crash = ArtifactError("the file crashes LiteRT (SIGSEGV)", where="/x/model.tflite")
    assert judged(crash, "/x") == "crashed the child"
    late = ArtifactError("LiteRT did not finish a first run of the file in 120 s", where="/x/model.tflite")
    assert judged(late, "/x") == "out of time"


def test_a_process_that_dies_is_counted_and_passed_over(script, tmp_path, monkeypatch) -> None:
    fuzz = script("fuzz_files")
    (tmp_path / "fuzz_worker.py").write_text(
        "import os, sys\n"
        "first, end, log = int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]\n"
        "for seed in range(first, end):\n"
        "    if seed == 3: os.abort()\n"
        "    if seed == 5: raise ValueError('a\\tb')\n"
        "    open(log, 'a').write(f'{seed}\\trefused\\tnote\\t7\\n')\n"
    )
    monkeypatch.setattr(fuzz, "HERE", tmp_path)
    monkeypatch.setattr(fuzz, "CHUNK", 4)
    run = partial(fuzz.outcomes, tmp_path / "artifact", "onnx-fp32", 8, "forked", tmp_path)
    found = run(again=False)
    assert [found[seed][0] for seed in range(8)] == [
        *["refused"] * 3, "process killed", "refused", "traceback", *["refused"] * 2,
    ]  # fmt: skip
    assert found[5][1] == r"'1: ValueError: a\tb'"
    assert run(again=False) == found, "what was done is not done again"
    worker = tmp_path / "fuzz_worker.py"
    worker.write_text(worker.read_text().replace("seed == 3", "False"))  # mended
    found = run(again=True)
    assert [found[seed][0] for seed in (3, 5)] == ["refused", "traceback"]
    assert fuzz.repeated(tmp_path / "onnx-fp32-forked.tsv") == [3, 5]
