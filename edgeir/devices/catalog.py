"""The one table of devices: ``--device`` of `edgeir bench` and ``--on`` of `edgeir prove` derive from it.

A new device is one entry of `DEVICES` and the file that it names. Importing this module imports none of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeir.core.errors import ConfigError
from edgeir.runtime.catalog import CHECKPOINT_RUNTIME

if TYPE_CHECKING:  # the help text needs the table only
    from edgeir.devices.device import Device

__all__ = ["DEVICES", "DeviceEntry", "check_runs", "connect", "device_entry", "device_help", "settings_of"]


@dataclass(frozen=True)
class DeviceEntry:
    """A kind of device.

    Attributes:
        name: for ``--device``.
        title: for people.
        configuration: ``module:Class`` of its settings, a frozen `Config` with the field `argument`, a text or None,
            and `connect() -> Device`.
        targets: the formats that it runs, names of `edgeir.runtime.catalog`; `CHECKPOINT_RUNTIME` for checkpoints.
        argument: what may follow the name after a colon, like ``CORE``; None: nothing.
        emulated: its processor is emulated: nothing is timed on it, and a benchmark sends no baseline there.
    """

    name: str
    title: str
    configuration: str
    targets: tuple[str, ...]
    argument: str | None = None
    emulated: bool = False

    @property
    def usage(self) -> str:
        """How it is written: ``android-arm64[:CORE]``."""
        return self.name if self.argument is None else f"{self.name}[:{self.argument}]"


DEVICES: list[DeviceEntry] = [
    DeviceEntry(
        "android-arm64",
        "emulated phone, core a53, a76 or max",
        "edgeir.devices.arm64.device:AndroidArm64",
        ("tflite",),
        argument="CORE",
        emulated=True,
    ),
    DeviceEntry(
        "android-armv7",
        "emulated 32-bit phone",
        "edgeir.devices.arm64.device:AndroidArmv7",
        ("tflite",),
        emulated=True,
    ),
    DeviceEntry(
        "phone",
        "a phone or board on adb",
        "edgeir.devices.phone.device:Phone",
        ("tflite",),
        argument="SERIAL",
    ),
    DeviceEntry(
        "browser",
        "headless Chromium, WebGPU or WebAssembly",
        "edgeir.devices.browser.device:Browser",
        ("tflite", "onnx"),
        argument="wasm|webgpu",
    ),
    DeviceEntry(
        "gpu-litert",
        "this machine's GPU, LiteRT",
        "edgeir.devices.gpu.device:GpuLiteRT",
        ("tflite",),
        argument="fp16|fp32",
    ),
    DeviceEntry("gpu-onnx", "NVIDIA GPU, ONNX Runtime", "edgeir.devices.gpu.device:GpuOnnx", ("onnx",)),
    DeviceEntry(
        "gpu-torch",
        "NVIDIA GPU, checkpoints",
        "edgeir.devices.gpu.device:GpuTorch",
        (CHECKPOINT_RUNTIME,),
        argument="fp16|fp32",
    ),
]


def device_help() -> str:
    """Every device with what it is, to go on a help text; empty where there is none."""
    return "".join(f", {entry.usage} ({entry.title})" for entry in DEVICES)


def device_entry(name: str) -> DeviceEntry:
    """The entry of a device as the user names it.

    Raises:
        ConfigError: there is no such device, or it takes no argument.
    """
    kind, colon, _ = name.partition(":")
    entry = next((entry for entry in DEVICES if entry.name == kind), None)
    if entry is None:
        known = ", ".join(entry.usage for entry in DEVICES) or "none"
        raise ConfigError([f"there is no device `{kind}`"], fix=f"devices: {known}")
    if colon and entry.argument is None:
        raise ConfigError([f"the device `{kind}` takes nothing after a colon, not `{name}`"])
    return entry


def check_runs(name: str, target: str, where: str) -> None:
    """Refuse a format that the device of this name does not run.

    Raises:
        ConfigError: there is no such device, or it runs other formats.
    """
    entry = device_entry(name)
    if target not in entry.targets:
        if entry.targets == (CHECKPOINT_RUNTIME,):
            raise ConfigError(
                [f"{entry.name} runs checkpoints, not {target} files"],
                where=where,
                fix="name the network that the file was exported from",
            )
        raise ConfigError(
            [f"{entry.name} runs {' and '.join(entry.targets)} files, not {target}"],
            where=where,
            fix=f"edgeir export --target {entry.targets[0]}",
        )


def settings_of(name: str, settings: Sequence[str] = ()) -> Any:
    """The configuration of a device: of its argument, and of ``key=value`` for its other fields.

    Raises:
        ConfigError: there is no such device, or it has no such setting, or not with this value.
    """
    from edgeir.core.config import apply_overrides, parse  # help texts need neither pydantic nor YAML

    entry = device_entry(name)
    module, _, kind = entry.configuration.partition(":")
    values = apply_overrides({"argument": name.partition(":")[2] or None}, settings)
    return parse(getattr(importlib.import_module(module), kind), values, where=f"device {name}")


def connect(name: str, settings: Sequence[str] = ()) -> Device:
    """Connect to a device: ``name`` or ``name:argument``; `settings` as for `settings_of`.

    Raises:
        ConfigError: there is no such device, or its argument or a setting is wrong.
        DeviceError: it does not answer.
        MissingExtraError: what it needs is not installed.
    """
    device: Device = settings_of(name, settings).connect()
    return device
