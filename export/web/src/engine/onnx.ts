/** `.onnx` files through ONNX Runtime Web: one build of it for WebAssembly, a larger one for WebGPU. */
import type * as Ort from "onnxruntime-web";
import * as ortWasm from "onnxruntime-web/wasm";
import * as ortWebgpu from "onnxruntime-web/webgpu";
import type { ModelFile } from "../bundle/manifest";
import { described, type Engine, type LoadOptions } from "./engine";
import { shapeOf } from "./litert";

const BUILDS = { wasm: "ort-wasm-simd-threaded", webgpu: "ort-wasm-simd-threaded.asyncify" };

export async function loadOnnx(model: Uint8Array, file: ModelFile, options: LoadOptions): Promise<Engine> {
  const gpu = options.backend === "webgpu";
  if (gpu && !(await navigator.gpu?.requestAdapter())) throw new Error("there is no WebGPU adapter");
  const ort = (gpu ? ortWebgpu : ortWasm) as typeof Ort;
  const threads = globalThis.crossOriginIsolated && !gpu ? options.threads : 1;
  const build = new URL(`${options.runtimes}ort/${BUILDS[options.backend]}`, self.location.href).href;
  ort.env.wasm.wasmPaths = { mjs: `${build}.mjs`, wasm: `${build}.wasm` };
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [options.backend],
    graphOptimizationLevel: "all",
  });
  const placement = gpu ? "WebGPU; what it has no kernel for runs on the CPU" : "all operators on the CPU";
  return {
    facts: described("onnxruntime", options.backend, threads, placement),
    async run(input, height, width) {
      const tensor = new ort.Tensor("float32", input, shapeOf(file, height, width));
      const results = await session.run({ [file.input.name]: tensor });
      const result = results[file.output.name];
      const data = (await result.getData(true)) as Float32Array;
      tensor.dispose();
      result.dispose();
      return data;
    },
    close: () => void session.release(),
  };
}
