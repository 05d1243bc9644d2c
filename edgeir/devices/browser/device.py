"""A browser as a device: the page's own engines, in the page's own worker, in a headless Chromium.

``browser`` takes WebGPU where there is a GPU, else WebAssembly, as the page does; ``browser:wasm`` and
``browser:webgpu`` ask for one. Without a GPU WebGPU runs on the CPU (SwiftShader): results count, and the row says that
it fell back. Time is that of one call of the engine as the page's worker sees it: the input's copy in and the output's
copy out count.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, ConfigError, DeviceError
from edgeir.core.progress import Progress
from edgeir.devices.browser.bridge import Bridge
from edgeir.devices.browser.chromium import Chromium
from edgeir.devices.browser.page import built_page
from edgeir.devices.browser.server import PageServer
from edgeir.devices.device import Detail, DeviceFacts, DeviceRun
from edgeir.devices.timed_runs import timed_runs
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.session import run_checked

__all__ = ["Browser", "BrowserDevice", "BrowserSession"]

_BACKENDS = ("wasm", "webgpu")
_START_S = 60.0
_LOAD_S = 180.0
_RUN_S = 600.0
_MOST_RUNS = 1000


class Browser(Config):
    """Settings of the device."""

    argument: str | None = None
    """``wasm`` or ``webgpu``; None: as the page chooses."""

    def connect(self) -> BrowserDevice:
        """Start a browser.

        Raises:
            ConfigError: there is no such engine.
            DeviceError: the page is not built, or there is no browser.
        """
        if self.argument is not None and self.argument not in _BACKENDS:
            raise ConfigError(
                [f"a browser has no engine `{self.argument}`"], fix="browser, browser:wasm or browser:webgpu"
            )
        return BrowserDevice(self.argument)


class BrowserDevice:
    """A headless Chromium with the page's runner (see `edgeir.devices.device.Device`)."""

    def __init__(self, backend: str | None) -> None:
        page = built_page()
        self._bridge = Bridge()
        self._server = PageServer(page, None, routes=self._bridge.routes).start()
        self._chromium: Chromium | None = None
        try:
            url = f"{self._server.url}device.html#{self._bridge.token}"
            self._chromium = Chromium(url, software_gpu=backend == "webgpu")
            seen, _ = self._ask({"op": "describe"}, timeout_s=_START_S)
        except BaseException:
            self.close()
            raise
        self.backend = backend or ("webgpu" if seen["gpu"] and not seen["software_gpu"] else "wasm")
        self._software = bool(seen["software_gpu"])
        self.facts = _facts(backend, self.backend, seen)

    def open(self, path: Path, artifact: Artifact, file: ModelFile, *, threads: int = 1) -> BrowserSession:
        """See `Device.open`."""
        self._load(path, artifact, file, threads)
        return BrowserSession(self, path, artifact, file)

    def time(
        self,
        path: Path,
        artifact: Artifact,
        file: ModelFile,
        *,
        size: tuple[int, int],
        threads: int = 1,
        runs: int | None = None,
        budget_s: float = 30.0,
        progress: Progress,
    ) -> DeviceRun:
        """See `Device.time`."""
        loaded = self._load(path, artifact, file, threads)
        channels = artifact.facts.channels
        shape = (*size, channels) if file.inputs[0].layout == "NHWC" else (channels, *size)
        noise = np.random.default_rng(0).random(shape, dtype=np.float32)
        values = noise.tobytes()
        times = timed_runs(
            lambda count: self._run(values, size, count, path)[0],
            runs=runs,
            budget_s=budget_s,
            most=_MOST_RUNS,
            progress=progress,
            where="in the browser",
        )
        assert self._chromium is not None
        facts = loaded["facts"]
        details: dict[str, Detail] = {"threads": facts["threads"], "engine": facts["title"]}
        software = self.backend == "webgpu" and self._software
        return DeviceRun(
            init_ms=loaded["load_ms"],
            runs_ms=tuple(times),
            peak_mib=self._chromium.peak_mib(),
            placed=facts["placement"] + (", which the CPU emulates (SwiftShader)" if software else ""),
            fell_back=software,
            details=details,
        )

    def run_tensor(
        self, tensor: NDArray[np.float32], size: tuple[int, int], where: Path
    ) -> NDArray[np.float32]:
        """One run; the values of the output in the order of the file's layout."""
        _, output = self._run(np.ascontiguousarray(tensor).tobytes(), size, 1, where)
        return np.frombuffer(output, np.float32).copy()

    def close(self) -> None:
        """See `Device.close`: the browser, its profile and the server."""
        self._bridge.quit()
        if self._chromium is not None:
            self._chromium.close()
            self._chromium = None
        self._server.close()

    def _load(self, path: Path, artifact: Artifact, file: ModelFile, threads: int) -> dict[str, Any]:
        ends = (file.inputs[0], file.outputs[0])
        if any(end.dtype != "float32" for end in ends):
            raise ArtifactError(
                f"takes and gives {ends[0].dtype}, and the browser's runtimes float32 only",
                where=path,
                fix="edgeir export --io float",
            )
        described = {
            "path": file.path,
            "target": file.target,
            "precision": file.precision,
            "input": ends[0].model_dump(mode="json"),
            "output": ends[1].model_dump(mode="json"),
            "bytes": file.bytes,
            "golden": None,
            "size": file.size,
        }
        command = {
            "op": "load",
            "file": described,
            "facts": artifact.facts.model_dump(mode="json"),
            "backend": self.backend,
            "threads": threads,
        }
        answer, _ = self._ask(command, path.read_bytes(), timeout_s=_LOAD_S, where=path)
        return answer

    def _run(
        self, values: bytes, size: tuple[int, int], repeats: int, where: Path
    ) -> tuple[list[float], bytes]:
        command = {"op": "run", "height": size[0], "width": size[1], "repeats": repeats}
        answer, output = self._ask(command, values, timeout_s=_RUN_S, where=where)
        return [max(0.0, float(one)) for one in answer["times_ms"]], output

    def _ask(
        self, command: dict[str, Any], payload: bytes = b"", *, timeout_s: float, where: Path | None = None
    ) -> tuple[dict[str, Any], bytes]:
        browser = self._chromium
        if browser is None:
            raise DeviceError("the browser is closed")
        answer, rest = self._bridge.ask(command, payload, alive=lambda: browser.running, timeout_s=timeout_s)
        if "error" in answer:
            raise ArtifactError(
                f"the browser cannot run it: {answer['error']}",
                where=where,
                fix="export with a smaller --size" if answer.get("memory") else None,
            )
        return answer, rest


