"""How an app uses an ``.onnx`` or ``.ort`` file: JavaScript, Kotlin and Python."""

from __future__ import annotations

from edgeir.exporting.usage import Snippet, filled
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.model_file import ModelFile

__all__ = ["usage"]

JAVASCRIPT = Snippet(
    "js",
    "JavaScript (browser, `onnxruntime-web`)",
    """
import * as ort from 'onnxruntime-web';
const model = await ort.InferenceSession.create('§file');
const input = new §array(§height * §width * §channels);
for (let p = 0; p < §height * §width; p++)  // rgba: ImageData.data
  for (let c = 0; c < §channels; c++) input[§place] = rgba[4 * p + c]§unit;
const tensor = new ort.Tensor('§dtype', input, [§dims]);
const { §output: output } = await model.run({ §input: tensor });
const restored = §bytes;  // output.dims: its layout
""",
)
KOTLIN = Snippet(
    "kotlin",
    "Kotlin (Android, `com.microsoft.onnxruntime:onnxruntime-android`)",
    """
val environment = OrtEnvironment.getEnvironment()
val model = environment.createSession(context.assets.open("§file").readBytes())
val tensor = OnnxTensor.createTensor(environment, input, longArrayOf(§longs)§kind)  // input: a direct §buffer
model.run(mapOf("§input" to tensor)).use { outputs ->
    val restored = (outputs.get("§output").get() as OnnxTensor).§read
}
""",
)
PYTHON = Snippet(
    "python",
    "Python (`pip install onnxruntime pillow`)",
    """
import numpy as np
import onnxruntime
from PIL import Image

§photo
model = onnxruntime.InferenceSession("§file", providers=["CPUExecutionProvider"])
tensor = §tensor
[output] = model.run(["§output"], {"§input": tensor})
Image.fromarray(§image).save("restored.png")
""",
)


def usage(file: ModelFile, facts: NetworkFacts) -> tuple[Snippet, ...]:
    """Code for an ONNX file."""
    spec, channels = file.inputs[0], facts.channels
    height, width = map(str, file.size or ("height", "width"))
    whole = spec.dtype == "uint8"
    sides = (
        ["1", height, width, str(channels)] if spec.layout == "NHWC" else ["1", str(channels), height, width]
    )
    more = {
        "array": "Uint8Array" if whole else "Float32Array",
        "place": f"{channels} * p + c" if spec.layout == "NHWC" else f"c * {height} * {width} + p",
        "unit": "" if whole else " / 255",
        "dtype": spec.dtype,
        "dims": ", ".join(sides),
        "bytes": "output.data" if whole else "Uint8ClampedArray.from(output.data, (value) => value * 255)",
        "longs": ", ".join(side if side.isdigit() else f"{side}.toLong()" for side in sides),
        "kind": ", OnnxJavaType.UINT8" if whole else "",
        "buffer": "ByteBuffer of bytes" if whole else "FloatBuffer, values in [0, 1]",
        "read": "byteBuffer" if whole else "floatBuffer",
    }
    return tuple(filled(snippet, file, facts, **more) for snippet in (JAVASCRIPT, KOTLIN, PYTHON))
