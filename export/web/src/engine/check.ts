/** The golden image of a bundle: an engine is trusted once it computes what the file computed at its export. */
import type { Bundle } from "../bundle/bundle";
import type { ModelFile } from "../bundle/manifest";
import { parseNpy, type Floats } from "../bundle/npy";
import type { Engine } from "./engine";

/** Half a level of 8 bits and a whole one: what another kernel's rounding may add to the file's own gate. */
const ADDED = { p99: 0.5 / 255, max: 1 / 255 };

export interface CheckReport {
  trusted: boolean;
  /** One sentence. */
  what: string;
  max_abs_error: number | null;
  p99_abs_error: number | null;
}

export interface GoldenArrays {
  input: Floats;
  expected: Floats;
}

export async function readGolden(bundle: Bundle, file: ModelFile): Promise<GoldenArrays | null> {
  if (file.golden === null) return null;
  const [input, expected] = await Promise.all([bundle.read(file.golden.input), bundle.read(file.golden.expected)]);
  return { input: parseNpy(input, file.golden.input), expected: parseNpy(expected, file.golden.expected) };
}

/** The engine's output on the golden input against what the network makes of it. */
export async function checkGolden(engine: Engine, file: ModelFile, golden: GoldenArrays): Promise<CheckReport> {
  const [height, width] = sidesOf(file, golden.input.shape);
  const output = await engine.run(golden.input.data.slice(), height, width);
  if (output.length !== golden.expected.data.length) {
    return { trusted: false, what: "its output has another size than the golden one", max_abs_error: null, p99_abs_error: null };
  }
  return compare(output, golden.expected.data, file.golden?.max_abs_error ?? 0, file.golden?.p99_abs_error ?? 0);
}

/** `output` against `expected`, with the gates of the file and what a browser's kernels may add. */
export function compare(output: Float32Array, expected: Float32Array, maxGate: number, p99Gate: number): CheckReport {
  const errors = new Float32Array(output.length);
  for (let index = 0; index < output.length; index++) {
    const error = Math.abs(output[index] - expected[index]);
    errors[index] = Number.isNaN(error) ? Infinity : error;
  }
  errors.sort();
  const [max, p99] = [errors[errors.length - 1], errors[Math.ceil(0.99 * (errors.length - 1))]];
  const trusted = max <= maxGate + ADDED.max && p99 <= p99Gate + ADDED.p99;
  const what = `${trusted ? "checked" : "wrong"} on the golden image: at most ${(255 * max).toFixed(3)} of 255 levels off`;
  return { trusted, what, max_abs_error: max, p99_abs_error: p99 };
}

/** A picture of smooth and sharp parts, for a file without a golden image. */
export function madeUp(file: ModelFile, height: number, width: number): Float32Array<ArrayBuffer> {
  const channels = file.input.shape[file.input.layout === "NHWC" ? 3 : 1] ?? 3;
  const data = new Float32Array(height * width * channels);
  for (let index = 0; index < data.length; index++) {
    data[index] = 0.5 + 0.3 * Math.sin(index / 7) + ((index >> 5) % 2 === 0 ? 0.15 : -0.15);
  }
  return data;
}

export function sidesOf(file: ModelFile, shape: number[]): [number, number] {
  return file.input.layout === "NHWC" ? [shape[1], shape[2]] : [shape[2], shape[3]];
}
