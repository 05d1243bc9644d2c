"""A recipe that trains in seconds, a family of two shapes, and a device that counts multiply-accumulates."""

import json

import numpy as np
import pytest
import yaml
from PIL import Image

pytest.importorskip("torch")

from edgeir.benchmarking.result import Row
from edgeir.fitting import work
from edgeir.models import PlainSRConfig
from edgeir.models.family import Family

SIZE = (24, 32)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def recipe(tmp_path):
    """Path of a recipe."""
    folder = tmp_path / "images"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (12, 14, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((112, 96), Image.Resampling.BICUBIC).save(folder / "0.png")
    source = {"kind": "folder", "path": str(folder)}
    values = {
        "name": "tiny",
        "model": {"kind": "plainsr", "channels": 4, "blocks": 1, "branches": []},
        "data": {"sources": [source], "patch": 8, "batch": 2},
        "train": {"steps": 4, "log_every": 1, "validate_every": 2, "save_every": 2, "samples": 0},
        "validation": {"sources": [source], "limit": 1, "size": 48},
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture
def family(monkeypatch):
    """Two shapes of PlainSR, of four and of six channels."""
    made = Family(
        depth="blocks",
        least=1,
        most=9,
        shapes=({"channels": 4, "residual_kernel": 1}, {"channels": 6, "residual_kernel": 1}),
        empty={"blocks": 0},
        training_only={"branches": ()},
    )
    monkeypatch.setattr(PlainSRConfig, "family", lambda self: made)
    return made


class Abacus:
    """A `Measurer` of files that `unwritten` did not write: a thousandth of a second for a million of its
    multiply-accumulates at this size; asks are logged."""

    where = "an abacus 1.0, 1 thread"
    note = ""

    def __init__(self):
        self.asked = []

    def __call__(self, folders, progress):
        progress(0, 1, "counting")
        rows = []
        for folder in folders:
            config = json.loads((folder / "config.json").read_text())
            network = PlainSRConfig.model_validate(config).build()
            self.asked.append((config["channels"], config["blocks"]))
            rows.append(
                Row(
                    name="x",
                    model="x",
                    runtime="abacus",
                    instructions={"total": network.macs(*SIZE)},
                    note=self.note,
                    latency=latency(network.macs(*SIZE) / 1e6),
                )
            )
        return rows


def latency(p50):
    from edgeir.benchmarking.result import Latency

    same = dict.fromkeys(("init_ms", "first_run_ms", "min_ms", "p50_ms", "p90_ms", "p99_ms", "mean_ms"), p50)
    return Latency(height=96, width=128, threads=1, warmup_runs=1, repeats=1, **same)


@pytest.fixture
def unwritten(monkeypatch):
    """Nothing is exported: the file of a member is its configuration."""

    def write(config, name, target, precision, size, folder):
        assert size == SIZE
        assert config.branches == ()
        (folder / "config.json").write_text(config.model_dump_json())
        return folder

    monkeypatch.setattr(work, "export_member", write)


@pytest.fixture
def abacus(unwritten):
    return Abacus()
