"""Where the photos of a folder are restored: in this process, or by the workers of a Ray cluster.

An engine maps one function over a list of photos (`edgeir.restoring.engines.base.Engine`). The function is the same for
all, so the files are too.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, get_args

from pydantic import Field

from edgeir.restoring.engines.local import Local
from edgeir.restoring.engines.ray import Ray

__all__ = ["AnyEngine", "Local", "Ray", "engine_names"]

AnyEngine: TypeAlias = Annotated[Local | Ray, Field(discriminator="kind")]
"""Every engine."""


def engine_names() -> list[str]:
    """The kinds of `AnyEngine`."""
    return [entry.model_fields["kind"].default for entry in get_args(get_args(AnyEngine)[0])]
