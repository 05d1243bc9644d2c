"""The devices ``gpu-litert``, ``gpu-onnx`` and ``gpu-torch``: this machine's GPU by three runtimes.

A run counts from the input in this process's memory to the output in it: runtimes return before the GPU is done, so a
time without the read-back says little.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, ConfigError, DeviceError
from edgeir.core.extras import installed_version
from edgeir.core.progress import Progress
from edgeir.core.requires import require
from edgeir.core.trust import code_is_trusted
from edgeir.devices.device import Detail, DeviceFacts, DeviceRun
from edgeir.devices.gpu.driver import NvidiaGpu, nvidia_gpu
from edgeir.devices.gpu.probe import probe_file
from edgeir.devices.timed_runs import timed_runs
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.worker import Worker
from edgeir.runtime.worker_session import WorkerSession

__all__ = ["Engine", "GpuDevice", "GpuLiteRT", "GpuOnnx", "GpuTorch"]

_LIMIT_S = 300.0
_MOST_RUNS = 10_000
_ANY_SIZE = (64, 64)
"""Of a file that takes any size, for a run whose image does not matter."""


@dataclass(frozen=True)
class Engine:
    """A runtime on the GPU.

    Attributes:
        loader: its loader (see `edgeir.runtime.worker_child`).
        title: for messages.
        options: what the loader is given beside ``threads``.
        placed: where a file's operators run, in words, by what its loader says of it.
        fell_back: whether that is, in part or as a whole, elsewhere than on a GPU.
    """

    loader: Path
    title: str
    options: dict[str, Any]
    placed: Callable[[dict[str, Any]], str]
    fell_back: Callable[[dict[str, Any]], bool]


class GpuSession(WorkerSession):
    """A model file in a process of its own (see `edgeir.devices.device.PlacedSession`)."""

    runtime = "gpu"

    def __init__(self, artifact: Artifact, file: ModelFile, worker: Worker, engine: Engine) -> None:
        super().__init__(artifact, file, worker, file.outputs[0].name)
        self.placed = engine.placed(worker.about)
        self.whole = bool(worker.about["whole"])


class GpuDevice:
    """This machine's GPU (see `edgeir.devices.device.Device`)."""

    def __init__(self, facts: DeviceFacts, engine: Engine) -> None:
        self.facts = facts
        self._engine = engine

    def open(self, path: Path, artifact: Artifact, file: ModelFile, *, threads: int = 1) -> GpuSession:
        """See `Device.open`."""
        worker = self._worker(path, file, threads, file.size)
        return GpuSession(artifact, file, worker, self._engine)

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
        began = time.perf_counter()
        worker = self._worker(path, file, threads, size)
        init_ms = 1000 * (time.perf_counter() - began - worker.transport_s)
        try:
            tensor = _noise(artifact, file, size)
            times = timed_runs(
                lambda count: [_timed(worker, tensor, file) for _ in range(count)],
                runs=runs,
                budget_s=budget_s,
                most=_MOST_RUNS,
                progress=progress,
                where="on the GPU",
            )
            about, peak = worker.about, worker.peak_mib
        finally:
            worker.close()
        details: dict[str, Detail] = {
            name: value for name, value in about.items() if isinstance(value, Detail)
        }
        return DeviceRun(
            init_ms=max(0.0, init_ms),
            runs_ms=tuple(times),
            peak_mib=peak,
            placed=self._engine.placed(about),
            fell_back=self._engine.fell_back(about),
            details=details,
        )

    def close(self) -> None:
        """See `Device.close`: each process ended with its session."""

    def _worker(self, path: Path, file: ModelFile, threads: int, size: tuple[int, int] | None) -> Worker:
        options = {**self._engine.options, "threads": threads, "size": list(size or _ANY_SIZE)}
        try:
            return Worker(self._engine.loader, path, options, title=self._engine.title, limit_s=_LIMIT_S)
        except ArtifactError as error:
            if "no GPU" in error.what:
                raise DeviceError(error.what, where=self.facts.device) from error
            raise


class GpuLiteRT(Config):
    """Settings of ``gpu-litert``: LiteRT's accelerator, by Vulkan, Metal or Direct3D."""

    argument: str | None = None
    """``fp16``, as phones compute, which is the default, or ``fp32``."""
    name: ClassVar[str] = "gpu-litert"

    def connect(self) -> GpuDevice:
        """Compile a small file, which tells what the accelerator is.

        Raises:
            ConfigError: another argument.
            DeviceError: there is no GPU that LiteRT can use.
            MissingExtraError: ai-edge-litert is not installed.
        """
        half = _half(self.argument, self.name, default=True)
        require("ai_edge_litert.compiled_model", "running a .tflite file on a GPU")
        engine = Engine(
            _loader("litert"), "LiteRT's GPU accelerator", {"half": half}, _litert_placed, _litert_fell_back
        )
        try:
            worker = Worker(
                engine.loader,
                probe_file(),
                {**engine.options, "threads": 1},
                title=engine.title,
                limit_s=_LIMIT_S,
            )
        except ArtifactError as error:
            raise DeviceError(
                error.what.removeprefix(f"{engine.title} cannot load it: "), where=self.name
            ) from error
        about = worker.about
        worker.close()
        facts = DeviceFacts(
            device=_named(self.name, self.argument),
            title=about["adapter"] or "GPU",
            runtime=f"LiteRT {installed_version('ai-edge-litert')} GPU, {'fp16' if half else 'fp32'}",
            chip=about["adapter"],
            accelerator=f"gpu ({about['backend'] or 'WebGPU'})",
        )
        return GpuDevice(facts, engine)


