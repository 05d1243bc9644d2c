"""Two processes do not write one output at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgeir.core.claim import sole_writer
from edgeir.core.errors import OutputError

HOLDER = """
import sys, time
from pathlib import Path
from edgeir.core.claim import sole_writer
with sole_writer(Path(sys.argv[1])):
    print(flush=True)
    time.sleep(60)
"""


def test_the_second_writer_is_refused_until_the_first_ends_or_is_killed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(out)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(OutputError, match="another process is writing it"), sole_writer(out):
            pytest.fail("both are writing")
        with sole_writer(tmp_path / "other"):
            pass
        holder.kill()
    with sole_writer(out):
        assert list(tmp_path.iterdir()) == [], "the lock lies elsewhere"


def test_a_path_is_the_same_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with sole_writer(tmp_path / "out"), pytest.raises(OutputError), sole_writer(Path("out")):
        pytest.fail("both are writing")
