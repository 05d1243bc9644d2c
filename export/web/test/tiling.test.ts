/** The tiler against `tests/vectors/tiles.json`: the same windows and the same stitched bytes as edgeir's own. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { plan, reflected, TilingError, type Plan } from "../src/tiling";

interface Case {
  height: number;
  width: number;
  scale: number;
  size_multiple: number;
  tile_multiple: number;
  receptive_radius: number;
  global: boolean;
  fixed: [number, number] | null;
  largest: number | null;
  mirrored: boolean;
  refused: boolean;
  rows?: number[][];
  columns?: number[][];
  sha256?: string;
}

const file = new URL("../../../tests/vectors/tiles.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf-8")) as { format: string; cases: Case[] };

function planned(c: Case): Plan {
  const facts = { ...c, global_operations: c.global ? ["image mean"] : [] };
  return plan(c.height, c.width, facts, { fixed: c.fixed, largest: c.largest, mirrored: c.mirrored });
}

function network(window: Uint8Array, height: number, width: number, radius: number, scale: number): Uint8Array {
  const at = (y: number, x: number) => (y < 0 || x < 0 || y >= height || x >= width ? 0 : window[y * width + x]);
  const out = new Uint8Array(height * scale * width * scale);
  const r = radius;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const q = at(y, x) + 3 * at(y - r, x) + 5 * at(y, x - r) + 7 * at(y + r, x + r);
      for (let i = 0; i < scale; i++)
        for (let j = 0; j < scale; j++)
          out[(y * scale + i) * width * scale + x * scale + j] = (q + 11 * i + 13 * j) & 255;
    }
  return out;
}

function stitched(p: Plan, c: Case): Uint8Array {
  const s = c.scale;
  const out = new Uint8Array(c.height * s * c.width * s);
  for (const row of p.rows.windows)
    for (const column of p.columns.windows) {
      const [height, width] = [row.stop - row.start, column.stop - column.start];
      const window = new Uint8Array(height * width);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const [v, u] = [reflected(row.start + y, c.height), reflected(column.start + x, c.width)];
          window[y * width + x] = (31 * v + 17 * u + ((v * u) % 251)) & 255;
        }
      const output = network(window, height, width, c.receptive_radius, s);
      for (let y = row.first * s; y < row.last * s; y++)
        for (let x = column.first * s; x < column.last * s; x++)
          out[y * c.width * s + x] = output[(y - row.start * s) * width * s + (x - column.start * s)];
    }
  return out;
}

test("there are 500 cases", () => {
  expect(vectors.format).toBe("edgeir-tiles-1");
  expect(vectors.cases.length).toBe(500);
});

test("windows and stitched bytes are those of edgeir's tiler", () => {
  for (const c of vectors.cases) {
    if (c.refused) {
      expect(() => planned(c), JSON.stringify(c)).toThrow(TilingError);
      continue;
    }
    const p = planned(c);
    const listed = [p.rows, p.columns].map((a) => a.windows.map((w) => [w.start, w.stop, w.first, w.last]));
    expect(listed, JSON.stringify(c)).toEqual([c.rows, c.columns]);
    expect(createHash("sha256").update(stitched(p, c)).digest("hex"), JSON.stringify(c)).toBe(c.sha256);
  }
});
