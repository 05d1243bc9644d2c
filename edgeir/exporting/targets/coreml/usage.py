"""How an app uses an ``.mlpackage``: Swift, and Python on a Mac."""

from __future__ import annotations

from edgeir.exporting.usage import Snippet, filled
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.model_file import ModelFile

__all__ = ["usage"]

ARRAYS = Snippet(
    "swift",
    "Swift (iOS, macOS)",
    """
import CoreML

let url = Bundle.main.url(forResource: "§stem", withExtension: "mlmodelc")!  // Xcode compiles the package
let model = try MLModel(contentsOf: url)
let image = try MLMultiArray(shape: [1, §channels, §height, §width], dataType: .float32)  // fill with values in [0, 1]
let input = try MLDictionaryFeatureProvider(dictionary: ["§input": MLFeatureValue(multiArray: image)])
let output = try model.prediction(from: input).featureValue(for: "§output")!.multiArrayValue!
// [1, §channels, §out_height, §out_width], values in [0, 1]
""",
)
IMAGES = Snippet(
    "swift",
    "Swift (iOS, macOS)",
    """
import CoreML

let url = Bundle.main.url(forResource: "§stem", withExtension: "mlmodelc")!  // Xcode compiles the package
let model = try MLModel(contentsOf: url)
// pixels: a CVPixelBuffer of exactly §width x §height, §format
let input = try MLDictionaryFeatureProvider(dictionary: ["§input": MLFeatureValue(pixelBuffer: pixels)])
let output = try model.prediction(from: input).featureValue(for: "§output")!.imageBufferValue!
// a CVPixelBuffer of §out_width x §out_height
""",
)
PYTHON = Snippet(
    "python",
    "Python on a Mac (`pip install coremltools pillow`)",
    """
import coremltools
import numpy as np
from PIL import Image

§photo
model = coremltools.models.MLModel("§file")
output = model.predict({"§input": §value})["§output"]
§result.save("restored.png")
""",
)


def usage(file: ModelFile, facts: NetworkFacts) -> tuple[Snippet, ...]:
    """Code for a Core ML package, whose input and output are arrays or images."""
    images = file.inputs[0].dtype == "uint8"
    python = (
        filled(PYTHON, file, facts, value="photo", result="output") if images else _with_arrays(file, facts)
    )
    colour = "kCVPixelFormatType_32BGRA"
    pixels = colour if facts.channels == 3 else "kCVPixelFormatType_OneComponent8"
    swift = filled(IMAGES, file, facts, format=pixels) if images else filled(ARRAYS, file, facts)
    return swift, python


def _with_arrays(file: ModelFile, facts: NetworkFacts) -> Snippet:
    code = PYTHON.code.replace("§value", "§tensor").replace("§result", "Image.fromarray(§image)")
    return filled(Snippet(PYTHON.language, PYTHON.title, code), file, facts)
