const w = new Worker(new URL("./worker.ts", import.meta.url));
(window as any).w = w;
