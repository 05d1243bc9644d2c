/** Photos in, photos out: one is restored after the other, and the one that is selected is shown. */
import { Cancelled } from "../engine/worker_client";
import type { Restorer } from "../restorer";
import type { Tile } from "../restore";
import { Compare, drawFile, previewCanvas, PREVIEW_PIXELS } from "./compare";
import { showDetails } from "./details";
import { element, picked, show } from "./elements";
import { Photos, savedName, type Entry } from "./photos";

export class App {
  private restorer: Restorer | null = null;
  private selected: Entry | null = null;
  private running: Entry | null = null;
  /** Of the photo that was decoded last. */
  private kept: { entry: Entry; canvas: HTMLCanvasElement } | null = null;
  /** The one that runs is shown, until the user selects another. */
  private follows = true;
  private readonly compare = new Compare();
  private readonly photos = new Photos(
    () => this.selected,
    (entry) => void this.select(entry),
  );

  constructor() {
    const choose = async () => this.add(await picked("photo-input"));
    element("choose").onclick = choose;
    element("add").onclick = choose;
    element("cancel").onclick = () => this.cancel();
    element("save-all").onclick = () => this.saveAll();
    element("zoom").onclick = () => this.zoom();
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.running !== null) this.cancel();
    });
    document.addEventListener("paste", (event) => this.add([...(event.clipboardData?.files ?? [])]));
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("over");
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) document.body.classList.remove("over");
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("over");
      this.add([...(event.dataTransfer?.files ?? [])]);
    });
  }

  /** The engine for the photos from now on; null while another one is loading. */
  use(restorer: Restorer | null): void {
    if (restorer === null) this.cancel();
    this.restorer = restorer;
    element<HTMLButtonElement>("choose").disabled = restorer === null;
    void this.work();
  }

  add(files: File[]): void {
    if (files.length === 0) return;
    const entries = files.map((file) => this.photos.add(file));
    show(element("welcome"), false);
    show(element("viewer"), true);
    show(element("side"), true);
    if (this.running === null) {
      this.follows = true;
      void this.select(entries[0]);
    }
    this.photos.render();
    void this.work();
  }

  private async work(): Promise<void> {
    const entry = this.photos.waiting;
    const restorer = this.restorer;
    if (entry === undefined || restorer === null || this.running !== null) return;
    this.running = entry;
    entry.state = "running";
    entry.started = performance.now();
    if (this.follows) await this.select(entry);
    try {
      await this.restore(entry, restorer);
    } catch (error) {
      entry.state = error instanceof Cancelled ? "cancelled" : "failed";
      entry.error = error instanceof Error ? error.message : String(error);
      entry.after = null;
    }
    this.running = null;
    this.follows = this.selected === entry;
    if (this.follows) await this.select(entry);
    else if (entry.result !== null) entry.after = null;
    this.photos.render();
    void this.work();
  }

  private async restore(entry: Entry, restorer: Restorer): Promise<void> {
    const watcher = {
      decoded: (width: number, height: number) => {
        entry.after = previewCanvas(width, height);
        entry.after.dataset.scale = String(entry.after.width / width);
        if (this.selected === entry) void this.select(entry);
      },
      progress: (done: number, total: number) => {
        entry.progress = done / total;
        this.photos.render();
        this.report();
      },
      tile: (tile: Tile) => {
        paint(entry.after, tile);
        entry.shown ??= performance.now();
      },
    };
    const result = await restorer.restore(entry.file, watcher, (why) => entry.notes.push(why));
    entry.notes.push(...result.remarks);
    entry.result = result;
    entry.state = "done";
    entry.url = URL.createObjectURL(result.blob);
    if (result.width * result.height > PREVIEW_PIXELS && entry.after !== null) {
      entry.preview = await new Promise((resolve) => entry.after?.toBlob(resolve, "image/webp", 0.95));
    }
  }

  /** Shows a photo. The stage is emptied first, and whatever is ready too late for another one is dropped. */
  private async select(entry: Entry): Promise<void> {
    const previous = this.selected;
    if (previous !== entry && previous !== null && previous !== this.running) previous.after = null;
    this.selected = entry;
    this.photos.render();
    this.report();
    showDetails(entry, this.restorer);
    if (previous !== entry) this.compare.clear();
    const current = () => this.selected === entry;
    try {
      const before = await this.before(entry);
      if (!current()) return;
      if (entry.after === null && entry.result !== null) {
        const after = previewCanvas(entry.result.width, entry.result.height);
        await drawFile(after, entry.preview ?? entry.result.blob);
        if (!current()) return;
        entry.after = after;
      }
      const shown = entry.state === "running" || entry.state === "done" ? entry.after : null;
      this.compare.show(entry.id, before, shown, entry.file.name, entry.state === "done");
    } catch {
      if (current()) this.compare.clear(); // a file that is no image; the restoration says so
    }
  }

  private async before(entry: Entry): Promise<HTMLCanvasElement> {
    if (this.kept?.entry === entry) return this.kept.canvas;
    const bitmap = await createImageBitmap(entry.file, { colorSpaceConversion: "none", imageOrientation: "from-image" });
    const { width, height } = bitmap;
    const canvas = previewCanvas(width, height);
    const context = canvas.getContext("2d");
    context?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    this.kept = { entry, canvas };
    return canvas;
  }

  private report(): void {
    const entry = this.selected;
    if (entry === null) return;
    const texts = {
      waiting: this.restorer === null ? "Waiting for the model" : "Waiting for the photo before it",
      running: "Restoring…",
      done: "Restored",
      cancelled: "Cancelled",
      failed: `${entry.file.name}: ${entry.error}`,
    };
    const status = element("status");
    if (status.textContent !== texts[entry.state]) status.textContent = texts[entry.state];
    status.dataset.state = entry.state;
    const bar = element<HTMLProgressElement>("progress");
    bar.value = entry.progress;
    show(bar, entry.state === "running");
    show(element("cancel"), this.running !== null);
    const save = element<HTMLAnchorElement>("save");
    show(save, entry.state === "done");
    save.href = entry.url;
    save.download = savedName(entry.file);
  }

  private cancel(): void {
    if (this.running !== null) this.restorer?.cancel();
  }

  private zoom(): void {
    const button = element("zoom");
    const actual = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(actual));
    this.compare.zoom(actual);
  }

  private saveAll(): void {
    for (const entry of this.photos.entries) {
      if (entry.result === null) continue;
      const link = document.createElement("a");
      link.href = entry.url;
      link.download = savedName(entry.file);
      link.click();
    }
  }
}

/** A window's result into the preview, at the preview's scale. */
function paint(canvas: HTMLCanvasElement | null, tile: Tile): void {
  const context = canvas?.getContext("2d");
  if (!canvas || !context || tile.width === 0 || tile.height === 0) return;
  const image = new ImageData(tile.rgba, tile.width, tile.height);
  const scale = Number(canvas.dataset.scale);
  if (scale === 1) {
    context.putImageData(image, tile.x, tile.y);
    return;
  }
  const whole = new OffscreenCanvas(tile.width, tile.height);
  whole.getContext("2d")?.putImageData(image, 0, 0);
  const [left, top] = [Math.floor(tile.x * scale), Math.floor(tile.y * scale)];
  const [right, bottom] = [Math.ceil((tile.x + tile.width) * scale), Math.ceil((tile.y + tile.height) * scale)];
  context.imageSmoothingQuality = "medium";
  context.clearRect(left, top, right - left, bottom - top);
  context.drawImage(whole, left, top, right - left, bottom - top);
}
