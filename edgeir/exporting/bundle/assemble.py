"""Put the exports of a bundle together: rename, share golden arrays, write README and manifest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from edgeir.core.files import give_default_mode, sha256_file, write_json
from edgeir.exporting.bundle.licence import Licence
from edgeir.exporting.bundle.parts import Part
from edgeir.exporting.bundle.readme import readme
from edgeir.exporting.prove.golden import GOLDEN_FOLDER
from edgeir.exporting.prove.worst import PROOF_FOLDER
from edgeir.manifest.artifact import Artifact, ModelFile, TensorSpec
from edgeir.manifest.bundle import BUNDLE_NAME, LICENCE_NAME, README_NAME, Bundle, Content
from edgeir.manifest.card import CARD_NAME
from edgeir.manifest.model_file import Golden

__all__ = ["assemble"]


def assemble(
    made: Sequence[tuple[Part, Artifact, Path]], *, card: Path, licence: Licence, into: Path
) -> Bundle:
    """Write a bundle into the empty folder `into`; the exports are moved, not copied.

    Args:
        made: what each part became: its manifest, and its folder with one model file and a golden pair.
        card: the checkpoint's ``card.json``.
    """
    files = tuple(_taken(part, artifact, folder, into) for part, artifact, folder in made)
    first = made[0][1]
    shared = {
        "source": first.source,
        "checkpoint_sha256": first.checkpoint_sha256,
        "facts": first.facts,
        "parameters": first.parameters,
        "files": files,
        "statistics": first.statistics,
        "constants": first.constants,
        "versions": first.versions,
        "revision": first.revision,
    }
    shutil.copyfile(card, into / CARD_NAME)
    _write_text(into / LICENCE_NAME, licence.text)
    _write_text(into / README_NAME, readme(Artifact(**shared), licence.name))
    bundle = Bundle(licence=licence.name, contents=_contents(into), **shared)
    write_json(into / BUNDLE_NAME, bundle.model_dump(mode="json"))
    for path in (into, *into.rglob("*")):
        give_default_mode(path)
    return bundle


def _taken(part: Part, artifact: Artifact, folder: Path, into: Path) -> ModelFile:
    """Move an export's model file and golden arrays into the bundle."""
    file = artifact.main
    os.replace(folder / file.path, into / part.path)
    golden = None if file.golden is None else _shared(file.golden, file, part, folder, into)
    return file.model_copy(
        update={"path": part.path, "golden": golden, "worst": _picture(file, part, folder, into)}
    )


def _picture(file: ModelFile, part: Part, folder: Path, into: Path) -> str | None:
    """Move the picture of the worst photograph under a name that says whose it is."""
    if file.worst is None:
        return None
    name = f"{PROOF_FOLDER}/{part.path}.png"
    (into / name).parent.mkdir(exist_ok=True)
    os.replace(folder / file.worst, into / name)
    return name


def _shared(golden: Golden, file: ModelFile, part: Part, folder: Path, into: Path) -> Golden:
    """Golden arrays under names that say what they hold: files of one size, layout and type share input and network."""
    entry, exit_ = file.inputs[0], file.outputs[0]
    expected = exit_.model_copy(update={"dtype": "float32"})
    names = {}
    for role, spec in (("input", entry), ("expected", expected)):
        names[role] = _named(role, spec, folder / getattr(golden, role), part, into)
    output = f"{GOLDEN_FOLDER}/output-{part.path}.npy"
    os.replace(folder / golden.output, into / output)
    return golden.model_copy(update={**names, "output": output})


def _named(role: str, spec: TensorSpec, array: Path, part: Part, into: Path) -> str:
    """Move an array into the bundle, or drop it where the bundle has it."""
    size = spec.fixed_size
    label = "any" if size is None else f"{size[0]}x{size[1]}"
    name = f"{GOLDEN_FOLDER}/{role}-{label}-{spec.layout.lower()}-{spec.dtype}.npy"
    target = into / name
    target.parent.mkdir(exist_ok=True)
    if target.exists() and sha256_file(target) != sha256_file(array):
        name = f"{GOLDEN_FOLDER}/{role}-{part.path}.npy"
        target = into / name
    os.replace(array, target)
    return name


def _contents(folder: Path) -> dict[str, Content]:
    paths = sorted(entry.relative_to(folder).as_posix() for entry in folder.rglob("*") if entry.is_file())
    return {
        name: Content(bytes=(folder / name).stat().st_size, sha256=sha256_file(folder / name))
        for name in paths
    }


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))  # no line ends of this system
