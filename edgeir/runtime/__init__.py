"""Run a network where it is: a checkpoint with torch, an artifact with the runtime it was exported for."""

from edgeir.runtime.loading import AnyRuntime, RuntimeName, load
from edgeir.runtime.session import Session

__all__ = ["AnyRuntime", "RuntimeName", "Session", "load"]
