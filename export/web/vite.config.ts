import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const version = (name: string): string =>
  JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf-8")).version as string;

/** The runtimes' files that the page loads, of all that the packages hold. */
const RUNTIME_FILES: Record<string, string[]> = {
  litert: ["litert_wasm_internal", "litert_wasm_threaded_internal", "litert_wasm_compat_internal"].flatMap((name) =>
    [".js", ".wasm"].map((suffix) => `@litertjs/core/wasm/${name}${suffix}`),
  ),
  ort: ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"].flatMap((name) =>
    [".mjs", ".wasm"].map((suffix) => `onnxruntime-web/dist/${name}${suffix}`),
  ),
};

/** Copies the runtimes, and writes the list of files that the service worker keeps for use without a network. */
function assembled(): Plugin {
  let out = "dist";
  return {
    name: "edgeir-assembled",
    apply: "build",
    configResolved: (config) => void (out = config.build.outDir),
    closeBundle() {
      for (const [folder, files] of Object.entries(RUNTIME_FILES)) {
        mkdirSync(join(out, "runtimes", folder), { recursive: true });
        for (const file of files) {
          copyFileSync(join("node_modules", file), join(out, "runtimes", folder, file.split("/").at(-1) as string));
        }
      }
      const worker = join(out, "service-worker.js");
      const shell = listed(out, "").filter((path) => !path.startsWith("runtimes/") && path !== "service-worker.js");
      const digest = createHash("sha256");
      for (const path of shell) digest.update(readFileSync(join(out, path)));
      const values = `const VERSION = "${digest.digest("hex").slice(0, 16)}";\nconst SHELL = ${JSON.stringify(shell)};\n`;
      if (existsSync(worker)) writeFileSync(worker, values + readFileSync(worker, "utf-8"));
      for (const path of readdirSync(out)) if (path.startsWith(".")) rmSync(join(out, path), { recursive: true });
    },
  };
}

function listed(root: string, below: string): string[] {
  return readdirSync(join(root, below)).flatMap((name) => {
    const path = below === "" ? name : `${below}/${name}`;
    return statSync(join(root, path)).isDirectory() ? listed(root, path) : [path];
  }).sort();
}

export default defineConfig({
  base: "./",
  define: { __LITERT__: JSON.stringify(version("@litertjs/core")), __ORT__: JSON.stringify(version("onnxruntime-web")) },
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "production"] },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false, rollupOptions: { input: ["index.html", "device.html"] } },
  worker: { format: "iife", plugins: () => [] },
  plugins: [assembled()],
  test: { include: ["test/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
