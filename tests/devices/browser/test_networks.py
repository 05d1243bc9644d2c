"""Networks that read something else than an RGB photo as it is: the enlarged photo, luma, or one colour at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeir.imaging.read import read_photo
from edgeir.restoring.photo import restore

pytestmark = pytest.mark.browser

Script = Callable[..., Any]


@pytest.fixture(params=["srcnn", "dncnn", "arcnn"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """SRCNN reads the enlarged photo; a gray DnCNN runs on each colour plane; a gray AR-CNN on luma."""
    torch = pytest.importorskip("torch")
    from edgeir.checkpoint.save import save_checkpoint
    from edgeir.exporting.bundle.export import export_bundle
    from edgeir.models import ARCNNConfig, DnCNNConfig, SRCNNConfig

    torch.manual_seed(0)
    network = {
        "srcnn": SRCNNConfig(scale=3),
        "dncnn": DnCNNConfig(channels=1, depth=3, width=8),
        "arcnn": ARCNNConfig(channels=1),
    }[request.param].build()
    provenance = {"licence": "Apache-2.0 (weights)", "training_data": "noise"}
    checkpoint, weights = tmp_path / "run", network.state_dict()
    save_checkpoint(
        checkpoint, network.eval(), weights, name=request.param, metrics={}, provenance=provenance
    )
    export_bundle(checkpoint, targets=["onnx"], out=tmp_path / "bundle")
    return tmp_path / "bundle"


def test_its_pixels_are_those_of_edgeir_restore(
    model: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    Image.fromarray(noise(95, 61)).save(tmp_path / "colour.png")
    Image.fromarray(noise(61, 95, 1)[:, :, 0]).save(tmp_path / "gray.png")
    opened = visit(model, query="?engine=wasm")
    opened.ready()
    for number, name in enumerate(("colour.png", "gray.png")):
        opened.choose(tmp_path / name)
        opened.page.wait_for_selector(f"#photo-{number}[data-state=done]")
        page = read_photo(opened.saved(tmp_path / f"page-{name}")).pixels.astype(int)
        restore(tmp_path / name, tmp_path / f"python-{name}", model=model)
        python = read_photo(tmp_path / f"python-{name}").pixels.astype(int)
        assert page.shape == python.shape
        assert np.abs(page - python).max() <= 1
        assert (page != python).mean() < 0.01
