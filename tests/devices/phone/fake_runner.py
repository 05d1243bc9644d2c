"""A runner that computes nothing: it describes the model that ``FAKE_ADB``/model.json tells of, and answers zeros."""

import json
import os
import sys
import time
from pathlib import Path

MODEL = json.loads((Path(os.environ["FAKE_ADB"]) / "model.json").read_text())


def send(content):
    sys.stdout.buffer.write(len(content).to_bytes(4, "little") + content)
    sys.stdout.buffer.flush()


def main(words):
    if "--about" in words:
        print(json.dumps({"version": "2.16.1"}))
        return
    said = {**MODEL, "threads": int(words[words.index("--threads") + 1]), "init_ms": 2.5, "peak_kib": 4096}
    if "--serve" not in words:
        time.sleep(MODEL["seconds"])
        runs = int(words[words.index("--runs") + 1])
        print(json.dumps({**said, "runs_ms": [9.0] + [4.0 + index % 2 for index in range(runs - 1)]}))
        return
    send(json.dumps(said).encode())
    while len(head := sys.stdin.buffer.read(4)) == 4:
        sys.stdin.buffer.read(int.from_bytes(head, "little"))
        time.sleep(MODEL["seconds"])
        send(json.dumps({"run_ms": 4.0, "peak_kib": 4096}).encode())
        send(bytes(MODEL["outputs"][0]["bytes"]))


main(sys.argv[1:])
