"""The other end of the pipes may refuse, die, hang or talk nonsense: each is an error of one line."""

import sys

import numpy as np
import pytest

from edgeir.core.errors import ArtifactError, DeviceError
from edgeir.devices.runner.process import RunnerProcess, run_once

SERVER = """
import json, os, sys
def send(data):
    sys.stdout.buffer.write(len(data).to_bytes(4, 'little') + data); sys.stdout.buffer.flush()
send(json.dumps({'init_ms': 1, 'peak_kib': 2}).encode())
while len(head := sys.stdin.buffer.read(4)) == 4:
    data = sys.stdin.buffer.read(int.from_bytes(head, 'little'))
    %s
    send(json.dumps({'run_ms': 1, 'peak_kib': 3}).encode()); send(data[::-1])
"""


def words(body):
    return [sys.executable, "-c", body]


def served(tmp_path, middle="pass", limit_s=20.0):
    return RunnerProcess(words(SERVER % middle), tmp_path / "m", title="the phone", limit_s=limit_s)


def test_tensors_go_there_and_back(tmp_path):
    process = served(tmp_path)
    tensor = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    assert process.run(tensor, "uint8", (3, 2)).tolist() == [[5, 4], [3, 2], [1, 0]]
    assert process.peak_kib == 3
    assert process.transport_s > 0
    process.close()


@pytest.mark.parametrize(
    ("middle", "said"),
    [
        (
            "send(json.dumps({'error': 'no such op'}).encode()); sys.exit(2)",
            "the phone cannot run it: no such op",
        ),
        ("os.kill(os.getpid(), 11)", r"it crashes the phone \(SIGSEGV\)"),
        ("sys.stderr.write('ERROR: out of luck\\n'); sys.exit(3)", r"it crashes the phone \(out of luck\)"),
        ("send(b'nonsense'); sys.exit(0)", r"it crashes the phone \(exit code 0\)"),
        ("sys.stdout.buffer.write(b'\\xff\\xff\\xff\\x7f'); sys.stdout.flush(); sys.exit(1)", "exit code 1"),
    ],
)
def test_a_run_that_fails_names_the_file_and_the_reason(tmp_path, middle, said):
    process = served(tmp_path, middle)
    with pytest.raises(ArtifactError, match=said) as caught:
        process.run(np.zeros(4, np.uint8), "uint8", (4,))
    assert caught.value.where == str(tmp_path / "m")
    process.close()


def test_one_that_hangs_is_ended(tmp_path):
    process = served(tmp_path, "import time; time.sleep(60)", limit_s=1.0)
    with pytest.raises(ArtifactError, match="the phone was not done with it in 1 s"):
        process.run(np.zeros(4, np.uint8), "uint8", (4,))
    assert process._process.poll() is not None


def test_once(tmp_path):
    def run(body, limit_s=20.0):
        return run_once(words(body), tmp_path / "m", title="the phone", limit_s=limit_s)

    assert run("print('{\"a\": 1}')") == {"a": 1}
    with pytest.raises(ArtifactError, match="the phone cannot run it: too new"):
        run('print(\'{"error": "too new"}\'); exit(2)')
    with pytest.raises(ArtifactError, match=r"crashes the phone \(exit code 7\)"):
        run("exit(7)")
    with pytest.raises(ArtifactError, match="not done with it in 1 s"):
        run("import time; time.sleep(60)", limit_s=1.0)
    with pytest.raises(DeviceError, match="the runner cannot be started: No such file"):
        run_once([str(tmp_path / "none")], tmp_path / "m", title="the phone", limit_s=1)
