/** A bundle from a folder that is served, a `.zip` or a folder that the user chose; every file is checked on reading. */
import { BundleError, MANIFEST_NAME, MAX_MANIFEST_BYTES, parseManifest, type Manifest } from "./manifest";
import { Zip } from "./zip";

/** Where a bundle's files come from; null: there is no such file. */
export interface Source {
  read(path: string, most: number): Promise<Uint8Array | null>;
}

export class Bundle {
  private constructor(
    readonly manifest: Manifest,
    private readonly source: Source,
  ) {}

  static async open(source: Source): Promise<Bundle> {
    const bytes = await source.read(MANIFEST_NAME, MAX_MANIFEST_BYTES);
    if (bytes === null) {
      throw new BundleError(`There is no ${MANIFEST_NAME} here, so this is no bundle. \`edgeir export --bundle\` makes one.`);
    }
    return new Bundle(parseManifest(bytes), source);
  }

  /** A file of the bundle, of the size and with the checksum that the manifest has. */
  async read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const stated = this.manifest.contents[path];
    if (stated === undefined) throw new BundleError(`\`${path}\` is no file of the bundle.`);
    const bytes = await this.source.read(path, stated.bytes);
    if (bytes === null) throw new BundleError(`\`${path}\` is missing from the bundle. Get the bundle again.`);
    if (bytes.length !== stated.bytes || (await sha256(bytes)) !== stated.sha256) {
      throw new BundleError(`\`${path}\` is damaged: its checksum is not that of ${MANIFEST_NAME}. Get the bundle again.`);
    }
    return bytes as Uint8Array<ArrayBuffer>;
  }
}

/** The folder at `base`, served by the page's own server. */
export function served(base: URL): Source {
  return {
    async read(path, most) {
      const url = new URL(path.split("/").map(encodeURIComponent).join("/"), base);
      const answer = await fetch(url);
      if (answer.status === 404) return null;
      if (!answer.ok) throw new BundleError(`The server answered ${answer.status} for \`${path}\`.`);
      const length = Number(answer.headers.get("content-length") ?? 0);
      if (length > most) throw new BundleError(`\`${path}\` is damaged: it is larger than ${most} bytes.`);
      return new Uint8Array(await answer.arrayBuffer());
    },
  };
}

/** A zip; the bundle may lie in one folder of it. */
export async function zipped(blob: Blob): Promise<Source> {
  const zip = await Zip.open(blob);
  const prefix = folderOf(zip.paths);
  return { read: (path, most) => zip.read(prefix + path, most) };
}

/** The files of a folder that the user chose. */
export function chosen(files: readonly File[]): Source {
  const byPath = new Map(files.map((file) => [file.webkitRelativePath || file.name, file]));
  const prefix = folderOf([...byPath.keys()]);
  return {
    async read(path, most) {
      const file = byPath.get(prefix + path);
      if (file === undefined) return null;
      if (file.size > most) throw new BundleError(`\`${path}\` is damaged: it is larger than ${most} bytes.`);
      return new Uint8Array(await file.arrayBuffer());
    },
  };
}

function folderOf(paths: string[]): string {
  const found = paths.filter((path) => path === MANIFEST_NAME || path.endsWith(`/${MANIFEST_NAME}`));
  found.sort((a, b) => a.length - b.length);
  return found.length > 0 ? found[0].slice(0, -MANIFEST_NAME.length) : "";
}

async function sha256(bytes: Uint8Array): Promise<string> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new BundleError("Checksums can only be checked on https or localhost: open the page by one of them.");
  }
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
