"""`edgeir restore --engine ray` on a cluster of two machines of one core each, here as processes.

The files are those of the ordinary engine, whatever is killed, filled up or interrupted meanwhile.

The command runs in a process of its own, as a user's does. A path that one machine does not see is made by a mount
namespace of its own, which needs root.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeir.core.assets import find_zoo

pytest.importorskip("ray", reason="needs edgeir[ray]")
pytest.importorskip("ai_edge_litert", reason="needs edgeir[run]")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc"),
]

TOKEN = "EDGEIR_TEST_CLUSTER"
MODEL = "sr-x4-xs"
START = "import sys, time\nfrom ray.cluster_utils import Cluster\n"
START += (
    "cluster = Cluster(initialize_head=True, head_node_args={'num_cpus': 1, 'include_dashboard': False})\n"
)
START += (
    "cluster.add_node(num_cpus=1)\nprint(cluster.address, flush=True)\nsys.stdin.read()\ncluster.shutdown()\n"
)

as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts need root")


@dataclass
class TwoMachines:
    address: str
    token: str

    def workers(self) -> list[int]:
        """Processes of the cluster that restore photos."""
        return [pid for pid in _processes(self.token) if b"MapWorker" in _read(pid, "cmdline")]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _processes(token: str) -> list[int]:
    mine = f"{TOKEN}={token}".encode()
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if mine in _read(pid, "environ")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[TwoMachines]:
    token = uuid.uuid4().hex
    folder = f"/tmp/edgeir-{token[:8]}"  # short: Ray's sockets lie in it
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": folder, TOKEN: token}
    process = subprocess.Popen(
        [sys.executable, "-c", START],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    address = ""
    for line in process.stdout:
        if line.strip().rpartition(":")[2].isdigit():
            address = line.strip()
            break
    yield TwoMachines(address, token)
    process.stdin.close()
    process.wait(timeout=60)
    process.stdout.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos, large enough that something can happen in the middle, with one that is none."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for index in range(12):
        pixels = random.integers(0, 256, (300 + index, 400, 4 if index == 3 else 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / (f"p{index:02}.png" if index % 2 else f"p{index:02}.jpg"))
    (folder / "text.jpg").write_text("no image")
    return folder


def command(photos: Path, out: Path, *words: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "edgeir",
        "restore",
        str(photos),
        str(out),
        "--model",
        MODEL,
        "--runtime",
        "litert",
        *words,
    ]


def on(cluster: TwoMachines, *words: str) -> tuple[str, ...]:
    return ("--engine", "ray", "--ray-address", cluster.address, *words)


def done(words: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=600, check=False, **options)


def started(words: list[str]) -> subprocess.Popen[str]:
    fresh = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", fresh, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition: Callable[[], Any], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.02)


def contents(folder: Path) -> dict[str, bytes]:
    """All files, hidden ones too: what is left behind counts."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.fixture(scope="module")
