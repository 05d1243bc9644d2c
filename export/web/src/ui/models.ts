/** The bundle and the model that are in use: loaded from the server, or chosen by the user. */
import { Bundle, chosen, served, zipped, type Source } from "../bundle/bundle";
import { BundleError, type ModelFile } from "../bundle/manifest";
import { runtimeFor } from "../engine/engine";
import { Restorer, type Preference } from "../restorer";
import { element, picked, show } from "./elements";

export class Models {
  private bundle: Bundle | null = null;
  private restorer: Restorer | null = null;
  /** Counts the attempts, so that one that was overtaken changes nothing. */
  private attempt = 0;
  private readonly choice = element<HTMLSelectElement>("model");
  private readonly dialog = element<HTMLDialogElement>("bundle-dialog");

  constructor(
    private readonly preference: Preference,
    private readonly changed: (restorer: Restorer | null) => void,
  ) {
    this.choice.onchange = () => void this.guarded(() => this.load());
    element("open-bundle").onclick = () => this.dialog.showModal();
    element("bundle-close").onclick = () => this.dialog.close();
    element("open-zip").onclick = async () => {
      const [file] = await picked("zip-input");
      if (file !== undefined) await this.guarded(async () => this.open(await zipped(file)));
    };
    element("open-folder").onclick = async () => {
      const files = await picked("folder-input");
      if (files.length > 0) await this.guarded(() => this.open(chosen(files)));
    };
  }

  /** The bundle that the page's server hands out at `path`; without one the user is asked. */
  async start(path: string): Promise<void> {
    const base = new URL(path.endsWith("/") ? path : `${path}/`, location.href);
    if (base.origin !== location.origin) {
      this.fail(new BundleError("A bundle can only be loaded from the page's own server. Download it and choose it."));
      return;
    }
    await this.guarded(() => this.open(served(base)));
  }

  private async open(source: Source): Promise<void> {
    this.dialog.close();
    this.bundle = await Bundle.open(source);
    const { files, source: name } = this.bundle.manifest;
    const options = files.map((file) => this.option(name, file));
    this.choice.replaceChildren(...options);
    const first = options.findIndex((option) => !option.disabled);
    if (first < 0) {
      const reasons = files.map((file) => `${file.path}: ${(runtimeFor(file) as { reason: string }).reason}`);
      throw new BundleError(`No model of the bundle runs in a browser. ${reasons.join("; ")}.`);
    }
    this.choice.selectedIndex = first;
    this.choice.disabled = false;
    await this.load();
  }

  private option(name: string, file: ModelFile): HTMLOptionElement {
    const option = document.createElement("option");
    const size = file.size === null ? "any size" : `${file.size[1]}×${file.size[0]}`;
    const runs = runtimeFor(file);
    option.textContent = `${name} ${file.target} ${file.precision}, ${size}`;
    option.disabled = typeof runs !== "string";
    if (typeof runs !== "string") option.title = runs.reason;
    return option;
  }

  private async load(): Promise<void> {
    if (this.bundle === null) return;
    const attempt = this.attempt;
    const restorer = await Restorer.open(this.bundle, this.bundle.manifest.files[this.choice.selectedIndex], this.preference);
    if (attempt !== this.attempt) {
      restorer.close();
      return;
    }
    this.restorer = restorer;
    const engine = element("engine");
    const [runtime, where] = (restorer.engine?.title ?? "").split(" · ");
    const name = document.createElement("span");
    name.className = "runtime"; // left out on a narrow screen; the details have it
    name.textContent = `${runtime} · `;
    const text = document.createElement("span");
    text.append(name, where);
    engine.replaceChildren(text);
    engine.dataset.state = "ready";
    engine.title = [restorer.check?.what, ...restorer.notes].filter(Boolean).join("\n");
    this.changed(restorer);
  }

  private async guarded(step: () => Promise<void>): Promise<void> {
    const attempt = ++this.attempt;
    this.restorer?.close();
    this.restorer = null;
    this.changed(null);
    show(element("alert"), false);
    const engine = element("engine");
    engine.textContent = "Loading the model…";
    engine.dataset.state = "loading";
    try {
      await step();
    } catch (error) {
      if (attempt === this.attempt) this.fail(error);
    }
  }

  private fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const alert = element("alert");
    alert.textContent = message;
    show(alert, true);
    const engine = element("engine");
    engine.textContent = "No model";
    engine.dataset.state = "failed";
  }
}
