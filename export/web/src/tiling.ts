/**
 * Cuts an image into overlapping windows whose results put together equal one run over the whole image.
 *
 * The same algorithm as `edgeir/restoring/tiling.py`, which explains it; both are tested against
 * `tests/vectors/tiles.json`. All lengths are pixels of the network's own input.
 */

/** One window along one axis: it reads [start, stop), gives [first, last). */
export interface Window {
  start: number;
  stop: number;
  first: number;
  last: number;
}

/** The windows along one axis; together they read [begin, end) of an image that has the pixels [0, length). */
export interface Axis {
  length: number;
  begin: number;
  end: number;
  windows: Window[];
}

export interface Plan {
  rows: Axis;
  columns: Axis;
}

/** What the tiler needs to know of a network (`edgeir/manifest/facts.py`). */
export interface TilingFacts {
  size_multiple: number;
  tile_multiple: number;
  receptive_radius: number;
  global_operations: readonly string[];
}

export interface PlanOptions {
  /** Height and width, where the network takes one size only. */
  fixed: readonly [number, number] | null;
  /** Side of the largest window where it takes any; null: one window. */
  largest: number | null;
  /** Continue the image beyond its border by the receptive radius. */
  mirrored: boolean;
}

/** The window is too small, or the network reads the whole image. */
export class TilingError extends Error {}

export function plan(height: number, width: number, facts: TilingFacts, options: PlanOptions): Plan {
  const { fixed, largest, mirrored } = options;
  const global = facts.global_operations.length > 0;
  const exact = global && fixed !== null && fixed[0] === height && fixed[1] === width;
  const margin = mirrored && !exact ? facts.receptive_radius : 0;
  let sides: readonly [number | null, number | null] = [largest, largest];
  if (fixed !== null) {
    sides = fixed;
  } else if (largest !== null) {
    const [high, wide] = [height, width].map((length) => endOf(length, margin, facts) - beginOf(margin, facts));
    const area = largest * largest;
    sides = [Math.max(largest, Math.floor(area / wide)), Math.max(largest, Math.floor(area / high))];
  }
  const rows = axis(height, sides[0], facts, margin, fixed !== null);
  const columns = axis(width, sides[1], facts, margin, fixed !== null);
  const tiled = rows.windows.length * columns.windows.length > 1;
  if (global && (tiled || (fixed !== null && !exact))) {
    throw new TilingError(
      `the network reads the whole image (${facts.global_operations.join(", ")}), so a photo of ${width}×${height} ` +
        "cannot be run in tiles; export it with --statistics constant",
    );
  }
  return { rows, columns };
}

/** Height and width of every window. */
export function windowSize(plan: Plan): [number, number] {
  const [row, column] = [plan.rows.windows[0], plan.columns.windows[0]];
  return [row.stop - row.start, column.stop - column.start];
}

/** Windows start at multiples of this. */
export function tileStep(facts: TilingFacts): number {
  return (facts.size_multiple / gcd(facts.size_multiple, facts.tile_multiple)) * facts.tile_multiple;
}

/** The pixel of an axis of `size` pixels at `index`: beyond an end they come back, the last one first. */
export function reflected(index: number, size: number): number {
  const inside = modulo(index, 2 * size);
  return inside >= size ? 2 * size - 1 - inside : inside;
}

function axis(length: number, wanted: number | null, facts: TilingFacts, margin: number, fixed: boolean): Axis {
  const multiple = tileStep(facts);
  const radius = facts.receptive_radius;
  let begin = beginOf(margin, facts);
  let end = endOf(length, margin, facts);
  if (wanted === null || wanted >= end - begin) {
    if (fixed && wanted !== null) end = begin + wanted;
    return single(length, begin, end);
  }
  let side = wanted;
  if (!fixed) side -= modulo(side - (end - begin), multiple); // sides of this remainder end at the border
  const step = down(side - 2 * radius, multiple);
  if (step < 1 && fixed && side >= up(length, facts.size_multiple)) {
    begin = 0 - down(Math.floor((side - length) / 2), multiple); // as much of the margin as it holds
    return single(length, begin, begin + side);
  }
  if (step < 1) {
    const least = up(2 * radius + multiple - (end - begin), multiple) + end - begin;
    throw new TilingError(
      `a window of ${side} pixels is too small for the network, whose receptive radius is ${radius}; ` +
        `use at least ${least} pixels`,
    );
  }
  if (fixed) end = begin + side + up(end - begin - side, multiple);
  const count = 1 + Math.ceil((end - begin - side) / step);
  if (!fixed) side = smallest(side, end - begin, count, multiple, radius);
  return spread(length, begin, end, side, count, multiple);
}

/** `count` windows of `side` pixels over [begin, end); each gives its pixels up to the middle of the overlap. */
function spread(length: number, begin: number, end: number, side: number, count: number, multiple: number): Axis {
  const last = Math.floor((end - begin - side) / multiple);
  const starts: number[] = [];
  for (let index = 0; index < count; index++) {
    starts.push(begin + Math.floor((last * index) / (count - 1)) * multiple);
  }
  const cuts = [0];
  for (let index = 1; index < count; index++) {
    const middle = Math.floor((starts[index - 1] + side + starts[index]) / 2);
    cuts.push(Math.min(Math.max(middle, 0), length));
  }
  cuts.push(length);
  const windows = starts.map((start, index) => ({
    start,
    stop: start + side,
    first: cuts[index],
    last: cuts[index + 1],
  }));
  return { length, begin, end, windows };
}

/** The smallest side at which `count` windows, starting at multiples, cover `extent` pixels. */
function smallest(side: number, extent: number, count: number, multiple: number, radius: number): number {
  const least = Math.ceil((extent + (count - 1) * 2 * radius) / count);
  let result = Math.min(side, up(least - extent, multiple) + extent);
  while (down(result - 2 * radius, multiple) * (count - 1) + result < extent) result += multiple;
  return result;
}

function single(length: number, begin: number, end: number): Axis {
  return { length, begin, end, windows: [{ start: begin, stop: end, first: 0, last: length }] };
}

function beginOf(margin: number, facts: TilingFacts): number {
  return 0 - up(margin, tileStep(facts)); // no negative zero
}

function endOf(length: number, margin: number, facts: TilingFacts): number {
  return up(length + margin, facts.size_multiple);
}

function up(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

function down(value: number, multiple: number): number {
  return Math.floor(value / multiple) * multiple;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
