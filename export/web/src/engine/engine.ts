/** A model file loaded by one of the two runtimes. Tensors are float32 and in the layout of the file. */
import type { ModelFile } from "../bundle/manifest";

export type Backend = "webgpu" | "wasm";
export type RuntimeName = "litert" | "onnxruntime";

export interface EngineFacts {
  /** For people: "LiteRT.js 2.5.3 · WebAssembly, 2 threads". */
  title: string;
  runtime: RuntimeName;
  version: string;
  backend: Backend;
  threads: number;
  /** Where the operators run, in the runtime's own words as far as it says. */
  placement: string;
}

export interface Engine {
  facts: EngineFacts;
  /** One run on a window of height × width; the result is the caller's. */
  run(input: Float32Array<ArrayBuffer>, height: number, width: number): Promise<Float32Array>;
  close(): void;
}

export interface LoadOptions {
  backend: Backend;
  /** The folder of the runtimes' WebAssembly files. */
  runtimes: string;
  threads: number;
}

export const RUNTIMES: Record<RuntimeName, { title: string; version: string }> = {
  litert: { title: "LiteRT.js", version: __LITERT__ },
  onnxruntime: { title: "ONNX Runtime Web", version: __ORT__ },
};

/** Which runtime runs the file here, or why none does. */
export function runtimeFor(file: ModelFile): RuntimeName | { reason: string } {
  const runtime = { tflite: "litert", onnx: "onnxruntime" }[file.target] as RuntimeName | undefined;
  if (runtime === undefined) return { reason: `no browser runtime runs ${file.target}` };
  if (file.input.dtype !== "float32" || file.output.dtype !== "float32") {
    return { reason: `its input or output is ${file.input.dtype}; export it with \`--io float\`` };
  }
  return runtime;
}

/** "out of memory" as browsers and runtimes say it. */
export function isOutOfMemory(error: unknown): boolean {
  const text = error instanceof Error ? `${error.name} ${error.message}` : String(error);
  return /out of memory|memory access out of bounds|bad_alloc|allocation failed|failed to allocate|Array buffer allocation|OOM|device (was )?lost|Cannot enlarge memory|invalid array length|failed to create buffer/i.test(
    text,
  );
}

export function described(runtime: RuntimeName, backend: Backend, threads: number, placement: string): EngineFacts {
  const { title, version } = RUNTIMES[runtime];
  const where = backend === "webgpu" ? "WebGPU" : `WebAssembly, ${threads} thread${threads === 1 ? "" : "s"}`;
  return { title: `${title} ${version} · ${where}`, runtime, version, backend, threads, placement };
}
