/* Runs a .tflite file through TensorFlow Lite's C API, with XNNPACK: once, or as a server on standard input and output.
 *
 *   runner --library L --model M [--threads N] [--warmup N] [--runs N] [--budget SECONDS] [--input F]... [--output F]...
 *          [--no-xnnpack] [--mark] [--serve | --about]
 *
 * Once: inputs are raw tensors, in the order of the model (noise where there is none); the outputs of the last run are
 * written; one JSON object goes to standard output. With --budget, as many runs as fit into the time, at least --runs.
 * --serve: frames of a little-endian 32-bit length and so many bytes. First the JSON object that describes the model;
 * then, for each frame with the input tensor, a JSON object, and, unless it has an `error`, the output tensor.
 * --about: only the library's version.
 * --mark: a harmless system call before and after the last run, between which count.c counts instructions.
 *
 * Any system with POSIX and a dynamic linker: the library is opened by its path, its functions are declared here. Built
 * with bionic.c, it also opens Android's libraries, whose dependencies were taken out. Ends with 2 after an error.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lite.h"

enum { MOST = 8, LONGEST_JSON = 1 << 16, MOST_RUNS = 1 << 20, DELEGATE = 51, MARK = 0x0ed6e100 };

static struct {
  const char *library, *model, *input[MOST], *output[MOST];
  int inputs, outputs, threads, warmup, runs, serve, mark, plain, about;
  double budget;
} asked = {.threads = 1, .warmup = 1, .runs = 10};

static char problem[400], json[LONGEST_JSON];
static int answers = STDOUT_FILENO, operators = -1, left = -1, partitions;
static size_t used;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* Not getrusage: its maximum survives exec, and is that of whoever started this program. */
static long peak_kib(void) {
  long kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  for (char line[200]; file && fgets(line, sizeof line, file);) sscanf(line, "VmHWM: %ld", &kib);
  if (file) fclose(file);
  return kib;
}

static void add(const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vsnprintf(json + used, sizeof json - used, format, list);
  va_end(list);
  if (n > 0 && used + n < sizeof json) used += n;
}

static void send_all(const void *data, size_t size) {
  for (const char *p = data; size;) {
    ssize_t n = write(answers, p, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) exit(2);
    p += n, size -= n;
  }
}

static void send_frame(const void *data, size_t size) {
  unsigned char head[4] = {size, size >> 8, size >> 16, size >> 24};
  send_all(head, 4);
  send_all(data, size);
}

static void fail(const char *format, ...) {
  char text[400];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  for (char *c = text; *c; c++) if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ') *c = ' ';
  used = 0;
  add("{\"error\": \"%s\"}", text);
  if (asked.serve) send_frame(json, used);
  else { send_all(json, used); send_all("\n", 1); }
  exit(2);
}

/* The first thing that the library says is the reason; what follows are its consequences. */
static void report(void *unused, const char *format, va_list list) {
  (void)unused;
  if (!problem[0]) vsnprintf(problem, sizeof problem, format, list);
}

/* A delegate that takes nothing: it sees how many operators the graph has before XNNPACK, and who runs them after. */
static int observe(void *context, void *delegate, void *data) {
  (void)delegate;
  IntArray *plan;
  if (lite.OpaqueContextGetExecutionPlan(context, &plan)) return 0;
  if (!data) return operators = plan->size, 0;
  for (int i = left = partitions = 0; i < plan->size; i++) {
    void *node, *kernel;
    if (lite.OpaqueContextGetNodeAndRegistration(context, plan->data[i], &node, &kernel)) return 0;
    if (lite.RegistrationExternalGetBuiltInCode(kernel) == DELEGATE) partitions++;
    else left++;
  }
  return 0;
}

static void open_library(void) {
  void *library = dlopen(asked.library, RTLD_NOW | RTLD_LOCAL), **slot = (void **)&lite;
  if (!library) fail("the library cannot be opened: %s", dlerror());
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!(slot[i] = dlsym(library, names[i]))) fail("the library has no %s", names[i]);
}

static void *read_file(const char *path, size_t *size) {
  struct stat state;
  int file = open(path, O_RDONLY);
  if (file < 0 || fstat(file, &state)) fail("%s: %s", path, strerror(errno));
  char *data = aligned_alloc(64, (state.st_size + 64) & ~(size_t)63);
  if (!data) fail("%s: no memory for it", path);
  for (*size = 0; *size < (size_t)state.st_size;) {
    ssize_t n = read(file, data + *size, state.st_size - *size);
    if (n <= 0) fail("%s: cannot be read", path);
    *size += n;
  }
  close(file);
  return data;
}

