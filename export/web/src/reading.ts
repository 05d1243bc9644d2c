/** A photo's windows as network inputs: enlarged where the network expects it, mirrored beyond the border, in [0, 1]. */
import type { Facts, ModelFile } from "./bundle/manifest";
import type { Photo, Samples } from "./image/photo";
import { enlarge } from "./image/resize";
import { reflected, type Window } from "./tiling";

const LUMA = [0.299, 0.587, 0.114];

export class WindowReader {
  private readonly buffers: Float32Array<ArrayBuffer>[] = [];
  private readonly enlarged: number;

  constructor(
    private readonly photo: Photo,
    private readonly facts: Facts,
    private readonly file: ModelFile,
    private readonly size: [number, number],
  ) {
    this.enlarged = facts.input_kind === "bicubic" ? facts.scale : 1;
  }

  /** One input, or one for each colour plane; the buffers are the reader's own and are filled again by the next call. */
  read(row: Window, column: Window): Float32Array<ArrayBuffer>[] {
    const { photo, facts } = this;
    const part = this.part(row, column);
    if (facts.colour === "rgb") return [this.filled(0, 3, (at, c) => part[at * photo.channels + (photo.channels === 1 ? 0 : c)])];
    if (photo.channels === 1) return [this.filled(0, 1, (at) => part[at])];
    if (facts.task === "denoising") return [0, 1, 2].map((plane) => this.filled(plane, 1, (at) => part[3 * at + plane]));
    return [this.filled(0, 1, (at) => LUMA[0] * part[3 * at] + LUMA[1] * part[3 * at + 1] + LUMA[2] * part[3 * at + 2])];
  }

  /** The window's samples, (h, w, the photo's channels). */
  private part(row: Window, column: Window): Samples {
    const { photo, enlarged } = this;
    const [high, wide] = this.size;
    const rows = Int32Array.from({ length: high }, (_, y) => reflected(row.start + y, photo.height * enlarged));
    const columns = Int32Array.from({ length: wide }, (_, x) => reflected(column.start + x, photo.width * enlarged));
    let [source, stride, top, left] = [photo.samples, photo.width, 0, 0];
    if (enlarged > 1) {
      [top, left] = [Math.min(...rows), Math.min(...columns)];
      const span = [Math.max(...rows) + 1, Math.max(...columns) + 1];
      const size = [photo.height, photo.width] as const;
      source = enlarge(photo.samples, size, photo.channels, enlarged, [top, span[0]], [left, span[1]]);
      stride = span[1] - left;
    }
    const out = source instanceof Uint16Array ? new Uint16Array(high * wide * photo.channels) : new Uint8Array(high * wide * photo.channels);
    for (let y = 0, to = 0; y < high; y++)
      for (let x = 0; x < wide; x++) {
        const from = ((rows[y] - top) * stride + columns[x] - left) * photo.channels;
        for (let c = 0; c < photo.channels; c++) out[to++] = source[from + c];
      }
    return out;
  }

  private filled(buffer: number, channels: number, sample: (at: number, c: number) => number): Float32Array<ArrayBuffer> {
    const [high, wide] = this.size;
    const pixels = high * wide;
    const data = (this.buffers[buffer] ??= new Float32Array(pixels * channels));
    const nhwc = this.file.input.layout === "NHWC";
    const { top } = this.photo;
    for (let at = 0; at < pixels; at++)
      for (let c = 0; c < channels; c++) data[nhwc ? at * channels + c : c * pixels + at] = sample(at, c) / top;
    return data;
  }
}
