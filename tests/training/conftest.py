"""A recipe that trains in seconds, a tiny network on random images; and how two runs are compared."""

import json

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

CLOCK = ("steps_per_s", "images_per_s", "data_wait_share", "eta_s")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def recipe(tmp_path):
    """Path of a recipe; `write(**changes)` rewrites it."""
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(3):
        smooth = rng.integers(0, 256, (12, 14, 3), dtype=np.uint8)
        Image.fromarray(smooth).resize((112, 96), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    source = {"kind": "folder", "path": str(folder)}
    values = {
        "name": "tiny",
        "model": {"kind": "plainsr", "channels": 4, "blocks": 1},
        "data": {"sources": [source], "patch": 8, "batch": 4},
        "optim": {"lr": 1e-3},
        "train": {"steps": 8, "ema": 0.9, "log_every": 1, "validate_every": 4, "save_every": 2, "samples": 1},
        "validation": {"sources": [source], "limit": 2, "size": 48},
    }
    path = tmp_path / "tiny.yaml"

    def write(**changes):
        path.write_text(yaml.safe_dump(values | changes))
        return path

    path.write_text(yaml.safe_dump(values))
    write.values = values
    write.path = path
    return write


@pytest.fixture
def rows():
    """The function from a run to its metrics, without what depends on the clock."""

    def read(run):
        lines = (run / "metrics.jsonl").read_text().splitlines()
        return [{key: value for key, value in json.loads(line).items() if key not in CLOCK} for line in lines]

    return read


@pytest.fixture
def same_weights():
    """The function that asserts that two runs have the same weights and the same state, bit for bit."""

    def check(a, b):
        for part in ("weights.safetensors", "state.safetensors"):
            left, right = (load_file(run / "checkpoints" / "last" / part) for run in (a, b))
            assert left.keys() == right.keys()
            for key in left:
                assert torch.equal(left[key], right[key]), key

    return check
