"""Serve the page and a bundle until the process is interrupted."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from edgeir.core.archive import unpack_zip
from edgeir.core.errors import ArtifactError
from edgeir.core.files import scratch_dir
from edgeir.devices.browser.page import build_page, built_page
from edgeir.devices.browser.server import PageServer
from edgeir.manifest.bundle import read_bundle

__all__ = ["serve"]


def serve(
    bundle: str | Path | None = None,
    *,
    port: int = 8700,
    page: str | Path | None = None,
    build: bool = False,
    ready: Callable[[str], None] = lambda url: None,
    stop: threading.Event | None = None,
) -> None:
    """Serve the built page, and a bundle at ``/bundle/``, on 127.0.0.1 until Ctrl-C.

    Args:
        bundle: a folder or zip of `edgeir export --bundle`; None: the page asks its user for one.
        port: 0 takes a free one.
        page: folder of the built page; by default that of a checkout, else that of the cache.
        build: build the page in the cache first.
        ready: called with the address once it answers.
        stop: ends it when set.

    Raises:
        ArtifactError: the bundle's manifest cannot be read.
        DeviceError: the page is not built, or the port is taken.
    """
    folder = build_page() if build else built_page(page)
    with _unpacked(bundle) as content:
        server = PageServer(folder, content, port=port).start()
        try:
            ready(server.url)
            waiting = stop or threading.Event()
            while not waiting.wait(0.5):  # in turns: Ctrl-C gets through on every system
                pass
        finally:
            server.close()


@contextlib.contextmanager
def _unpacked(bundle: str | Path | None) -> Iterator[Path | None]:
    """The bundle's folder, its manifest read; a zip is unpacked into one that is removed at the end."""
    if bundle is None:
        yield None
        return
    path = Path(bundle)
    if not path.exists():
        raise ArtifactError("there is no such file or folder", where=path)
    if path.is_dir():
        read_bundle(path)
        yield path
        return
    with scratch_dir("serve") as scratch:
        unpack_zip(path, scratch)
        try:
            read_bundle(scratch)
        except ArtifactError as error:  # names the zip, not the folder that is gone
            raise ArtifactError(error.what, where=path, fix=error.fix) from error
        yield scratch
