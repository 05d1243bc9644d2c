/** A decoded photo: integer samples as the file holds them, alpha apart, and what is written back beside the pixels. */

export type Samples = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

export interface Metadata {
  /** ICC profile of the samples. */
  icc: Uint8Array<ArrayBuffer> | null;
  /** A TIFF block of EXIF tags, orientation 1. */
  exif: Uint8Array<ArrayBuffer> | null;
}

export interface Photo {
  width: number;
  height: number;
  /** 1 for gray, 3 for RGB, interleaved. */
  channels: 1 | 3;
  samples: Samples;
  /** Straight (not premultiplied) alpha, null for an opaque photo. */
  alpha: Samples | null;
  /** 255 or 65535. */
  top: number;
  metadata: Metadata;
  /** What the browser could not keep, one sentence each. */
  remarks: string[];
}

/** A photo that cannot be read or restored; the message is for the user. */
export class PhotoError extends Error {}

export function emptyLike(samples: Samples, length: number): Samples {
  return samples instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
}
