/* A qemu plugin that counts the instructions of one inference by kind, between the runner's two marks (runner.c, --mark).
 *
 *   qemu-aarch64 -plugin count.so,out=FILE ... runner ... --mark
 *
 * Writes one JSON object into FILE. Kinds are told by AArch64's encoding (Arm Architecture Reference Manual, C4.1); of
 * other instruction sets only the total is counted. Exact where the program has one thread. Debian packages no header of
 * the plugin interface (version 1): what is used of it is declared here.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t plugin_id;
typedef struct { const char *target; struct { int min, cur; } version; } Info;
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, void *));
void qemu_plugin_register_vcpu_tb_exec_inline(void *block, int operation, void *counter, uint64_t value);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t,
  uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
size_t qemu_plugin_tb_n_insns(const void *block);
void *qemu_plugin_tb_get_insn(const void *block, size_t index);
const void *qemu_plugin_insn_data(const void *instruction);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { MARK = 0x0ed6e100, ADD = 0 };
enum { DOT, MATRIX, WIDENING, MULTIPLY, FLOAT, VECTOR, LOAD, STORE, BRANCH, SCALAR, KINDS };
static const char *const names[] = {"dot_product", "matrix_product", "widening_multiply", "multiply", "float_multiply",
  "vector", "load", "store", "branch", "scalar"};
static uint64_t counts[KINDS], before[KINDS];
static char out[4096];
static int aarch64;

static int is(uint32_t word, uint32_t mask, uint32_t value) { return (word & mask) == value; }

/* SIMD and floating point: what multiplies, and the rest (minima, shifts, moves, conversions). */
static int vector_kind(uint32_t w) {
  uint32_t opcode = w >> 12 & 15, size = w >> 22 & 3, is_unsigned = w >> 29 & 1;
  if (is(w, 0x9fe0f400, 0x0e809400)) return DOT;              /* SDOT, UDOT, USDOT */
  if (is(w, 0x9fe0f400, 0x0e80a400)) return MATRIX;           /* SMMLA, UMMLA, USMMLA */
  if (is(w, 0x9f208c00, 0x0e208000)) return opcode < 14 ? WIDENING : VECTOR; /* SMLAL, SMULL and theirs; not PMULL */
  if (is(w, 0x9f20f400, 0x0e209400)) return MULTIPLY;         /* MLA, MLS, MUL */
  if (is(w, 0xbf20fc00, 0x0e20cc00) || is(w, 0xbfa0fc00, 0x2e20dc00)) return FLOAT; /* FMLA, FMLS, FMUL */
  if (is(w, 0xbf60fc00, 0x0e400c00) || is(w, 0xbfe0fc00, 0x2e401c00)) return FLOAT; /* ... in half precision */
  if (is(w, 0xff000000, 0x1f000000) || is(w, 0xff20fc00, 0x1e200800)) return FLOAT; /* FMADD, FMUL of one value */
  if (is(w, 0x9f000400, 0x0f000000)) {                        /* by one element of a vector */
    if (opcode == 14) return DOT;
    if (opcode == 15) return !is_unsigned && size % 2 == 0 ? DOT : VECTOR; /* SUDOT, USDOT */
    if (is_unsigned ? opcode == 0 || opcode == 4 : opcode == 8) return MULTIPLY; /* MLA, MLS, MUL */
    if (!is_unsigned && (opcode == 1 || opcode == 5 || opcode == 9)) return FLOAT; /* FMLA, FMLS, FMUL */
    if (opcode == 2 || opcode == 6 || opcode == 10) return WIDENING; /* SMLAL, SMLSL, SMULL */
    if (!is_unsigned && (opcode == 3 || opcode == 7 || opcode == 11)) return WIDENING; /* with doubling */
  }
  return VECTOR;
}

static int memory_kind(uint32_t w) {
  int loads = w >> 22 & 1;
  if (is(w, 0x3b000000, 0x18000000)) return is(w, 0xff000000, 0xd8000000) ? SCALAR : LOAD; /* PRFM; a literal */
  if (is(w, 0x3a000000, 0x38000000) && !(w >> 26 & 1)) {      /* one general register */
    if (is(w, 0x3b200c00, 0x38200000)) return LOAD;           /* atomics */
    if (is(w, 0xc0c00000, 0xc0800000)) return SCALAR;         /* PRFM */
    return w >> 22 & 3 ? LOAD : STORE;
  }
  return loads ? LOAD : STORE;
}

/* The kind of an AArch64 instruction. */
__attribute__((visibility("default"))) int kind_of(uint32_t w) {
  if (is(w, 0x0e000000, 0x0e000000)) return vector_kind(w);
  if (is(w, 0x1e000000, 0x04000000)) return VECTOR;           /* SVE */
  if (is(w, 0x0a000000, 0x08000000)) return memory_kind(w);
  if (is(w, 0x7c000000, 0x14000000) || is(w, 0x7c000000, 0x34000000)) return BRANCH;
  if (is(w, 0xff000000, 0x54000000) || is(w, 0xfe000000, 0xd6000000)) return BRANCH;
  return SCALAR;
}

static void translated(plugin_id id, void *block) {
  uint64_t found[KINDS] = {0};
  size_t size = qemu_plugin_tb_n_insns(block);
  (void)id;
  for (size_t i = 0; i < size; i++) {
    uint32_t word;
    if (aarch64) memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), 4);
    found[aarch64 ? kind_of(word) : SCALAR]++;
  }
  for (int kind = 0; kind < KINDS; kind++)
    if (found[kind]) qemu_plugin_register_vcpu_tb_exec_inline(block, ADD, &counts[kind], found[kind]);
}

static void finish(void) {
  FILE *file = fopen(out, "w");
  if (!file) return;
  uint64_t total = 0;
  fputc('{', file);
  for (int kind = 0; kind < KINDS; kind++) {
    total += counts[kind] - before[kind];
    if (aarch64) fprintf(file, "\"%s\": %" PRIu64 ", ", names[kind], counts[kind] - before[kind]);
  }
  fprintf(file, "\"total\": %" PRIu64 "}\n", total);
  fclose(file);
}

static void called(plugin_id id, unsigned cpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                   uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  (void)id, (void)cpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
  if (number != (aarch64 ? 155 : 132)) return;                /* getpgid */
  if ((uint32_t)a1 == MARK + 1) memcpy(before, counts, sizeof before);
  if ((uint32_t)a1 == MARK + 2) finish();
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const Info *info, int count, char **words) {
  aarch64 = !strcmp(info->target, "aarch64");
  for (int i = 0; i < count; i++)
    if (!strncmp(words[i], "out=", 4)) snprintf(out, sizeof out, "%s", words[i] + 4);
  if (!out[0]) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  return 0;
}
