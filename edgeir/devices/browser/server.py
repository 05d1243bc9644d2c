"""The server of the page: the built page and one bundle, read-only, on this machine alone.

Every answer has the headers that the page relies on:

- **Content-Security-Policy**: the page may load and connect to nothing but this server, so a photo cannot leave the
  machine, whatever a script does. `POLICY` is the one text of it, and the page carries it too (``index.html``), for the
  day when another server hands it out.
- **Cross-Origin-Opener-Policy, Cross-Origin-Embedder-Policy**: without them browsers give no shared memory, and
  WebAssembly then runs on one thread.

``/bundle/…`` is the bundle, everything else the page. Only files below the two folders are handed out: a path with
``..``, a link that leads out, and a folder are answered by 404, and a request for another host than this machine by 403
(so that no web site reaches the server under a name of its own).
"""

from __future__ import annotations

import errno
import http.server
import threading
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from edgeir.core.errors import DeviceError

__all__ = ["HOST", "POLICY", "PageServer"]

HOST = "127.0.0.1"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; "
    "img-src 'self' blob: data:; style-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'"
)
"""Of the page and its workers; ``frame-ancestors`` is added in the header, where alone it counts."""
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
"""A table of its own: that of the system may lack WebAssembly, which browsers then refuse to compile as it streams."""
OTHER_TYPE = "application/octet-stream"
_BLOCK = 1 << 18

Route = Callable[[str, bytes], tuple[HTTPStatus, bytes]]
"""Method and body of a request to its answer; called in the thread of the request."""


class PageServer(http.server.ThreadingHTTPServer):
    """Serves a built page, and a bundle where there is one, until `close`.

    Args:
        page: the folder of the built page (`edgeir.devices.browser.page.built_page`).
        bundle: the folder of a bundle; None: the page asks its user for one.
        port: 0 takes a free one.
        routes: answers to paths other than files, by path (``/device/next``).

    Raises:
        DeviceError: the port is taken, or may not be used.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self, page: Path, bundle: Path | None, *, port: int = 0, routes: dict[str, Route] | None = None
    ) -> None:
        self.page, self.bundle, self.routes = page.resolve(), bundle and bundle.resolve(), routes or {}
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise _taken(port, error) from error
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT/``."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def start(self) -> PageServer:
        """Serve in a thread."""
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop serving and give the port back."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()

    def file_of(self, path: str) -> Path | None:
        """The file that a request's path stands for; None where there is none to be handed out."""
        parts = [urllib.parse.unquote(part) for part in path.split("?")[0].split("#")[0].split("/") if part]
        if any(part in (".", "..") or set(part) & set("/\\:\0") for part in parts):
            return None
        root = self.page
        if parts[:1] == ["bundle"]:
            if self.bundle is None:
                return None
            root, parts = self.bundle, parts[1:]
        elif not parts:
            parts = ["index.html"]
        try:
            file = root.joinpath(*parts).resolve()
            return file if file.is_relative_to(root) and file.is_file() else None
        except (OSError, ValueError):
            return None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle of an answer is no event."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: PageServer
    server_version, sys_version = "edgeir", ""
    protocol_version = "HTTP/1.1"
    timeout = 120

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_POST(self) -> None:
        route = self._route()
        if route is None:
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED)
            return
        length = int(self.headers.get("Content-Length") or 0)
        status, content = route("POST", self.rfile.read(length))
        self._send(status, content, OTHER_TYPE)

    def _answer(self, *, body: bool) -> None:
        route = self._route()
        if route is not None and body:
            status, content = route("GET", b"")
            self._send(status, content, OTHER_TYPE)
            return
        if not self._for_this_machine():
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        file = self.server.file_of(self.path)
        if file is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        try:
            with file.open("rb") as stream:
                self._head(HTTPStatus.OK, TYPES.get(file.suffix.lower(), OTHER_TYPE), file.stat().st_size)
                if body:
                    self._copy(stream)
        except PermissionError:
            self._refuse(HTTPStatus.NOT_FOUND)

    def _route(self) -> Route | None:
        return self.server.routes.get(self.path.split("?")[0]) if self._for_this_machine() else None

    def _for_this_machine(self) -> bool:
        host = self.headers.get("Host", "").rpartition(":")[0]
        return host in (HOST, "localhost")

    def _copy(self, stream: BinaryIO) -> None:
        while block := stream.read(_BLOCK):
            self.wfile.write(block)

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send(status, f"{status.value} {status.phrase}\n".encode(), "text/plain; charset=utf-8")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self._head(status, kind, len(content))
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: HTTPStatus, kind: str, length: int) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Only the command line prints."""


def _taken(port: int, error: OSError) -> DeviceError:
    where = f"{HOST}:{port}"
    if error.errno == errno.EADDRINUSE:
        return DeviceError(
            f"the port {port} is in use",
            where=where,
            fix="choose another by --port, or --port 0 for a free one",
        )
    if isinstance(error, PermissionError) or error.errno == errno.EACCES:
        return DeviceError(f"the port {port} may not be used", where=where, fix="choose one above 1023")
    return DeviceError(f"cannot listen: {error.strerror or error}", where=where)
