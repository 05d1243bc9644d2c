/** The user's photos, their states, and the list that shows them. */
import type { Finished } from "../messages";
import { element, show } from "./elements";
import { bytes } from "./format";

export type State = "waiting" | "running" | "done" | "failed" | "cancelled";

export interface Entry {
  id: number;
  file: File;
  state: State;
  /** 0 to 1 while it runs. */
  progress: number;
  error: string;
  notes: string[];
  result: Finished | null;
  /** When its turn came (at once, where nothing else runs), and when its first tile was shown, in milliseconds. */
  started: number;
  shown: number | null;
  /** Of the result, once its size is known; null again when it is not in view. */
  after: HTMLCanvasElement | null;
  /** The preview of a large result, which is not decoded again. */
  preview: Blob | null;
  url: string;
}

const WORDS: Record<State, string> = {
  waiting: "Waiting",
  running: "Restoring",
  done: "Restored",
  failed: "Failed",
  cancelled: "Cancelled",
};

export class Photos {
  readonly entries: Entry[] = [];
  private next = 0;
  private readonly list = element<HTMLUListElement>("photos");

  constructor(
    private readonly selected: () => Entry | null,
    private readonly select: (entry: Entry) => void,
  ) {}

  add(file: File): Entry {
    const blank = { error: "", notes: [], result: null, started: 0, shown: null, after: null, preview: null, url: "", progress: 0 };
    const entry: Entry = { id: this.next++, file, state: "waiting", ...blank };
    this.entries.push(entry);
    return entry;
  }

  get waiting(): Entry | undefined {
    return this.entries.find((entry) => entry.state === "waiting");
  }

  render(): void {
    for (const entry of this.entries) {
      const item = this.item(entry);
      const button = item.firstElementChild as HTMLButtonElement;
      const current = this.selected() === entry;
      button.setAttribute("aria-current", String(current));
      item.dataset.state = entry.state;
      const percent = entry.state === "running" ? ` ${Math.round(100 * entry.progress)} %` : "";
      (button.querySelector(".how") as HTMLElement).textContent = WORDS[entry.state] + percent;
      (button.querySelector(".fill") as HTMLElement).style.width = `${100 * (entry.state === "running" ? entry.progress : 0)}%`;
    }
    show(element("save-all"), this.entries.filter((entry) => entry.result !== null).length > 1);
  }

  private item(entry: Entry): HTMLElement {
    const known = document.getElementById(`photo-${entry.id}`);
    if (known !== null) return known;
    const item = document.createElement("li");
    item.id = `photo-${entry.id}`;
    const button = document.createElement("button");
    button.type = "button";
    for (const [name, text] of [["name", entry.file.name], ["size", bytes(entry.file.size)], ["how", ""], ["fill", ""]]) {
      const part = document.createElement("span");
      part.className = name;
      part.textContent = text;
      button.append(part);
    }
    button.onclick = () => this.select(entry);
    item.append(button);
    this.list.append(item);
    return item;
  }
}

/** The file name of the result. */
export function savedName(file: File): string {
  return `${file.name.replace(/\.[^.]*$/, "") || "photo"}-restored.png`;
}
