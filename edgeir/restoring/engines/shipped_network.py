"""A network on its way to the workers of a cluster: its files, and where they lie on the machine that sends them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgeir.checkpoint.resolve import Found
from edgeir.core.files import scratch_dir
from edgeir.manifest.artifact import ARTIFACT_NAME, read_artifact
from edgeir.manifest.bundle import BUNDLE_NAME
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME

__all__ = ["Files", "ShippedNetwork", "files_of"]

Files = dict[str, bytes]
"""Content by relative name, with slashes."""


@dataclass(frozen=True)
class ShippedNetwork:
    """What a worker needs to know of the files, without the files."""

    folder: Path
    """Where they lie on the machine that sends them; the workers of that machine read them there."""
    names: tuple[str, ...]
    sha256: str
    """Of the names and the contents."""
    file: str | None
    """The model file that runs, of an artifact with several; None: what `edgeir.load` takes of the folder."""

    @classmethod
    def of(cls, found: Found) -> tuple[ShippedNetwork, Files]:
        """A network that was found here, and its files.

        Raises:
            ArtifactError: the manifest or a model file is missing or was changed.
        """
        folder = found.folder.resolve()
        files = files_of(folder, _names(found, folder))
        file = None if found.file is None or found.is_checkpoint else found.file.resolve()
        relative = None if file is None or file == folder else file.relative_to(folder).as_posix()
        return cls(folder, tuple(files), _sha256(files), relative), files

    @contextlib.contextmanager
    def unpacked(self, fetch: Callable[[], Files]) -> Iterator[Path]:
        """What `edgeir.load` takes: the files in their place if this machine has the same there, else a copy.

        Args:
            fetch: gives the files.
        """
        with contextlib.ExitStack() as undo:
            folder = self.folder
            if not self._lies_here():
                folder = undo.enter_context(scratch_dir("network"))
                for name, content in fetch().items():
                    path = folder / PurePosixPath(name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
            yield folder if self.file is None else folder / PurePosixPath(self.file)

    def _lies_here(self) -> bool:
        try:
            return _sha256(files_of(self.folder, self.names)) == self.sha256
        except OSError:
            return False


def files_of(folder: Path, names: tuple[str, ...]) -> Files:
    """The files of these names. Raises `OSError` where one is missing."""
    return {name: (folder / PurePosixPath(name)).read_bytes() for name in names}


def _names(found: Found, folder: Path) -> tuple[str, ...]:
    """Only what is described: a folder may hold other things, such as golden images or a user's own files."""
    if found.is_checkpoint:
        return (CARD_NAME, WEIGHTS_NAME)
    artifact, _ = read_artifact(folder)
    names = [name for name in (ARTIFACT_NAME, BUNDLE_NAME) if (folder / name).is_file()]
    for entry in artifact.files:
        path = folder / entry.path
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        names += [file.relative_to(folder).as_posix() for file in inside if file.is_file()]
    return tuple(dict.fromkeys(names))


def _sha256(files: Files) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n".encode())
    return digest.hexdigest()
