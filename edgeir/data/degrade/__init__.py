"""Degradations: how a clean image becomes the network's input. One file each, and their union."""

from __future__ import annotations

from edgeir.data.degrade.bicubic import Bicubic

__all__ = ["AnyDegradation", "Bicubic"]

AnyDegradation = Bicubic
"""Every degradation; a discriminated union on `kind` as soon as there are two."""
