/**
 * `edgeir.json`, the manifest of a bundle, as far as the page needs it (`edgeir/manifest/bundle.py` has all of it).
 * What does not agree with the schema is refused in one line that names the place.
 */

export interface Facts {
  task: string;
  scale: number;
  input_kind: "lr" | "bicubic";
  colour: "rgb" | "y";
  size_multiple: number;
  tile_multiple: number;
  receptive_radius: number;
  global_operations: string[];
}

export interface Tensor {
  name: string;
  shape: (number | null)[];
  layout: "NHWC" | "NCHW";
  dtype: string;
}

export interface Golden {
  input: string;
  output: string;
  expected: string;
  max_abs_error: number;
  p99_abs_error: number;
}

export interface ModelFile {
  path: string;
  target: string;
  precision: string;
  input: Tensor;
  output: Tensor;
  bytes: number;
  golden: Golden | null;
  /** The only input height and width, null where it takes any. */
  size: [number, number] | null;
}

export interface Content {
  bytes: number;
  sha256: string;
}

export interface Manifest {
  source: string;
  facts: Facts;
  files: ModelFile[];
  contents: Record<string, Content>;
  licence: string | null;
}

export const MANIFEST_NAME = "edgeir.json";
export const MAX_MANIFEST_BYTES = 4 << 20;
const FORMAT = /^edgeir-bundle-(\d{1,9})$/;
const VERSION = 1;

/** A bundle that cannot be used; the message is one line for the user. */
export class BundleError extends Error {}

export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw damaged(`it is larger than ${MAX_MANIFEST_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw damaged("it is no JSON");
  }
  const top = object(value, "the manifest");
  checkFormat(top.format);
  const contents = readContents(top.contents);
  const files = array(top.files, "files").map((file, index) => readFile(object(file, `files[${index}]`), index));
  if (files.length === 0) throw damaged("`files` is empty");
  for (const file of files) {
    const named = file.golden ? [file.golden.input, file.golden.output, file.golden.expected] : [];
    for (const path of [file.path, ...named]) {
      const inside = Object.keys(contents).some((entry) => entry === path || entry.startsWith(`${path}/`));
      if (!inside) throw damaged(`\`contents\` does not list \`${path}\``);
    }
  }
  const licence = top.licence === null || top.licence === undefined ? null : text(top.licence, "licence");
  return { source: text(top.source, "source"), facts: readFacts(object(top.facts, "facts")), files, contents, licence };
}

function checkFormat(format: unknown): void {
  const found = typeof format === "string" ? FORMAT.exec(format) : null;
  if (found !== null && Number(found[1]) > VERSION) {
    throw new BundleError(
      `The bundle was made by a newer edgeir: its format is ${format}, this page reads edgeir-bundle-${VERSION}. ` +
        "Reload the page, or update edgeir.",
    );
  }
  if (found === null || Number(found[1]) !== VERSION) {
    throw new BundleError(
      `${MANIFEST_NAME} has the format ${JSON.stringify(format)}, which this page does not know. ` +
        "Make a bundle with `edgeir export --bundle`.",
    );
  }
}

function readFacts(facts: Record<string, unknown>): Facts {
  const operations = array(facts.global_operations ?? [], "facts.global_operations");
  return {
    task: text(facts.task, "facts.task"),
    scale: count(facts.scale, "facts.scale", 1, 64),
    input_kind: oneOf(facts.input_kind, "facts.input_kind", ["lr", "bicubic"] as const),
    colour: oneOf(facts.colour, "facts.colour", ["rgb", "y"] as const),
    size_multiple: count(facts.size_multiple, "facts.size_multiple", 1, 65536),
    tile_multiple: count(facts.tile_multiple, "facts.tile_multiple", 1, 65536),
    receptive_radius: count(facts.receptive_radius, "facts.receptive_radius", 0, 65536),
    global_operations: operations.map((name, index) => text(name, `facts.global_operations[${index}]`)),
  };
}

