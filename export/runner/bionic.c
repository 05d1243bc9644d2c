/* What Android's C library has and glibc has not, so that a library built for Android runs with glibc.
 *
 * Linked into the runner, or loaded before a JVM (edgeir/devices/runner/jvm.py). The library's own list of needed
 * libraries and symbol versions is taken out beforehand (edgeir/devices/runner/elf.py), so its symbols are looked up
 * here first, and then in glibc and libm.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* bionic keeps the stack guard in slot 5 of thread-local storage, which is where the linker puts the variables of the
 * main program: nobody else may write there. */
__thread char bionic_slots[128] __attribute__((aligned(16), used));

int *__errno(void) { return &errno; }
size_t __strlen_chk(const char *text, size_t room) { (void)room; return strlen(text); }
void android_set_abort_message(const char *text) { fprintf(stderr, "%s\n", text); }

/* Below Android 5.0 (20), TensorFlow Lite does not use XNNPACK. */
int __system_property_get(const char *name, char *value) {
  strcpy(value, strcmp(name, "ro.build.version.sdk") ? "" : "34");
  return strlen(value);
}

int __android_log_vprint(int level, const char *tag, const char *format, va_list list) {
  (void)level;
  fprintf(stderr, "%s: ", tag);
  vfprintf(stderr, format, list);
  return fputc('\n', stderr);
}

int __android_log_print(int level, const char *tag, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = __android_log_vprint(level, tag, format, list);
  va_end(list);
  return n;
}

void __assert2(const char *file, int line, const char *function, const char *what) {
  fprintf(stderr, "%s:%d: %s: %s\n", file, line, function, what);
  abort();
}

/* sysconf's numbers are bionic's. */
static long (*glibc_sysconf)(int);
long sysconf(int name) {
  switch (name) {
    case 0x27: case 0x28: return getpagesize();
    case 0x60: return glibc_sysconf(_SC_NPROCESSORS_CONF);
    case 0x61: return glibc_sysconf(_SC_NPROCESSORS_ONLN);
    default: return glibc_sysconf ? glibc_sysconf(name) : -1;
  }
}

/* XNNPACK asks for 32 bytes where some of its kernels load 64. */
int posix_memalign(void **made, size_t alignment, size_t size) {
  void *memory = aligned_alloc(alignment < 64 ? 64 : alignment, size);
  if (!memory) return ENOMEM;
  *made = memory;
  return 0;
}
void *memalign(size_t alignment, size_t size) { return aligned_alloc(alignment < 64 ? 64 : alignment, size); }

/* bionic's stdin, stdout and stderr are three structures in an array; everything sent to them goes to stderr. */
char __sF[3 * 152] __attribute__((aligned(16)));
static FILE *real(FILE *file) {
  return (char *)file >= __sF && (char *)file < __sF + sizeof __sF ? stderr : file;
}
static int (*glibc_vfprintf)(FILE *, const char *, va_list);
static size_t (*glibc_fwrite)(const void *, size_t, size_t, FILE *);
static int (*glibc_fputc)(int, FILE *), (*glibc_fflush)(FILE *), (*glibc_fileno)(FILE *);

int vfprintf(FILE *file, const char *format, va_list list) { return glibc_vfprintf(real(file), format, list); }
int fprintf(FILE *file, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = glibc_vfprintf(real(file), format, list);
  va_end(list);
  return n;
}
size_t fwrite(const void *data, size_t size, size_t count, FILE *file) { return glibc_fwrite(data, size, count, real(file)); }
int fputc(int c, FILE *file) { return glibc_fputc(c, real(file)); }
int fflush(FILE *file) { return glibc_fflush(file ? real(file) : NULL); }
int fileno(FILE *file) { return glibc_fileno(real(file)); }

/* Resolved before anybody calls: dlsym itself allocates. */
__attribute__((constructor)) static void resolve(void) {
  *(void **)&glibc_sysconf = dlsym(RTLD_NEXT, "sysconf");
  *(void **)&glibc_vfprintf = dlsym(RTLD_NEXT, "vfprintf");
  *(void **)&glibc_fwrite = dlsym(RTLD_NEXT, "fwrite");
  *(void **)&glibc_fputc = dlsym(RTLD_NEXT, "fputc");
  *(void **)&glibc_fflush = dlsym(RTLD_NEXT, "fflush");
  *(void **)&glibc_fileno = dlsym(RTLD_NEXT, "fileno");
}

#if defined(__arm__)
/* bionic's locks have 4 bytes, glibc's 24 and more: there is one thread, and it waits for nobody. */
int pthread_mutex_init(void *lock, const void *kind) { (void)kind; memset(lock, 0, 4); return 0; }
int pthread_mutex_destroy(void *lock) { (void)lock; return 0; }
int pthread_mutex_lock(void *lock) { (void)lock; return 0; }
int pthread_mutex_unlock(void *lock) { (void)lock; return 0; }
int pthread_cond_broadcast(void *waiting) { (void)waiting; return 0; }
int pthread_cond_signal(void *waiting) { (void)waiting; return 0; }
int pthread_cond_destroy(void *waiting) { (void)waiting; return 0; }
int pthread_cond_wait(void *waiting, void *lock) { (void)waiting; (void)lock; abort(); }
int pthread_create(void *made, const void *kind, void *(*f)(void *), void *value) {
  (void)made; (void)kind; (void)f; (void)value;
  return EAGAIN;
}
void *__gnu_Unwind_Find_exidx(void *, int *);
void *dl_unwind_find_exidx(void *address, int *count) { return __gnu_Unwind_Find_exidx(address, count); }
#elif !defined(__x86_64__)
/* bionic's mutex has 40 bytes, glibc's 48 on arm64, all zero at first; on x86-64 both have 40. */
int pthread_mutex_init(void *lock, const void *kind) { (void)kind; memset(lock, 0, 40); return 0; }
#endif
