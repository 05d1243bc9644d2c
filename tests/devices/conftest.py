"""Devices that may be missing: a test that needs one is skipped, with the reason and the line that installs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgeir.core.errors import DeviceError


@pytest.fixture
def connected() -> Callable[[str], Any]:
    """Connect to a device, or skip where it is not installed."""
    from edgeir.devices.catalog import connect

    def connect_to(name: str) -> Any:
        try:
            return connect(name)
        except DeviceError as error:
            if error.fix is None or not any(word in error.fix for word in ("apt-get install", "mvn ")):
                raise
            pytest.skip(str(error))

    return connect_to
