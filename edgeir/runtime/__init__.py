"""Run a network where it is: a checkpoint with torch, a model file with the runtime of its format."""

from edgeir.runtime.loading import RuntimeName, load
from edgeir.runtime.session import Session

__all__ = ["RuntimeName", "Session", "load"]