class BrowserSession:
    """A model file that a browser has loaded (see `edgeir.runtime.session.Session`)."""

    runtime = "browser"

    def __init__(self, device: BrowserDevice, path: Path, artifact: Artifact, file: ModelFile) -> None:
        self.artifact: Artifact | None = artifact
        self.file: ModelFile | None = file
        self.facts = artifact.facts
        self.input, self._output = file.inputs[0], file.outputs[0]
        self.fixed_size = file.size
        self.source_sha256 = file.sha256
        self.name = f"{artifact.source} {file.target}-{file.precision}"
        self._device: BrowserDevice | None = device
        self._path = path

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Session.run`."""
        return run_checked(x, self, self._output, where=self._path)

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """See `Session.run_raw`."""
        assert self._device is not None, "the session is closed"
        nhwc = self.input.layout == "NHWC"
        height, width = tensor.shape[1:3] if nhwc else tensor.shape[2:4]
        values = self._device.run_tensor(tensor, (height, width), self._path)
        scale, channels = self.facts.net_scale, self.facts.channels
        wanted = (height * scale, width * scale)
        shape = (1, *wanted, channels) if self._output.layout == "NHWC" else (1, channels, *wanted)
        return values.reshape(shape) if values.size == np.prod(shape) else values

    def close(self) -> None:
        """See `Session.close`; the browser goes on."""
        self._device = None


def _facts(asked: str | None, backend: str, seen: dict[str, Any]) -> DeviceFacts:
    agent = str(seen["agent"])
    version = seen["version"] or agent.partition("Chrome/")[2].partition(" ")[0]
    system = agent.partition("(")[2].partition(")")[0]
    details: dict[str, Detail] = {"cores": seen["cores"], "shared_memory": seen["isolated"]}
    if seen["gpu"]:
        details["gpu"] = seen["gpu"]
    return DeviceFacts(
        device="browser" if asked is None else f"browser:{asked}",
        title=f"Chromium {version}".strip(),
        runtime=f"browser {backend}",
        system=system or None,
        accelerator="gpu (WebGPU)" if backend == "webgpu" else "cpu (WebAssembly)",
        details=details,
    )
