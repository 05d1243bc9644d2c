/** Reads NumPy's `.npy` files of little-endian float32, the golden arrays of a bundle. */
import { BundleError } from "./manifest";

export interface Floats {
  shape: number[];
  data: Float32Array<ArrayBuffer>;
}

export function parseNpy(bytes: Uint8Array<ArrayBuffer>, path: string): Floats {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (!magic.every((byte, index) => bytes[index] === byte)) throw new BundleError(`\`${path}\` is no .npy file.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const long = bytes[6] > 1;
  const start = long ? 12 : 10;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, start + length));
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header);
  if (!/'descr':\s*'<f4'/.test(header) || !/'fortran_order':\s*False/.test(header) || shape === null) {
    throw new BundleError(`\`${path}\` holds no float32 array in C order.`);
  }
  const sides = shape[1].split(",").filter((side) => side.trim() !== "").map(Number);
  const size = sides.reduce((product, side) => product * side, 1);
  const content = bytes.slice(start + length);
  if (content.length !== 4 * size) throw new BundleError(`\`${path}\` is cut off.`);
  return { shape: sides, data: new Float32Array(content.buffer as ArrayBuffer) as Float32Array<ArrayBuffer> };
}
