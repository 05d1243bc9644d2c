"""A runtime in a process of its own: whatever that process does, this one gets an answer or an error of one line."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgeir.core.errors import ArtifactError
from edgeir.runtime import worker as module
from edgeir.runtime.worker import Worker

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="has no signals")
LOADER = """
import os, signal, sys, time
import numpy as np

def load(model, options):
    exec(options.get("at_load", ""))
    count = 0
    def run(tensor, outputs):
        nonlocal count
        count += 1
        exec(options.get("at_run", ""))
        values = {"double": tensor * 2, "count": np.float32([[count]])}
        return options.get("run_s", 0.0), [values[name] for name in outputs]
    return run
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    (tmp_path / "loader.py").write_text(LOADER)
    started: list[Worker] = []

    def starts(limit_s: float = 30.0, **options: object) -> Worker:
        started.append(
            Worker(tmp_path / "loader.py", tmp_path / "model.x", options, title="Runs", limit_s=limit_s)
        )
        return started[-1]

    yield starts
    for worker in started:
        worker.close()


def is_gone(pid: int) -> bool:
    """Waits for it: a process needs a moment to end, and its next parent a moment to collect it."""
    for _ in range(500):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (OSError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_one_process_runs_many_images_of_any_size(start) -> None:
    worker = start()
    pid = worker.pid
    for count, shape in enumerate([(1, 3, 4, 5), (1, 1, 1, 1), (1, 3, 700, 900)], 1):
        image = np.random.default_rng(count).random(shape, dtype=np.float32)
        doubled, counted = worker.run(image, ["double", "count"])
        np.testing.assert_array_equal(doubled, image * 2)
        assert counted[0, 0] == count
    assert worker.pid == pid


def test_what_is_not_contiguous_arrives_as_it_looks(start) -> None:
    image = np.arange(24, dtype=np.float32).reshape(1, 4, 3, 2).transpose(0, 3, 1, 2)[:, ::-1]
    np.testing.assert_array_equal(start().run(image, ["double"])[0], image * 2)


def test_what_the_runtime_prints_is_not_taken_for_an_answer(start, capfd) -> None:
    noise = "print('noise'); sys.stdout.flush(); os.write(1, b'noise'); os.write(2, b'noise')"
    worker = start(at_load=noise, at_run=noise)
    assert worker.run(np.ones((1, 1), np.float32), ["double"])[0] == 2
    assert capfd.readouterr() == ("", "")


def test_an_error_at_loading_has_its_reason_and_the_runtimes_own(start) -> None:
    with pytest.raises(
        ArtifactError, match=r"model.x: Runs cannot load it: no such layer: layer 3 failed"
    ) as caught:
        start(at_load="os.write(2, b'layer 3 failed\\n'); raise ValueError('no such layer\\nmore')")
    assert "\n" not in str(caught.value)


def test_an_error_in_a_run_is_one_line_and_the_next_image_may_do(start) -> None:
    worker = start(at_run="assert count != 1, 'not this one'")
    with pytest.raises(ArtifactError, match="Runs failed: not this one"):
        worker.run(np.ones((1, 1), np.float32), ["double"])
    assert worker.run(np.ones((1, 1), np.float32), ["count"])[0] == 2


@POSIX
def test_a_crash_is_one_line_at_loading_and_at_every_run_from_then_on(start) -> None:
    crash = "os.kill(os.getpid(), signal.SIGSEGV)"
    with pytest.raises(ArtifactError, match=r"the file crashes Runs \(SIGSEGV\) \(it is damaged"):
        start(at_load=crash)
    worker = start(at_run=crash)
    for _ in range(2):
        with pytest.raises(ArtifactError, match=r"the file crashes Runs \(SIGSEGV\)") as caught:
            worker.run(np.ones((1, 3, 600, 600), np.float32), ["double"])
        assert "\n" not in str(caught.value)


def test_an_exit_is_no_answer_either(start) -> None:
    with pytest.raises(ArtifactError, match=r"the file crashes Runs \(exit code 5\)"):
        start(at_run="os._exit(5)").run(np.ones((1, 1), np.float32), ["double"])


@pytest.mark.parametrize("option", ["at_load", "at_run"])
def test_what_never_ends_is_ended(option, start) -> None:
    with pytest.raises(ArtifactError, match="Runs was not done with the file in 1 s"):
        start(limit_s=1.0, **{option: "time.sleep(60)"}).run(np.ones((1, 1), np.float32), ["double"])


def test_close_ends_the_process_and_so_does_forgetting_it(start, tmp_path) -> None:
    worker = start()
    worker.close()
    worker.close()
    assert is_gone(worker.pid)
    forgotten = Worker(tmp_path / "loader.py", tmp_path / "model.x", {}, title="Runs", limit_s=30)
    pid = forgotten.pid
    del forgotten
    gc.collect()
    assert is_gone(pid)


@POSIX
@pytest.mark.parametrize("busy", [False, True], ids=["waiting", "in a run"])
def test_no_orphan_is_left_when_this_process_is_killed(busy, start, tmp_path) -> None:
    script = (
        "import os, pathlib, sys, threading, time, numpy as np\n"
        "from edgeir.runtime.worker import Worker\n"
        f"loader = pathlib.Path({str(tmp_path / 'loader.py')!r})\n"
        "worker = Worker(loader, loader, {'at_run': 'time.sleep(1)'}, title='Runs', limit_s=9)\n"
        "run = lambda: worker.run(np.ones((1, 1), np.float32), ['double'])\n"
        f"threading.Thread(target=run, daemon=True).start() if {busy} else None\n"
        "time.sleep(0.2)\n"
        "print(worker.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, 0)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert is_gone(child)


@POSIX
def test_a_run_without_end_ends_even_if_nobody_is_left_to_end_it(start, monkeypatch) -> None:
    """The parent's own limit is out of the way: what ends the process is its alarm."""
    monkeypatch.setattr(
        threading,
        "Timer",
        lambda *_: type("Never", (), {"start": lambda s: None, "cancel": lambda s: None})(),
    )
    with pytest.raises(ArtifactError, match="SIGALRM"):
        start(limit_s=-3.0, at_run="time.sleep(60)").run(np.ones((1, 1), np.float32), ["double"])


@POSIX
def test_ctrl_c_is_the_parents_to_handle(start) -> None:
    worker = start()
    os.kill(worker.pid, signal.SIGINT)
    assert worker.run(np.ones((1, 1), np.float32), ["double"])[0] == 2


def test_an_interrupted_exchange_ends_the_process(start, monkeypatch) -> None:
    worker = start()

    def interrupt(stream: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_answer", interrupt)
        with pytest.raises(KeyboardInterrupt):
            worker.run(np.ones((1, 1), np.float32), ["double"])
    assert is_gone(worker.pid)
    with pytest.raises(ArtifactError):
        worker.run(np.ones((1, 1), np.float32), ["double"])


def test_time_and_memory_are_those_of_the_process(start) -> None:
    worker = start(
        run_s=0.25, at_load="time.sleep(0.3)", at_run="time.sleep(0.3); big = np.ones(50 << 20, np.uint8)"
    )
    before = worker.transport_s
    assert before > 0
    worker.run(np.ones((1, 1), np.float32), ["double"])
    assert worker.transport_s - before >= 0.04  # 0.3 s went by, of which the runtime says 0.25
    if sys.platform == "linux":
        assert worker.peak_mib - worker.import_mib > 40


def test_where_no_process_can_be_started_it_says_so(start, monkeypatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(ArtifactError, match="a process of its own, which a frozen application cannot start"):
        start()
    monkeypatch.setattr(sys, "frozen", False)

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "no processes here")

    monkeypatch.setattr(module.subprocess, "Popen", refuse)
    with pytest.raises(ArtifactError, match="cannot be started: no processes here"):
        start()


def test_the_process_needs_nothing_of_edgeir_and_no_torch(tmp_path) -> None:
    (tmp_path / "loader.py").write_text(LOADER)
    code = (
        "import runpy, sys\n"
        "sys.modules['edgeir'] = sys.modules['torch'] = sys.modules['pydantic'] = None\n"
        "sys.argv = ['child', *sys.argv[2:]]\n"
        f"runpy.run_path({str(module.CHILD)!r}, run_name='__main__')\n"
    )
    command = [sys.executable, "-P", "-c", code, "--", str(tmp_path / "loader.py"), "x", "{}"]
    done = subprocess.run(command, input=b"", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b'"import_mib"' in done.stdout
