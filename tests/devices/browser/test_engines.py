"""Which engine restores: WebGPU once its result is right, WebAssembly otherwise; little memory; no network."""

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


NO_CACHE = {"service_workers": "block"}
"""The service worker fetches the script of the page's workers too."""


def in_workers(script: str, workers: int = 1000) -> Callable[[Any], None]:
    """Puts a script before that of the page's first workers, to make a browser behave as others do."""
    started = []

    def handler(route: Any) -> None:
        answer = route.fetch()
        started.append(route.request.url)
        body = answer.text()
        route.fulfill(response=answer, body=script + body if len(started) <= workers else body)

    return lambda page: page.route("**/assets/worker-*.js", handler)


def restored(opened: Any, photo: Path, out: Path) -> np.ndarray:
    opened.choose(photo)
    assert opened.finished() == "Restored"
    return read_photo(opened.saved(out)).pixels.astype(int)


@pytest.fixture
def photo(noise: Script, tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    Image.fromarray(noise(60, 90)).save(path)
    return path


def python(photo: Path, model: Path) -> np.ndarray:
    out = photo.with_name("python.png")
    restore(photo, out, model=model)
    return read_photo(out).pixels.astype(int)


@pytest.mark.parametrize("index", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_webgpu_is_used_once_it_is_checked(
    index: int, fixed: Path, visit: Script, photo: Path, tmp_path: Path
) -> None:
    opened = visit(fixed, query="?engine=webgpu")
    opened.ready()
    opened.page.select_option("#model", index=index)
    opened.page.wait_for_selector("#engine[data-state=loading]", state="detached")
    assert "WebGPU" in opened.ready()
    result = restored(opened, photo, tmp_path / "page.png")
    assert np.abs(result - python(photo, fixed)).max() <= 1
    details = opened.details()
    assert details["Engine check"].startswith("checked on the golden image")
    assert "GPU" in details["Ran on"]


WRONG = """{
  const range = GPUBuffer.prototype.getMappedRange;
  GPUBuffer.prototype.getMappedRange = function (...words) {
    const bytes = range.apply(this, words);
    if (this.usage & GPUBufferUsage.MAP_READ) new Uint8Array(bytes).fill(63);
    return bytes;
  };
}"""


def test_a_webgpu_whose_result_is_wrong_is_not_trusted(
    fixed: Path, visit: Script, photo: Path, tmp_path: Path
) -> None:
    opened = visit(fixed, query="?engine=webgpu", before=in_workers(WRONG))
    assert "WebAssembly" in opened.ready()
    result = restored(opened, photo, tmp_path / "page.png")
    assert np.abs(result - python(photo, fixed)).max() <= 1
    assert "WebGPU is not used: its result is wrong on the golden image" in opened.remarks()


def test_without_webgpu(fixed: Path, visit: Script, photo: Path, tmp_path: Path) -> None:
    hidden = "Object.defineProperty(Object.getPrototypeOf(navigator), 'gpu', {get: () => undefined});"

    def before(page: Any) -> None:
        page.add_init_script(hidden)
        in_workers(hidden)(page)

    opened = visit(fixed, before=before)
    assert "WebAssembly" in opened.ready()
    result = restored(opened, photo, tmp_path / "page.png")
    assert np.abs(result - python(photo, fixed)).max() <= 1
    assert "no WebGPU" in opened.remarks()
    assert opened.errors == []


NO_MEMORY = """self.CompressionStream = class {
  constructor() { throw new RangeError('Array buffer allocation failed'); }
};"""


def test_out_of_memory_means_smaller_tiles(
    flexible: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    """The first two workers fail at the photo as a full memory does; tiles are halved twice."""
    path = tmp_path / "in.png"
    Image.fromarray(noise(150, 170)).save(path)
    opened = visit(flexible, query="?engine=wasm", before=in_workers(NO_MEMORY, workers=2), **NO_CACHE)
    opened.ready()
    result = restored(opened, path, tmp_path / "page.png")
    assert np.abs(result - python(path, flexible)).max() <= 1
    assert "The memory did not suffice: tiles of 128 pixels now." in opened.remarks()
    assert "The memory did not suffice: tiles of 64 pixels now." in opened.remarks()
    assert int(opened.details()["Tiles"].split()[0]) > 4


def test_a_file_of_one_size_that_does_not_fit_is_an_error_and_the_page_lives_on(
    fixed: Path, visit: Script, photo: Path, tmp_path: Path
) -> None:
    opened = visit(fixed, query="?engine=wasm", before=in_workers(NO_MEMORY, workers=1), **NO_CACHE)
    opened.ready()
    opened.choose(photo)
    assert "the memory does not suffice for the smallest tile" in opened.finished()
    assert not opened.page.is_visible("#save")
    opened.choose(photo)
    opened.page.wait_for_selector("#photo-1[data-state=done]")


def test_it_works_without_a_network(fixed: Path, visit: Script, photo: Path, tmp_path: Path) -> None:
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    opened.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    opened.page.reload()  # now under the service worker, which keeps what is fetched
    opened.ready()
    opened.page.context.set_offline(True)
    opened.page.reload()
    assert "LiteRT.js" in opened.ready()
    result = restored(opened, photo, tmp_path / "page.png")
    assert np.abs(result - python(photo, fixed)).max() <= 1


def test_it_can_be_installed(fixed: Path, visit: Script) -> None:
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    described = opened.page.evaluate(
        """async () => {
          const link = document.querySelector('link[rel=manifest]');
          const manifest = await (await fetch(link.href)).json();
          const icons = await Promise.all(manifest.icons.map(async icon => {
            const answer = await fetch(new URL(icon.src, link.href));
            return [icon.sizes, answer.ok && answer.headers.get('content-type') === icon.type];
          }));
          return {display: manifest.display, start: manifest.start_url, icons};
        }"""
    )
    assert described["display"] == "standalone"
    assert {sizes for sizes, right in described["icons"] if right} == {"any", "192x192", "512x512"}
