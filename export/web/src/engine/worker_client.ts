/** One worker with one engine, as seen from the page: requests as promises, and the messages of a running restoration. */
import type { CheckReport } from "./check";
import { isOutOfMemory, type EngineFacts } from "./engine";
import type { Finished, LoadRequest, Reply, Request } from "../messages";
import type { Tile } from "../restore";

/** What the worker could not do; `memory`: for want of it, `photo`: because of the photo. */
export class WorkerError extends Error {
  constructor(
    message: string,
    readonly memory: boolean,
    readonly photo: boolean,
  ) {
    super(message);
  }
}

/** The user stopped it. */
export class Cancelled extends Error {}

export interface Watcher {
  decoded?(width: number, height: number, tiles: number): void;
  progress?(done: number, total: number): void;
  tile?(tile: Tile): void;
}

export interface Loaded {
  facts: EngineFacts;
  check: CheckReport | null;
  load_ms: number;
}

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
  watcher: Watcher;
}

const LOAD = -1;

export class WorkerClient {
  private readonly worker = new Worker(new URL("../worker.ts", import.meta.url));
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;

  constructor() {
    this.worker.onmessage = (event: MessageEvent<Reply>) => this.receive(event.data);
    this.worker.onerror = (event) => {
      const message = event.message || "the worker stopped";
      this.fail(new WorkerError(message, isOutOfMemory(message), false));
    };
  }

  load(request: Omit<LoadRequest, "kind">): Promise<Loaded> {
    return this.ask(LOAD, { kind: "load", ...request });
  }

  run(input: Float32Array<ArrayBuffer>, height: number, width: number, repeats = 1) {
    const id = this.next++;
    return this.ask<{ output: Float32Array<ArrayBuffer>; times_ms: number[] }>(id, {
      kind: "run", id, input, height, width, repeats,
    });
  }

  /** The id is for `cancel`; the promise fails with `Cancelled` then. */
  restore(file: Blob, tile: number | null, watcher: Watcher): { id: number; result: Promise<Finished> } {
    const id = this.next++;
    return { id, result: this.ask(id, { kind: "restore", id, file, tile }, watcher) };
  }

  cancel(id: number): void {
    this.worker.postMessage({ kind: "cancel", id } satisfies Request);
  }

  close(): void {
    this.worker.terminate();
    this.fail(new Cancelled("closed"));
  }

  private ask<T>(id: number, request: Request, watcher: Watcher = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: never) => void, reject, watcher });
      this.worker.postMessage(request);
    });
  }

  private receive(reply: Reply): void {
    const id = reply.kind === "loaded" ? LOAD : (reply.id ?? LOAD);
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    if (reply.kind === "progress") waiting.watcher.progress?.(reply.done, reply.total);
    else if (reply.kind === "decoded") waiting.watcher.decoded?.(reply.width, reply.height, reply.tiles);
    else if (reply.kind === "tile") waiting.watcher.tile?.(reply.tile);
    else {
      this.waiting.delete(id);
      if (reply.kind === "failed") waiting.reject(new WorkerError(reply.message, reply.memory, reply.photo));
      else if (reply.kind === "cancelled") waiting.reject(new Cancelled());
      else waiting.resolve((reply.kind === "finished" ? reply.result : reply) as never);
    }
  }

  private fail(error: Error): void {
    for (const waiting of this.waiting.values()) waiting.reject(error);
    this.waiting.clear();
  }
}
