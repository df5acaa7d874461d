// Offline after the first visit. The network comes first, so that what is shown is never older than
// what is served, and nothing changes in the middle of work; without a network, what was seen last.
const CACHE = "violet";
// What a first visit may not have asked for before this worker was there.
const SHELL = [
  "./", "register.js", "style.css", "icon.svg", "manifest.webmanifest", "app.js", "app_bg.wasm", "worker.js",
  "worker_bg.wasm", "worker-loader.js", "samples/cat.jpg", "samples/coffee.jpg", "samples/rocket.jpg",
  "samples/astronaut.jpg", "weights/shapesnet.safetensors", "weights/shapesnet-shortcut.safetensors",
];

async function keep(request, response) {
  const url = new URL(request.url);
  url.search = ""; // settings in the address make no other page
  const cache = await caches.open(CACHE);
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
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(Promise.allSettled(SHELL.map(async (name) => {
    const request = new Request(new URL(name, self.location));
    const response = await fetch(request);
    if (response.ok) await keep(request, response);
  })));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && new URL(url).origin === self.location.origin) event.respondWith(answer(event));
});
