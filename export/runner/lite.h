/* The part of TensorFlow Lite's C API that the runner uses, declared here: the headers of its Android package do not compile.
 * Functions and types are those of tensorflow/lite/core/c/{c_api,c_api_types,common}.h of version 2.16. */
#ifndef EDGEIR_LITE_H
#define EDGEIR_LITE_H
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Of unknown size, which grows with the versions: the first two fields never moved. */
typedef struct { int32_t threads; uint32_t flags; char rest[248]; } XnnpackOptions;
typedef struct { float scale; int32_t zero_point; } Quantization;
typedef struct { int size; int data[]; } IntArray;
typedef struct {
  void *data;
  int (*prepare)(void *context, void *delegate, void *data);
  void *copy_from, *copy_to, *free_buffer;
  int64_t flags;
} DelegateBuilder;

/* Every function of the library that is used, without its TfLite. */
#define API(X) \
  X(const char *, Version, (void)) \
  X(void *, ModelCreate, (const void *, size_t)) \
  X(void *, InterpreterOptionsCreate, (void)) \
  X(void, InterpreterOptionsSetNumThreads, (void *, int32_t)) \
  X(void, InterpreterOptionsAddDelegate, (void *, void *)) \
  X(void, InterpreterOptionsSetErrorReporter, (void *, void (*)(void *, const char *, va_list), void *)) \
  X(void *, InterpreterCreate, (const void *, const void *)) \
  X(int, InterpreterAllocateTensors, (void *)) \
  X(int, InterpreterInvoke, (void *)) \
  X(int32_t, InterpreterGetInputTensorCount, (const void *)) \
  X(int32_t, InterpreterGetOutputTensorCount, (const void *)) \
  X(void *, InterpreterGetInputTensor, (const void *, int32_t)) \
  X(const void *, InterpreterGetOutputTensor, (const void *, int32_t)) \
  X(int, TensorType, (const void *)) \
  X(int32_t, TensorNumDims, (const void *)) \
  X(int32_t, TensorDim, (const void *, int32_t)) \
  X(size_t, TensorByteSize, (const void *)) \
  X(void *, TensorData, (const void *)) \
  X(Quantization, TensorQuantizationParams, (const void *)) \
  X(XnnpackOptions, XNNPackDelegateOptionsDefault, (void)) \
  X(void *, XNNPackDelegateCreate, (const XnnpackOptions *)) \
  X(void *, OpaqueDelegateCreate, (const DelegateBuilder *)) \
  X(int, OpaqueContextGetExecutionPlan, (void *, IntArray **)) \
  X(int, OpaqueContextGetNodeAndRegistration, (void *, int, void **, void **)) \
  X(int32_t, RegistrationExternalGetBuiltInCode, (const void *))
#define MEMBER(type, name, of) type(*name) of;
#define NAME(type, name, of) "TfLite" #name,
static struct { API(MEMBER) } lite;
static const char *const names[] = {API(NAME)};

#endif
