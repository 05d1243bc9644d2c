"""A device that edgeir knows nothing of: it runs files as this machine does, in the manner of its argument."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from edgeir.core.config import Config
from edgeir.devices import catalog
from edgeir.devices.device import DeviceFacts
from edgeir.runtime.loading import load_file


class MadeUp:
    """A `Device`; a test's own says what it spoils and how long it takes."""

    name, title, system = "made-up", "a made-up device", None
    runtime = "wood 1.0"
    """With `{manner}` for its manner."""
    open_now = 0
    """Devices that were connected and not closed."""

    def __init__(self, manner: str) -> None:
        self.manner = manner
        type(self).open_now += 1
        self.facts = DeviceFacts(
            device=f"{self.name}:{manner}" if manner else self.name,
            title=self.title,
            runtime=self.runtime.format(manner=manner),
            system=self.system,
        )

    def spoiled(self, output: Any) -> Any:
        """What it makes of the right output."""
        return output

    def open(self, path: Any, artifact: Any, file: Any, *, threads: int = 1) -> Any:
        session: Any = load_file(path.parent, artifact, file, threads=threads)
        right = session.run_raw
        session.run_raw = lambda tensor: self.spoiled(right(tensor))
        return session

    def close(self) -> None:
        type(self).open_now -= 1


@contextmanager
def only_device(monkeypatch: pytest.MonkeyPatch, device: type[MadeUp], **entry: Any) -> Iterator[None]:
    """The catalog with this device alone, which runs ONNX; at the end every one must be closed."""

    class Settings(Config):
        argument: str | None = None

        def connect(self) -> MadeUp:
            return device(self.argument or "")

    module: Any = ModuleType("made_up_settings")
    module.Settings = Settings
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made = catalog.DeviceEntry(
        device.name, "wood", f"{module.__name__}:Settings", ("onnx",), argument="MANNER", **entry
    )
    monkeypatch.setattr(catalog, "DEVICES", [made])
    yield
    assert device.open_now == 0
