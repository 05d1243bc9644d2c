"""Two hosts under torchrun, one of which is switched off in the middle: the run ends with the weights of one that was
not disturbed.

The hosts are network namespaces with a cable between them, where the system allows that (root, iproute2), otherwise two
agents on this machine. They share the file system.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from edgeir.core.errors import ConfigError, DataError
from edgeir.training import torchrun
from edgeir.training.run import train
from edgeir.training.torchrun import Launched, by_first, launched, lost_peer

STEPS, SAVE_EVERY = 240, 20
UNSHARED = "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"
"""Without it, torch 2.13's agent does not tell a machine that came back where the first process listens."""


class First:
    """The part of Fabric that `by_first` uses."""

    is_global_zero = True

    def broadcast(self, value: Any) -> Any:
        return value


class Second(First):
    is_global_zero = False

    def broadcast(self, value: Any) -> Any:
        return (None, DataError("no images"))


def test_what_torchrun_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert launched() is None
    said = {"TORCHELASTIC_RUN_ID": "a", "RANK": "3", "WORLD_SIZE": "4", "GROUP_WORLD_SIZE": "2"}
    said |= {"LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RESTART_COUNT": "1"}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert launched() == Launched(rank=3, nodes=2, per_node=2, restarts=1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    with pytest.raises(
        ConfigError, match="4 processes on 2 machines, 1 of them on this one .*--nproc-per-node"
    ):
        launched()


def test_the_first_process_works_for_all_and_says_what_is_wrong() -> None:
    assert by_first(First(), lambda: 5) == 5  # type: ignore[arg-type]

    def fails() -> int:
        raise DataError("no images")

    with pytest.raises(DataError, match="no images"):
        by_first(First(), fails)  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        by_first(Second(), lambda: pytest.fail("it worked"))  # type: ignore[arg-type]


def test_a_lost_process_is_told_from_other_errors() -> None:
    lost = lost_peer(
        RuntimeError("[../gloo/transport/tcp/pair.cc:534] Connection closed by peer [10.0.0.2]:1")
    )
    assert "another process of the training ended" in str(lost)
    assert lost_peer(RuntimeError("shapes do not match")) is None
    assert torchrun.__doc__


@dataclass
class Hosts:
    """Two hosts; `prefix` is what runs a command on each."""

    prefixes: list[list[str]]
    addresses: list[str]
    interfaces: list[str]
    folder: Path
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    port: int = 29533

    def start(self, index: int, *words: str, restarts: int = 3) -> subprocess.Popen[bytes]:
        agent = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"]
        agent += ["--rdzv-backend=c10d", f"--rdzv-endpoint={self.addresses[0]}:{self.port}", "--rdzv-id=test"]
        agent += [f"--rdzv-conf=is_host={'false' if index else 'true'},join_timeout=300"]
        agent += [
            f"--local-addr={self.addresses[index]}",
            f"--max-restarts={restarts}",
            "-m",
            "edgeir",
            *words,
        ]
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            UNSHARED: "1",
            "EDGEIR_TEST_HOST": f"{self.token}-{index}",
        }
        if self.interfaces[index]:
            environment["GLOO_SOCKET_IFNAME"] = self.interfaces[index]
        with (self.folder / f"host{index}.log").open("ab") as log:
            return subprocess.Popen(
                [*self.prefixes[index], *agent], cwd=self.folder, env=environment, stdout=log, stderr=log
            )

    def switch_off(self, index: int) -> int:
        """Kill all processes of a host at once; how many there were."""
        mine = f"EDGEIR_TEST_HOST={self.token}-{index}".encode()
        killed = 0
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mine in (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
                    killed += 1
            except OSError:
                continue
        return killed

    def log(self, index: int) -> str:
        return (self.folder / f"host{index}.log").read_text(errors="replace")


def _ip(*words: str) -> bool:
    return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    if not sys.platform.startswith("linux"):
        pytest.skip("looks at /proc")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = Hosts([[], []], ["127.0.0.1"] * 2, ["", ""], tmp_path, port=port)
    names = [f"edgeir{here.token[:6]}{end}" for end in "ab"]
    if shutil.which("ip") is None or not all(_ip("netns", "add", name) for name in names):
        yield here
    else:
        cable = [f"e{here.token[:6]}{end}" for end in "ab"]
        addresses = ["10.97.43.1", "10.97.43.2"]
        made = _ip(
            "link", "add", cable[0], "netns", names[0], "type", "veth", "peer", cable[1], "netns", names[1]
        )
        for name, link, address in zip(names, cable, addresses, strict=True):
            made &= _ip("-n", name, "addr", "add", f"{address}/24", "dev", link)
            made &= _ip("-n", name, "link", "set", link, "up") & _ip("-n", name, "link", "set", "lo", "up")
        if made:
            prefixes = [["ip", "netns", "exec", name] for name in names]
            yield Hosts(prefixes, addresses, cable, tmp_path, here.token, port)
        else:
            yield here
    for index in range(2):
        here.switch_off(index)
    for name in names:
        _ip("netns", "del", name)


def wait_for(condition: Callable[[], Any], hosts: Hosts, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, hosts.log(0) + hosts.log(1)
        time.sleep(0.02)


def last_step(run: Path) -> int:
    try:
        return int(json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"])
    except (OSError, ValueError, IndexError):
        return 0


def undisturbed(recipe_path: Path, out: Path, processes: int) -> None:
    words = ["train", str(recipe_path), "--out", str(out), "--devices", str(processes), "-q"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(processes)}  # one thread each
    done = subprocess.run([sys.executable, "-m", "edgeir", *words], env=environment, check=False, timeout=600)
    assert done.returncode == 0


def weights(run: Path) -> dict[str, Any]:
    return load_file(run / "checkpoints" / "last" / "weights.safetensors")


@pytest.mark.slow
def test_a_host_that_is_switched_off_and_comes_back(hosts: Hosts, recipe: Any, same_weights: Any) -> None:
    length = {"steps": STEPS, "ema": 0.9, "log_every": 1, "validate_every": STEPS, "save_every": SAVE_EVERY}
    path = recipe(train=length)
    words = ("train", path.name, "--out", "run", "--resume", "-q")
    run = hosts.folder / "run"
    first = hosts.start(0, *words)
    second = hosts.start(1, *words)
    wait_for(lambda: last_step(run) > 2 * SAVE_EVERY, hosts)
    assert hosts.switch_off(1) >= 2, "the agent and its process"
    second.wait(timeout=60)
    assert last_step(run) < STEPS, "it was switched off too late"
    again = hosts.start(1, *words)
    assert (first.wait(timeout=400), again.wait(timeout=60)) == (0, 0), hosts.log(0) + hosts.log(1)

    said = hosts.log(0) + hosts.log(1)  # either may have the first process
    assert said.count(f"finished after {STEPS} steps: run") == 1
    steps = [
        row["step"]
        for row in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        if "loss" in row
    ]
    assert steps == list(range(1, STEPS + 1)), "each step once"

    # Two processes add up two gradients, in whichever order: the same sum, so the same bits.
    undisturbed(path, hosts.folder / "two", 2)
    same_weights(run, hosts.folder / "two")


@pytest.mark.slow
def test_a_run_that_goes_on_with_another_number_of_processes_is_the_same_run(
    recipe: Any, tmp_path: Path
) -> None:
    """The batch is the recipe's. One process adds it up in another order than two, which float32 rounds to 1e-8 of a
    gradient; plain descent passes that on as it is (Adam divides a gradient by its own size, and so magnifies it)."""
    path = recipe(optim={"kind": "sgd", "lr": 0.05, "schedule": {"kind": "constant"}})
    train(path, out=tmp_path / "one")
    train(path, out=tmp_path / "changed", devices=2, overrides=["train.steps=4"])
    half = weights(tmp_path / "changed")
    train(path, out=tmp_path / "changed", resume=True)
    one, changed = weights(tmp_path / "one"), weights(tmp_path / "changed")
    assert max((one[key] - changed[key]).abs().max() for key in one) < 1e-6
    assert max((one[key] - half[key]).abs().max() for key in one) > 1e-4, "it hardly trained"


@pytest.mark.slow
def test_what_is_wrong_is_said_once_and_what_is_there_is_not_replaced(hosts: Hosts, recipe: Any) -> None:
    (hosts.folder / "run").mkdir()
    (hosts.folder / "run" / "mine.txt").write_text("mine")
    words = ("train", recipe.path.name, "--out", "run", "--resume", "-q")
    agents = [hosts.start(index, *words, restarts=0) for index in range(2)]
    assert all(agent.wait(timeout=400) for agent in agents)
    said = [hosts.log(index) for index in range(2)]
    assert sum("run: the output exists already" in log for log in said) == 1
    assert sum("edgeir: error" in log for log in said) == 1
    assert [path.name for path in (hosts.folder / "run").iterdir()] == ["mine.txt"]
