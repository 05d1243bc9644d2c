"""The page's server: what it hands out, with which headers, what it refuses; and `edgeir serve` over it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeir.core.assets import page_sources
from edgeir.core.errors import ArtifactError, DeviceError
from edgeir.devices.browser import page
from edgeir.devices.browser.page import build_page, built_page
from edgeir.devices.browser.serve import serve
from edgeir.devices.browser.server import HOST, POLICY, PageServer

ROOT = Path(__file__).resolve().parents[3]
FILES = {
    "index.html": "text/html; charset=utf-8",
    "device.html": "text/html; charset=utf-8",
    "assets/page.js": "text/javascript; charset=utf-8",
    "runtimes/ort/ort.mjs": "text/javascript; charset=utf-8",
    "runtimes/ort/ort.wasm": "application/wasm",
    "manifest.webmanifest": "application/manifest+json",
    "assets/style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@pytest.fixture
def made_up_page(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def server(made_up_page: Path, tmp_path: Path) -> Iterator[PageServer]:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "edgeir.json").write_text("{}")
    (bundle / "net.tflite").write_bytes(b"net")
    (tmp_path / "secret.txt").write_text("secret")
    (bundle / "link.txt").symlink_to(tmp_path / "secret.txt")
    started = PageServer(made_up_page, bundle).start()
    yield started
    started.close()


def asked(
    server: PageServer, path: str, *, method: str = "GET", host: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; the path goes out as it is."""
    connection = http.client.HTTPConnection(HOST, server.server_address[1], timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"{HOST}:{server.server_address[1]}")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_has_its_type_and_the_headers_of_an_isolated_page(
    name: str, server: PageServer
) -> None:
    status, headers, body = asked(server, f"/{name}")
    assert (status, body) == (200, name.encode())
    assert headers["Content-Type"] == FILES[name]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith(POLICY)


def test_the_policy_lets_the_page_connect_to_its_own_server_alone() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in POLICY.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert rules["form-action"] == "'none'"
    for name, sources in rules.items():
        allowed = {"'self'", "'none'", "blob:", "data:", "'wasm-unsafe-eval'"}
        assert set(sources.split()) <= allowed, name


def test_the_page_carries_the_same_policy_for_other_servers() -> None:
    text = (page_sources() / "index.html").read_text(encoding="utf-8")
    found = re.search(r'http-equiv="Content-Security-Policy"\s+content="([^"]*)"', text)
    assert found is not None
    assert found[1] == POLICY


def test_the_root_is_the_page_and_bundle_the_bundle(server: PageServer) -> None:
    assert asked(server, "/")[2] == b"index.html"
    assert asked(server, "/?engine=wasm")[2] == b"index.html"
    assert asked(server, "/bundle/edgeir.json")[2] == b"{}"
    status, headers, body = asked(server, "/bundle/net.tflite", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "3")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/bundle/../secret.txt",
        "/bundle/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/bundle/%2e%2e/secret.txt",
        "/bundle/..%2fsecret.txt",
        "/bundle/..%5csecret.txt",
        "/bundle//../secret.txt",
        "/bundle/link.txt",
        "//etc/passwd",
        "/bundle/%00",
        "/bundle",
        "/assets",
        "/nothing.js",
        "/bundle/" + "a" * 5000,
    ],
)
def test_nothing_outside_the_two_folders_is_handed_out(path: str, server: PageServer) -> None:
    status, headers, body = asked(server, path)
    assert status in (403, 404, 414)
    assert b"secret" not in body.replace(b"secret.txt", b"")
    assert "Content-Security-Policy" in headers


def test_another_sites_name_for_this_machine_is_refused(server: PageServer) -> None:
    """A web site whose name leads to 127.0.0.1 (DNS rebinding) reads nothing."""
    assert asked(server, "/bundle/edgeir.json", host="evil.example:80")[0] == 403
    assert asked(server, "/", host=f"localhost:{server.server_address[1]}")[0] == 200


def test_it_takes_no_uploads(server: PageServer) -> None:
    assert asked(server, "/bundle/edgeir.json", method="POST")[0] == 405
    assert asked(server, "/", method="PUT")[0] == 501


def test_it_listens_on_this_machine_alone(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_a_port_in_use_is_one_clear_line(server: PageServer, made_up_page: Path) -> None:
    port = server.server_address[1]
    with pytest.raises(DeviceError, match=rf"the port {port} is in use \(choose another by --port"):
        PageServer(made_up_page, None, port=port)


def test_a_page_that_is_not_built_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError, match=r"the page is not built \(make web"):
        built_page(tmp_path)
    monkeypatch.setattr(page.shutil, "which", lambda name: None)
    with pytest.raises(DeviceError, match=r"npm is not installed"):
        build_page()


def test_what_is_built_is_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for name in page._SOURCES:
        assert (ROOT / "export/web" / name).exists()
        assert shipped[f"export/web/{name}"] == f"edgeir/_data/web/{name}"


def test_versions_are_exact_and_no_lock_records_where_they_came_from() -> None:
    packages = json.loads((ROOT / "export/web/package.json").read_text(encoding="utf-8"))
    for version in (packages["dependencies"] | packages["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert "package-lock=false" in (ROOT / "export/web/.npmrc").read_text(encoding="utf-8")


def test_a_failed_build_leaves_nothing_and_names_npms_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error network' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(page.shutil, "which", lambda name: str(npm))
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DeviceError, match=r"`npm install` failed: npm error network"):
        build_page()
    assert not (tmp_path / "cache" / "web").exists()


def test_what_is_no_bundle_is_refused_before_anything_is_served(made_up_page: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.zip").write_bytes(b"no zip")
    for path in ("empty", "no.zip", "absent"):
        with pytest.raises(ArtifactError):
            serve(tmp_path / path, page=made_up_page, port=0)


def test_serve_stops_when_told_and_gives_the_port_back(made_up_page: Path) -> None:
    stop, urls = threading.Event(), []

    def ready(url: str) -> None:
        urls.append(url)
        stop.set()

    serve(None, page=made_up_page, port=0, ready=ready, stop=stop)
    port = int(urls[0].rstrip("/").rpartition(":")[2])
    with socket.socket() as free:
        free.bind((HOST, port))


def test_ctrl_c_ends_the_command_cleanly(made_up_page: Path) -> None:
    command = [sys.executable, "-m", "edgeir", "serve", "--page", str(made_up_page), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert re.fullmatch(r"serving http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)\n", line)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "edgeir: interrupted\n"
