"""A built page, a Chromium, and two small bundles; what is not here skips the test and says how it is installed."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeir.core.archive import unpack_zip
from edgeir.core.errors import DeviceError
from edgeir.devices.browser.chromium import SOFTWARE_GPU, chromium_path
from edgeir.devices.browser.page import built_page
from edgeir.devices.browser.server import PageServer

SIZE = (48, 40)
SCALE = 2
WAIT_MS = 60_000


@pytest.fixture(scope="session")
def page_folder() -> Path:
    try:
        return built_page()
    except DeviceError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def chromium() -> Path:
    try:
        return chromium_path()
    except DeviceError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose output depends on every weight, enlarging by two."""
    torch = pytest.importorskip("torch")
    from edgeir.checkpoint.save import save_checkpoint
    from edgeir.models import PlainSRConfig

    network = PlainSRConfig(scale=SCALE, channels=8, blocks=1, branches=()).build()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 100
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / fan_in**0.5)
    folder = tmp_path_factory.mktemp("run") / "student"
    provenance = {"licence": "Apache-2.0 (weights)", "training_data": "noise"}
    weights = network.state_dict()
    save_checkpoint(folder, network.eval(), weights, name="student", metrics={}, provenance=provenance)
    return folder


def _bundled(student: Path, out: Path, **settings: Any) -> Path:
    from edgeir.exporting.bundle.export import export_bundle

    export_bundle(student, out=out, **settings)
    return out


@pytest.fixture(scope="session")
def zipped(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LiteRT and ONNX of one size."""
    out = tmp_path_factory.mktemp("out") / "app.zip"
    return _bundled(student, out, targets=["tflite", "onnx"], sizes=[SIZE])


@pytest.fixture(scope="session")
def fixed(zipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, unpacked; not to be changed."""
    folder = tmp_path_factory.mktemp("fixed")
    unpack_zip(zipped, folder)
    return folder


@pytest.fixture(scope="session")
def flexible(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ONNX of any size, as a folder."""
    return _bundled(student, tmp_path_factory.mktemp("out") / "any", targets=["onnx"])


@dataclass
class Visit:
    """One page in a browser, and what it did."""

    page: Any
    origin: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def ready(self) -> str:
        """Wait for the model; the text beside it."""
        self.page.wait_for_selector("#engine[data-state=ready]", timeout=WAIT_MS)
        return str(self.page.inner_text("#engine"))

    def choose(self, *photos: Path) -> None:
        self.page.set_input_files("#photo-input", [])
        button = "#choose" if self.page.is_visible("#choose") else "#add"
        with self.page.expect_file_chooser() as chooser:
            self.page.click(button)
        chooser.value.set_files([str(photo) for photo in photos])

    def finished(self) -> str:
        """Wait until the selected photo is done or failed; the status line."""
        self.page.wait_for_selector("#status:is([data-state=done], [data-state=failed])", timeout=WAIT_MS)
        return str(self.page.inner_text("#status"))

    def saved(self, to: Path) -> Path:
        with self.page.expect_download() as download:
            self.page.click("#save")
        download.value.save_as(to)
        return to

    def details(self) -> dict[str, str]:
        script = "terms => Object.fromEntries(terms.map(t => [t.innerText, t.nextElementSibling.innerText]))"
        found: dict[str, str] = self.page.eval_on_selector_all("#details dt", script)
        return found

    def remarks(self) -> str:
        return str(self.page.inner_text("#remarks"))


Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def browser(playwright: Any, chromium: Path) -> Iterator[Any]:
    flags = ["--no-sandbox", *SOFTWARE_GPU]
    opened = playwright.chromium.launch(executable_path=str(chromium), args=flags)
    yield opened
    opened.close()


@pytest.fixture
def visit(browser: Any, page_folder: Path) -> Iterator[Open]:
    """Opens the page with a bundle served beside it: ``visit(bundle, engine="wasm")``."""
    servers: list[PageServer] = []
    contexts: list[Any] = []

    def opened(
        bundle: Path | None, *, query: str = "", before: Callable[[Any], None] | None = None, **context: Any
    ) -> Visit:
        servers.append(PageServer(page_folder, bundle).start())
        contexts.append(browser.new_context(**context))
        made = Visit(contexts[-1].new_page(), servers[-1].url)
        made.page.set_default_timeout(WAIT_MS)
        made.page.on("request", lambda request: made.requests.append(request.url))
        made.page.on("pageerror", lambda error: made.errors.append(str(error)))
        if before is not None:
            before(made.page)
        made.page.goto(servers[-1].url + query)
        return made

    yield opened
    for context in contexts:
        context.close()
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def noise() -> Callable[..., np.ndarray]:
    return _noise


@pytest.fixture(scope="session")
def rezipped() -> Callable[..., Path]:
    return _rezipped


def _noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A photo with smooth and sharp parts, uint8 (height, width, channels)."""
    generator = np.random.default_rng(seed)
    small = generator.integers(0, 256, (height // 6 + 2, width // 6 + 2, channels), np.uint8)
    tiles = [
        Image.fromarray(small[:, :, c]).resize((width, height), Image.Resampling.BICUBIC)
        for c in range(channels)
    ]
    smooth = np.stack([np.asarray(tile) for tile in tiles], axis=2).astype(int)
    return np.clip(smooth + generator.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)


def _rezipped(source: Path, target: Path, changes: dict[str, bytes | None]) -> Path:
    """A copy of a zip with some files changed or (None) left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = changes.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target
