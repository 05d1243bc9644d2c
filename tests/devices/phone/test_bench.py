"""`edgeir bench --device phone` with a phone that is a folder here: what is sent, what is in a row, what goes wrong."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from edgeir.benchmarking.result import read_result
from edgeir.benchmarking.run import bench
from edgeir.benchmarking.suite import load_suite
from edgeir.core.errors import ConfigError, DeviceError
from edgeir.core.progress import no_progress
from edgeir.devices.catalog import connect
from edgeir.manifest.artifact import read_artifact


@pytest.fixture
def run(model, tmp_path):
    suite = load_suite("embedded-x4")
    suite = suite.model_copy(
        update={"timing": suite.timing.model_copy(update={"baseline": None, "height": 768, "width": 768})}
    )

    def measured(*settings, device="phone", models=1, **more):
        path = tmp_path / "result.json"
        more = {"repeats": 5, "quality": False, "overwrite": True, **more}
        bench([model] * models, suite, devices=[device], device_settings=settings, out=path, **more)
        return read_result(path)

    return measured


def test_a_row_says_what_the_phone_is_and_what_it_computed(phone, run):
    (row,) = run(device="phone:SN1", threads=2).rows
    assert (row.device.device, row.device.title, row.device.chip) == (
        "phone:SN1",
        "Acme Phone 9",
        "Acme SoC 1",
    )
    assert row.device.system == "Android 15"
    assert row.device.runtime == "TensorFlow Lite 2.16.1 (arm64-v8a)"
    assert row.placed == "14 of 14 operators in XNNPACK"
    assert row.golden.psnr_db == pytest.approx(40.0)
    assert row.golden.right
    assert (row.latency.first_run_ms, row.latency.repeats, row.latency.threads) == (9.0, 5, 2)
    assert row.latency.samples_ms == (4.0, 5.0, 4.0, 5.0, 4.0)
    assert row.peak_mib == 4.0
    assert row.details["cores"]
    assert phone.left() == []


def test_every_file_is_sent_once(phone, run):
    run(models=2)
    assert [len(line) for line in phone.commands("push")] == [7, 5]  # the runner's three, and the model


def test_cores_are_asked_for_and_read_back(phone, run):
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("no system that knows of cores")
    core = min(os.sched_getaffinity(0))
    (row,) = run(f"cores={core}").rows
    assert row.device.details["core_mask"] == f"{1 << core:x}"
    assert row.details["cores"] == str(core)
    with pytest.raises(
        DeviceError, match=r"does not let it run on the cores 63 \(leave --device-set cores out"
    ):
        run("cores=63")
    assert phone.is_clean()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["cores=all"], "cores"),
        (["cores=7-4"], "there are no cores `7-4`"),
        (["cool_down_s=-1"], "cool_down_s"),
        (["heat=1"], "heat"),
        (["accelerator=gpu"], r"no delegate for the GPU \(give LiteRT's own program"),
        (["accelerator=gpu", "benchmark_model=/nowhere/it"], "/nowhere/it: there is no such file"),
    ],
)
def test_settings_that_are_wrong(phone, run, settings, problem):
    with pytest.raises(ConfigError, match=problem):
        run(*settings)
    assert phone.left() == []


@pytest.mark.parametrize(
    ("devices", "named", "said"),
    [
        ({}, "phone", r"phone: no phone is connected \(switch on USB debugging"),
        ({"A": "device", "B": "device"}, "phone", r"2 phones are connected: A, B \(name one: phone:A\)"),
        ({"A": "device"}, "phone:B", r"there is no phone `B` \(connected: A\)"),
        ({"A": "unauthorized"}, "phone", r"A: the phone does not trust this machine \(unlock it and accept"),
        ({"A": "offline"}, "phone:A", r"A: the phone does not answer adb \(offline\)"),
        ({"A": "no permissions (user in plugdev); see"}, "phone", r"may not be used by this user \(apt-get install"),
        ({"A": "recovery"}, "phone", r"is in the state `recovery`"),
    ],
)  # fmt: skip
def test_a_phone_that_cannot_be_used(phone, run, devices, named, said):
    phone.set(devices=devices)
    with pytest.raises(DeviceError, match=said):
        run(device=named)


def test_a_serial_number_may_hold_colons(phone, run):
    phone.set(devices={"127.0.0.1:5555": "device", "SN1": "device"})
    assert run(device="phone:127.0.0.1:5555").rows[0].device.device == "phone:127.0.0.1:5555"


def test_no_adb(phone, run, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeviceError, match=r"`adb` is not installed \(apt-get install adb\)"):
        run()


def test_an_adb_that_hangs_or_does_not_work(phone, run, monkeypatch):
    adb = phone.folder / "bin" / "adb"
    adb.write_text("#!/bin/sh\necho 'error: cannot connect to daemon' >&2\nexit 1\n")
    with pytest.raises(DeviceError, match=r"adb does not work: cannot connect to daemon"):
        run()
    adb.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr("edgeir.devices.phone.adb.PROMPT_S", 0.2)
    with pytest.raises(DeviceError, match="adb was not done in 0 s"):
        run()


def test_an_old_phone_and_one_with_another_processor(phone, run):
    phone.properties(**{"ro.build.version.sdk": "23", "ro.build.version.release": "6"})
    with pytest.raises(DeviceError, match="has Android 6; edgeir needs 7 or newer"):
        run()
    phone.properties(**{"ro.build.version.sdk": "35", "ro.product.cpu.abi": "riscv64"})
    with pytest.raises(DeviceError, match="not built for its processor, riscv64"):
        run()


def test_full_storage(phone, run):
    phone.set(full=True)
    with pytest.raises(DeviceError, match=r"the phone's storage is full \(free 0.0 MiB there"):
        run()
    assert phone.is_clean()


@pytest.mark.parametrize("moment", ["getprop", "keeper", "push", "--about", "--runs", "--serve"])
def test_a_cable_that_is_pulled(phone, slow, run, moment):
    phone.set(pull=moment)
    with pytest.raises(DeviceError, match=r"SN1: the phone was unplugged \(plug it in and run again"):
        run()
    assert phone.is_clean()


def test_what_was_measured_before_the_cable_was_pulled_is_kept(phone, model, run, tmp_path):
    def pull(done, total, text):
        if done >= 50:  # the first file is measured
            phone.set(devices={})

    with pytest.raises(DeviceError, match="the phone was unplugged"):
        run(models=2, progress=pull)
    result = read_result(tmp_path / "result.json")
    assert len(result.rows) == 1
    assert result.rows[0].golden.right
    assert "the phone was unplugged" in result.notes[0]
    assert phone.is_clean()


@pytest.mark.parametrize("moment", ["--runs", "--serve"])
def test_a_runner_that_is_killed(phone, slow, run, moment):
    phone.set(kill=moment)
    with pytest.raises(
        DeviceError, match=r"SN1: the phone ended the runner: .* \(close what runs on the phone"
    ):
        run()
    assert phone.is_clean()


def test_a_killed_session_cleans_up_after_itself(phone, model, slow):
    script = (
        "import sys; from pathlib import Path; from edgeir.devices.phone import device as module\n"
        "from edgeir.devices.phone.kit import Kit\n"
        f"made = Path({str(phone.folder / 'made')!r})\n"
        "files = {'runner': made / 'library.so', 'library.so': made / 'library.so', 'linker': made / 'linker'}\n"
        "module.build_kit = lambda abi: Kit(files, 'linker', made)\n"
        "device = module.Phone().connect(); print('ready', flush=True); sys.stdin.read()"
    )
    for end in (signal.SIGKILL, signal.SIGINT):
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout.readline().strip() == b"ready"
        assert phone.left() == ["edgeir"]
        process.send_signal(end)
        process.communicate()
        assert phone.is_clean()


def test_only_what_a_dead_session_left_is_removed(phone, model):
    parent = phone.parent / "edgeir"
    kept = [parent / "s-0123456789ab", parent / "notes", phone.parent / "mine"]
    for folder in [*kept, parent / "s-ba9876543210"]:
        folder.mkdir(parents=True)
        (folder / "file").write_text("mine")
    dead = subprocess.Popen(["true"])
    dead.wait()
    (parent / "s-ba9876543210" / "keeper").write_text(f"{dead.pid}\n")
    alive = subprocess.Popen(["sh", "-c", "sleep 60; : s-0123456789ab"])
    (kept[0] / "keeper").write_text(f"{alive.pid}\n")
    try:
        connect("phone").close()
        assert sorted(path.name for path in parent.iterdir()) == ["notes", "s-0123456789ab"]
    finally:
        alive.kill()
        alive.wait()
    connect("phone").close()
    assert [path.name for path in parent.iterdir()] == ["notes"]
    assert (phone.parent / "mine" / "file").read_text() == "mine"


def test_two_sessions_on_one_phone_leave_each_other_alone(phone, model):
    first, second = connect("phone"), connect("phone")
    artifact, folder = read_artifact(model)
    second.close()
    run = first.time(
        folder / artifact.main.path,
        artifact,
        artifact.main,
        size=artifact.main.size,
        runs=3,
        progress=no_progress,
    )
    assert run.runs_ms == (9.0, 4.0, 5.0, 4.0)
    first.close()
    first.close()
    assert phone.left() == []


def test_an_emulated_phone_has_no_times(phone, run):
    phone.properties(**{"ro.boot.qemu": "1", "ro.product.cpu.abi": "x86_64"})
    (row,) = run().rows
    assert row.device.emulated
    assert (row.latency, row.peak_mib) == (None, None)
    assert row.golden.right


def test_a_board_has_no_getprop(phone, run):
    (phone.folder / "bin" / "getprop").unlink()
    (row,) = run().rows
    assert row.device.title
    assert row.device.system


def test_the_accelerator_is_measured_by_benchmark_model(phone, run, tmp_path):
    program = tmp_path / "benchmark_model"
    program.write_text(
        "#!/bin/sh\necho $* > " + str(tmp_path / "asked") + "\n"
        "echo 'INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by it.'\n"
        "echo 'INFO: count=9 first=8000 curr=2000 min=1500 max=3000 avg=2000.5 std=5'\n"
    )
    (row,) = run("accelerator=gpu", f"benchmark_model={program}").rows
    assert row.device.accelerator == "gpu"
    assert row.placed == "all operators on the GPU"
    assert row.details["benchmark_model_avg_ms"] == 2.0005
    assert row.details["cpu"] == "14 of 14 operators in XNNPACK"
    assert row.latency is None
    words = (tmp_path / "asked").read_text()
    assert "--use_gpu=true" in words
    assert "--num_runs=6" in words
    program.write_text(program.read_text().replace("completely", "partially"))
    with pytest.raises(DeviceError, match=r"model.tflite fell back: some operators on the GPU"):
        run("accelerator=gpu", f"benchmark_model={program}")
    assert phone.is_clean()


def test_a_sustained_run_and_a_cool_down(phone, run, monkeypatch):
    monkeypatch.setattr("edgeir.devices.phone.sustained.TURN_S", 0.1)
    began = time.monotonic()
    (row,) = run("sustained_min=0.02", "cool_down_s=0.2").rows
    assert time.monotonic() - began > 1.2
    assert row.details["sustained_min"] >= 0.02
    assert row.details["sustained_first_ms"] == row.details["sustained_last_ms"] == 9.0
    assert row.details["sustained_slowdown"] == 1.0
    assert "cool_down_s" in row.details
    assert json.loads(row.model_dump_json())["latency"]["repeats"] == 5
