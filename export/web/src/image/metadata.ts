/** The ICC profile and EXIF of a JPEG, PNG or WebP file, made fit for the result: upright, without a thumbnail. */
import { joined, type Bytes } from "./bytes";
import type { Metadata } from "./photo";

export interface Found extends Metadata {
  /** A gray JPEG. */
  gray: boolean;
  /** EXIF's orientation, 1 to 8; 1 where there is none. */
  orientation: number;
}

export const NONE: Found = { icc: null, exif: null, gray: false, orientation: 1 };

const ORIENTATION = 0x0112;

export function jpegMetadata(bytes: Bytes): Found {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const profile: Bytes[] = [];
  let exif: Bytes | null = null;
  let gray = false;
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    const stop = at + 2 + view.getUint16(at + 2);
    if (marker === 0xda || stop > bytes.length) break;
    const body = bytes.subarray(at + 4, stop);
    if (marker === 0xe1 && exif === null && starts(body, "Exif\0\0")) exif = body.slice(6);
    if (marker === 0xe2 && starts(body, "ICC_PROFILE\0")) profile[body[12]] = body.subarray(14);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) gray = body[5] === 1;
    at = stop;
  }
  const parts = profile.filter((part) => part !== undefined);
  return finished(parts.length > 0 ? joined(parts) : null, exif, gray);
}

export function webpMetadata(bytes: Bytes): Found {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Record<string, Bytes> = {};
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    found[latin(bytes.subarray(at, at + 4))] = bytes.slice(at + 8, at + 8 + length);
    at += 8 + length + (length & 1);
  }
  const exif = found["EXIF"] ?? null;
  return finished(found["ICCP"] ?? null, exif !== null && starts(exif, "Exif\0\0") ? exif.slice(6) : exif, false);
}

export async function pngMetadata(chunks: Map<string, Bytes[]>): Promise<Found> {
  const profile = chunks.get("iCCP")?.[0];
  const end = profile?.indexOf(0) ?? -1;
  let icc: Bytes | null = null;
  if (profile !== undefined && end > 0) {
    const stream = new Blob([profile.slice(end + 2)]).stream().pipeThrough(new DecompressionStream("deflate"));
    icc = await new Response(stream).arrayBuffer().then((buffer) => new Uint8Array(buffer), () => null);
  }
  return finished(icc, chunks.get("eXIf")?.[0]?.slice() ?? null, false);
}

/** The profile, where it is one for the samples that the page has: RGB, or gray for a gray photo. */
export function fittingProfile(icc: Bytes | null, channels: 1 | 3): Bytes | null {
  if (icc === null || icc.length < 128 || latin(icc.subarray(36, 40)) !== "acsp") return null;
  return latin(icc.subarray(16, 20)) === (channels === 1 ? "GRAY" : "RGB ") ? icc : null;
}

function finished(icc: Bytes | null, exif: Bytes | null, gray: boolean): Found {
  const orientation = exif === null ? null : uprighted(exif);
  return { icc, exif: orientation === null ? null : exif, gray, orientation: orientation ?? 1 };
}

/** Sets the orientation to 1 and unlinks the thumbnail; gives the orientation it had, null for a damaged block. */
function uprighted(exif: Bytes): number | null {
  const little = latin(exif.subarray(0, 2)) === "II";
  if (exif.length < 14 || (!little && latin(exif.subarray(0, 2)) !== "MM")) return null;
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  const first = view.getUint32(4, little);
  if (first + 2 > exif.length) return null;
  const count = view.getUint16(first, little);
  const next = first + 2 + 12 * count;
  if (next + 4 > exif.length) return null;
  let orientation = 1;
  for (let at = first + 2; at < next; at += 12) {
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    orientation = view.getUint16(at + 8, little);
    view.setUint16(at + 8, 1, little);
  }
  const thumbnail = view.getUint32(next, little);
  view.setUint32(next, 0, little);
  if (thumbnail > next && thumbnail < exif.length) exif.fill(0, thumbnail); // it shows the photo before restoring
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

function starts(bytes: Bytes, text: string): boolean {
  return latin(bytes.subarray(0, text.length)) === text;
}

function latin(bytes: Bytes): string {
  return String.fromCharCode(...bytes);
}