function readFile(file: Record<string, unknown>, index: number): ModelFile {
  const where = `files[${index}]`;
  const input = readTensor(array(file.inputs, `${where}.inputs`)[0], `${where}.inputs[0]`);
  const sizes = array(file.sizes ?? [], `${where}.sizes`);
  const [height, width] = input.layout === "NHWC" ? input.shape.slice(1, 3) : input.shape.slice(2, 4);
  const own: [number, number] | null = height === null || width === null ? null : [height, width];
  return {
    path: inside(file.path, `${where}.path`),
    target: text(file.target, `${where}.target`),
    precision: text(file.precision, `${where}.precision`),
    input,
    output: readTensor(array(file.outputs, `${where}.outputs`)[0], `${where}.outputs[0]`),
    bytes: count(file.bytes, `${where}.bytes`, 0, 2 ** 40),
    golden: file.golden === null || file.golden === undefined ? null : readGolden(object(file.golden, where), where),
    size: sizes.length > 0 ? pair(sizes[0], `${where}.sizes[0]`) : own,
  };
}

function readTensor(value: unknown, where: string): Tensor {
  const tensor = object(value, where);
  const shape = array(tensor.shape, `${where}.shape`).map((side, index) =>
    side === null ? null : count(side, `${where}.shape[${index}]`, 1, 1_000_000),
  );
  if (shape.length !== 4) throw damaged(`\`${where}.shape\` has ${shape.length} sides, not 4`);
  return {
    name: text(tensor.name, `${where}.name`),
    shape,
    layout: oneOf(tensor.layout, `${where}.layout`, ["NHWC", "NCHW"] as const),
    dtype: text(tensor.dtype, `${where}.dtype`),
  };
}

function readGolden(golden: Record<string, unknown>, where: string): Golden {
  return {
    input: inside(golden.input, `${where}.golden.input`),
    output: inside(golden.output, `${where}.golden.output`),
    expected: inside(golden.expected, `${where}.golden.expected`),
    max_abs_error: positive(golden.max_abs_error, `${where}.golden.max_abs_error`),
    p99_abs_error: positive(golden.p99_abs_error, `${where}.golden.p99_abs_error`),
  };
}

function readContents(value: unknown): Record<string, Content> {
  const result: Record<string, Content> = Object.create(null);
  for (const [path, entry] of Object.entries(object(value, "contents"))) {
    const { bytes, sha256 } = object(entry, `contents.${path}`);
    const hash = text(sha256, `contents.${path}.sha256`);
    if (!/^[0-9a-f]{64}$/.test(hash)) throw damaged(`\`contents.${path}.sha256\` is no SHA-256`);
    result[inside(path, `contents.${path}`)] = { bytes: count(bytes, `contents.${path}.bytes`, 0, 2 ** 40), sha256: hash };
  }
  return result;
}

function damaged(what: string): BundleError {
  return new BundleError(`${MANIFEST_NAME} is damaged: ${what}. Get the bundle again, or export it again.`);
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(`\`${where}\` is no object`);
  return value as Record<string, unknown>;
}

function array(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw damaged(`\`${where}\` is no list`);
  return value;
}

function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw damaged(`\`${where}\` is no text`);
  return value;
}

function count(value: unknown, where: string, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw damaged(`\`${where}\` is ${JSON.stringify(value)}, not a whole number from ${least} to ${most}`);
  }
  return value;
}

function positive(value: unknown, where: string): number {
  if (typeof value !== "number" || !(value > 0)) throw damaged(`\`${where}\` is no number above 0`);
  return value;
}

function oneOf<T extends string>(value: unknown, where: string, known: readonly T[]): T {
  if (!known.includes(value as T)) throw damaged(`\`${where}\` is ${JSON.stringify(value)}, not ${known.join(" or ")}`);
  return value as T;
}

function pair(value: unknown, where: string): [number, number] {
  const [height, width] = array(value, where);
  return [count(height, where, 1, 1_000_000), count(width, where, 1, 1_000_000)];
}

function inside(value: unknown, where: string): string {
  const path = text(value, where);
  const parts = path.split("/");
  if (/[\\:\p{Cc}]/u.test(path) || parts.some((part) => part === "" || part === "." || part === "..")) {
    throw damaged(`\`${where}\` is ${JSON.stringify(path)}, which is no path inside the bundle`);
  }
  return path;
}
