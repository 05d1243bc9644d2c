"""The parts of the device that read text: benchmark_model's output, temperatures, facts, programs' needs."""

import subprocess
from pathlib import Path

import pytest

from edgeir.core.errors import DeviceError
from edgeir.devices.phone.benchmark_model import read_output
from edgeir.devices.phone.facts import read_facts
from edgeir.devices.phone.heat import Warmth, cool_down, warmth
from edgeir.devices.runner.needs import companions, needs
from edgeir.devices.runner.toolchain import abi_named

TIMES = (
    "INFO: count=40 first=3100 curr=1.1e+03 min=1000 max=4000 avg=1200.5 std=9 p5=1000 median=1100 p95=3000\n"
)
APPLIED = "INFO: Explicitly applied NNAPI delegate, and the model graph will be"
REPLACED = (
    "VERBOSE: Replacing 12 out of 14 node(s) with delegate (D) node, yielding 3 partitions for the graph.\n"
)


class Says:
    """A phone whose shell says this to everything."""

    serial = "SN1"

    def __init__(self, *texts):
        self.texts = list(texts)

    def shell(self, command, limit_s=0):
        return self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]


@pytest.mark.parametrize(
    ("text", "placed", "fell_back"),
    [
        (f"{APPLIED} completely executed by the delegate.\n", "all operators on the NPU", False),
        (
            f"{REPLACED}{APPLIED} partially executed by the delegate w/ 2 delegate kernels.\n",
            "12 of 14 operators on the NPU",
            True,
        ),
        (
            "INFO: Though NNAPI delegate is explicitly applied, the model graph will not be executed by it.\n",
            "no operator on the NPU",
            True,
        ),
        ("INFO: Loaded model\n", "benchmark_model does not say what ran on the NPU", True),
    ],
)
def test_where_operators_ran_is_what_the_program_says(text, placed, fell_back):
    end = "INFO: Inference timings in us: Init: 25000, First inference: 3100, Warmup (avg): 9, Inference (avg): 9\n"
    warm_up = "INFO: count=2 first=9 curr=9 min=9 max=9 avg=9 std=0\n"
    found = read_output(text + warm_up + TIMES + end, "npu", where="SN1")
    assert (found.placed, found.fell_back) == (placed, fell_back)
    assert found.details == {
        "benchmark_model_runs": 40, "benchmark_model_first_ms": 3.1, "benchmark_model_min_ms": 1.0,
        "benchmark_model_max_ms": 4.0, "benchmark_model_avg_ms": 1.2005, "benchmark_model_median_ms": 1.1,
        "benchmark_model_p95_ms": 3.0, "benchmark_model_init_ms": 25.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("INFO: STARTING!\nERROR: Failed to apply GPU delegate.\n", "Failed to apply GPU delegate."),
        ("/data/local/tmp/x: not executable: 32-bit ELF file\n", "not executable"),
        ("", "it printed nothing"),
    ],
)
def test_a_program_that_fails_says_why(text, reason):
    with pytest.raises(DeviceError, match=rf"SN1: benchmark_model failed with --use_gpu=true: .*{reason}"):
        read_output(text, "gpu", where="SN1")


@pytest.mark.parametrize(
    ("text", "warm"),
    [
        ("zone 41000 battery\nzone 52500 cpu-1-0\nzone 48000 cpu-0-0\n", Warmth(52.5, "cpu-1-0")),
        ("zone 36 battery\nzone 0 cpu\nzone -40000 cpu-9\n", Warmth(36.0, "battery")),
        (
            "zone  \nCurrent temperatures from HAL:\n"
            "\tTemperature{mValue=39.8, mType=0, mName=AP, mStatus=0}\n"
            "\tTemperature{mValue=45.0, mType=3, mName=SKIN, mStatus=0}\n",
            Warmth(39.8, "AP"),
        ),
        ("  level: 80\n  temperature: 305\n", Warmth(30.5, "battery")),
        ("zone  \ntemperature:\n", None),
        ("", None),
    ],
)
def test_the_warmest_sensor_near_the_processor(text, warm):
    assert warmth(Says(text)) == warm


def test_cooling_ends_when_it_is_cool_or_the_time_is_over(monkeypatch):
    monkeypatch.setattr("edgeir.devices.phone.heat.STEP_S", 0.01)
    hot, cool = "zone 60000 cpu\n", "zone 40500 cpu\n"
    assert cool_down(Says(hot, hot, cool), 30.0, Warmth(40.0, "cpu")) < 10
    assert cool_down(Says(hot), 0.1, Warmth(40.0, "cpu")) >= 0.1
    assert cool_down(Says(""), 0.1, None) >= 0.1


def test_facts_of_a_board_and_of_an_older_phone():
    board = read_facts(
        Says(
            "uname=Linux 6.1 aarch64\nboard=Rock 5\0\ndistribution=Debian 12\ncores=0-3\nkhz=1800000 2400000 1800000\n"
        )
    )
    assert (board.title, board.system, board.chip, board.abi) == (
        "Rock 5",
        "Debian 12",
        "Rock 5",
        "arm64-v8a",
    )
    assert board.details["core_mhz"] == "2 x 1800, 1 x 2400"
    assert not board.emulated
    phone = read_facts(
        Says(
            "[ro.product.model]: [P]\n[ro.build.version.release]: [8.1]\n[ro.build.version.sdk]: [27]\n"
            "[ro.product.cpu.abi]: [armeabi-v7a]\n[ro.board.platform]: [msm1]\nuname=Linux 4.4 armv8l\ncores=\nkhz=\n"
        )
    )
    assert (phone.title, phone.system, phone.chip, phone.abi) == ("P", "Android 8.1", "msm1", "armeabi-v7a")
    with pytest.raises(DeviceError, match="its shell does not answer: no such thing"):
        read_facts(Says("no such thing"))


def test_what_a_program_needs_is_found(tmp_path):
    try:
        abi = abi_named("x86_64")
        source = tmp_path / "a.c"
        source.write_text("int main(void) { return 0; }\n")
        subprocess.run(["gcc", "-o", tmp_path / "a", source], check=True, capture_output=True)
        linker, libraries = companions(tmp_path / "a", abi)
    except (FileNotFoundError, DeviceError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no C compiler for this machine (apt-get install gcc libc6-dev): {error}")
    assert "libc.so.6" in [path.name for path in libraries]
    assert linker.name.startswith("ld-linux")
    folder = ":".join(str(path.parent) for path in libraries)
    assert subprocess.run([linker, "--library-path", folder, tmp_path / "a"], check=False).returncode == 0


@pytest.mark.parametrize(
    "content", [b"", b"#!/bin/sh", b"\x7fELF\x02\x01" + bytes(20), b"\x7fELF\x02\x01" + b"\xff" * 60]
)
def test_what_is_no_program_is_refused(content):
    with pytest.raises(DeviceError, match="it is no program, or is damaged"):
        needs(content)


def test_a_library_names_no_linker():
    library = next(
        (
            path
            for path in (Path("/lib64/libm.so.6"), Path("/lib/x86_64-linux-gnu/libm.so.6"))
            if path.is_file()
        ),
        None,
    )
    if library is None:
        pytest.skip("no shared library where one is looked for")
    assert needs(library.read_bytes())[0] is None
