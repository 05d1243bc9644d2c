/**
 * Restores a photo window by window (`edgeir/restoring/image.py`): only one window exists in floating point at a time,
 * and only one row of windows of the result. The result goes into a PNG strip by strip.
 */
import type { Facts, ModelFile } from "./bundle/manifest";
import type { Engine } from "./engine/engine";
import { bleed, KERNEL_REACH } from "./image/bleed";
import { emptyLike, PhotoError, type Photo, type Samples } from "./image/photo";
import { PngWriter } from "./image/png_write";
import { enlarge } from "./image/resize";
import { WindowReader } from "./reading";
import { plan, windowSize, type Plan, type Window } from "./tiling";

/** Side of a window in pixels of the photo, where the network takes any size. */
export const DEFAULT_TILE = 256;
const TILE_PER_RADIUS = 8;
/** Pixels of the largest network input that is run in one piece. */
const WHOLE_LIMIT = 4_000_000;
const LUMA = [0.299, 0.587, 0.114];

export interface Tile {
  /** In pixels of the result. */
  x: number;
  y: number;
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

export interface Hooks {
  progress(done: number, total: number): void;
  tile(tile: Tile): void;
  /** Called between windows; throws to stop. */
  pause(): Promise<void>;
}

export interface Restored {
  blob: Blob;
  width: number;
  height: number;
  tiles: number;
  tile: [number, number];
}

/** The windows for a photo of this size, in pixels of the network's own input. */
export function planPhoto(height: number, width: number, facts: Facts, file: ModelFile, tile: number | null): Plan {
  const enlarged = facts.input_kind === "bicubic" ? facts.scale : 1;
  const [high, wide] = [height * enlarged, width * enlarged];
  if (file.size !== null) return plan(high, wide, facts, { fixed: file.size, largest: null, mirrored: true });
  if (facts.global_operations.length > 0) {
    if (high * wide > WHOLE_LIMIT) {
      throw new PhotoError(
        `the network reads the whole image (${facts.global_operations.join(", ")}), so it cannot run in tiles, and the ` +
          "photo is too large for one; use a smaller photo, or export with --statistics constant",
      );
    }
    return plan(high, wide, facts, { fixed: null, largest: null, mirrored: true });
  }
  const least = Math.ceil((TILE_PER_RADIUS * facts.receptive_radius) / enlarged);
  const largest = (tile ?? Math.max(DEFAULT_TILE, least)) * enlarged;
  return plan(high, wide, facts, { fixed: null, largest, mirrored: true });
}

export async function restorePhoto(
  photo: Photo,
  engine: Engine,
  facts: Facts,
  file: ModelFile,
  tile: number | null,
  hooks: Hooks,
): Promise<Restored> {
  const windows = planPhoto(photo.height, photo.width, facts, file, tile);
  const enlarged = facts.input_kind === "bicubic" ? facts.scale : 1;
  const reach = Math.ceil(facts.receptive_radius / enlarged) + (enlarged > 1 ? KERNEL_REACH : 0);
  const source: Photo = { ...photo, samples: bleed(photo, reach) };
  const [width, height] = [photo.width * facts.scale, photo.height * facts.scale];
  const planes = photo.channels + (photo.alpha === null ? 0 : 1);
  const png = new PngWriter(width, height, planes as 1 | 2 | 3 | 4, photo.top === 65535 ? 16 : 8);
  const reader = new WindowReader(source, facts, file, windowSize(windows));
  const total = windows.rows.windows.length * windows.columns.windows.length;
  try {
    await png.begin(photo.metadata);
    let done = 0;
    for (const row of windows.rows.windows) {
      const strip = new Strip(source, facts, row, planes);
      for (const column of windows.columns.windows) {
        hooks.progress(done, total);
        await hooks.pause();
        const outputs: Float32Array[] = [];
        for (const input of reader.read(row, column)) outputs.push(await engine.run(input, ...windowSize(windows)));
        hooks.tile(strip.put(outputs, file, row, column));
        done++;
      }
      if (strip.samples.length > 0) await png.rows(strip.samples);
    }
    hooks.progress(done, total);
    return { blob: await png.finish(), width, height, tiles: total, tile: windowSize(windows) };
  } catch (error) {
    await png.abort();
    throw error;
  }
}

/** The rows of the result that one row of windows gives. */
class Strip {
  readonly samples: Samples;
  private readonly scale: number;
  private readonly top: number;
  private readonly bottom: number;

