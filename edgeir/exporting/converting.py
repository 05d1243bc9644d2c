"""What every target does around other people's converters: silence, and one kind of error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgeir.core.errors import EdgeIRError, ExportError
from edgeir.runtime.quiet import libraries_silenced

__all__ = ["conversion_errors"]


@contextmanager
def conversion_errors(title: str) -> Iterator[None]:
    """Nothing is printed inside the block, and what a converter raises becomes one `ExportError`.

    Args:
        title: of the format.

    Raises:
        ExportError: with the first line of what was raised; edgeir's own errors pass as they are.
    """
    try:
        with libraries_silenced():
            yield
    except EdgeIRError:
        raise
    except Exception as error:  # converters can raise anything
        short = (str(error).splitlines() or [""])[0][:200]
        raise ExportError(f"the {title} conversion failed: {type(error).__name__}: {short}") from error
