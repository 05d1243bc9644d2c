"""The cores that are emulated, and what the system says of them: libraries choose their kernels by it.

Without a ``/proc/cpuinfo`` of its own an emulated program reads that of this machine and takes generic kernels. Parts
and feature names are those of Linux' arch/arm64 (Documentation/arch/arm64/elf_hwcaps.rst) for the real cores.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ARM64_CORES", "ARMV7", "DEFAULT_CORE", "Core"]

PROCESSORS = 4
_V8 = "fp asimd evtstrm aes pmull sha1 sha2 crc32"
_V82 = f"{_V8} atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs"


@dataclass(frozen=True)
class Core:
    """An emulated core.

    Attributes:
        name: after the colon of the device's name.
        title: for people.
        model: qemu's ``-cpu``.
        abi: Android's name of the instruction set.
        architecture, variant, part, revision, features: of its ``/proc/cpuinfo``.
        threads: most that the runner may use.
    """

    name: str
    title: str
    model: str
    abi: str
    architecture: int
    variant: int
    part: int
    revision: int
    features: str
    threads: int = PROCESSORS

    def cpuinfo(self) -> str:
        """The content of ``/proc/cpuinfo``."""
        lines = (
            f"BogoMIPS\t: 38.40\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
            f"CPU architecture: {self.architecture}\nCPU variant\t: {self.variant:#x}\nCPU part\t: {self.part:#x}\n"
            f"CPU revision\t: {self.revision}\n\n"
        )
        return "".join(f"processor\t: {number}\n{lines}" for number in range(PROCESSORS))


DEFAULT_CORE = "a76"
ARM64_CORES = (
    Core("a53", "Cortex-A53", "cortex-a53", "arm64-v8a", 8, 0, 0xD03, 4, _V8),
    Core("a76", "Cortex-A76, dot products", "cortex-a76", "arm64-v8a", 8, 4, 0xD0B, 1, _V82),
    # All that qemu can, as the first core with matrix products says it; without SME, which crashes older libraries.
    Core("max", "Armv8.6 with i8mm", "max,sme=off", "arm64-v8a", 8, 2, 0xD47, 0, f"{_V82} i8mm bf16"),
)
ARMV7 = Core(
    "a7",
    "Cortex-A7",
    "cortex-a7",
    "armeabi-v7a",
    7,
    0,
    0xC07,
    5,
    "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm",
    threads=1,  # the C libraries' locks differ in size there
)
