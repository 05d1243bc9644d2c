"""Run an ncnn folder in a process of its own, without edgeir's session."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np

SCRIPT = """
import io, sys
import ncnn, numpy as np
net = ncnn.Net()
net.opt.num_threads = 1
assert net.load_param(sys.argv[1] + "/model.ncnn.param") == 0
assert net.load_model(sys.argv[1] + "/model.ncnn.bin") == 0
tensor = np.load(io.BytesIO(sys.stdin.buffer.read()))
extractor = net.create_extractor()
planes = np.ascontiguousarray(tensor[0])
extractor.input("in0", ncnn.Mat(planes).clone())
code, result = extractor.extract("out0")
assert code == 0
np.save(sys.stdout.buffer, np.array(result)[None])
"""


def run_ncnn(folder: Path, tensor: np.ndarray) -> np.ndarray:
    """(1, C, H, W) to (1, C, H', W')."""
    sent = io.BytesIO()
    np.save(sent, tensor)
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    done = subprocess.run(command, input=sent.getvalue(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-500:]
    return np.load(io.BytesIO(done.stdout))