static void *interpreter_of(const char *path) {
  size_t size;
  void *data = read_file(path, &size);  /* the interpreter uses it as long as it lives */
  void *model = lite.ModelCreate(data, size);
  if (!model) fail("it is no model that the library reads");
  void *options = lite.InterpreterOptionsCreate();
  lite.InterpreterOptionsSetErrorReporter(options, report, NULL);
  lite.InterpreterOptionsSetNumThreads(options, asked.threads);
  static int after;
  DelegateBuilder builder = {.prepare = observe, .flags = 1};
  lite.InterpreterOptionsAddDelegate(options, lite.OpaqueDelegateCreate(&builder));
  if (!asked.plain) {
    XnnpackOptions xnnpack = lite.XNNPackDelegateOptionsDefault();
    xnnpack.threads = asked.threads;
    lite.InterpreterOptionsAddDelegate(options, lite.XNNPackDelegateCreate(&xnnpack));
  }
  builder.data = &after;
  lite.InterpreterOptionsAddDelegate(options, lite.OpaqueDelegateCreate(&builder));
  void *interpreter = lite.InterpreterCreate(model, options);
  if (!interpreter) fail("%s", problem[0] ? problem : "the library makes no interpreter of it");
  if (lite.InterpreterAllocateTensors(interpreter)) fail("%s", problem[0] ? problem : "its tensors cannot be allocated");
  return interpreter;
}

static void describe_tensor(const void *tensor) {
  static const char *const types[] = {[1] = "float32", [2] = "int32", [3] = "uint8", [7] = "int16", [9] = "int8"};
  size_t type = lite.TensorType(tensor);
  Quantization q = lite.TensorQuantizationParams(tensor);
  add("{\"type\": \"%s\", \"shape\": [", type < sizeof types / sizeof *types && types[type] ? types[type] : "other");
  for (int i = 0; i < lite.TensorNumDims(tensor); i++) add("%s%d", i ? ", " : "", lite.TensorDim(tensor, i));
  add("], \"bytes\": %zu, \"scale\": %.9g, \"zero_point\": %d}", lite.TensorByteSize(tensor), q.scale, q.zero_point);
}

static void describe(void *interpreter, double init_ms) {
  used = 0;
  add("{\"version\": \"%s\", \"threads\": %d, \"init_ms\": %.4f, \"operators\": %d, \"left\": %d, \"partitions\": %d",
      lite.Version(), asked.threads, init_ms, operators, left, partitions);
  add(", \"inputs\": [");
  for (int i = 0; i < lite.InterpreterGetInputTensorCount(interpreter); i++)
    add(i ? ", " : ""), describe_tensor(lite.InterpreterGetInputTensor(interpreter, i));
  add("], \"outputs\": [");
  for (int i = 0; i < lite.InterpreterGetOutputTensorCount(interpreter); i++)
    add(i ? ", " : ""), describe_tensor(lite.InterpreterGetOutputTensor(interpreter, i));
  add("]");
}

static double run(void *interpreter, int marked) {
  problem[0] = 0;
  double began = now_ms();
  if (marked) syscall(SYS_getpgid, MARK + 1);
  int status = lite.InterpreterInvoke(interpreter);
  if (marked) syscall(SYS_getpgid, MARK + 2);
  double took = now_ms() - began;
  if (status && !problem[0]) snprintf(problem, sizeof problem, "the run failed");
  return status ? -1 : took;
}

static void fill(void *interpreter) {
  for (int i = 0; i < lite.InterpreterGetInputTensorCount(interpreter); i++) {
    void *tensor = lite.InterpreterGetInputTensor(interpreter, i), *data = lite.TensorData(tensor);
    size_t size, wanted = lite.TensorByteSize(tensor);
    if (i < asked.inputs) {
      void *given = read_file(asked.input[i], &size);
      if (size != wanted) fail("%s: has %zu bytes, the input takes %zu", asked.input[i], size, wanted);
      memcpy(data, given, size);
      free(given);
    } else {  /* noise: an image of zeros takes paths of its own in float */
      uint32_t state = 1;
      for (size_t k = 0; k < (lite.TensorType(tensor) == 1 ? wanted / 4 : wanted); k++) {
        state = state * 1664525u + 1013904223u;
        if (lite.TensorType(tensor) == 1) ((float *)data)[k] = (state >> 8) / 16777216.0f;
        else ((uint8_t *)data)[k] = state >> 24;
      }
    }
  }
}

