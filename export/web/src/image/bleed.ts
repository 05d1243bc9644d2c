/**
 * Colours for pixels that are fully transparent (`edgeir/restoring/transparency.py`): that of the nearest visible pixel
 * wherever a visible result depends on them, the mean of the visible pixels elsewhere. Otherwise the black that files
 * hold there gives a dark rim inside the edge of a sprite.
 */
import { emptyLike, type Photo, type Samples } from "./photo";

const FAR = 2 ** 30;
/** Pixels that bicubic enlargement reads on each side. */
export const KERNEL_REACH = 2;

/** The photo's samples with such colours, as a copy; the samples themselves where there is nothing to replace. */
export function bleed(photo: Photo, radius: number): Samples {
  const { alpha, samples, channels, width, height } = photo;
  if (alpha === null) return samples;
  let hidden = 0;
  for (const value of alpha) if (value === 0) hidden++;
  if (hidden === 0 || hidden === alpha.length) return samples;
  const mean = meanVisible(photo);
  const reach = Math.ceil(Math.SQRT2 * (radius + KERNEL_REACH));
  const nearest = nearestVisible(alpha, width, height);
  const out = emptyLike(samples, samples.length);
  out.set(samples);
  for (let at = 0; at < alpha.length; at++) {
    if (alpha[at] !== 0) continue;
    const from = nearest[at];
    const [dy, dx] = [Math.floor(from / width) - Math.floor(at / width), (from % width) - (at % width)];
    const near = dy * dy + dx * dx <= reach * reach;
    for (let c = 0; c < channels; c++) out[at * channels + c] = near ? samples[from * channels + c] : mean[c];
  }
  return out;
}

function meanVisible(photo: Photo): number[] {
  const { alpha, samples, channels } = photo;
  const sums = new Array<number>(channels).fill(0);
  let count = 0;
  for (let at = 0; at < samples.length / channels; at++) {
    if (alpha === null || alpha[at] === 0) continue;
    for (let c = 0; c < channels; c++) sums[c] += samples[at * channels + c];
    count++;
  }
  return sums.map((sum) => Math.round(sum / count));
}

/** For every pixel the index of the nearest visible one, by Euclidean distance: columns first, then along the rows. */
function nearestVisible(alpha: Samples, width: number, height: number): Int32Array {
  const row = new Int32Array(width * height).fill(-1); // the nearest visible row in the same column
  for (let x = 0; x < width; x++) {
    for (let y = 0, last = -1; y < height; y++) {
      if (alpha[y * width + x] !== 0) last = y;
      row[y * width + x] = last;
    }
    for (let y = height - 1, last = -1; y >= 0; y--) {
      if (alpha[y * width + x] !== 0) last = y;
      const above = row[y * width + x];
      if (last >= 0 && (above < 0 || last - y < y - above)) row[y * width + x] = last;
    }
  }
  const nearest = new Int32Array(width * height);
  for (let y = 0; y < height; y++) alongRow(row, nearest, y, width);
  return nearest;
}

/** The lower envelope of parabolas (Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", 2012). */
function alongRow(row: Int32Array, nearest: Int32Array, y: number, width: number): void {
  const height = (x: number) => (row[y * width + x] < 0 ? FAR : (row[y * width + x] - y) ** 2);
  const places = new Int32Array(width);
  const starts = new Float64Array(width + 1);
  let last = 0;
  starts[0] = -Infinity;
  starts[1] = Infinity;
  for (let x = 1; x < width; x++) {
    let meeting: number;
    for (;;) {
      const place = places[last];
      meeting = (height(x) + x * x - (height(place) + place * place)) / (2 * (x - place));
      if (meeting > starts[last]) break;
      last--;
    }
    places[++last] = x;
    starts[last] = meeting;
    starts[last + 1] = Infinity;
  }
  for (let x = 0, at = 0; x < width; x++) {
    while (starts[at + 1] < x) at++;
    nearest[y * width + x] = row[y * width + places[at]] * width + places[at];
  }
}
