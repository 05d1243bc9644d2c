/**
 * Decodes PNG files that are not interlaced, exactly: 16 bits stay 16, colours under a partial alpha stay as stored.
 * A canvas would multiply them by alpha and reduce all to 8 bits. Every checksum is verified.
 */
import { crc32 } from "./crc";
import { PhotoError, emptyLike, type Photo, type Samples } from "./photo";

interface Header {
  width: number;
  height: number;
  depth: number;
  kind: number;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, index) => bytes[index] === byte);
}

/** Its chunks by name, the parts of IDAT together. */
export function pngChunks(bytes: Uint8Array<ArrayBuffer>): Map<string, Uint8Array<ArrayBuffer>[]> {
  const chunks = new Map<string, Uint8Array<ArrayBuffer>[]>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 8;
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const stop = at + 8 + length;
    if (stop + 4 > bytes.length) break;
    if (crc32(bytes.subarray(at + 4, stop)) !== view.getUint32(stop)) throw damaged();
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.set(name, [...(chunks.get(name) ?? []), bytes.subarray(at + 8, stop)]);
    if (name === "IEND") return chunks;
    at = stop + 4;
  }
  throw damaged();
}

/** Null for an interlaced or animated file, which the browser decodes. */
export async function readPng(
  chunks: Map<string, Uint8Array<ArrayBuffer>[]>,
  most: number,
): Promise<Omit<Photo, "metadata" | "remarks"> | null> {
  const first = chunks.get("IHDR")?.[0];
  if (first === undefined || first.length !== 13) throw damaged();
  const view = new DataView(first.buffer, first.byteOffset, 13);
  const header = { width: view.getUint32(0), height: view.getUint32(4), depth: first[8], kind: first[9] };
  if (first[12] !== 0 || chunks.has("acTL")) return null;
  const { width, height, depth, kind } = header;
  if (width === 0 || height === 0 || !(kind in CHANNELS) || ![1, 2, 4, 8, 16].includes(depth)) throw damaged();
  if (width * height > most) throw new PhotoError(tooLarge(width, height, most));
  const channels = CHANNELS[kind];
  const stored = await unfiltered(chunks.get("IDAT") ?? [], header, channels);
  return coloured(unpacked(stored, header, channels), header, channels, chunks);
}

export function tooLarge(width: number, height: number, most: number): string {
  return `the photo has ${((width * height) / 1e6).toFixed(1)} megapixels, more than the limit of ${most / 1e6}`;
}

/** The bytes of all rows, row by row as they are inflated. */
async function unfiltered(parts: Uint8Array<ArrayBuffer>[], header: Header, channels: number): Promise<Uint8Array> {
  const row = Math.ceil((header.width * channels * header.depth) / 8);
  const step = Math.max(1, (channels * header.depth) >> 3);
  const out = new Uint8Array(row * header.height);
  const reader = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const line = new Uint8Array(row + 1);
  let [filled, rows] = [0, 0];
  try {
    while (rows < header.height) {
      const { done, value } = await reader.read();
      if (done) throw damaged();
      for (let at = 0; at < value.length && rows < header.height; ) {
        const taken = Math.min(row + 1 - filled, value.length - at);
        line.set(value.subarray(at, at + taken), filled);
        at += taken;
        filled += taken;
        if (filled < row + 1) continue;
        unfilter(line, out, rows * row, row, step, rows > 0);
        filled = 0;
        rows++;
      }
    }
  } catch {
    throw damaged();
  }
  return out;
}

function unfilter(line: Uint8Array, out: Uint8Array, at: number, row: number, step: number, above: boolean): void {
  const filter = line[0];
  if (filter > 4) throw damaged();
  for (let x = 0; x < row; x++) {
    const left = x >= step ? out[at + x - step] : 0;
    const up = above ? out[at + x - row] : 0;
    let predicted = 0;
    if (filter === 1) predicted = left;
    else if (filter === 2) predicted = up;
    else if (filter === 3) predicted = (left + up) >> 1;
    else if (filter === 4) predicted = paeth(left, up, above && x >= step ? out[at + x - row - step] : 0);
    out[at + x] = line[x + 1] + predicted;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** One sample a number: bits are taken apart, two bytes become one number. */
function unpacked(stored: Uint8Array, header: Header, channels: number): Samples {
  const { width, height, depth, kind } = header;
  if (depth === 8) return stored as Uint8Array<ArrayBuffer>;
  const count = width * channels;
  if (depth === 16) {
    const wide = new Uint16Array(count * height);
    for (let index = 0; index < wide.length; index++) wide[index] = (stored[2 * index] << 8) | stored[2 * index + 1];
    return wide;
  }
  const row = Math.ceil((count * depth) / 8);
  const mask = (1 << depth) - 1;
  const factor = kind === 3 ? 1 : 255 / mask;
  const out = new Uint8Array(count * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < count; x++) {
      const bit = x * depth;
      out[y * count + x] = ((stored[y * row + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask) * factor;
    }
  return out;
}

/** Colours and alpha apart; palettes and the one transparent colour applied. */
function coloured(
  stored: Samples,
  header: Header,
  channels: number,
  chunks: Map<string, Uint8Array<ArrayBuffer>[]>,
): Omit<Photo, "metadata" | "remarks"> {
  const { width, height, depth, kind } = header;
  const pixels = width * height;
  const transparency = chunks.get("tRNS")?.[0];
  const top = depth === 16 ? 65535 : 255;
  const size = { width, height, top };
  if (kind === 3) return { ...size, ...fromPalette(stored, pixels, chunks.get("PLTE")?.[0], transparency) };
  const colours = kind === 0 || kind === 4 ? 1 : 3;
  if (kind === 4 || kind === 6) {
    const [samples, alpha] = [emptyLike(stored, pixels * colours), emptyLike(stored, pixels)];
    for (let index = 0; index < pixels; index++) {
      for (let c = 0; c < colours; c++) samples[index * colours + c] = stored[index * channels + c];
      alpha[index] = stored[index * channels + colours];
    }
    return { ...size, channels: colours, samples, alpha };
  }
  if (transparency === undefined || transparency.length < 2 * colours) {
    return { ...size, channels: colours, samples: stored, alpha: null };
  }
  const factor = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
  const hidden = Array.from({ length: colours }, (_, c) => ((transparency[2 * c] << 8) | transparency[2 * c + 1]) * factor);
  const alpha = emptyLike(stored, pixels).fill(top);
  for (let index = 0; index < pixels; index++) {
    if (hidden.every((value, c) => stored[index * colours + c] === value)) alpha[index] = 0;
  }
  return { ...size, channels: colours, samples: stored, alpha };
}

function fromPalette(stored: Samples, pixels: number, palette: Uint8Array | undefined, hidden: Uint8Array | undefined) {
  if (palette === undefined) throw damaged();
  const samples = new Uint8Array(3 * pixels);
  const alpha = hidden === undefined ? null : new Uint8Array(pixels).fill(255);
  for (let index = 0; index < pixels; index++) {
    const entry = stored[index];
    if (3 * entry + 2 >= palette.length) throw damaged();
    for (let c = 0; c < 3; c++) samples[3 * index + c] = palette[3 * entry + c];
    if (alpha !== null && hidden !== undefined && entry < hidden.length) alpha[index] = hidden[entry];
  }
  return { channels: 3 as const, samples, alpha };
}

function damaged(): PhotoError {
  return new PhotoError("the PNG file is damaged; copy or download it again");
}
