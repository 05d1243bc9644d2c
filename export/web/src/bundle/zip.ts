/** Reads single files of a zip archive without unpacking it whole; stored and deflated entries, no zip64. */
import { BundleError } from "./manifest";

interface Entry {
  method: number;
  flags: number;
  packed: number;
  size: number;
  offset: number;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const MAX_ENTRIES = 10_000;
const MAX_ENTRY_BYTES = 1 << 30;

export class Zip {
  private constructor(
    private readonly blob: Blob,
    private readonly entries: Map<string, Entry>,
  ) {}

  static async open(blob: Blob): Promise<Zip> {
    const tail = await view(blob, Math.max(0, blob.size - 65_557), blob.size);
    let at = tail.byteLength - 22;
    while (at >= 0 && tail.getUint32(at, true) !== END) at--;
    if (at < 0) throw new BundleError("The file is no zip archive, or it was cut off. Choose a bundle's .zip.");
    const count = tail.getUint16(at + 10, true);
    const [size, offset] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
    if (count > MAX_ENTRIES || offset + size > blob.size) throw damaged("its list of files");
    return new Zip(blob, listed(await view(blob, offset, offset + size), count));
  }

  get paths(): string[] {
    return [...this.entries.keys()];
  }

  async read(path: string, most: number): Promise<Uint8Array | null> {
    const entry = this.entries.get(path);
    if (entry === undefined) return null;
    if (entry.size > Math.min(most, MAX_ENTRY_BYTES)) throw damaged(`\`${path}\` is too large`);
    const local = await view(this.blob, entry.offset, entry.offset + 30);
    if (local.byteLength < 30 || local.getUint32(0, true) !== LOCAL) throw damaged(`\`${path}\``);
    const start = entry.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    const content = this.blob.slice(start, start + entry.packed);
    if (content.size !== entry.packed) throw damaged(`\`${path}\` is cut off`);
    if (entry.flags & 1) throw new BundleError(`\`${path}\` is encrypted. Choose a bundle without a password.`);
    if (entry.method === 0) return new Uint8Array(await content.arrayBuffer());
    if (entry.method !== 8) throw damaged(`\`${path}\` is packed by method ${entry.method}`);
    return inflate(content, entry.size, path);
  }
}

/** Unpacks at most the promised size, so that a small file cannot fill the memory. */
async function inflate(content: Blob, size: number, path: string): Promise<Uint8Array> {
  const result = new Uint8Array(size);
  const reader = content.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  let filled = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (filled + value.length > size) throw damaged(`\`${path}\` is larger than it says`);
      result.set(value, filled);
      filled += value.length;
    }
  } catch (error) {
    throw error instanceof BundleError ? error : damaged(`\`${path}\``);
  }
  if (filled !== size) throw damaged(`\`${path}\` is cut off`);
  return result;
}

function listed(directory: DataView, count: number): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + 46 > directory.byteLength || directory.getUint32(at, true) !== CENTRAL) throw damaged("its list of files");
    const name = directory.getUint16(at + 28, true);
    if (at + 46 + name > directory.byteLength) throw damaged("its list of files");
    const path = new TextDecoder().decode(new Uint8Array(directory.buffer, directory.byteOffset + at + 46, name));
    entries.set(path, {
      flags: directory.getUint16(at + 8, true),
      method: directory.getUint16(at + 10, true),
      packed: directory.getUint32(at + 20, true),
      size: directory.getUint32(at + 24, true),
      offset: directory.getUint32(at + 42, true),
    });
    at += 46 + name + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
  }
  return entries;
}

async function view(blob: Blob, start: number, stop: number): Promise<DataView> {
  return new DataView(await blob.slice(start, stop).arrayBuffer());
}

function damaged(what: string): BundleError {
  return new BundleError(`The zip archive is damaged: ${what}. Get the bundle again.`);
}
