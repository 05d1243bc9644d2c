/**
 * Bicubic enlargement as MATLAB's `imresize` and `edgeir/imaging/resize.py` do it: Keys' kernel with a = -0.5, symmetric
 * border, rows then columns, samples rounded after each direction.
 */
import { emptyLike, type Samples } from "./photo";
import { reflected } from "../tiling";

const TAPS = 4;

interface Taps {
  indices: Int32Array;
  weights: Float32Array;
}

/** The part [rows) × [columns) of the enlarged plane or interleaved image, in the samples' own type. */
export function enlarge(
  samples: Samples,
  size: readonly [number, number],
  channels: number,
  scale: number,
  rows: readonly [number, number],
  columns: readonly [number, number],
): Samples {
  const [height, width] = size;
  const down = taps(height, scale, rows);
  const across = taps(width, scale, columns);
  const left = across.indices.reduce((least, index) => Math.min(least, index), width);
  const right = across.indices.reduce((most, index) => Math.max(most, index), 0) + 1;
  const [high, wide, needed] = [rows[1] - rows[0], columns[1] - columns[0], (right - left) * channels];
  const limit = samples instanceof Uint16Array ? 65535 : 255;
  const upright = emptyLike(samples, high * needed);
  for (let y = 0; y < high; y++)
    for (let x = 0; x < needed; x++) {
      let sum = 0;
      for (let tap = 0; tap < TAPS; tap++) {
        const row = down.indices[TAPS * y + tap];
        sum += down.weights[TAPS * y + tap] * samples[(row * width + left) * channels + x];
      }
      upright[y * needed + x] = Math.min(Math.max(Math.floor(sum + 0.5), 0), limit);
    }
  const out = emptyLike(samples, high * wide * channels);
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++)
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let tap = 0; tap < TAPS; tap++) {
          const column = across.indices[TAPS * x + tap] - left;
          sum += across.weights[TAPS * x + tap] * upright[y * needed + column * channels + c];
        }
        out[(y * wide + x) * channels + c] = Math.min(Math.max(Math.floor(sum + 0.5), 0), limit);
      }
  return out;
}

function taps(size: number, scale: number, span: readonly [number, number]): Taps {
  const count = span[1] - span[0];
  const [indices, weights] = [new Int32Array(TAPS * count), new Float32Array(TAPS * count)];
  for (let at = 0; at < count; at++) {
    const centre = (span[0] + at + 1) / scale + 0.5 * (1 - 1 / scale) - 1;
    const first = Math.floor(centre) - 1;
    const drawn = Array.from({ length: TAPS }, (_, tap) => keys(centre - (first + tap)));
    const total = drawn.reduce((sum, weight) => sum + weight, 0);
    for (let tap = 0; tap < TAPS; tap++) {
      indices[TAPS * at + tap] = reflected(first + tap, size);
      weights[TAPS * at + tap] = drawn[tap] / total;
    }
  }
  return { indices, weights };
}

function keys(distance: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
  return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
}
