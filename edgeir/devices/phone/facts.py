"""What a phone says of itself: model, chip, system, processors."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from edgeir.core.errors import DeviceError
from edgeir.devices.device import Detail
from edgeir.devices.phone.adb import Adb

__all__ = ["PhoneFacts", "read_facts"]

PROPERTIES = {
    "maker": "ro.product.manufacturer",
    "model": "ro.product.model",
    "release": "ro.build.version.release",
    "sdk": "ro.build.version.sdk",
    "abi": "ro.product.cpu.abi",
    "chip_maker": "ro.soc.manufacturer",
    "chip": "ro.soc.model",
    "platform": "ro.board.platform",
    "emulator": "ro.boot.qemu",
    "old_emulator": "ro.kernel.qemu",
}
OLDEST_SDK = 24
"""Android 7: older ones have no shell with clean pipes."""
MACHINES = {"aarch64": "arm64-v8a", "armv7l": "armeabi-v7a", "armv8l": "armeabi-v7a", "x86_64": "x86_64"}
"""Android's name for what ``uname -m`` says, for a board."""
PROPERTY = re.compile(r"^\[([^\]\n]+)\]: \[([^\n]*)\]$", re.MULTILINE)
LONGEST = 100
"""Characters of one fact."""
OWN = ("uname", "board", "distribution", "cores", "khz")
"""What the command says beside Android's properties."""
COMMAND = (
    'getprop 2>/dev/null; echo "uname=$(uname -srm)"; '
    "command -v getprop >/dev/null || { "
    'echo "board=$(cat /proc/device-tree/model 2>/dev/null)"; '
    'echo "distribution=$(. /etc/os-release 2>/dev/null; echo $PRETTY_NAME)"; }; '
    'echo "cores=$(cat /sys/devices/system/cpu/present 2>/dev/null)"; '
    'echo "khz=$(echo $(cat /sys/devices/system/cpu/cpu*/cpufreq/cpuinfo_max_freq 2>/dev/null))"'
)


@dataclass(frozen=True)
class PhoneFacts:
    """What a phone or a board is.

    Attributes:
        title: maker and model.
        system: Android's version, or the distribution's name.
        chip: None where it does not say.
        abi: Android's name of its processor.
        emulated: it says of itself that its processor is emulated.
        details: kernel, cores and their frequencies.
    """

    title: str
    system: str
    chip: str | None
    abi: str
    emulated: bool
    details: dict[str, Detail]


def read_facts(adb: Adb) -> PhoneFacts:
    """Ask the phone.

    Raises:
        DeviceError: it is gone, or its system or processor is none that the runner is built for.
    """
    text = adb.shell(COMMAND)
    properties = {match[1]: match[2].strip() for match in PROPERTY.finditer(text)}
    said = {key: properties.get(name, "") for key, name in PROPERTIES.items()}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and key in OWN:
            said[key] = value
    said = {key: "".join(filter(str.isprintable, value)).strip()[:LONGEST] for key, value in said.items()}
    kernel, _, machine = said.get("uname", "").rpartition(" ")
    if not kernel:
        raise DeviceError(f"its shell does not answer: {text.strip()[:200] or 'nothing'}", where=adb.serial)
    sdk = int(said["sdk"]) if said.get("sdk", "").isdecimal() else None
    if sdk is not None and sdk < OLDEST_SDK:
        raise DeviceError(
            f"the phone has Android {said['release']}; edgeir needs 7 or newer", where=adb.serial
        )
    abi = said.get("abi") or MACHINES.get(machine, machine)
    if abi not in MACHINES.values():
        raise DeviceError(
            f"the runner is not built for its processor, {abi}", where=adb.serial,
            fix=f"it is for {', '.join(sorted(set(MACHINES.values())))}",
        )  # fmt: skip
    model = f"{said.get('maker', '')} {said.get('model', '')}".strip()
    system = f"Android {said['release']}" if said.get("release") else said.get("distribution") or kernel
    chip = f"{said.get('chip_maker', '')} {said.get('chip', '')}".strip() or said.get("platform")
    details: dict[str, Detail] = {"kernel": kernel, "abi": abi}
    if said.get("cores"):
        details["present_cores"] = said["cores"]
    if said.get("khz"):
        details["core_mhz"] = _frequencies(said["khz"].split())
    return PhoneFacts(
        title=model or said.get("board") or f"{machine} machine",
        system=system,
        chip=chip or said.get("board") or None,
        abi=abi,
        emulated="1" in (said.get("emulator"), said.get("old_emulator")),
        details=details,
    )


def _frequencies(khz: list[str]) -> str:
    """``4 x 1800, 4 x 2400``: the highest frequencies of the cores, in MHz."""
    counts = Counter(int(value) // 1000 for value in khz if value.isdecimal())
    return ", ".join(f"{count} x {mhz}" for mhz, count in sorted(counts.items()))
