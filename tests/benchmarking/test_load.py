"""What other processes do is seen, and what this one does is not."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeir.benchmarking.timing.load import OthersLoad

pytestmark = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs /proc/stat")


def test_another_process_is_seen():
    others, began = OthersLoad(), time.perf_counter()
    program = "import time\nend = time.process_time() + 0.6\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-c", program], check=True)
    elapsed = time.perf_counter() - began
    assert others.cores() >= 0.5 / elapsed  # 0.6 s of work, read in ticks of 10 ms


def test_unknown_where_there_is_no_such_file(monkeypatch):
    def unreadable(path, encoding):
        raise OSError

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert OthersLoad().cores() is None
