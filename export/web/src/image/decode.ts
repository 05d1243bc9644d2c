/**
 * A file to a `Photo`: PNG by the page's own decoder, everything else by the browser's, without its colour management.
 */
import { fittingProfile, jpegMetadata, NONE, pngMetadata, webpMetadata, type Found } from "./metadata";
import { isPng, pngChunks, readPng, tooLarge } from "./png_read";
import { PhotoError, type Photo } from "./photo";

/** Pixels of the largest photo that is opened. */
export const MAX_PIXELS = 100_000_000;
/** Rows that are read back from the canvas at once. */
const STRIP = 256;

export async function decodePhoto(file: Blob): Promise<Photo> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.length === 0) throw new PhotoError("the file is empty");
  if (isPng(bytes)) {
    const chunks = pngChunks(bytes);
    const found = await pngMetadata(chunks);
    const decoded = await readPng(chunks, MAX_PIXELS);
    if (decoded !== null) return completed(turned({ ...decoded, metadata: found, remarks: [] }, found.orientation), found);
    return completed(await byBrowser(file, found), found);
  }
  const found = metadataOf(bytes);
  return completed(await byBrowser(file, found), found);
}

function metadataOf(bytes: Uint8Array<ArrayBuffer>): Found {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegMetadata(bytes);
  const words = [bytes.subarray(0, 4), bytes.subarray(8, 12)].map((part) => String.fromCharCode(...part));
  return words[0] === "RIFF" && words[1] === "WEBP" ? webpMetadata(bytes) : NONE;
}

async function byBrowser(file: Blob, found: Found): Promise<Photo> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: "from-image",
    });
  } catch {
    throw new PhotoError("this browser cannot read it: it is no image that it knows, or it is damaged");
  }
  const { width, height } = bitmap;
  try {
    if (width * height > MAX_PIXELS) throw new PhotoError(tooLarge(width, height, MAX_PIXELS));
    return readBack(bitmap, found);
  } finally {
    bitmap.close();
  }
}

function readBack(bitmap: ImageBitmap, found: Found): Photo {
  const { width, height } = bitmap;
  const channels = found.gray ? 1 : 3;
  const samples = new Uint8Array(width * height * channels);
  let alpha: Uint8Array<ArrayBuffer> | null = null;
  const canvas = new OffscreenCanvas(width, Math.min(STRIP, height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new PhotoError("this browser gives no canvas to read the photo's pixels from");
  for (let first = 0; first < height; first += STRIP) {
    const rows = Math.min(STRIP, height - first);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -first);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let index = 0, at = first * width; index < data.length; index += 4, at++) {
      for (let c = 0; c < channels; c++) samples[at * channels + c] = data[index + c];
      if (data[index + 3] === 255 && alpha === null) continue;
      alpha ??= new Uint8Array(width * height).fill(255);
      alpha[at] = data[index + 3];
    }
  }
  const remarks = alpha === null ? [] : ["The browser rounded the colours of translucent pixels; a PNG keeps them."];
  return { width, height, channels, samples, alpha, top: 255, metadata: found, remarks };
}

function completed(photo: Photo, found: Found): Photo {
  const icc = fittingProfile(found.icc, photo.channels);
  const remarks = [...photo.remarks];
  if (found.icc !== null && icc === null) {
    remarks.push("The colour profile is not one of the pixels that the browser gives (CMYK, or damaged): it was left out.");
  }
  return { ...photo, metadata: { icc, exif: found.exif }, remarks };
}

/** Stored pixels upright, by EXIF's orientation. */
function turned(photo: Photo, orientation: number): Photo {
  if (orientation === 1) return photo;
  const swapped = orientation > 4;
  const [width, height] = swapped ? [photo.height, photo.width] : [photo.width, photo.height];
  const plane = <T extends Photo["samples"]>(source: T, channels: number): T => {
    const out = source.slice() as T;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const across = [2, 3, 6, 7].includes(orientation) ? width - 1 - x : x;
        const down = [3, 4, 7, 8].includes(orientation) ? height - 1 - y : y;
        const [v, u] = swapped ? [across, down] : [down, across];
        for (let c = 0; c < channels; c++) out[(y * width + x) * channels + c] = source[(v * photo.width + u) * channels + c];
      }
    return out;
  };
  const alpha = photo.alpha === null ? null : plane(photo.alpha, 1);
  return { ...photo, width, height, samples: plane(photo.samples, photo.channels), alpha };
}
