"""Training computes what it computed before it was made faster: losses and weights of a few steps, kept in a file.

``golden.safetensors`` was written by this file run as a program (``python tests/training/test_golden.py``) on revision
c07a2ca, whose loop composed kernels by einsum and pad, took Adam's steps tensor by tensor and measured luma by einsum.
The order of float32 additions has changed since, and may change with a version of PyTorch; nothing else may. After 12
steps the losses differ by about 1e-6 from that, each tensor of weights by up to 1e-4 of its norm, Adam's moments (whose
gradients are differences of numbers nearly the same) by up to 6e-4; 1e-4 and 2e-3 are allowed.
"""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file

from edgeir.training.run import train

GOLDEN = Path(__file__).parent / "golden.safetensors"
LUMA = [{"kind": kind, "luma": luma, "weight": w} for kind, luma, w in (("l1", 0.8, 1.0), ("l2", 0.5, 10.0))]
CASES = {
    "plainsr": {
        "model": {
            "kind": "plainsr",
            "scale": 2,
            "channels": 5,
            "blocks": 2,
            "expansion": 2,
            "branches": ["expand", "pointwise", "identity", "edge"],
        },
        "data": {"degradation": {"kind": "bicubic", "scale": 2}, "patch": 8, "batch": 4},
        "objective": {"losses": [*LUMA, {"kind": "charbonnier"}]},
        "optim": {"lr": 2e-3, "schedule": {"kind": "cosine", "warmup": 3}},
        "train": {"clip_grad": 0.5},
    },
    "dncnn": {
        "model": {"kind": "dncnn", "depth": 4, "width": 4},
        "data": {"degradation": {"kind": "awgn", "sigma": 25.0}, "patch": 12, "batch": 3},
        "objective": {"losses": [{"kind": "l2"}]},
        # Not Adam: a bias in front of a normalisation has no gradient but rounding, which Adam scales to full steps.
        "optim": {"kind": "sgd", "lr": 0.05, "weight_decay": 0.01},
        "train": {},
    },
}


def tensors_of(case: str, folder: Path) -> dict[str, torch.Tensor]:
    """Twelve steps: the losses, and the weights, their average and Adam's moments after them."""
    images = folder / "images"
    images.mkdir(parents=True)
    rng = np.random.default_rng(7)
    for index in range(3):
        coarse = rng.integers(0, 256, (8, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse.repeat(6, 0).repeat(6, 1)).save(images / f"{index}.png")
    source = [{"kind": "folder", "path": str(images)}]
    values = {key: dict(part) for key, part in CASES[case].items()} | {"name": case}
    values["data"] |= {"sources": source}
    values["validation"] = {"sources": source, "limit": 1, "size": 32}
    bookkeeping = {"steps": 12, "ema": 0.9, "log_every": 1, "validate_every": 12, "samples": 0}
    values["train"] |= bookkeeping
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(values))
    run = train(path, out=folder / "run").run_dir
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    state = load_file(run / "checkpoints" / "last" / "state.safetensors")
    state["losses"] = torch.tensor([row["loss"] for row in rows if "loss" in row], dtype=torch.float64)
    return state


@pytest.mark.parametrize("case", CASES)
def test_twelve_steps_are_what_they_were(case, tmp_path):
    golden = {
        key.removeprefix(f"{case}:"): value
        for key, value in load_file(GOLDEN).items()
        if key.startswith(f"{case}:")
    }
    state = tensors_of(case, tmp_path)
    assert state.keys() == golden.keys()
    assert len(state["losses"]) == 12
    assert torch.allclose(state["losses"], golden["losses"], rtol=1e-4, atol=0)
    for key, before in golden.items():
        if key == "losses":
            continue
        now, size = state[key].double(), before.double().norm()
        assert (now - before.double()).norm() <= 2e-3 * size + 1e-9, key


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        os.environ["EDGEIR_CACHE"] = f"{name}/cache"
        save_file(
            {
                f"{case}:{key}": value
                for case in CASES
                for key, value in tensors_of(case, Path(name) / case).items()
            },
            GOLDEN,
        )
