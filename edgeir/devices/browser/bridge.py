"""Commands to a page and its answers, over the page's own server: the page asks for the next command when it is idle.

A message, either way, is the length of its JSON (four bytes, little-endian), the JSON, and the bytes of a tensor or a
file; `export/web/src/device.ts` is the other side.
"""

from __future__ import annotations

import json
import queue
import secrets
import struct
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from edgeir.core.errors import DeviceError
from edgeir.devices.browser.server import Route

__all__ = ["Bridge"]

_POLL_S = 10.0
"""Longest that the page's question for a command stays unanswered."""
_TURN_S = 0.2


class Bridge:
    """One page's commands and answers. Only who knows the token, which is part of the paths, takes part."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(16)
        self._commands: queue.Queue[bytes] = queue.Queue()
        self._answers: queue.Queue[bytes] = queue.Queue()

    @property
    def routes(self) -> dict[str, Route]:
        """For `PageServer`."""
        return {
            f"/device/{self.token}/next": self._next,
            f"/device/{self.token}/answer": self._answer,
        }

    def ask(
        self, command: dict[str, Any], payload: bytes = b"", *, alive: Callable[[], bool], timeout_s: float
    ) -> tuple[dict[str, Any], bytes]:
        """Send a command and wait for its answer.

        Args:
            alive: whether the browser still runs.

        Raises:
            DeviceError: the browser ended, or did not answer in time.
        """
        text = json.dumps(command).encode()
        self._commands.put(struct.pack("<I", len(text)) + text + payload)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                message = self._answers.get(timeout=_TURN_S)
            except queue.Empty:
                if alive():
                    continue
                raise DeviceError(
                    "the browser ended", where=command["op"], fix="is there enough memory?"
                ) from None
            (length,) = struct.unpack_from("<I", message)
            answer: dict[str, Any] = json.loads(message[4 : 4 + length])
            return answer, message[4 + length :]
        raise DeviceError(f"the browser did not answer within {timeout_s:.0f} s", where=command["op"])

    def quit(self) -> None:
        """Let the page stop asking."""
        text = b'{"op": "quit"}'
        self._commands.put(struct.pack("<I", len(text)) + text)

    def _next(self, method: str, body: bytes) -> tuple[HTTPStatus, bytes]:
        try:
            return HTTPStatus.OK, self._commands.get(timeout=_POLL_S)
        except queue.Empty:
            return HTTPStatus.NO_CONTENT, b""

    def _answer(self, method: str, body: bytes) -> tuple[HTTPStatus, bytes]:
        self._answers.put(body)
        return HTTPStatus.OK, b""
