/** What is known of the selected photo: size, time, engine, check, and what the browser could not keep. */
import type { Restorer } from "../restorer";
import { element, show } from "./elements";
import { bytes, megapixels, seconds } from "./format";
import type { Entry } from "./photos";

export function showDetails(entry: Entry, restorer: Restorer | null): void {
  const { result } = entry;
  const rows: [string, string][] = [];
  if (result !== null) {
    const scale = restorer?.scale ?? 1;
    const photo = (result.width * result.height) / (scale * scale) / 1e6;
    const first = ((entry.shown ?? entry.started) - entry.started) / 1000;
    rows.push(
      ["Result", `${result.width} × ${result.height}, ${megapixels(result.width, result.height)}, ${bytes(result.blob.size)}`],
      ["Time", seconds(result.seconds)],
      ["Per megapixel", `${seconds(result.seconds / photo)} per megapixel of the photo`],
      ["First tile", `after ${seconds(first)}`],
      ["Tiles", `${result.tiles} of ${result.tile[1]} × ${result.tile[0]}`],
    );
  }
  if (restorer?.engine) rows.push(["Engine", restorer.engine.title], ["Ran on", restorer.engine.placement]);
  if (restorer?.check) rows.push(["Engine check", restorer.check.what]);
  const list = element("details");
  list.replaceChildren();
  const { started, shown } = entry;
  list.dataset.result = JSON.stringify(result === null ? null : { ...result, blob: undefined, started, shown });
  for (const [name, value] of rows) {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    list.append(term, text);
  }
  show(element("details-title"), rows.length > 0);
  const remarks = [...(restorer?.notes ?? []), ...entry.notes].map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  });
  element("remarks").replaceChildren(...remarks);
}
