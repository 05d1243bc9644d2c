"""Checkpoints of other authors' networks in the cache: listed, kept while they are used, removed."""

from __future__ import annotations

import os
import time

import pytest

from edgeir.checkpoint.foreign.cached import NETWORKS, cached_networks, clear_networks
from edgeir.checkpoint.save import save_checkpoint
from edgeir.cli.app import main
from edgeir.models import PlainSRConfig


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path))
    network = PlainSRConfig(channels=8, blocks=1).build()
    for name, days in (("0123456789abcdef", 0), ("fedcba9876543210", 40)):
        folder = tmp_path / NETWORKS / name
        save_checkpoint(
            folder, network, network.state_dict(), name=f"of {days} days", metrics={}, provenance={}
        )
        then = time.time() - 86400 * days
        os.utime(folder, (then, then))
    (tmp_path / NETWORKS / "mine").mkdir()
    return tmp_path


def test_they_are_listed_and_removed(root, capsys) -> None:
    assert sorted(network.name for network in cached_networks()) == ["of 0 days", "of 40 days"]
    assert main(["cache"]) == 0
    assert "of 40 days" in capsys.readouterr().out
    assert main(["cache", "clear", "--older-than", "30"]) == 0
    assert [network.name for network in cached_networks()] == ["of 0 days"]
    assert [network.name for network in clear_networks()] == ["of 0 days"]
    assert (root / NETWORKS / "mine").is_dir()
    assert cached_networks(root / "nothing") == []
