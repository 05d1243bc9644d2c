/**
 * Chooses the engine that restores: WebGPU where there is a GPU and its result is right, else WebAssembly; and finds a way
 * to go on where memory runs out: smaller tiles, or a file of a smaller size.
 */
import type { Bundle } from "./bundle/bundle";
import { BundleError, type ModelFile } from "./bundle/manifest";
import { compare, madeUp, readGolden, type CheckReport } from "./engine/check";
import { RUNTIMES, runtimeFor, type Backend, type EngineFacts } from "./engine/engine";
import { hasGpu } from "./engine/gpu";
import { Cancelled, WorkerClient, WorkerError, type Loaded, type Watcher } from "./engine/worker_client";
import type { Finished } from "./messages";
import { DEFAULT_TILE } from "./restore";

export type Preference = "auto" | Backend;

const LEAST_TILE = 48;
/** Of a file without a golden image. */
const TRIAL_SIDE = 64;
const MOST_THREADS = 8;

interface Opened {
  client: WorkerClient;
  loaded: Loaded;
  file: ModelFile;
  backend: Backend;
}

export class Restorer {
  /** What happened on the way to this engine, one sentence each. */
  readonly notes: string[] = [];
  private tile: number | null = null;
  private running: number | null = null;
  private backends: Backend[] = [];

  private constructor(
    private readonly bundle: Bundle,
    private opened: Opened | null,
  ) {}

  static async open(bundle: Bundle, file: ModelFile, preference: Preference): Promise<Restorer> {
    const restorer = new Restorer(bundle, null);
    const gpu = preference === "webgpu" || (preference === "auto" && (await hasGpu()));
    restorer.backends = preference === "wasm" ? ["wasm"] : gpu ? ["webgpu", "wasm"] : ["wasm"];
    if (preference === "auto" && !gpu) restorer.notes.push("This browser offers no WebGPU on a graphics processor.");
    await restorer.start(file);
    return restorer;
  }

  get engine(): EngineFacts | null {
    return this.opened?.loaded.facts ?? null;
  }

  get check(): CheckReport | null {
    return this.opened?.loaded.check ?? null;
  }

  get scale(): number {
    return this.bundle.manifest.facts.scale;
  }

  get file(): ModelFile | null {
    return this.opened?.file ?? null;
  }

  /** Restores one photo; `retried` is told why it begins again. */
  async restore(photo: Blob, watcher: Watcher, retried: (why: string) => void): Promise<Finished> {
    for (;;) {
      const opened = this.opened;
      if (opened === null) throw new Error("the engine could not be started again; reload the page");
      const { id, result } = opened.client.restore(photo, this.tile, watcher);
      this.running = id;
      try {
        return await result;
      } catch (error) {
        if (error instanceof Cancelled || !(error instanceof WorkerError) || error.photo) throw error;
        const why = error.memory ? await this.shrink(opened, error) : await this.withoutGpu(opened, error);
        retried(why);
      } finally {
        this.running = null;
      }
    }
  }

  cancel(): void {
    if (this.running !== null) this.opened?.client.cancel(this.running);
  }

  close(): void {
    this.opened?.client.close();
    this.opened = null;
  }

  /** The first engine whose result is right. */
  private async start(file: ModelFile): Promise<void> {
    this.close();
    let last: unknown = new BundleError("no engine runs here");
    for (const backend of this.backends) {
      try {
        this.opened = await opened(this.bundle, file, backend);
        return;
      } catch (error) {
        last = error;
        const reason = error instanceof Error ? error.message : String(error);
        if (error instanceof BundleError) break; // the other engine would read the same file
        if (backend === "webgpu") this.notes.push(`WebGPU is not used: ${reason}.`);
      }
    }
    throw last;
  }

  /** After an error of the memory: halve the tile, or take a file of a smaller size, or leave the GPU. */
  private async shrink(opened: Opened, error: WorkerError): Promise<string> {
    const { file } = opened;
    if (file.size === null && (this.tile ?? DEFAULT_TILE) / 2 >= LEAST_TILE) {
      this.tile = Math.floor((this.tile ?? DEFAULT_TILE) / 2);
      await this.start(file);
      return `The memory did not suffice: tiles of ${this.tile} pixels now.`;
    }
    const smaller = file.size === null ? undefined : smallerFile(this.bundle, file);
    if (smaller !== undefined) {
      await this.start(smaller);
      return `The memory did not suffice: ${smaller.path} with smaller tiles now.`;
    }
    if (opened.backend === "webgpu") return this.withoutGpu(opened, error);
    await this.start(file);
    throw new WorkerError(
      "the memory does not suffice for the smallest tile; close other tabs, or export with a smaller --size",
      true,
      true,
    );
  }

  /** After any other error of the engine: WebAssembly, where it was WebGPU. */
  private async withoutGpu(opened: Opened, error: WorkerError): Promise<string> {
    if (opened.backend === "webgpu") this.backends = ["wasm"];
    await this.start(opened.file); // a worker that failed is not used again
    if (opened.backend !== "webgpu") throw error;
    return `WebGPU failed (${error.message}): WebAssembly now.`;
  }
}

function smallerFile(bundle: Bundle, file: ModelFile): ModelFile | undefined {
  const area = (one: ModelFile) => (one.size === null ? Infinity : one.size[0] * one.size[1]);
  return bundle.manifest.files
    .filter((one) => one.target === file.target && one.precision === file.precision && area(one) < area(file))
    .sort((a, b) => area(b) - area(a))[0];
}

async function opened(bundle: Bundle, file: ModelFile, backend: Backend): Promise<Opened> {
  const runtime = runtimeFor(file);
  if (typeof runtime !== "string") throw new BundleError(`${file.path} cannot run here: ${runtime.reason}.`);
  const [model, golden] = await Promise.all([bundle.read(file.path), readGolden(bundle, file)]);
  const client = new WorkerClient();
  try {
    const threads = Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS);
    const runtimes = new URL("runtimes/", location.href).href;
    const facts = bundle.manifest.facts;
    const loaded = await client.load({ model, file, facts, runtime, backend, threads, runtimes, golden });
    if (golden === null && backend === "webgpu") loaded.check = await checkAgainstWasm(bundle, file, client);
    if (loaded.check !== null && !loaded.check.trusted) {
      const wrong = `its result is ${loaded.check.what}`;
      if (backend === "webgpu") throw new Error(wrong);
      throw new BundleError(
        `${file.path} computes something else here than where it was exported: ${wrong}. ` +
          `Report it with ${RUNTIMES[runtime].title} ${RUNTIMES[runtime].version} and the name of the browser.`,
      );
    }
    return { client, loaded, file, backend };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** For a file without a golden image: WebGPU against WebAssembly on a made-up one. */
async function checkAgainstWasm(bundle: Bundle, file: ModelFile, gpu: WorkerClient): Promise<CheckReport> {
  const multiple = bundle.manifest.facts.size_multiple;
  const side = Math.ceil(TRIAL_SIDE / multiple) * multiple;
  const [height, width] = file.size ?? [side, side];
  const wasm = await opened(bundle, file, "wasm");
  try {
    const input = madeUp(file, height, width);
    const [expected, output] = [await wasm.client.run(input, height, width), await gpu.run(input, height, width)];
    return compare(output.output, expected.output, 0, 0);
  } finally {
    wasm.client.close();
  }
}

