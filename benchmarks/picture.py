"""Make the README's before/after image: a photograph, shrunk by 4, enlarged by bicubic and by the zoo's student.

    python benchmarks/picture.py [--model sr-x4] [--out docs/before-after.png]

Every pixel comes from `edgeir.restore`; nothing is retouched. The details are shown at three times their size.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edgeir.core.files import atomic_file
from edgeir.data.degrade.bicubic import downscale, upscale
from edgeir.data.sources.embedded import Embedded
from edgeir.imaging.files import read_rgb
from edgeir.restoring.photo import restore

ROOT = Path(__file__).resolve().parent.parent
DETAILS = (("chelsea", 60, 120), ("astronaut", 20, 170), ("coffee", 120, 250))
"""Photograph, and the top left corner of the detail."""
SIZE, ZOOM, GAP, CAPTION = 112, 3, 8, 34


def main(arguments: list[str]) -> None:
    """Write the image."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="sr-x4")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "before-after.png")
    options = parser.parse_args(arguments)
    photos = {ref.name: ref for ref in Embedded().images()}
    rows = [_row(photos[name].load(), top, left, options.model) for name, top, left in DETAILS]
    titles = ("bicubic x4", f"edgeir {options.model}", "original")
    cell = SIZE * ZOOM
    sheet = Image.new("RGB", (3 * cell + 2 * GAP, CAPTION + len(rows) * (cell + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for column, title in enumerate(titles):
        draw.text((column * (cell + GAP) + cell / 2, CAPTION / 2), title, "black", font=font, anchor="mm")
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            sheet.paste(image, (column * (cell + GAP), CAPTION + row * (cell + GAP)))
    with atomic_file(options.out) as temporary:
        sheet.save(temporary, optimize=True)


def _row(photo: np.ndarray, top: int, left: int, model: str) -> list[Image.Image]:
    height, width = (side // 4 * 4 for side in photo.shape[:2])
    original = np.ascontiguousarray(photo[:height, :width])
    small = downscale(original, 4)
    with tempfile.TemporaryDirectory() as folder:
        given, restored = Path(folder) / "small.png", Path(folder) / "large.png"
        Image.fromarray(small).save(given)
        restore(given, restored, model=model)
        after = read_rgb(restored)
    cuts = (image[top : top + SIZE, left : left + SIZE] for image in (upscale(small, 4), after, original))
    side = SIZE * ZOOM
    return [Image.fromarray(cut).resize((side, side), Image.Resampling.NEAREST) for cut in cuts]


if __name__ == "__main__":
    main(sys.argv[1:])
