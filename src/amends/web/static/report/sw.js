/* Keeps the form at hand without a network. VERSION, SHELL, MORE and QUEUE are put before this by the server. */
importScripts(QUEUE);
const PAGES = "report-pages", PATIENCE_MS = 4000, MOST = 150;

self.addEventListener("install", (event) => {
  const fresh = (names) => names.map((one) => new Request(one, { cache: "no-cache" }));
  const keep = caches.open(VERSION).then((cache) => cache.addAll(fresh(SHELL)).then(() => cache.addAll(fresh(MORE)).catch(() => undefined)));
  event.waitUntil(keep.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const tidy = caches.keys().then((names) => Promise.all(names.filter((name) => name !== VERSION && name !== PAGES).map((name) => caches.delete(name))));
  event.waitUntil(tidy.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event, at = new URL(request.url);
  if (request.method !== "GET" || at.origin !== location.origin) return;
  if (SHELL.includes(at.pathname) || MORE.includes(at.pathname)) event.respondWith(newest(request, VERSION, at.pathname));
  else if (at.pathname === "/report" && request.mode === "navigate") event.respondWith(newest(request, PAGES, page(at)));
  else if (/^\/report\/(questions|map)\//.test(at.pathname)) event.respondWith(newest(request, PAGES, request.url));
});

self.addEventListener("sync", (event) => {
  if (event.tag === "reports") event.waitUntil(self.queue.flush().then((all) => all || Promise.reject(new Error("some still wait"))));
});

/* A form that a link has filled in is kept as an empty one of its language. */
const page = (at) => `/report${at.searchParams.get("lang") ? `?lang=${at.searchParams.get("lang")}` : ""}`;

/* From the network, and kept; from what is kept where the network is silent for long, or gone. */
async function newest(request, name, key) {
  const cache = await caches.open(name), kept = await cache.match(key, { ignoreVary: true });
  const asked = fetch(request).then(async (answer) => {
    if (answer.ok && (request.mode !== "navigate" || request.url.endsWith(key))) {
      await cache.put(key, answer.clone());
      if (name === PAGES) await trim(cache);
    }
    return answer;
  });
  if (!kept) return asked.catch(() => another(request, cache));
  const late = new Promise((done) => setTimeout(done, PATIENCE_MS, kept));
  return Promise.race([asked, late]).catch(() => kept);
}

/* The page in another language is better than none. */
async function another(request, cache) {
  const found = request.mode === "navigate" ? (await cache.keys()).find((one) => new URL(one.url).pathname === "/report") : null;
  return found ? cache.match(found, { ignoreVary: true }) : Response.error();
}

async function trim(cache) {
  const keys = await cache.keys();
  const pieces = keys.filter((one) => one.url.includes("/report/map/"));
  await Promise.all(pieces.slice(0, Math.max(0, pieces.length - MOST)).map((one) => cache.delete(one)));
}
