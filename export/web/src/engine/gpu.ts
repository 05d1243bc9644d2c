/** Whether there is a GPU worth using. */

/** The adapter computes on the CPU: slower than WebAssembly, but good for a test. */
export function softwareGpu(adapter: GPUAdapter): boolean {
  const info = adapter.info as GPUAdapterInfo & { isFallbackAdapter?: boolean };
  return info.isFallbackAdapter === true || /swiftshader|llvmpipe|basic render/i.test(`${info.architecture} ${info.description}`);
}

export async function hasGpu(): Promise<boolean> {
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    return adapter !== null && adapter !== undefined && !softwareGpu(adapter);
  } catch {
    return false;
  }
}
