"""The counter tells kinds of instructions as the assembler, which is the oracle, encodes them."""

import ctypes
import shutil
import subprocess

import pytest

from edgeir.core.errors import DeviceError
from edgeir.devices.arm64.counting import counter

pytestmark = pytest.mark.arm64

KINDS = ("dot", "matrix", "widening", "multiply", "float", "vector", "load", "store", "branch", "scalar")
"""In the order of count.c."""
ASSEMBLY = {
    "dot": ("sdot v0.4s, v1.16b, v2.16b", "udot v0.2s, v1.8b, v2.8b", "sdot v16.4s, v1.16b, v2.4b[3]",
            "udot v0.4s, v1.16b, v31.4b[0]", "usdot v0.4s, v1.16b, v2.16b", "sudot v0.4s, v1.16b, v2.4b[1]",
            "usdot v0.4s, v1.16b, v2.4b[1]"),
    "matrix": ("smmla v0.4s, v1.16b, v2.16b", "ummla v0.4s, v1.16b, v2.16b", "usmmla v0.4s, v1.16b, v2.16b"),
    "widening": ("smlal v0.4s, v1.4h, v2.4h", "smlal2 v0.8h, v1.16b, v2.16b", "umlal v0.4s, v1.4h, v2.4h",
                 "smull v0.8h, v1.8b, v2.8b", "smlal v0.4s, v1.4h, v2.h[7]", "smlal2 v0.4s, v1.8h, v2.h[1]",
                 "umull v0.4s, v1.4h, v2.h[0]", "smlsl v0.4s, v1.4h, v2.4h", "sqdmull v0.4s, v1.4h, v2.4h",
                 "sqdmlal v0.4s, v1.4h, v2.h[3]"),
    "multiply": ("mul v0.4s, v1.4s, v2.4s", "mla v0.8h, v1.8h, v2.8h", "mls v0.4s, v1.4s, v2.s[1]",
                 "mul v0.8h, v1.8h, v2.h[2]"),
    "float": ("fmla v0.4s, v1.4s, v2.4s", "fmla v0.4s, v1.4s, v2.s[3]", "fmls v0.2s, v1.2s, v2.2s",
              "fmul v0.4s, v1.4s, v2.4s", "fmul v0.4s, v1.4s, v2.s[0]", "fmla v0.8h, v1.8h, v2.8h",
              "fmla v0.8h, v1.8h, v2.h[7]", "fmul v0.8h, v1.8h, v2.8h", "fmadd s0, s1, s2, s3", "fmul d0, d1, d2"),
    "vector": ("add v0.4s, v1.4s, v2.4s", "smax v0.16b, v1.16b, v2.16b", "sqrdmulh v0.4s, v1.4s, v2.4s",
               "sqdmulh v0.8h, v1.8h, v2.h[1]", "srshl v0.4s, v1.4s, v2.4s", "scvtf v0.4s, v1.4s",
               "fcvtns v0.4s, v1.4s", "sqxtn v0.4h, v1.4s", "dup v0.4s, w0", "movi v0.4s, #3",
               "fmax v0.4s, v1.4s, v2.4s", "fadd v0.4s, v1.4s, v2.4s", "sshr v0.4s, v1.4s, #3",
               "tbl v0.16b, {v1.16b}, v2.16b", "pmull v0.8h, v1.8b, v2.8b", "fmov s0, w1", "fadd s0, s1, s2",
               "zip1 v0.4s, v1.4s, v2.4s", "sxtl v0.8h, v1.8b", "aese v0.16b, v1.16b"),
    "load": ("ldr x0, [x1]", "ldr q0, [x1], #16", "ldp q0, q1, [x1]", "ldrb w0, [x1, x2]", "ldrsw x0, [x1, #8]",
             "ld1 {v0.16b}, [x1], #16", "ld1r {v0.4s}, [x1]", "ldr d0, [x1], #8", "ld1 {v0.s}[1], [x1]",
             "ldp x0, x1, [sp], #16", "ldur s0, [x1, #-4]", "ldaxr x0, [x1]", "ldr x0, .", "ldadd x0, x1, [x2]",
             "ldrsb w0, [x1]", "ldr h0, [x1]", "ldr b0, [x1]"),
    "store": ("str x0, [x1]", "str q0, [x1], #16", "stp q0, q1, [x1]", "strb w0, [x1, x2]",
              "st1 {v0.16b}, [x1], #16", "stp x0, x1, [sp, #-16]!", "str s0, [x1, #4]", "stur q0, [x1, #-16]",
              "st1 {v0.s}[2], [x1]", "str h0, [x1], #2", "stlr w0, [x1]"),
    "branch": ("b .", "bl .", "b.ne .", "cbz x0, .", "cbnz w0, .", "tbz x0, #3, .", "tbnz w0, #0, .", "ret",
               "br x0", "blr x1"),
    "scalar": ("add x0, x1, x2", "subs x0, x1, #4", "mov x0, x1", "madd x0, x1, x2, x3", "csel x0, x1, x2, ne",
               "lsl x0, x1, #3", "prfm pldl1keep, [x0, #64]", "nop", "svc #0", "mrs x0, tpidr_el0", "adrp x0, .",
               "ubfx x0, x1, #1, #4", "prfm pldl1keep, [x0, x1]"),
}  # fmt: skip


@pytest.fixture(scope="module")
def kind_of():
    if shutil.which("aarch64-linux-gnu-as") is None:
        pytest.skip("no assembler for AArch64 (apt-get install binutils-aarch64-linux-gnu)")
    try:
        library = ctypes.CDLL(str(counter()), mode=1)  # RTLD_LAZY: the emulator's functions are not here
    except DeviceError as error:
        pytest.skip(str(error))
    return library.kind_of


def test_every_kind(kind_of, tmp_path):
    lines = [(kind, line) for kind, several in ASSEMBLY.items() for line in several]
    text = ".arch armv8.6-a+i8mm+crypto+fp16\n" + "\n".join(line for _, line in lines) + "\n"
    (tmp_path / "a.s").write_text(text)
    subprocess.run(["aarch64-linux-gnu-as", "-o", tmp_path / "a.o", tmp_path / "a.s"], check=True)
    words = ["aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", tmp_path / "a.o", tmp_path / "a.bin"]
    subprocess.run(words, check=True)
    code = (tmp_path / "a.bin").read_bytes()
    assert len(code) == 4 * len(lines)
    assert set(ASSEMBLY) == set(KINDS)
    wrong = []
    for number, (kind, line) in enumerate(lines):
        found = KINDS[kind_of(ctypes.c_uint32(int.from_bytes(code[4 * number : 4 * number + 4], "little")))]
        if found != kind:
            wrong.append(f"{line}: {found}, not {kind}")
    assert wrong == []
