/** The photo before and after, one over the other, with a slider between them. */
import { element } from "./elements";

/** Pixels of a preview at most; the saved file has all of the result's. */
export const PREVIEW_PIXELS = 6_000_000;

export class Compare {
  private readonly stage = element("stage");
  private readonly frame = document.createElement("div");
  private readonly slider = document.createElement("input");
  private readonly labels = ["Before", "After"].map((text) => {
    const label = document.createElement("span");
    label.className = `label ${text.toLowerCase()}`;
    label.textContent = text;
    return label;
  });

  constructor() {
    this.frame.className = "frame";
    this.slider.type = "range";
    this.slider.min = "0";
    this.slider.max = "100";
    this.slider.value = "50";
    this.slider.id = "split";
    this.slider.setAttribute("aria-label", "Divider between the photo before and after");
    this.slider.oninput = () => this.split();
    this.stage.append(this.frame);
  }

  /** Empties the stage at once, so that no other photo is seen while the next one is decoded. */
  clear(): void {
    this.frame.replaceChildren();
    this.frame.dataset.photo = "";
  }

  /** `after` null: only the photo as it is. `done`: nothing of it shows through a result with transparent parts. */
  show(photo: number, before: HTMLCanvasElement, after: HTMLCanvasElement | null, name: string, done: boolean): void {
    this.frame.dataset.photo = String(photo);
    this.frame.dataset.done = String(done);
    before.className = "before";
    before.setAttribute("role", "img");
    before.setAttribute("aria-label", `${name}, before`);
    if (after === null) {
      this.frame.replaceChildren(before);
      return;
    }
    after.className = "after";
    after.setAttribute("role", "img");
    after.setAttribute("aria-label", `${name}, after`);
    this.frame.replaceChildren(before, after, ...this.labels, this.slider);
    this.frame.style.setProperty("--aspect", String(after.width / after.height));
    this.frame.style.setProperty("--wide", `${after.width}px`);
    this.split();
  }

  get after(): HTMLCanvasElement | null {
    return this.frame.querySelector("canvas.after");
  }

  zoom(actual: boolean): void {
    this.stage.dataset.zoom = actual ? "actual" : "fit";
  }

  private split(): void {
    this.frame.style.setProperty("--split", `${this.slider.value}%`);
    this.slider.setAttribute("aria-valuetext", `${this.slider.value} % before, the rest after`);
  }
}

/** A canvas that holds the image of `width` × `height` at no more than `PREVIEW_PIXELS`. */
export function previewCanvas(width: number, height: number): HTMLCanvasElement {
  const factor = Math.min(1, Math.sqrt(PREVIEW_PIXELS / (width * height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * factor));
  canvas.height = Math.max(1, Math.round(height * factor));
  return canvas;
}

/** Draws an image file, uprighted and with its samples as they are, over the whole canvas. */
export async function drawFile(canvas: HTMLCanvasElement, file: Blob): Promise<void> {
  const bitmap = await createImageBitmap(file, {
    colorSpaceConversion: "none",
    imageOrientation: "from-image",
    resizeWidth: canvas.width,
    resizeHeight: canvas.height,
    resizeQuality: "medium",
  });
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
}
