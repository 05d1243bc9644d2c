/**
 * A browser as a device of `edgeir bench --device browser`: takes commands from the server that handed out this page, and
 * runs them with the page's own engines, in the page's own worker. A message, either way, is the length of its JSON
 * (four bytes, little-endian), the JSON, and the bytes of a tensor or file.
 */
import type { ModelFile, Facts } from "./bundle/manifest";
import { runtimeFor, type Backend } from "./engine/engine";
import { softwareGpu } from "./engine/gpu";
import { WorkerClient, WorkerError } from "./engine/worker_client";

interface LoadCommand {
  op: "load";
  file: ModelFile;
  facts: Facts;
  backend: Backend;
  threads: number;
}

interface RunCommand {
  op: "run";
  height: number;
  width: number;
  repeats: number;
}

type Command = LoadCommand | RunCommand | { op: "describe" } | { op: "quit" };

let worker: WorkerClient | null = null;

async function main(): Promise<void> {
  const token = location.hash.slice(1);
  for (;;) {
    const answer = await fetch(`device/${token}/next`);
    if (answer.status === 204) continue; // nothing to do yet
    if (!answer.ok) return;
    const { json, rest } = parted(await answer.arrayBuffer());
    const command = json as Command;
    if (command.op === "quit") return;
    const { value, bytes } = await performed(command, rest);
    await fetch(`device/${token}/answer`, { method: "POST", body: packed(value, bytes) });
  }
}

async function performed(command: Exclude<Command, { op: "quit" }>, rest: ArrayBuffer) {
  try {
    if (command.op === "describe") return { value: await description(), bytes: new ArrayBuffer(0) };
    if (command.op === "load") return { value: await load(command, new Uint8Array(rest)), bytes: new ArrayBuffer(0) };
    if (worker === null) throw new Error("no model is loaded");
    const input = new Float32Array(rest) as Float32Array<ArrayBuffer>;
    const { output, times_ms } = await worker.run(input, command.height, command.width, command.repeats);
    const bytes = output.buffer.slice(output.byteOffset, output.byteOffset + output.byteLength);
    return { value: { times_ms }, bytes };
  } catch (error) {
    const memory = error instanceof WorkerError && error.memory;
    return { value: { error: error instanceof Error ? error.message : String(error), memory }, bytes: new ArrayBuffer(0) };
  }
}

async function load(command: LoadCommand, model: Uint8Array<ArrayBuffer>) {
  worker?.close();
  worker = new WorkerClient();
  const runtime = runtimeFor(command.file);
  if (typeof runtime !== "string") throw new Error(runtime.reason);
  const runtimes = new URL("runtimes/", location.href).href;
  return worker.load({ ...command, runtime, model, runtimes, golden: null });
}

async function description() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return {
    agent: navigator.userAgent,
    version: await fullVersion(),
    cores: navigator.hardwareConcurrency,
    isolated: crossOriginIsolated,
    gpu: adapter ? [adapter.info.vendor, adapter.info.architecture, adapter.info.description].filter(Boolean).join(" ") : null,
    software_gpu: adapter ? softwareGpu(adapter) : false,
  };
}

interface Brands {
  getHighEntropyValues?(hints: string[]): Promise<{ fullVersionList?: { brand: string; version: string }[] }>;
}

/** The user agent has the first number only. */
async function fullVersion(): Promise<string | null> {
  const brands = (navigator as Navigator & { userAgentData?: Brands }).userAgentData;
  const values = await brands?.getHighEntropyValues?.(["fullVersionList"]);
  return values?.fullVersionList?.find(({ brand }) => brand === "Chromium")?.version ?? null;
}

function parted(message: ArrayBuffer): { json: unknown; rest: ArrayBuffer } {
  const length = new DataView(message).getUint32(0, true);
  const json = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 4, length)));
  return { json, rest: message.slice(4 + length) };
}

function packed(value: unknown, bytes: ArrayBuffer): Blob {
  const json = new TextEncoder().encode(JSON.stringify(value));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  return new Blob([length, json, bytes]);
}

void main();
