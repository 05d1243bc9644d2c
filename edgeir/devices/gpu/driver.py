"""The NVIDIA GPU of this machine, as its driver's own tool names it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from edgeir.core.errors import DeviceError

__all__ = ["NvidiaGpu", "nvidia_gpu"]

_QUERY = ("--query-gpu=name,driver_version", "--format=csv,noheader")


@dataclass(frozen=True)
class NvidiaGpu:
    """Name and driver of the first GPU."""

    name: str
    driver: str


def nvidia_gpu(device: str) -> NvidiaGpu:
    """Ask ``nvidia-smi``; `device` is for the error.

    Raises:
        DeviceError: there is no such tool, hence no driver, or no GPU.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        raise DeviceError(
            "there is no NVIDIA driver here (no nvidia-smi)", where=device,
            fix="gpu-litert runs .tflite files on any GPU",
        )  # fmt: skip
    try:
        done = subprocess.run([tool, *_QUERY], capture_output=True, text=True, errors="replace", timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError("nvidia-smi does not answer", where=device) from error
    first = next(iter(done.stdout.splitlines()), "")
    name, comma, driver = first.rpartition(",")
    if done.returncode != 0 or not comma:
        said = next(iter((done.stderr or done.stdout).strip().splitlines()), "nothing")
        raise DeviceError(f"nvidia-smi finds no GPU: {said}", where=device)
    return NvidiaGpu(name.strip(), driver.strip())
