// Offline after the first visit. The network comes first, so that what is shown is never older than
// what is served; without a network, what was seen last. `scripts/stamp.sh` writes the version in: when
// it changes, the browser fetches this file anew and register.js tells the page.
importScripts("engine.js");
const VERSION = "unstamped";
const CACHE = `violet-${VERSION}`;
// What a first visit may not have asked for before this worker was there.
const SHELL = [
  "./", "register.js", "style.css", "icon.svg", "manifest.webmanifest", "app.js", "app_bg.wasm", "engine.js",
  `${violetEngine}.js`, `${violetEngine}_bg.wasm`, "worker-loader.js", "samples/cat.jpg", "samples/coffee.jpg", "samples/rocket.jpg",
  "samples/astronaut.jpg", "weights/shapesnet.safetensors", "weights/shapesnet-shortcut.safetensors",
];
// Weights are large and checked by their sha256: they outlive a version.
const WEIGHTS = "violet-weights";

async function keep(request, response) {
  const url = new URL(request.url);
  url.search = ""; // settings in the address make no other page
  const cache = await caches.open(url.pathname.endsWith(".safetensors") ? WEIGHTS : CACHE);
  await cache.put(url.href, response);
}

async function answer(event) {
  const { request } = event;
  try {
    const response = await fetch(request);
    if (response.ok && response.status === 200) event.waitUntil(keep(request, response.clone()));
    return response;
  } catch (error) {
    const kept = await caches.match(request, { ignoreSearch: true });
    if (kept && !request.headers.has("range")) return kept;
    throw error;
  }
}

self.addEventListener("install", (event) => {
  event.waitUntil(Promise.allSettled(SHELL.map(async (name) => {
    const request = new Request(new URL(name, self.location));
    const response = await fetch(request);
    if (response.ok) await keep(request, response);
  })));
});
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith("violet") && ![CACHE, WEIGHTS].includes(name)) await caches.delete(name);
  }
  await self.clients.claim();
})()));
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && new URL(url).origin === self.location.origin) event.respondWith(answer(event));
});
