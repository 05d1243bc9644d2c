"""How an app uses an ``.ncnn`` folder: C++, for Kotlin behind JNI, and Python."""

from __future__ import annotations

from edgeir.exporting.usage import Snippet, filled
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.model_file import ModelFile

__all__ = ["usage"]

CPP = Snippet(
    "cpp",
    "C++ (Android behind JNI, iOS, desktop; ncnn)",
    """
ncnn::Net net;
net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = §half;
net.load_param("§file/model.ncnn.param");
net.load_model("§file/model.ncnn.bin");
ncnn::Mat in = ncnn::Mat::from_pixels(bytes, ncnn::Mat::§pixels, §width, §height);  // row by row
const float unit[3] = {1 / 255.f, 1 / 255.f, 1 / 255.f}, bytes255[3] = {255.f, 255.f, 255.f};
const float half[3] = {-0.5f / 255, -0.5f / 255, -0.5f / 255};  // to_pixels cuts the decimals off
in.substract_mean_normalize(0, unit);
ncnn::Extractor run = net.create_extractor();
run.input("§input", in);
ncnn::Mat out;
if (run.extract("§output", out) != 0) return false;
out.substract_mean_normalize(half, bytes255);
out.to_pixels(restored, ncnn::Mat::§pixels);  // §out_width x §out_height
""",
)
PYTHON = Snippet(
    "python",
    "Python (`pip install ncnn pillow`)",
    """
import ncnn
import numpy as np
from PIL import Image

§photo
net = ncnn.Net()
net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = §truth
net.load_param("§file/model.ncnn.param")
net.load_model("§file/model.ncnn.bin")
planes = §tensor[0]
run = net.create_extractor()
run.input("§input", ncnn.Mat(planes).clone())
output = np.array(run.extract("§output")[1])[None]
Image.fromarray(§image).save("restored.png")
""",
)


def usage(file: ModelFile, facts: NetworkFacts) -> tuple[Snippet, ...]:
    """Code for an ncnn folder; only its fp16 files are right in arithmetic of 16 bits."""
    half = file.precision == "fp16"
    more = {
        "half": str(half).lower(),
        "truth": str(half),
        "pixels": "PIXEL_RGB" if facts.channels == 3 else "PIXEL_GRAY",
    }
    return tuple(filled(snippet, file, facts, **more) for snippet in (CPP, PYTHON))
