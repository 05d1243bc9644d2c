"""The zoo's networks run where torch is not installed, from the int8 file that comes with each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.core.assets import find_zoo, list_zoo
from edgeir.data.sources.embedded import embedded
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.card import read_card
from edgeir.manifest.parity import Parity
from edgeir.runtime.loading import load

NO_TORCH = (
    "import sys\nfor name in ('torch', 'safetensors', 'lightning_fabric'):\n    sys.modules[name] = None\n"
)


@pytest.mark.parametrize("name", list_zoo())
def test_the_file_is_that_of_the_weights_and_was_proved(name: str) -> None:
    folder = find_zoo(name)
    artifact, _ = read_artifact(folder / "litert")
    assert artifact.checkpoint_sha256 == read_card(folder).weights_sha256
    assert isinstance(artifact.main.parity, Parity)
    assert artifact.main.parity.psnr_drop_db < 0.1


@pytest.mark.parametrize("name", list_zoo())
def test_the_file_restores_as_the_weights_do(name: str) -> None:
    artifact, _ = read_artifact(find_zoo(name) / "litert")
    height, width = artifact.main.size or (192, 192)
    image = embedded(["chelsea"])[0].load()[20 : 20 + height, 100 : 100 + width].astype(
        np.float32
    ) / np.float32(255)
    found, wanted = (load(name, runtime=runtime).run(image) for runtime in ("litert", "torch"))
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.01


def test_a_photo_is_restored_without_torch(tmp_path: Path) -> None:
    Image.fromarray(embedded(["chelsea"])[0].load()[:100, :150]).save(tmp_path / "photo.png")
    script = (
        f"{NO_TORCH}import importlib.metadata as metadata\nreal = metadata.version\n"
        "def version(name):\n    if name == 'torch':\n        raise metadata.PackageNotFoundError(name)\n"
        "    return real(name)\nmetadata.version = version\n"
        "from edgeir.cli.app import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = ["restore", str(tmp_path / "photo.png"), str(tmp_path / "x4.png"), "--model", "sr-x4", "--json"]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"runtime": "litert"' in done.stdout
    with Image.open(tmp_path / "x4.png") as restored:
        assert restored.size == (600, 400)
