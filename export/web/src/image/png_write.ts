/**
 * Writes a PNG row by row, so that a result never exists whole in memory: rows go through the browser's own deflate and
 * become parts of a `Blob`, which browsers keep outside the page's heap.
 */
import { joined } from "./bytes";
import { crc32 } from "./crc";
import type { Metadata, Samples } from "./photo";

const SIGNATURE = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Bytes of one IDAT chunk. */
const PART = 1 << 20;

export class PngWriter {
  private readonly parts: BlobPart[] = [SIGNATURE];
  private readonly writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  private readonly packed: Promise<void>;
  private readonly step: number;
  private readonly previous: Uint8Array;

  /** `channels`: 1 or 3 colours, and one more for alpha. */
  constructor(
    readonly width: number,
    readonly height: number,
    private readonly channels: 1 | 2 | 3 | 4,
    private readonly depth: 8 | 16,
  ) {
    this.step = channels * (depth / 8);
    this.previous = new Uint8Array(width * this.step);
    const stream = new CompressionStream("deflate");
    this.writer = stream.writable.getWriter();
    this.packed = this.collect(stream.readable.getReader());
    this.packed.catch(() => {}); // reported by finish()
  }

  /** Chunks before the pixels; to be called before any rows. */
  async begin(metadata: Metadata): Promise<void> {
    const header = new DataView(new ArrayBuffer(13));
    header.setUint32(0, this.width);
    header.setUint32(4, this.height);
    header.setUint8(8, this.depth);
    header.setUint8(9, { 1: 0, 2: 4, 3: 2, 4: 6 }[this.channels]);
    this.parts.push(chunk("IHDR", new Uint8Array(header.buffer)));
    if (metadata.icc !== null) {
      const name = new TextEncoder().encode("ICC profile\0\0");
      this.parts.push(chunk("iCCP", joined([name, await deflated(metadata.icc)])));
    }
    if (metadata.exif !== null) this.parts.push(chunk("eXIf", metadata.exif));
  }

  /** Interleaved samples of whole rows, alpha last. */
  async rows(samples: Samples): Promise<void> {
    const bytes = samples instanceof Uint16Array ? bigEndian(samples) : samples;
    const row = this.previous.length;
    const count = bytes.length / row;
    const lines = new Uint8Array(count * (row + 1));
    for (let y = 0; y < count; y++) {
      const current = bytes.subarray(y * row, (y + 1) * row);
      this.filter(current, lines.subarray(y * (row + 1), (y + 1) * (row + 1)));
      this.previous.set(current);
    }
    await this.writer.ready;
    await this.writer.write(lines);
  }

  async finish(): Promise<Blob> {
    await this.writer.close();
    await this.packed;
    return new Blob([...this.parts, chunk("IEND", new Uint8Array(0))], { type: "image/png" });
  }

  async abort(): Promise<void> {
    await this.writer.abort().catch(() => {});
  }

  /** The filter, left or above, whose differences are smaller in sum. */
  private filter(row: Uint8Array, line: Uint8Array): void {
    const { step, previous } = this;
    let [left, above] = [0, 0];
    for (let x = 0; x < row.length; x += 7) {
      const [a, b] = [(row[x] - (x >= step ? row[x - step] : 0)) & 255, (row[x] - previous[x]) & 255];
      left += a < 128 ? a : 256 - a;
      above += b < 128 ? b : 256 - b;
    }
    if (left <= above) {
      line[0] = 1;
      for (let x = 0; x < step; x++) line[x + 1] = row[x];
      for (let x = step; x < row.length; x++) line[x + 1] = row[x] - row[x - step];
    } else {
      line[0] = 2;
      for (let x = 0; x < row.length; x++) line[x + 1] = row[x] - previous[x];
    }
  }

  private async collect(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>): Promise<void> {
    let [waiting, size]: [Uint8Array<ArrayBuffer>[], number] = [[], 0];
    for (;;) {
      const { done, value } = await reader.read();
      if (!done) {
        waiting.push(value);
        size += value.length;
      }
      if (size >= PART || (done && size > 0)) {
        this.parts.push(new Blob([chunk("IDAT", joined(waiting))]));
        [waiting, size] = [[], 0];
      }
      if (done) return;
    }
  }
}

function chunk(name: string, data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(data.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(name), 4);
  out.set(data, 8);
  view.setUint32(data.length + 8, crc32(out.subarray(4, data.length + 8)));
  return out;
}

async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function bigEndian(samples: Uint16Array): Uint8Array {
  const out = new Uint8Array(2 * samples.length);
  for (let index = 0; index < samples.length; index++) {
    out[2 * index] = samples[index] >> 8;
    out[2 * index + 1] = samples[index];
  }
  return out;
}
