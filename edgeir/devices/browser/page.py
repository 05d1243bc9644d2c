"""Where the built page lies, and how it is built: ``npm install`` and ``vite build`` of ``export/web``.

The page's sources are small and ship in the wheel (``edgeir/_data/web``); the built page holds 70 MB of WebAssembly
and does not: ``docs/browser.md`` has the reason. It is built into ``export/web/dist`` of a checkout by ``make web`` or
into the cache folder by `build_page`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from edgeir.core.assets import page_sources
from edgeir.core.cache import cache_root
from edgeir.core.errors import DeviceError
from edgeir.core.files import atomic_dir

__all__ = ["build_page", "built_page"]

_PACKAGE = Path(__file__).resolve().parent.parent.parent
_BUILD_S = 600
"""Longest that npm may take."""
_SOURCES = (
    "package.json",
    ".npmrc",
    "tsconfig.json",
    "vite.config.ts",
    "index.html",
    "device.html",
    "src",
    "public",
)


def built_page(folder: str | Path | None = None) -> Path:
    """The folder of the built page: the one given, or else that of a checkout, or else that of the cache.

    Raises:
        DeviceError: the page is not built there.
    """
    places = [Path(folder)] if folder is not None else [_built_in_checkout(), _built_in_cache()]
    for place in places:
        if (place / "index.html").is_file() and (place / "device.html").is_file():
            return place
    raise DeviceError(
        "the page is not built",
        where=places[-1],
        fix="make web in a checkout, or edgeir serve BUNDLE --build; both need Node.js 20.19 or newer with npm",
    )


def build_page() -> Path:
    """Build the page in the cache folder, from the registry that npm is set up with; a few seconds.

    Raises:
        DeviceError: npm is not installed, or fails.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise DeviceError(
            "npm is not installed, and the page is built with it",
            fix="install Node.js 20.19 or newer: apt install nodejs npm, or nodejs.org",
        )
    target = _built_in_cache()
    with atomic_dir(target) as folder:
        for name in _SOURCES:
            source = page_sources() / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
        for words in (["install"], ["run", "build"]):
            _run([npm, *words], folder)
        for entry in list(folder.iterdir()):
            if entry.name != "dist":
                (shutil.rmtree if entry.is_dir() else os.unlink)(entry)
        for entry in list((folder / "dist").iterdir()):
            entry.rename(folder / entry.name)
        (folder / "dist").rmdir()
    return target


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=_BUILD_S, check=False
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise DeviceError(f"`npm {' '.join(command[1:])}` failed: {lines[-1][:200]}", where=page_sources())


def _built_in_checkout() -> Path:
    return _PACKAGE.parent / "export" / "web" / "dist"


def _built_in_cache() -> Path:
    return cache_root() / "web"
