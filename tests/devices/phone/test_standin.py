"""`edgeir bench --device phone` on a phone made of real parts: adb, adbd, a shell, TensorFlow Lite's arm64 library.

`make phone-test` sets it up and runs these. Where a part is missing they are skipped, with the line that installs it.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")

from edgeir.benchmarking.result import read_result
from edgeir.benchmarking.run import bench
from edgeir.benchmarking.suite import load_suite
from edgeir.core.assets import find_zoo
from edgeir.core.errors import DeviceError
from edgeir.core.progress import no_progress
from edgeir.devices.catalog import connect
from edgeir.devices.phone.kit import build_kit
from edgeir.manifest.artifact import read_artifact
from edgeir.runtime.loading import load_file
from edgeir.runtime.session import from_native

pytestmark = pytest.mark.phone

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 20


def script(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def switched_on():
    """A stand-in that is on as long as the tests of this file."""
    tools = script("phone_standin", ROOT / "tools" / "phone_standin.py")
    reason = tools.missing()
    if reason is None:
        try:
            build_kit("arm64-v8a")
        except DeviceError as error:
            reason = str(error)
    if reason is not None:
        pytest.skip(reason)
    try:
        with tools.switched_on() as phone:
            yield phone
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture
def phone(switched_on, monkeypatch):
    for name, value in switched_on.variables.items():
        monkeypatch.setenv(name, value)
    yield switched_on
    switched_on.plug_in()
    switched_on.set_property("ro.boot.qemu", "1")
    assert switched_on.wait_until_clean(SECONDS) is not None, switched_on.left()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The int8 file of a network that comes with edgeir; its golden output is what LiteRT here makes of it."""
    folder = tmp_path_factory.mktemp("standin") / "model"
    shutil.copytree(find_zoo("sr-x4-xs") / "litert", folder)
    artifact, _ = read_artifact(folder)
    entry, exit_ = artifact.main.inputs[0], artifact.main.outputs[0]
    tensor = np.random.default_rng(0).random(entry.shape, dtype=np.float32).astype(entry.dtype)
    session = load_file(folder, artifact, artifact.main)
    output = session.run_raw(tensor).copy()  # it lives as long as the session
    session.close()
    (folder / "golden").mkdir()
    np.save(folder / "golden" / "input.npy", tensor)
    np.save(folder / "golden" / "output.npy", output)
    np.save(
        folder / "golden" / "expected.npy", from_native(output, exit_).reshape(exit_.shape).astype(np.float32)
    )
    manifest = json.loads((folder / "artifact.json").read_text())
    names = {name: f"golden/{name}.npy" for name in ("input", "output", "expected")}
    manifest["files"][0]["golden"] = {**names, "max_abs_error": 0.01, "p99_abs_error": 0.01}
    (folder / "artifact.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def run(phone, model, tmp_path):
    suite = load_suite("embedded-x4")
    timing = suite.timing.model_copy(update={"baseline": None, "height": 768, "width": 768})
    suite = suite.model_copy(update={"timing": timing})

    def measured(*settings, device="phone", models=1, **more):
        path = tmp_path / "result.json"
        more = {"repeats": 2, "quality": False, "overwrite": True, **more}
        bench([model] * models, suite, devices=[device], device_settings=settings, out=path, **more)
        return read_result(path)

    return measured


def later(condition, action):
    """Do something as soon as something is the case, while the test goes on."""

    def watch():
        end = time.monotonic() + SECONDS
        while not condition() and time.monotonic() < end:
            time.sleep(0.05)
        action()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def running(phone):
    """Whether a model runs there."""
    return "--model" in phone.shell("ps -A -o ARGS")


def test_the_phone_computes_what_litert_computes_here(phone, run):
    (row,) = run(device=f"phone:{phone.serial}").rows
    assert row.golden.psnr_db == 100.0  # bit for bit
    assert row.golden.right
    assert row.placed == "14 of 14 operators in XNNPACK"
    facts = row.device
    assert (facts.title, facts.system, facts.chip) == ("edgeir stand-in", "Android 14", "QEMU cortex-a76")
    assert facts.runtime == "TensorFlow Lite 2.16.1 (arm64-v8a)"
    assert facts.details["core_mhz"] == "2 x 1800, 2 x 2400"
    assert facts.emulated
    assert row.latency is None  # an emulator's time says nothing
    assert row.details["temperature_before_c"] == row.details["temperature_after_c"] == 41.0
    assert row.details["temperature_of"] == "cpu-0-0"


def test_times_of_a_phone_that_is_not_emulated(phone, run):
    phone.set_property("ro.boot.qemu", "0")
    core = min(os.sched_getaffinity(0))
    (row,) = run(f"cores={core}", "sustained_min=0.1", threads=2).rows
    assert row.latency.repeats == 2
    assert row.latency.threads == 2
    assert 0 < row.latency.min_ms <= row.latency.p50_ms
    assert row.peak_mib > 1
    assert row.details["cores"] == str(core)
    assert row.details["sustained_first_ms"] > 0
    assert row.details["sustained_hottest_c"] == 41.0


def test_a_cable_that_is_pulled_loses_no_result(phone, run, tmp_path):
    pulled = []

    def watch(done, total, text):
        if done >= 50 and not pulled:
            pulled.append(later(lambda: running(phone), phone.pull_cable))

    with pytest.raises(DeviceError, match=r"unplugged|no phone is connected"):
        run(models=2, device=f"phone:{phone.serial}", progress=watch)
    pulled[0].join()
    result = read_result(tmp_path / "result.json")
    assert [row.golden.psnr_db for row in result.rows] == [100.0]
    phone.plug_in()
    assert phone.wait_until_clean(SECONDS) is not None
    assert run().rows[0].golden.right


def test_a_runner_that_is_killed(phone, run):
    kill = "kill -9 $(tail -n 1 /data/local/tmp/edgeir/*/pids)"
    watch = later(lambda: running(phone), lambda: phone.shell(kill))
    with pytest.raises(DeviceError, match=r"the phone ended the runner"):
        run(repeats=500)
    watch.join()


def test_full_storage(phone, run, tmp_path):
    filler = tmp_path / "filler"
    filler.write_bytes(bytes(62 << 20))
    assert "1 file pushed" in phone.adb("-s", phone.serial, "push", str(filler), "/data/filler")
    try:
        with pytest.raises(
            DeviceError, match=r"the phone's storage is full \(free \d+\.\d MiB there: adb -s"
        ):
            run()
    finally:
        phone.shell("rm /data/filler")


def test_two_phones(phone, run):
    other = phone.serial.replace("127.0.0.1", "localhost")
    phone.adb("connect", other)
    try:
        with pytest.raises(DeviceError, match=f"2 phones are connected: {phone.serial}, {other}"):
            run()
        assert run(device=f"phone:{other}").rows[0].device.device == f"phone:{other}"
    finally:
        phone.adb("disconnect", other)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_edgeir_is_ended_in_the_middle(phone, model, tmp_path, end):
    code = (
        "import sys; from edgeir.devices.catalog import connect; from edgeir.manifest.artifact import read_artifact\n"
        "from edgeir.core.progress import no_progress\n"
        f"artifact, folder = read_artifact({str(model)!r}); file = artifact.main\n"
        "device = connect('phone')\n"
        "device.time(folder / file.path, artifact, file, size=file.size, runs=1000, progress=no_progress)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    end_s = time.monotonic() + SECONDS
    while not running(phone) and time.monotonic() < end_s:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(end)
    process.wait(timeout=SECONDS)
    assert phone.wait_until_clean(SECONDS) is not None, phone.left()


def test_what_a_dead_keeper_left_goes_at_the_next_connect(phone, model):
    first = connect("phone")
    phone.shell("kill -9 $(cat /data/local/tmp/edgeir/*/keeper)")
    phone.shell("mkdir /data/local/tmp/mine")
    first.close()
    assert phone.shell("ls /data/local/tmp/edgeir").split() != []
    artifact, folder = read_artifact(model)
    second = connect("phone")
    assert len(phone.shell("ls /data/local/tmp/edgeir").split()) == 1
    run = second.time(
        folder / artifact.main.path,
        artifact,
        artifact.main,
        size=artifact.main.size,
        runs=1,
        progress=no_progress,
    )
    assert run.placed == "14 of 14 operators in XNNPACK"
    second.close()
    assert phone.left() == ["mine"]
    phone.shell("rmdir /data/local/tmp/mine")


def test_cycles_with_the_cable_pulled_at_odd_moments(phone, model, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    cycles = script("phone_cycles", ROOT / "benchmarks" / "phone_cycles.py")
    monkeypatch.setattr(cycles, "ROUND_TRIP_RUNS", 3)
    trip, error = cycles.round_trip(model, phone)
    assert trip["added_s"] > 0
    for pull_s in (None, 0.5, 2.0, 5.0):
        done = cycles.cycle(model, phone, tmp_path / "result.json", pull_s, error)
        assert done["right"], done
