/** Arrays of bytes. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** One array of all, in order. */
export function joined(parts: Bytes[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
