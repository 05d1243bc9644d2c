"""LiteRT's ``benchmark_model`` on the phone: the GPU and the NPU, for which edgeir's own runner has no delegate.

The user gives the program for the phone's processor. What it prints is read: times as its lines ``count=…`` give them,
and where the operators ran as it says it of the delegate (tensorflow/lite/tools/benchmark/benchmark_tflite_model.cc).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeir.core.errors import DeviceError
from edgeir.devices.device import Detail

__all__ = ["FLAGS", "Measured", "read_output"]

FLAGS = {"gpu": "--use_gpu=true", "npu": "--use_npu=true"}
COUNT = re.compile(r"count=(?P<count>\d+)(?P<rest>.*)")
VALUE = re.compile(r"(?P<name>first|min|max|avg|median|p95)=(?P<us>[\d.e+]+)")
INIT = re.compile(r"Inference timings in us: Init: (?P<us>[\d.e+]+)")
DELEGATED = re.compile(r"model graph will (be )?(?P<how>completely|partially|not) (be )?executed")
KERNELS = re.compile(r"Replacing (?P<taken>\d+) out of (?P<all>\d+) node")


@dataclass(frozen=True)
class Measured:
    """What it said.

    Attributes:
        placed: where the operators ran, in words.
        fell_back: not all of them ran on the accelerator, as far as it says.
        details: its times in milliseconds, for the row.
    """

    placed: str
    fell_back: bool
    details: dict[str, Detail]


def read_output(text: str, accelerator: str, *, where: str) -> Measured:
    """Read what the program printed.

    Raises:
        DeviceError: it failed; the message has its reason.
    """
    counts = list(COUNT.finditer(text))
    if not counts:
        raise DeviceError(
            f"benchmark_model failed with {FLAGS[accelerator]}: {_reason(text)}", where=where,
            fix="it must be built for the phone's processor and know this accelerator",
        )  # fmt: skip
    last = counts[-1]
    details: dict[str, Detail] = {"benchmark_model_runs": int(last["count"])}
    for match in VALUE.finditer(last["rest"]):
        details[f"benchmark_model_{match['name']}_ms"] = round(float(match["us"]) / 1e3, 4)
    if init := INIT.search(text):
        details["benchmark_model_init_ms"] = round(float(init["us"]) / 1e3, 4)
    name = accelerator.upper()
    kernels = [(int(match["taken"]), int(match["all"])) for match in KERNELS.finditer(text)]
    delegated = DELEGATED.search(text)
    if delegated is None:
        return Measured(f"benchmark_model does not say what ran on the {name}", True, details)
    how = delegated["how"]
    share = f"{kernels[0][0]} of {kernels[0][1]} operators" if kernels and how == "partially" else ""
    words = {
        "completely": f"all operators on the {name}",
        "partially": f"{share or 'some operators'} on the {name}",
        "not": f"no operator on the {name}",
    }
    return Measured(words[how], how != "completely", details)


def _reason(text: str) -> str:
    lines = [line for line in text.splitlines() if "ERROR" in line] or text.strip().splitlines()
    return lines[0].removeprefix("ERROR: ").strip()[:200] if lines else "it printed nothing"