  constructor(
    private readonly photo: Photo,
    private readonly facts: Facts,
    row: Window,
    private readonly planes: number,
  ) {
    this.scale = facts.input_kind === "lr" ? facts.scale : 1;
    this.top = row.first * this.scale;
    this.bottom = row.last * this.scale;
    this.samples = emptyLike(photo.samples, (this.bottom - this.top) * photo.width * facts.scale * planes);
  }

  /** Clip, round to the nearest level (half up), and store what a window gives. */
  put(outputs: Float32Array[], file: ModelFile, row: Window, column: Window): Tile {
    const { photo, facts, scale, planes } = this;
    const [left, right] = [column.first * scale, column.last * scale];
    const [high, wide] = [this.bottom - this.top, right - left];
    const values = this.colours(outputs, file, row, column);
    const alpha = this.alpha(left, right);
    const tile = new Uint8ClampedArray(4 * high * wide);
    const shift = photo.top === 65535 ? 257 : 1;
    for (let y = 0; y < high; y++)
      for (let x = 0; x < wide; x++) {
        const at = y * wide + x;
        const to = (y * photo.width * facts.scale + left + x) * planes;
        for (let c = 0; c < photo.channels; c++) {
          const level = values[at * photo.channels + c] * photo.top;
          if (!Number.isFinite(level)) throw new PhotoError("the network's output has values that are not finite");
          const sample = Math.floor(Math.min(Math.max(level, 0), photo.top) + 0.5);
          this.samples[to + c] = sample;
          tile[4 * at + c] = sample / shift;
        }
        if (photo.channels === 1) tile[4 * at + 1] = tile[4 * at + 2] = tile[4 * at];
        tile[4 * at + 3] = alpha === null ? 255 : alpha[at] / shift;
        if (alpha !== null) this.samples[to + photo.channels] = alpha[at];
      }
    return { x: left, y: this.top, width: wide, height: high, rgba: tile };
  }

  /** The window's part of the result in the photo's channels, [0, 1] but for over- and undershoot. */
  private colours(outputs: Float32Array[], file: ModelFile, row: Window, column: Window): Float32Array {
    const { photo, facts, scale } = this;
    const [left, right] = [column.first * scale, column.last * scale];
    const [high, wide] = [this.bottom - this.top, right - left];
    const [tall, broad] = [(row.stop - row.start) * scale, (column.stop - column.start) * scale];
    const channels = facts.colour === "y" ? 1 : 3;
    for (const output of outputs) {
      if (output.length !== tall * broad * channels) {
        throw new PhotoError(`the network gave ${output.length} values, not ${broad}×${tall}×${channels}`);
      }
    }
    const [down, across] = [(row.first - row.start) * scale, (column.first - column.start) * scale];
    const nhwc = file.output.layout === "NHWC";
    const value = (output: Float32Array, y: number, x: number, c: number): number =>
      output[nhwc ? ((y + down) * broad + x + across) * channels + c : (c * tall + y + down) * broad + x + across];
    const result = new Float32Array(high * wide * photo.channels);
    const luma = facts.colour === "y" && photo.channels === 3 && outputs.length === 1;
    const base = luma ? this.enlargedPart([this.top, this.bottom], [left, right]) : null;
    for (let y = 0; y < high; y++)
      for (let x = 0; x < wide; x++) {
        const at = (y * wide + x) * photo.channels;
        if (base !== null) {
          const rgb = [0, 1, 2].map((c) => base[at + c] / photo.top);
          const change = value(outputs[0], y, x, 0) - LUMA.reduce((sum, weight, c) => sum + weight * rgb[c], 0);
          for (let c = 0; c < 3; c++) result[at + c] = rgb[c] + change;
        } else if (photo.channels === 1) {
          let gray = 0;
          if (channels === 1) gray = value(outputs[0], y, x, 0);
          else for (let c = 0; c < 3; c++) gray += LUMA[c] * value(outputs[0], y, x, c);
          result[at] = gray;
        } else {
          for (let c = 0; c < 3; c++) result[at + c] = channels === 1 ? value(outputs[c], y, x, 0) : value(outputs[0], y, x, c);
        }
      }
    return result;
  }

  private enlargedPart(rows: [number, number], columns: [number, number]): Samples {
    const { photo, facts } = this;
    return enlarge(photo.samples, [photo.height, photo.width], photo.channels, facts.scale, rows, columns);
  }

  private alpha(left: number, right: number): Samples | null {
    const { photo, facts, top, bottom } = this;
    if (photo.alpha === null) return null;
    return enlarge(photo.alpha, [photo.height, photo.width], 1, facts.scale, [top, bottom], [left, right]);
  }
}