class GpuOnnx(Config):
    """Settings of ``gpu-onnx``: ONNX Runtime's CUDA provider. The file decides the precision."""

    argument: None = None
    provider: str = "CUDAExecutionProvider"

    def connect(self) -> GpuDevice:
        """Look whether the provider is there.

        Raises:
            DeviceError: there is no NVIDIA GPU, or this onnxruntime was built without CUDA.
            MissingExtraError: onnxruntime is not installed.
        """
        onnxruntime = require("onnxruntime", "running an .onnx file on a GPU")
        gpu = nvidia_gpu("gpu-onnx")
        if self.provider not in onnxruntime.get_available_providers():
            raise DeviceError(
                f"onnxruntime {onnxruntime.__version__} was built without CUDA", where="gpu-onnx",
                fix="pip uninstall onnxruntime && pip install onnxruntime-gpu",
            )  # fmt: skip
        options = {"provider": self.provider, "settings": {"use_tf32": 0}}
        engine = Engine(_loader("onnx"), "ONNX Runtime on the GPU", options, _onnx_placed, _not_whole)
        runtime = f"ONNX Runtime {onnxruntime.__version__} CUDA"
        return GpuDevice(_nvidia_facts("gpu-onnx", runtime, gpu), engine)


class GpuTorch(Config):
    """Settings of ``gpu-torch``: checkpoints by PyTorch and CUDA."""

    argument: str | None = None
    """``fp32``, without TensorFloat-32, which is the default, or ``fp16``."""
    name: ClassVar[str] = "gpu-torch"
    place: ClassVar[str] = "cuda"

    def connect(self) -> GpuDevice:
        """Look whether there is a GPU.

        Raises:
            ConfigError: another argument.
            DeviceError: there is no NVIDIA GPU.
            MissingExtraError: torch is not installed.
        """
        half = _half(self.argument, self.name, default=False)
        require("torch", "running a checkpoint")
        gpu = nvidia_gpu(self.name)
        options = {"place": self.place, "half": half, "trust": code_is_trusted()}
        engine = Engine(_loader("torch"), "PyTorch on the GPU", options, _torch_placed, _not_whole)
        runtime = f"PyTorch {installed_version('torch')} CUDA, {'fp16' if half else 'fp32'}"
        return GpuDevice(_nvidia_facts(_named(self.name, self.argument), runtime, gpu), engine)


def _nvidia_facts(device: str, runtime: str, gpu: NvidiaGpu) -> DeviceFacts:
    return DeviceFacts(
        device=device,
        title=gpu.name,
        runtime=runtime,
        chip=gpu.name,
        accelerator="gpu (CUDA)",
        details={"driver": gpu.driver},
    )


def _loader(engine: str) -> Path:
    return Path(__file__).with_name(f"{engine}_worker.py")


def _half(argument: str | None, name: str, *, default: bool) -> bool:
    if argument not in (None, "fp16", "fp32"):
        raise ConfigError([f"computes in fp16 or fp32, not {argument}"], where=name)
    return default if argument is None else argument == "fp16"


def _named(name: str, argument: str | None) -> str:
    return name if argument is None else f"{name}:{argument}"


def _noise(artifact: Artifact, file: ModelFile, size: tuple[int, int]) -> NDArray[Any]:
    entry = file.inputs[0]
    channels = artifact.facts.channels
    shape = (1, *size, channels) if entry.layout == "NHWC" else (1, channels, *size)
    values = np.random.default_rng(0).random(shape, dtype=np.float32)
    if entry.dtype in ("uint8", "int8"):
        return (values * 255 - (128 if entry.dtype == "int8" else 0)).astype(entry.dtype)
    return values.astype(entry.dtype)


def _timed(worker: Worker, tensor: NDArray[Any], file: ModelFile) -> float:
    worker.run(tensor, [file.outputs[0].name])
    assert worker.run_s is not None
    return 1000 * worker.run_s


def _litert_placed(about: dict[str, Any]) -> str:
    share = "all operators" if about["whole"] else "a part of its operators on the CPU, the others"
    adapter = " ".join(
        filter(None, (about["adapter"] or "the GPU", f"({about['backend']})" if about["backend"] else ""))
    )
    return f"{share} on {adapter}" + (", which the CPU emulates" if about["software"] else "")


def _litert_fell_back(about: dict[str, Any]) -> bool:
    return bool(about["software"] or not about["whole"])


def _onnx_placed(about: dict[str, Any]) -> str:
    return f"{about['nodes'] - about['elsewhere']} of {about['nodes']} nodes on the GPU"


def _torch_placed(about: dict[str, Any]) -> str:
    return f"all of it on {about['adapter']}"


def _not_whole(about: dict[str, Any]) -> bool:
    return not about["whole"]