def ordinary(
    photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Files and report of the ordinary engine, for relative paths."""
    folder = tmp_path_factory.mktemp("ordinary")
    (folder / "in").symlink_to(photos)
    words = command(Path("in"), Path("out"), "--threads", "1", "--json")
    result = done(words, cwd=folder)
    assert result.returncode == 1
    return contents(folder / "out"), json.loads(result.stdout)


def test_files_report_and_exit_code_are_those_of_the_ordinary_engine(
    cluster: TwoMachines, photos: Path, ordinary: tuple[dict[str, bytes], dict[str, Any]], tmp_path: Path
) -> None:
    files, report = ordinary
    (tmp_path / "in").symlink_to(photos)
    result = done(command(Path("in"), Path("out"), *on(cluster, "--json")), cwd=tmp_path)
    assert result.returncode == 1
    assert contents(tmp_path / "out") == files
    assert len(files) == 12
    found = json.loads(result.stdout)
    for entry in (*report["restored"], *found["restored"]):
        assert entry.pop("seconds") > 0
    assert found == report
    assert [entry["input"] for entry in found["failed"]] == ["in/text.jpg"]
    assert all(line.startswith("edgeir: ") for line in result.stderr.splitlines()), result.stderr


def test_a_worker_that_is_killed_is_replaced_and_each_image_is_there_once(
    cluster: TwoMachines, photos: Path, ordinary: tuple[dict[str, bytes], dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = started(command(photos, out, *on(cluster, "--json")))
    wait_for(lambda: any(not name.startswith(".") for name in contents(out)))
    victims = cluster.workers()
    os.kill(victims[0], signal.SIGKILL)
    text, errors = process.communicate(timeout=600)
    assert process.returncode == 1, errors
    names = [Path(entry["input"]).name for entry in json.loads(text)["restored"]]
    assert len(names) == len(set(names)) == 12
    visible = {name: content for name, content in contents(out).items() if not name.startswith(".")}
    assert visible == ordinary[0]
    assert all(line.startswith("edgeir: ") for line in errors.splitlines()), errors


def test_a_command_that_is_killed_is_resumed(
    cluster: TwoMachines, photos: Path, ordinary: tuple[dict[str, bytes], dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = started(command(photos, out, *on(cluster)))
    wait_for(lambda: sum(not name.startswith(".") for name in contents(out)) >= 2)
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not cluster.workers())
    before = {name: content for name, content in contents(out).items() if not name.startswith(".")}
    assert 2 <= len(before) < 12
    assert before.items() <= ordinary[0].items()
    times = {name: (out / name).stat().st_mtime_ns for name in before}
    result = done(command(photos, out, *on(cluster, "--skip-existing", "--json")))
    assert result.returncode == 1
    report = json.loads(result.stdout)
    assert len(report["existing"]) == len(before)
    assert len(report["restored"]) == 12 - len(before)
    assert contents(out) == ordinary[0], "what the killed command began is removed"
    assert {name: (out / name).stat().st_mtime_ns for name in before} == times


def test_ctrl_c_keeps_what_is_done_and_says_it(
    cluster: TwoMachines, photos: Path, ordinary: tuple[dict[str, bytes], dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = started(command(photos, out, *on(cluster, "-q")))
    wait_for(lambda: any(not name.startswith(".") for name in contents(out)))
    process.send_signal(signal.SIGINT)
    text, errors = process.communicate(timeout=600)
    assert process.returncode == 130
    kept = contents(out)
    assert 1 <= len(kept) < 12
    assert kept.items() <= ordinary[0].items()
    assert sorted(Path(line.split()[0]).name for line in text.splitlines()) == sorted(kept)
    assert errors.endswith("edgeir: interrupted\n")
    assert "not tried (run it again with --skip-existing)" in errors
    wait_for(lambda: not cluster.workers())


@as_root
def test_a_full_disk_stops_the_run_and_nothing_is_lost(
    cluster: TwoMachines, photos: Path, ordinary: tuple[dict[str, bytes], dict[str, Any]], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(len(content) for content in ordinary[0].values()) // 2
    if done(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]).returncode:
        pytest.skip("mounts are not allowed here")
    try:
        out = disk / "out"
        result = done(command(photos, out, *on(cluster, "-q")))
        assert result.returncode == 2
        last = result.stderr.splitlines()[-1]
        assert last.startswith(f"edgeir: error: {out}")
        assert "the disk is full (free some space or write to another disk)" in last
        kept = contents(out)
        assert 1 <= len(kept) < 12
        assert kept.items() <= ordinary[0].items()
        assert sorted(Path(line.split()[0]).name for line in result.stdout.splitlines()) == sorted(kept)
        assert "not tried (run it again with --skip-existing)" in result.stderr
        assert done(["mount", "-o", f"remount,size={4 * size}", str(disk)]).returncode == 0
        result = done(command(photos, out, *on(cluster, "--skip-existing", "-q")))
        assert result.returncode == 1
        assert contents(out) == ordinary[0]
    finally:
        done(["umount", str(disk)])


def _elsewhere(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    """The command where only it sees what lies in `folder`: the cluster finds it empty."""
    script = 'mount -t tmpfs tmpfs "$1" && cp -a "$1.real/." "$1" && shift && exec "$@"'
    folder.rename(folder.with_name(f"{folder.name}.real"))
    folder.mkdir()
    return done(["unshare", "--mount", "sh", "-c", script, "sh", str(folder), *words])


@pytest.fixture
def _namespaces() -> None:
    if done(["unshare", "--mount", "true"]).returncode:
        pytest.skip("mount namespaces are not allowed here")


@as_root
@pytest.mark.usefixtures("_namespaces")
def test_the_network_travels_to_machines_that_do_not_have_it(
    cluster: TwoMachines, photos: Path, ordinary: tuple[dict[str, bytes], dict[str, Any]], tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(find_zoo(MODEL) / "litert", mine)
    words = command(photos, tmp_path / "out", *on(cluster, "-q"))
    words[words.index(MODEL)] = str(mine)
    result = _elsewhere(mine, words)
    assert list(mine.iterdir()) == []
    assert result.returncode == 1, result.stderr
    assert contents(tmp_path / "out") == ordinary[0]


@as_root
@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("hidden", ["photos", "out"])
def test_machines_that_do_not_see_a_folder_are_named(
    cluster: TwoMachines, photos: Path, tmp_path: Path, hidden: str
) -> None:
    mine = tmp_path / "photos"
    mine.mkdir()
    (mine / "p00.jpg").write_bytes((photos / "p00.jpg").read_bytes())
    (tmp_path / "out").mkdir()
    result = _elsewhere(tmp_path / hidden, command(mine, tmp_path / "out", *on(cluster, "-q")))
    assert result.returncode == 2
    assert "of the cluster does not see" in result.stderr
    assert f"error: {tmp_path / hidden}: " in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert contents(tmp_path / "out") == {}


def test_a_cluster_that_is_not_there(photos: Path, tmp_path: Path) -> None:
    result = done(command(photos, tmp_path / "out", "--engine", "ray", "--ray-address", "127.0.0.1:1", "-q"))
    assert result.returncode == 2
    assert "127.0.0.1:1: the Ray cluster cannot be reached: [Errno 111] Connection refused" in result.stderr
    assert "start it: ray start --head" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_without_an_address_a_cluster_is_started_here_and_leaves_nothing(
    photos: Path, ordinary: tuple[dict[str, bytes], dict[str, Any]], tmp_path: Path
) -> None:
    token = uuid.uuid4().hex
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"} | {TOKEN: token}
    environment["RAY_TMPDIR"] = f"/tmp/edgeir-{token[:8]}"
    words = command(photos, tmp_path / "out", "--engine", "ray", "--workers", "2", "-q")
    result = done(words, env=environment)
    assert result.returncode == 1
    assert contents(tmp_path / "out") == ordinary[0]
    assert all(line.startswith("edgeir: ") for line in result.stderr.splitlines()), result.stderr
    wait_for(lambda: not _processes(token), 30)
    left = [path for path in Path(environment["RAY_TMPDIR"]).rglob("*") if path.is_file()]
    assert left == []
    shutil.rmtree(environment["RAY_TMPDIR"])


KILLER = """
import errno, os, sys
from pathlib import Path
from edgeir.core.errors import EdgeIRError
from edgeir.restoring.engines import Ray
from edgeir.restoring.engines.base import Network
from edgeir.restoring.jobs import Job
from edgeir.restoring.report import FailedPhoto, RestoredPhoto

what, address, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])

