// Keeps the page for use without a network. The build puts VERSION and SHELL (the page's files) before this line.
const SHELL_CACHE = `edgeir-page-${VERSION}`;
const KEPT_CACHE = "edgeir-kept"; // runtimes and bundle files, as they are fetched

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(SHELL_CACHE)
      .then((cache) => cache.addAll(["./", ...SHELL]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("edgeir-page-") && name !== SHELL_CACHE);
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(old(names).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const scope = new URL(self.registration.scope);
  if (event.request.method !== "GET" || url.origin !== scope.origin) return;
  if (url.pathname.startsWith(`${scope.pathname}device`)) return;
  event.respondWith(freshOrKept(event.request));
});

// The network first, so that an update or another bundle is never hidden by an old copy.
async function freshOrKept(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok && answer.type === "basic") {
      const cache = await caches.open(KEPT_CACHE);
      await cache.put(request, answer.clone()).catch(() => {}); // the disk is full: it still works with a network
    }
    return answer;
  } catch (error) {
    const kept = (await caches.match(request)) ?? (await caches.match(request, { ignoreSearch: true }));
    if (kept !== undefined) return kept;
    throw error;
  }
}
