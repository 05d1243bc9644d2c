"""Ask a runtime which operators of files it takes; a process of its own, as some files end it: for `lint_check.py`.

    python lint_ask.py xnnpack|litert-gpu|ncnn-vulkan|ort-qnn FILE…

Prints a line of JSON for each file: ``{"file": …, "taken": [positions]}`` or ``{"file": …, "error": …}``.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def xnnpack(path: str) -> dict[str, Any]:
    """The operators that are in the nodes of the delegate, from the interpreter's own list after delegation."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    nodes = interpreter._get_ops_details()
    own = [node for node in nodes if node["op_name"] != "DELEGATE"]
    maker = {int(index): node for node in own for index in node["outputs"]}
    taken: set[int] = set()
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    for delegate in delegates:
        entries = {int(index) for index in delegate["inputs"]}
        waiting = [int(index) for index in delegate["outputs"]]
        while waiting:
            index = waiting.pop()
            if index in entries or index not in maker or int(maker[index]["index"]) in taken:
                continue
            taken.add(int(maker[index]["index"]))
            waiting += [int(i) for i in maker[index]["inputs"]]
    return {"taken": sorted(taken), "pieces": len(delegates)}


def litert_gpu(path: str) -> dict[str, Any]:
    """What the GPU accelerator says of the operators that it refuses, and how many run where."""
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator

    found: dict[str, Any] = {"all": False}
    with captured() as log, contextlib.suppress(RuntimeError):
        model = CompiledModel.from_file(path, HardwareAccelerator.GPU | HardwareAccelerator.CPU)
        found["all"] = bool(model.is_fully_accelerated())
    said = log()
    _, _, refused = said.partition("not supported by GPU delegate:\n")
    lines = refused.splitlines()
    end = next((at for at, line in enumerate(lines) if " operations will run on the GPU" in line), 0)
    found["refused"] = [line.strip() for line in lines[:end]]
    found["counts"] = [int(number) for number in re.findall(r"\d+", lines[end])] if lines else []
    found["errors"] = [
        line for line in said.splitlines() if line.startswith("ERROR") and "Following" not in line
    ][:3]
    return found


def ncnn_vulkan(path: str) -> dict[str, Any]:
    """`support_vulkan` of every layer, made for a Vulkan device; shaders are not compiled."""
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute = True
    if net.load_param(f"{path}/model.ncnn.param"):
        raise ValueError("ncnn cannot load it")
    names = [layer.name for layer in net.layers()]
    return {"layers": {layer.name: bool(layer.support_vulkan) for layer in net.layers()}, "count": len(names)}


def ort_qnn(path: str) -> dict[str, Any]:
    """What Qualcomm's compiler for the Hexagon NPU says of each node, from the provider's log; nothing runs."""
    import onnxruntime as ort
    import onnxruntime_qnn as qnn  # type: ignore[import-not-found]

    folder = Path(qnn.LIB_DIR_FULL_PATH)
    if not any(device.ep_name == "QNN" for device in ort.get_ep_devices()):
        ort.register_execution_provider_library("QNN", str(folder / "libonnxruntime_providers_qnn.so"))
    devices = [device for device in ort.get_ep_devices() if device.ep_name == "QNN"]
    with tempfile.TemporaryDirectory() as scratch, captured() as log:
        options = ort.SessionOptions()
        options.log_severity_level = 0
        settings = {"backend_path": str(folder / "libQnnHtp.so"), "htp_arch": "75", "soc_model": "57"}
        options.add_provider_for_devices(devices, settings)
        options.add_session_config_entry("ep.context_enable", "1")
        options.add_session_config_entry("ep.context_file_path", f"{scratch}/context.onnx")
        with contextlib.suppress(Exception):  # what it cannot compile it has spoken of before
            ort.InferenceSession(path, options)
    said = log().partition("GetCapability pass 2")[0]
    nodes: dict[str, bool] = {}
    reasons: dict[str, str] = {}
    for block in re.split(r"Validation (?=PASSED|FAILED)", said)[1:]:
        block = block.partition("\n\n")[0]
        for name in re.findall(r"Node name: (\S*) Node index", block):
            nodes[name] = block.startswith("PASSED")
            if reason := re.search(r"REASON : (.*)", block):
                reasons[name] = reason[1][:120]
    return {"nodes": nodes, "reasons": reasons}


@contextlib.contextmanager
def captured() -> Iterator[Any]:
    """What native code writes to stderr inside the block, by a function to be called behind it."""
    said = ""
    with tempfile.TemporaryFile() as log:
        before = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield lambda: said
        finally:
            os.dup2(before, 2)
            os.close(before)
            log.seek(0)
            said = log.read().decode("utf-8", "replace")


ASKED = {"xnnpack": xnnpack, "litert-gpu": litert_gpu, "ncnn-vulkan": ncnn_vulkan, "ort-qnn": ort_qnn}


def main() -> int:
    """Ask of each file in turn."""
    ask = ASKED[sys.argv[1]]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to stderr
    for name in sys.argv[2:]:
        try:
            found = ask(name)
        except Exception as error:
            found = {
                "error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
            }
        out.write(json.dumps({"file": Path(name).name, **found}) + "\n")
        out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
