"""An adb client with a phone inside, for tests: what it is sent lies in a folder here, its shell is this machine's.

``FAKE_ADB`` names a folder with ``state.json``:
  devices        serial number to state, as `adb devices` lists them
  pull           the cable is pulled when a command holds this word, after it has begun
  kill           what runs such a command is killed
  full           the storage is full
Every command is a line of ``log`` there. A pulled cable takes the phone out of `devices`; what runs on it then has its
input closed and a hang-up signal, as adbd does it.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(os.environ["FAKE_ADB"])
PARENT = "/data/local/tmp"
PHONE = HERE / "phone"


def state():
    while True:
        with contextlib.suppress(ValueError, FileNotFoundError):  # just being written
            return json.loads((HERE / "state.json").read_text())
        time.sleep(0.01)


def change(**values):
    temporary = HERE / f"state-{os.getpid()}"
    temporary.write_text(json.dumps({**state(), **values}))
    os.replace(temporary, HERE / "state.json")


def local(text):
    return text.replace(PARENT, str(PHONE))


def fail(text):
    sys.stderr.write(text + "\n")
    sys.exit(1)


def check(serial):
    devices = state()["devices"]
    if serial not in devices:
        fail(f"error: device '{serial}' not found")
    if devices[serial] != "device":
        fail(f"error: device {devices[serial]}")


def push(words):
    *sources, target = words
    target = Path(local(target))
    for source in sources:
        if state().get("full"):
            fail(
                f"adb: error: failed to copy '{source}' to '{target}': remote write failed: No space left on device"
            )
        shutil.copyfile(source, target / Path(source).name if len(sources) > 1 else target)
        if state().get("pull") == "push":
            change(devices={}, pull=None)
            fail("adb: error: failed to copy: remote object closed")


def shell(serial, command):
    """Run it, with its input passed on, until it ends or the cable is pulled."""
    now = state()
    process = subprocess.Popen(
        ["sh", "-c", local(command)],
        stdin=subprocess.PIPE,
        env={**os.environ, "PATH": f"{HERE}/bin:{os.environ['PATH']}"},
    )

    def pass_on():
        with contextlib.suppress(OSError, ValueError):
            while content := os.read(0, 1 << 16):
                process.stdin.write(content)
                process.stdin.flush()
        with contextlib.suppress(OSError):
            process.stdin.close()

    threading.Thread(target=pass_on, daemon=True).start()
    if now.get("pull") and now["pull"] in command:
        time.sleep(0.3)
        change(devices={}, pull=None)
    if now.get("kill") and now["kill"] in command:
        time.sleep(0.3)
        process.kill()
    while process.poll() is None:
        if serial not in state()["devices"]:
            process.send_signal(signal.SIGHUP)
            os._exit(0)  # as adb does; and with it the process's input
        time.sleep(0.02)
    code = process.returncode
    os._exit(code if code >= 0 else 128 - code)


def main(words):
    with (HERE / "log").open("a") as log:
        log.write(json.dumps(words) + "\n")
    if words == ["devices"]:
        lines = "".join(f"{serial}\t{value}\n" for serial, value in state()["devices"].items())
        sys.stdout.write(f"List of devices attached\n{lines}\n")
        return
    assert words[0] == "-s"
    serial, verb, *rest = words[1:]
    check(serial)
    if verb == "push":
        push(rest)
    else:
        assert (verb, rest[0]) == ("shell", "-T")
        shell(serial, rest[1])


main(sys.argv[1:])
