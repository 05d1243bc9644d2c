/** The worker: holds one engine, decodes, restores and encodes. Built as a classic script, which LiteRT.js needs. */
import { checkGolden } from "./engine/check";
import { isOutOfMemory, type Engine } from "./engine/engine";
import { loadLitert } from "./engine/litert";
import { loadOnnx } from "./engine/onnx";
import { decodePhoto } from "./image/decode";
import { PhotoError } from "./image/photo";
import { planPhoto, restorePhoto } from "./restore";
import { TilingError } from "./tiling";
import type { LoadRequest, Reply, Request, RunRequest } from "./messages";

class Cancelled extends Error {}

let engine: Engine | null = null;
let loaded: LoadRequest | null = null;
const cancelled = new Set<number>();

self.onmessage = (event: MessageEvent<Request>) => {
  const request = event.data;
  if (request.kind === "cancel") {
    cancelled.add(request.id);
    return;
  }
  const id = request.kind === "load" ? null : request.id;
  void handle(request).catch((error: unknown) => {
    if (error instanceof Cancelled && id !== null) reply({ kind: "cancelled", id });
    else {
      const message = error instanceof Error ? error.message : String(error);
      const photo = error instanceof PhotoError || error instanceof TilingError;
      reply({ kind: "failed", id, message, memory: isOutOfMemory(error), photo });
    }
  });
};

async function handle(request: Exclude<Request, { kind: "cancel" }>): Promise<void> {
  if (request.kind === "load") await load(request);
  else if (request.kind === "run") await run(request);
  else await restore(request.id, request.file, request.tile);
}

async function load(request: LoadRequest): Promise<void> {
  const started = performance.now();
  const open = request.runtime === "litert" ? loadLitert : loadOnnx;
  engine = await open(request.model, request.file, request);
  loaded = { ...request, golden: null };
  const load_ms = performance.now() - started;
  const check = request.golden === null ? null : await checkGolden(engine, request.file, request.golden);
  reply({ kind: "loaded", facts: engine.facts, check, load_ms });
}

async function run({ id, input, height, width, repeats }: RunRequest): Promise<void> {
  if (engine === null) throw new Error("no model is loaded");
  const times_ms: number[] = [];
  let output = new Float32Array(0) as Float32Array;
  for (let index = 0; index < repeats; index++) {
    const started = performance.now();
    output = await engine.run(input, height, width);
    times_ms.push(performance.now() - started);
  }
  reply({ kind: "ran", id, output, times_ms });
}

async function restore(id: number, file: Blob, tile: number | null): Promise<void> {
  if (engine === null || loaded === null) throw new Error("no model is loaded");
  const { facts, file: model } = loaded;
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  const photo = await decodePhoto(file);
  const decode_seconds = since();
  const { rows, columns } = planPhoto(photo.height, photo.width, facts, model, tile);
  const tiles = rows.windows.length * columns.windows.length;
  reply({ kind: "decoded", id, width: photo.width * facts.scale, height: photo.height * facts.scale, tiles });
  let first_tile_seconds = 0;
  const result = await restorePhoto(photo, engine, facts, model, tile, {
    progress: (done, total) => reply({ kind: "progress", id, done, total }),
    tile: (tile) => {
      first_tile_seconds ||= since();
      reply({ kind: "tile", id, tile }, [tile.rgba.buffer]);
    },
    async pause() {
      await turn();
      if (cancelled.delete(id)) throw new Cancelled();
    },
  });
  const { remarks } = photo;
  reply({ kind: "finished", id, result: { ...result, seconds: since(), decode_seconds, first_tile_seconds, remarks } });
}

/** Lets the messages in that have come since. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = () => {
      port1.close();
      resolve();
    };
    port1.postMessage(null);
  });
}

function reply(message: Reply, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}
