/** `.tflite` files through LiteRT.js. Its loader needs `importScripts`, so it runs in a classic worker. */
import { loadAndCompile, loadLiteRt, setWebGpuDevice, Tensor } from "@litertjs/core";
import type { ModelFile } from "../bundle/manifest";
import { described, type Engine, type LoadOptions } from "./engine";

export async function loadLitert(model: Uint8Array, file: ModelFile, options: LoadOptions): Promise<Engine> {
  const gpu = options.backend === "webgpu";
  const threaded = !gpu && options.threads > 1 && globalThis.crossOriginIsolated;
  const folder = `${options.runtimes}litert/`;
  locate(folder);
  await loadLiteRt(folder, { threads: threaded });
  if (gpu) setWebGpuDevice(await device());
  const compiled = await loadAndCompile(model, {
    accelerator: options.backend,
    cpuOptions: { numThreads: threaded ? options.threads : 1 },
    gpuOptions: { precision: "fp32" },
  });
  if (gpu && (compiled.options.accelerator !== "webgpu" || !compiled.isFullyAccelerated)) {
    compiled.delete();
    throw new Error("some of its operators have no WebGPU kernel");
  }
  const placement = gpu ? "all operators on the GPU" : "all operators on the CPU (XNNPACK)";
  return {
    facts: described("litert", options.backend, threaded ? options.threads : 1, placement),
    async run(input, height, width) {
      const tensor = new Tensor(input, shapeOf(file, height, width));
      let results: Tensor[] = [];
      try {
        results = await compiled.run([tensor]);
        return (await results[0].data()) as Float32Array;
      } finally {
        for (const result of results) result.delete();
        if (!tensor.deleted) tensor.delete();
      }
    },
    close: () => compiled.delete(),
  };
}

/** Emscripten looks beside the script that it takes itself for, which in a worker is the worker's own. */
function locate(folder: string): void {
  (self as unknown as { Module?: object }).Module = {
    locateFile: (name: string) => folder + name,
    mainScriptUrlOrBlob: `${folder}litert_wasm_threaded_internal.js`,
  };
}

async function device(): Promise<GPUDevice> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("there is no WebGPU adapter");
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const features = (["shader-f16", "subgroups"] as const).filter((name) => adapter.features.has(name as GPUFeatureName));
  return adapter.requestDevice({
    requiredFeatures: features as unknown as GPUFeatureName[],
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
}

export function shapeOf(file: ModelFile, height: number, width: number): number[] {
  const channels = file.input.shape[file.input.layout === "NHWC" ? 3 : 1] ?? 3;
  return file.input.layout === "NHWC" ? [1, height, width, channels] : [1, channels, height, width];
}
