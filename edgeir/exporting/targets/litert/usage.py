"""How an app uses a ``.tflite`` file: Kotlin, Swift, JavaScript and Python."""

from __future__ import annotations

from edgeir.exporting.usage import Snippet, filled
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.model_file import ModelFile

__all__ = ["usage"]

KOTLIN = Snippet(
    "kotlin",
    "Kotlin (Android, `com.google.ai.edge.litert:litert`)",
    """
val bytes = context.assets.open("§file").readBytes()
val model = Interpreter(ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder()).put(bytes))
val input = ByteBuffer.allocateDirect(§height * §width * §values).order(ByteOrder.nativeOrder())
val pixels = IntArray(§height * §width)  // of a Bitmap of §width x §height
photo.getPixels(pixels, 0, §width, 0, 0, §width, §height)
for (pixel in pixels) for (shift in intArrayOf(§shifts)) input.§put
val output = ByteBuffer.allocateDirect(§out_height * §out_width * §values).order(ByteOrder.nativeOrder())
model.run(input.rewind(), output)
output.rewind()
fun value() = §value
val restored = IntArray(§out_height * §out_width) { §colour }
val result = Bitmap.createBitmap(restored, §out_width, §out_height, Bitmap.Config.ARGB_8888)
""",
)
SWIFT = Snippet(
    "swift",
    "Swift (iOS, `TensorFlowLiteSwift`)",
    """
let path = Bundle.main.path(forResource: "§stem", ofType: "§suffix")!
let model = try Interpreter(modelPath: path)
try model.allocateTensors()
let input = §input_bytes  // bytes: [UInt8], §width x §height, §planes
try model.copy(input.withUnsafeBytes { Data($0) }, toInputAt: 0)
try model.invoke()
let output = try model.output(at: 0).data
let restored: [UInt8] = §output_bytes  // §out_width x §out_height
""",
)
JAVASCRIPT = Snippet(
    "js",
    "JavaScript (browser, `@litertjs/core`)",
    """
import { loadLiteRt, loadAndCompile, Tensor } from '@litertjs/core';
await loadLiteRt('/litert-wasm/');  // the package's folder `wasm`, which your site serves
const model = await loadAndCompile('§file', { accelerator: 'wasm' });
const input = new Float32Array(§height * §width * §channels);
for (let i = 0; i < input.length; i++) input[i] = rgba[§position] / 255;  // rgba: ImageData.data
const [output] = await model.run([new Tensor(input, [1, §height, §width, §channels])]);
const restored = Uint8ClampedArray.from(await output.data(), (value) => value * 255);
""",
)
PYTHON = Snippet(
    "python",
    "Python (`pip install ai-edge-litert pillow`)",
    """
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

§photo
model = Interpreter(model_path="§file", num_threads=2)
model.allocate_tensors()
model.set_tensor(model.get_input_details()[0]["index"], §tensor)
model.invoke()
output = model.get_tensor(model.get_output_details()[0]["index"])
Image.fromarray(§image).save("restored.png")
""",
)


def usage(file: ModelFile, facts: NetworkFacts) -> tuple[Snippet, ...]:
    """Code for a LiteRT file."""
    colour, dtype = facts.channels == 3, file.inputs[0].dtype
    value, put = {
        "float32": ("(output.float * 255 + 0.5f).toInt()", "putFloat((pixel shr shift and 255) / 255f)"),
        "uint8": ("output.get().toInt() and 255", "put((pixel shr shift).toByte())"),
        "int8": ("output.get() + 128", "put(((pixel shr shift and 255) - 128).toByte())"),
    }[dtype]
    arrives, leaves = {
        "float32": (
            "bytes.map { Float($0) / 255 }",
            "output.withUnsafeBytes { $0.bindMemory(to: Float.self).map { UInt8(($0 * 255).rounded()) } }",
        ),
        "uint8": ("bytes", "Array(output)"),
        "int8": ("bytes.map { $0 ^ 0x80 }", "output.map { $0 ^ 0x80 }"),
    }[dtype]
    more = {
        "values": f"{facts.channels}{' * 4' if dtype == 'float32' else ''}",
        "shifts": "16, 8, 0" if colour else "0",
        "put": put,
        "value": value,
        "colour": "Color.rgb(value(), value(), value())" if colour else "value() * 0x10101 or (0xFF shl 24)",
        "position": "i + Math.floor(i / 3)" if colour else "4 * i",
        "input_bytes": arrives,
        "output_bytes": leaves,
        "planes": "R, G, B by turns" if colour else "gray",
    }
    # LiteRT.js takes float tensors; a file of bytes is for phones.
    chosen = (KOTLIN, SWIFT, JAVASCRIPT, PYTHON) if dtype == "float32" else (KOTLIN, SWIFT, PYTHON)
    return tuple(filled(snippet, file, facts, **more) for snippet in chosen)
