"""The exception tree.

    EdgeIRError
    ├── ConfigError        a recipe, profile, suite or override is wrong (carries every problem found)
    ├── DataError          an image source, a standard set or a store is missing or malformed
    │   └── ImageError     one image cannot be read or written
    ├── CheckpointError    a checkpoint is missing, damaged or of another network
    ├── ArtifactError      an exported artifact is missing, tampered with or not runnable here
    ├── DeviceError        a device, such as a browser, is missing, gone, or refuses
    ├── ExportError        a conversion failed
    │   └── ParityError    the exported file differs from the network by more than the profile allows
    ├── TrainingError      training cannot go on
    │   └── NonFiniteError a loss term became NaN or infinite (carries the step and the term)
    ├── MissingExtraError  an optional package is needed (carries the exact ``pip install`` line)
    ├── OutputError        an output exists already, or cannot be written (disk full, no permission)
    └── UntrustedCodeError third-party code would run, and the user has not allowed it

Library code raises these and never prints; `edgeir.cli` turns them into one line on stderr and exit code 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "ArtifactError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DeviceError",
    "EdgeIRError",
    "ExportError",
    "ImageError",
    "MissingExtraError",
    "NonFiniteError",
    "OutputError",
    "ParityError",
    "TrainingError",
    "UntrustedCodeError",
]


class EdgeIRError(Exception):
    """Base of all errors that edgeir raises on purpose.

    Args:
        what: what happened, with the offending value; no trailing full stop.
        where: the file, key or object concerned.
        fix: what the user can do about it.

    `str()` gives one line: ``where: what (fix)``.
    """

    def __init__(self, what: str, *, where: object | None = None, fix: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.fix = fix
        line = what if self.where is None else f"{self.where}: {what}"
        if fix:
            line = f"{line} ({fix})"
        super().__init__(" ".join(line.split()))

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is copied to another process by calling its class with `args`, which hold the one line, not what
        # the subclasses' constructors take.
        return _restored, (type(self), self.args, self.__dict__.copy())


class ConfigError(EdgeIRError):
    """A configuration is wrong; `problems` lists every one that was found."""

    def __init__(
        self, problems: Sequence[str], *, where: object | None = None, fix: str | None = None
    ) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "" if count == 1 else f"{count} problems: "
        super().__init__(head + "; ".join(self.problems), where=where, fix=fix)


class DataError(EdgeIRError):
    """An image source, a standard set or a store is missing or malformed."""


class ImageError(DataError):
    """One image cannot be read or written."""


class CheckpointError(EdgeIRError):
    """A checkpoint is missing, damaged or belongs to another network."""


class ArtifactError(EdgeIRError):
    """An exported artifact is missing, was tampered with, or cannot run here."""


class DeviceError(EdgeIRError):
    """A device is missing, gone, full, or refuses to run what it was sent."""


class ExportError(EdgeIRError):
    """A conversion failed."""


class ParityError(ExportError):
    """The exported file differs from the network by more than the profile's gate allows."""


class TrainingError(EdgeIRError):
    """Training cannot start or go on."""


class NonFiniteError(TrainingError):
    """A loss term became NaN or infinite.

    Attributes:
        step: the optimiser step (1-based) in which it was seen.
        term: the name of the loss term.
    """

    def __init__(self, step: int, term: str, value: float) -> None:
        self.step = step
        self.term = term
        super().__init__(
            f"loss term `{term}` is {value} at step {step}",
            fix="lower optim.lr, set train.clip_grad, or resume from the last checkpoint",
        )


class MissingExtraError(EdgeIRError):
    """An optional dependency is not installed.

    Args:
        package: the import name that failed.
        extra: the extra of edgeir that installs it.
        purpose: what it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(
            f"{purpose} needs the package `{package}`, which is not installed",
            fix=f"pip install 'edgeir[{extra}]'",
        )


class OutputError(EdgeIRError):
    """An output exists already or cannot be written."""


class UntrustedCodeError(EdgeIRError):
    """Third-party code named by a recipe, a checkpoint or a file would run, and the user has not allowed that.

    Args:
        what: what would run, as the start of a sentence.
        where: the file or key that asks for it.

    Attributes:
        code: the argument `what`, without the rest of the message.
    """

    def __init__(self, what: str, *, where: object | None = None) -> None:
        self.code = what
        super().__init__(
            f"{what}, which edgeir runs only with your permission",
            where=where,
            fix="if you trust its author: --trust-code, in Python trust_code=True",
        )


def _restored(kind: type[EdgeIRError], arguments: tuple[Any, ...], values: dict[str, Any]) -> EdgeIRError:
    """An error with these attributes, without its constructor."""
    error = kind.__new__(kind)
    error.args = arguments
    error.__dict__.update(values)
    return error
