"""A device is one entry of the catalog: what it may be called, what it runs, and what is said of any other."""

import pytest

from edgeir.core.errors import ConfigError
from edgeir.devices import catalog
from edgeir.devices.catalog import DEVICES, DeviceEntry, check_runs, device_entry, device_help

MADE_UP = DeviceEntry("abacus", "beads", "nowhere:Abacus", ("onnx",), argument="WIRES")
PLAIN = DeviceEntry("slate", "chalk", "nowhere:Slate", ("onnx", "tflite"))


@pytest.fixture(autouse=True)
def _two(monkeypatch):
    monkeypatch.setattr(catalog, "DEVICES", [MADE_UP, PLAIN])


def test_every_entry_has_one_name_and_known_formats():
    names = [entry.name for entry in DEVICES]
    assert len(set(names)) == len(names)
    from edgeir.runtime.catalog import CHECKPOINT_RUNTIME, TARGETS

    known = {CHECKPOINT_RUNTIME, *(target.name for target in TARGETS)}
    for entry in DEVICES:
        assert entry.targets
        assert set(entry.targets) <= known


def test_names_with_and_without_an_argument():
    assert device_entry("abacus") is MADE_UP
    assert device_entry("abacus:10") is MADE_UP
    assert device_help() == ", abacus[:WIRES] (beads), slate (chalk)"
    with pytest.raises(ConfigError, match=r"takes nothing after a colon, not `slate:2`"):
        device_entry("slate:2")
    with pytest.raises(ConfigError, match=r"there is no device `abaci` \(devices: abacus\[:WIRES\], slate\)"):
        device_entry("abaci")


def test_a_format_that_it_does_not_run():
    check_runs("slate", "tflite", "out")
    with pytest.raises(
        ConfigError, match=r"out: abacus runs onnx files, not tflite \(edgeir export --target onnx\)"
    ):
        check_runs("abacus:1", "tflite", "out")
