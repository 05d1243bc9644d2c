"""What every target does around other people's converters: silence, and one kind of error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgeir.core.errors import EdgeIRError, ExportError
from edgeir.runtime.quiet import libraries_silenced

__all__ = ["conversion_errors", "explained"]

_LOWERING = re.compile(
    r"(?:Lowering not found|No lowering|not supported|failed to legalize operation).{0,120}"
)


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


@contextmanager
def explained(title: str, program: Any) -> Iterator[None]:
    """What a converter raises inside the block names the line of another author's network, where that shows.

    Args:
        title: of the format.
        program: see `edgeir.exporting.recording.recorded`; None changes nothing.

    Raises:
        ExportError: the converter failed.
    """
    try:
        yield
    except EdgeIRError:
        raise
    except Exception as error:
        if program is None:
            raise
        from edgeir.exporting.recording import line_of

        text = str(error)
        found = _LOWERING.search(text)
        reason = found[0] if found else (text.strip().splitlines() or [type(error).__name__])[0]
        short = " ".join(reason.split())[:150]
        raise ExportError(
            f"the {title} converter cannot convert the network: {short}{line_of(program, text)}",
            fix="choose another target, or write this line with other operators",
        ) from error
