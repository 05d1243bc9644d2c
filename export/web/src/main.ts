/** The page. `?bundle=PATH`: where its server has the bundle; `?engine=wasm` or `webgpu`: nothing else is tried. */
import type { Preference } from "./restorer";
import { App } from "./ui/app";
import { Models } from "./ui/models";

const asked = new URLSearchParams(location.search);
const engine = asked.get("engine");
const preference: Preference = engine === "wasm" || engine === "webgpu" ? engine : "auto";

const app = new App();
const models = new Models(preference, (restorer) => app.use(restorer));
void models.start(asked.get("bundle") ?? "bundle/");

if ("serviceWorker" in navigator) {
  void navigator.serviceWorker.register("./service-worker.js").catch(() => {}); // only for use without a network
}
