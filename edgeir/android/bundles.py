"""The bundles that an app gets: verified first, and copied without what the app does not read.

The app takes the ``.tflite`` files whose ends are NHWC in float32, uint8 or int8 (``Manifest.file`` of the library).
Files of other formats, and pictures of the proof, stay out of it; the manifest is the bundle's own, but for golden
arrays that were thinned (`edgeir.android.golden`).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeir.android.golden import thin_golden
from edgeir.core.errors import ArtifactError, ConfigError
from edgeir.core.progress import Progress, no_progress
from edgeir.exporting.bundle.verify import bundle_folder, verify
from edgeir.manifest.bundle import BUNDLE_NAME, LICENCE_NAME, README_NAME, Bundle, read_bundle
from edgeir.manifest.card import CARD_NAME
from edgeir.manifest.model_file import ModelFile

__all__ = ["FORMAT", "Packed", "asset_name", "pack_bundles", "taken_files", "why_not"]

FORMAT = "tflite"
TYPES = ("float32", "uint8", "int8")


@dataclass(frozen=True)
class Packed:
    """A bundle as the app has it.

    Attributes:
        name: of its folder among the app's assets.
        given: the path that the user named.
        folder: where the copy lies.
        bundle: the manifest of the copy.
        files: every file of the copy, sorted.
        left_out: paths of the bundle that the app does not get.
    """

    name: str
    given: Path
    folder: Path
    bundle: Bundle
    files: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def golden_bytes(self) -> int:
        """Of the golden arrays, before they are compressed."""
        arrays = {path for file in taken_files(self.bundle) for path in _golden(file)}
        return sum(self.bundle.contents[path].bytes for path in arrays)


def pack_bundles(bundles: Sequence[Path], into: Path, progress: Progress = no_progress) -> list[Packed]:
    """Verify every bundle and copy what the app reads of it into a folder of `into`.

    Raises:
        ConfigError: none is named.
        ArtifactError: one is no bundle, is damaged or changed, computes something else here than where it was made, or
            has no file that the app takes.
    """
    if not bundles:
        raise ConfigError(
            ["no bundle is named"], fix="edgeir export NETWORK --bundle --target tflite makes one"
        )
    packed: list[Packed] = []
    for index, path in enumerate(bundles):
        progress(index, len(bundles), f"verifying {path}")
        _verified(path)
        name = _free(asset_name(path), {one.name.lower() for one in packed})
        packed.append(_copied(path, name, into / name))
    return packed


def asset_name(path: Path) -> str:
    """The name of the bundle at a path, for a folder of the app's assets: of a zip, of a folder, of that of a manifest.

    Android's tools pass over names that begin with a point or ``_``.
    """
    whole = path.resolve()
    named = whole.parent if whole.name == BUNDLE_NAME else whole
    name = named.name if named.is_dir() else named.stem
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip(".-") or "bundle"


def taken_files(bundle: Bundle) -> list[ModelFile]:
    """The model files that the app takes."""
    return [file for file in bundle.files if why_not(file) is None]


def why_not(file: ModelFile) -> str | None:
    """Why the app does not take a file; None if it does."""
    if file.target != FORMAT:
        return f"its format is {file.target}"
    for end, tensor in (("input", file.inputs[0]), ("output", file.outputs[0])):
        if tensor.layout != "NHWC":
            return f"its {end} is {tensor.layout}"
        if tensor.dtype not in TYPES:
            return f"its {end} is {tensor.dtype}"
    return None


def _verified(path: Path) -> None:
    if not path.exists():
        raise ArtifactError(
            "there is no such bundle",
            where=path,
            fix=f"edgeir export NETWORK --bundle --target {FORMAT} --out app.zip makes one",
        )
    report = verify(path)
    if report.faults:
        first, more = report.faults[0], len(report.faults) - 1
        others = f"; {more} more fault{'s' * (more > 1)}" if more else ""
        raise ArtifactError(
            f"`{first.path}`: {first.what}{others}",
            where=path,
            fix="get the bundle again, or export it again",
        )


def _free(name: str, taken: set[str]) -> str:
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(one for one in numbered if one.lower() not in taken)


def _copied(path: Path, name: str, target: Path) -> Packed:
    with bundle_folder(path) as folder:
        bundle = read_bundle(folder)
        taken = taken_files(bundle)
        if not taken:
            reasons = "; ".join(f"{file.path}: {why_not(file)}" for file in bundle.files)
            raise ArtifactError(
                f"has no file that the app takes ({reasons})",
                where=path,
                fix=f"edgeir export {bundle.source} --bundle --target {FORMAT} makes one",
            )
        kept = {README_NAME, LICENCE_NAME, CARD_NAME, *(file.path for file in taken)}
        kept |= {path for file in taken for path in _golden(file)}
        for inside in (BUNDLE_NAME, *kept):
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / inside, target / inside)
    bundle = thin_golden(target, bundle, taken)
    left_out = tuple(sorted(set(bundle.contents) - kept))
    return Packed(name, path, target, bundle, tuple(sorted({BUNDLE_NAME, *kept})), left_out)


def _golden(file: ModelFile) -> tuple[str, ...]:
    golden = file.golden
    return () if golden is None else (golden.input, golden.output, golden.expected)
