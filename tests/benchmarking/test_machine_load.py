"""What other processes do is seen, what this one does is not; a system that says nothing gives None (Windows)."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeir.benchmarking.timing.child import peak_mib
from edgeir.benchmarking.timing.machine_load import BackgroundLoad, load_average


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs /proc/stat")
def test_another_process_is_seen():
    others, began = BackgroundLoad(), time.perf_counter()
    program = "import time\nend = time.process_time() + 0.6\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-c", program], check=True)
    elapsed = time.perf_counter() - began
    assert others.cores() >= 0.5 / elapsed  # 0.6 s of work, read in ticks of 10 ms


@pytest.fixture
def bare(monkeypatch):
    """What Windows lacks: /proc, load averages, sysconf, resource usage."""

    def unreadable(path, encoding=None, errors=None):
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", unreadable)
    monkeypatch.delattr(os, "getloadavg")
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.setitem(sys.modules, "resource", None)


def test_nothing_is_known_where_the_system_does_not_say(bare):
    assert BackgroundLoad().cores() is None
    assert load_average() is None
    assert peak_mib() is None


@pytest.mark.skipif(not hasattr(os, "getloadavg"), reason="needs a load average")
def test_the_load_average_is_the_systems():
    assert load_average() == pytest.approx(os.getloadavg()[0], abs=0.2)


def test_the_peak_is_found_without_proc(monkeypatch):
    pytest.importorskip("resource")

    def without_peak(path, encoding=None, errors=None):
        return "Name: python\nVmRSS: 1 kB\n"  # as some containers show it

    monkeypatch.setattr(Path, "read_text", without_peak)
    assert peak_mib() > 10
