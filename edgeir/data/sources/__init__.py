"""Sources of single images: a folder, a standard set under ``$EDGEIR_DATA``, or the embedded photographs."""

from typing import Annotated

from pydantic import Field

from edgeir.data.sources.embedded import Embedded
from edgeir.data.sources.folder import Folder
from edgeir.data.sources.standard import StandardSet

__all__ = ["AnySource"]

AnySource = Annotated[Folder | StandardSet | Embedded, Field(discriminator="kind")]
"""Every source of single images, discriminated by `kind`."""
