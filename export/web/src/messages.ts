/** What the page and its worker say to each other. */
import type { Facts, ModelFile } from "./bundle/manifest";
import type { GoldenArrays, CheckReport } from "./engine/check";
import type { Backend, EngineFacts, RuntimeName } from "./engine/engine";
import type { Tile } from "./restore";

export interface LoadRequest {
  kind: "load";
  model: Uint8Array<ArrayBuffer>;
  file: ModelFile;
  facts: Facts;
  runtime: RuntimeName;
  backend: Backend;
  threads: number;
  runtimes: string;
  golden: GoldenArrays | null;
}

/** Runs the loaded engine on one native tensor, `repeats` times; the answer has the last output and all times. */
export interface RunRequest {
  kind: "run";
  id: number;
  input: Float32Array<ArrayBuffer>;
  height: number;
  width: number;
  repeats: number;
}

export type Request =
  | LoadRequest
  | RunRequest
  | { kind: "restore"; id: number; file: Blob; tile: number | null }
  | { kind: "cancel"; id: number };

export interface Finished {
  blob: Blob;
  width: number;
  height: number;
  tiles: number;
  tile: [number, number];
  /** Of the whole job, of decoding the file, and until the first window's result. */
  seconds: number;
  decode_seconds: number;
  first_tile_seconds: number;
  remarks: string[];
}

export type Reply =
  | { kind: "loaded"; facts: EngineFacts; check: CheckReport | null; load_ms: number }
  | { kind: "failed"; id: number | null; message: string; memory: boolean; photo: boolean }
  | { kind: "decoded"; id: number; width: number; height: number; tiles: number }
  | { kind: "progress"; id: number; done: number; total: number }
  | { kind: "tile"; id: number; tile: Tile }
  | { kind: "finished"; id: number; result: Finished }
  | { kind: "cancelled"; id: number }
  | { kind: "ran"; id: number; output: Float32Array; times_ms: number[] };