static void once(void *interpreter) {
  fill(interpreter);
  double spent = 0;
  add(", \"runs_ms\": [");
  for (int i = 0; i < MOST_RUNS && (i < asked.warmup + asked.runs || spent < asked.budget * 1e3); i++) {
    double took = run(interpreter, asked.mark && i == asked.warmup + asked.runs - 1);
    if (took < 0) fail("%s", problem);
    spent += took;
    if (i >= asked.warmup && used < sizeof json - 200) add("%s%.4f", i > asked.warmup ? ", " : "", took);
    else if (i >= asked.warmup) break;
  }
  add("], \"peak_kib\": %ld}\n", peak_kib());
  for (int i = 0; i < asked.outputs && i < lite.InterpreterGetOutputTensorCount(interpreter); i++) {
    const void *tensor = lite.InterpreterGetOutputTensor(interpreter, i);
    FILE *file = fopen(asked.output[i], "wb");
    size_t size = lite.TensorByteSize(tensor);
    if (!file || fwrite(lite.TensorData(tensor), 1, size, file) != size || fclose(file))
      fail("%s: cannot be written: %s", asked.output[i], strerror(errno));
  }
  send_all(json, used);
}

static int receive(void *data, size_t size) {
  for (char *p = data; size;) {
    ssize_t n = read(STDIN_FILENO, p, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 0;
    p += n, size -= n;
  }
  return 1;
}

static void serve(void *interpreter) {
  add(", \"peak_kib\": %ld}", peak_kib());
  send_frame(json, used);
  void *input = lite.InterpreterGetInputTensor(interpreter, 0);
  for (unsigned char head[4]; receive(head, 4);) {
    size_t size = head[0] | head[1] << 8 | head[2] << 16 | (size_t)head[3] << 24;
    if (size != lite.TensorByteSize(input)) fail("a frame of %zu bytes, the input takes %zu", size, lite.TensorByteSize(input));
    if (!receive(lite.TensorData(input), size)) return;
    double took = run(interpreter, 0);
    if (took < 0) fail("%s", problem);
    used = 0;
    add("{\"run_ms\": %.4f, \"peak_kib\": %ld}", took, peak_kib());
    send_frame(json, used);
    const void *output = lite.InterpreterGetOutputTensor(interpreter, 0);
    send_frame(lite.TensorData(output), lite.TensorByteSize(output));
  }
}

static void parse(int count, char **words) {
  for (int i = 1; i < count; i++) {
    const char *word = words[i], *value = i + 1 < count ? words[i + 1] : NULL;
    if (!strcmp(word, "--serve")) { asked.serve = 1; continue; }
    if (!strcmp(word, "--about")) { asked.about = 1; continue; }
    if (!strcmp(word, "--mark")) { asked.mark = 1; continue; }
    if (!strcmp(word, "--no-xnnpack")) { asked.plain = 1; continue; }
    if (!value) fail("%s needs a value, or is unknown", word);
    i++;
    if (!strcmp(word, "--library")) asked.library = value;
    else if (!strcmp(word, "--model")) asked.model = value;
    else if (!strcmp(word, "--threads")) asked.threads = atoi(value);
    else if (!strcmp(word, "--warmup")) asked.warmup = atoi(value);
    else if (!strcmp(word, "--runs")) asked.runs = atoi(value);
    else if (!strcmp(word, "--budget")) asked.budget = atof(value);
    else if (!strcmp(word, "--input") && asked.inputs < MOST) asked.input[asked.inputs++] = value;
    else if (!strcmp(word, "--output") && asked.outputs < MOST) asked.output[asked.outputs++] = value;
    else fail("unknown option %s", word);
  }
  if (!asked.library || (!asked.model && !asked.about)) fail("--library and --model are needed");
  if (asked.threads < 1 || asked.runs < 1 || asked.warmup < 0) fail("threads and runs are at least 1, warmup at least 0");
}

int main(int count, char **words) {
  answers = dup(STDOUT_FILENO);  /* what the library prints must not get between the answers */
  dup2(STDERR_FILENO, STDOUT_FILENO);
  parse(count, words);
  double began = now_ms();
  open_library();
  if (asked.about) return dprintf(answers, "{\"version\": \"%s\"}\n", lite.Version()) < 0;
  void *interpreter = interpreter_of(asked.model);
  describe(interpreter, now_ms() - began);
  if (asked.serve) serve(interpreter);
  else once(interpreter);
  return 0;
}