class One:
    several = True
    def __call__(self, job, session, progress):
        if job.source.name == "2":
            if what == "kill":
                os.kill(os.getpid(), 9)
            raise OSError(errno.ENOSPC, "No space left on device", "x")
        return RestoredPhoto(input=job.source, output=job.target, width=1, height=1, tiles=1, seconds=0)

class Record(dict):
    def loaded(self, name, runtime): pass
    def tried(self, index, outcome):
        assert index not in self
        self[index] = outcome

jobs = [Job(folder / str(index), folder / "out" / str(index)) for index in range(5)]
record = Record()
try:
    Ray(address=address).run(jobs, Network("sr-x4-xs", "litert"), One(), record, lambda *call: None)
except Exception as error:
    print(type(error).__name__, error)
print({index: getattr(record[index], "error", "") for index in sorted(record)})
"""


@pytest.mark.parametrize("what", ["kill", "full"])
def test_a_photo_that_kills_its_worker_is_given_up_and_an_error_that_concerns_all_is_raised(
    cluster: TwoMachines, tmp_path: Path, what: str
) -> None:
    for index in range(5):
        (tmp_path / str(index)).touch()
    result = done([sys.executable, "-c", KILLER, what, cluster.address, str(tmp_path)])
    assert result.returncode == 0, result.stderr
    *errors, outcomes = result.stdout.splitlines()
    if what == "kill":
        assert errors == []
        assert outcomes.startswith("{0: '', 1: '', 2: '")
        assert "2: the worker that restored it was killed 3 times (often memory was short" in outcomes
        assert outcomes.endswith("3: '', 4: ''}")
    else:
        assert errors == ["OSError [Errno 28] No space left on device: 'x'"]
    assert not (tmp_path / "out").exists()
