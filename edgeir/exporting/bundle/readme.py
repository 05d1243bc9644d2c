"""The README of a bundle: what an app developer has to know, and code for each format that uses its files."""

from __future__ import annotations

from collections.abc import Iterator

from edgeir.manifest.artifact import Artifact, ModelFile, TensorSpec
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import Parity
from edgeir.runtime import catalog

__all__ = ["readme"]


def readme(artifact: Artifact, licence: str | None) -> str:
    """Markdown about the files of a bundle; the same for the same manifest."""
    facts = artifact.facts
    scale = f" x{facts.scale}" if facts.scale > 1 else ""
    version = artifact.versions.get("edgeir", "")
    lines = [
        f"# {artifact.source}: {facts.task}{scale}",
        "",
        f"{len(artifact.files)} model file{'s' * (len(artifact.files) > 1)} of one network with "
        f"{artifact.parameters:,} parameters, made by edgeir {version}. `edgeir.json` says all of this for programs; "
        "`edgeir verify` checks this folder, or the zip that it came in.",
        "",
        "| file | format | precision | input | output | KiB | oldest runtime | differs from the network |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_row(file) for file in artifact.files),
        "",
        "Differences are the largest of any value, on [0, 1], and the PSNR lost on average, both on photographs that "
        "were not used to make the files.",
        "",
        "## What goes in and comes out",
        "",
        *(f"- {line}" for line in _rules(artifact)),
        "",
        "## Test your app",
        "",
        *_golden(artifact),
        "",
        *_code(artifact),
        "## Licence",
        "",
        f"{_sentence(licence)} The text is in `LICENSE`; "
        "`card.json` says how and on what the network was trained.",
        "",
    ]
    return "\n".join(lines)


def _sentence(licence: str | None) -> str:
    return f"{licence or 'The card of this network states none: ask whoever trained it'}".rstrip(".") + "."


def _row(file: ModelFile) -> str:
    needs = file.needs
    oldest = "not known" if needs is None else f"{needs.runtime} {needs.stated or '?'} ({needs.stamp})"
    if needs is not None and needs.measured is not None:
        oldest += f", run on {needs.measured}"
    parity = file.parity
    if isinstance(parity, Parity):
        differs = f"{parity.max_abs_error:.1e}, {parity.psnr_drop_db:+.3f} dB"
    else:
        differs = f"not run: {parity.reason}"
    cells = [
        f"`{file.path}`",
        catalog.target_entry(file.target).title,
        file.precision,
        _tensor(file.inputs[0]),
        _tensor(file.outputs[0]),
        f"{file.bytes / 1024:.0f}",
        oldest,
        differs,
    ]
    return f"| {' | '.join(cells)} |"


def _tensor(spec: TensorSpec) -> str:
    shape = "x".join("?" if side is None else str(side) for side in spec.shape)
    return f"`{spec.name}` {spec.layout} {shape} {spec.dtype}"


def _rules(artifact: Artifact) -> Iterator[str]:
    facts = artifact.facts
    colour = "R, G, B" if facts.channels == 3 else "one channel (luma of a colour image)"
    yield f"An image of {colour}: floats in [0, 1]; uint8 is 255 times that, int8 is uint8 less 128."
    if facts.input_kind == "bicubic":
        yield f"Enlarge the image by {facts.scale} with bicubic interpolation first; the network keeps that size."
    elif facts.scale > 1:
        yield f"The output is {facts.scale} times as high and wide as the input."
    if facts.sigma is not None:
        yield f"Made for noise of standard deviation {facts.sigma:g} (of 255)."
    if facts.size_multiple > 1:
        yield f"Height and width are multiples of {facts.size_multiple}."
    if facts.global_operations:
        yield f"It reads the whole image ({', '.join(facts.global_operations)}): tiles would change the result."
        return
    yield _tiles(facts)


def _tiles(facts: NetworkFacts) -> str:
    step = f" Tiles start at multiples of {facts.tile_step}." if facts.tile_step > 1 else ""
    return (
        f"Larger images go in tiles that overlap: an output pixel depends on {facts.receptive_radius} input pixels on "
        f"each side, so drop what lies nearer than {facts.receptive_radius} input pixels to an inner edge of a "
        f"tile.{step} The result is then that of the whole image. `edgeir restore` does it like that."
    )


def _golden(artifact: Artifact) -> Iterator[str]:
    yield (
        "`golden/` has an input for each file and its output: NumPy arrays, with the batch dimension. Feed `input` to "
        "the file in your app: the result may differ from `expected`, the network's own, by so much; `output` is what "
        "the file gave when it was made. The app itself needs nothing of this folder."
    )
    yield ""
    yield "| file | input | expected | largest difference | 99 % of the values | output |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for file in artifact.files:
        if (pair := file.golden) is not None:
            limits = f"{pair.max_abs_error:.2e} | {pair.p99_abs_error:.2e}"
            yield f"| `{file.path}` | `{pair.input}` | `{pair.expected}` | {limits} | `{pair.output}` |"
    if any(file.worst is not None for file in artifact.files):
        yield ""
        yield (
            "`proof/` shows for each file the photograph on which it loses most, a part of it: the truth, what the "
            "network makes of it, what the file makes of it, and the difference of both, amplified."
        )


def _code(artifact: Artifact) -> Iterator[str]:
    """One section for each format and type of its input, with the first such file."""
    kinds = dict.fromkeys((file.target, file.inputs[0].dtype) for file in artifact.files)
    for target, dtype in kinds:
        entry = catalog.target_entry(target)
        if (usage := entry.usage_function()) is None:
            continue
        files = [file for file in artifact.files if (file.target, file.inputs[0].dtype) == (target, dtype)]
        several = sum(other == target for other, _ in kinds) > 1
        yield f"## {entry.title}{f', {dtype}' if several else ''}"
        yield ""
        if len(files) > 1:
            yield f"With `{files[0].path}`; the others like it differ in name and size, see the table above."
            yield ""
        for snippet in usage(files[0], artifact.facts):
            yield f"{snippet.title}:"
            yield ""
            yield f"```{snippet.language}"
            yield snippet.code
            yield "```"
            yield ""
