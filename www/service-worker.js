// Offline after the first visit. scripts/stamp.py writes in which folder the build's files are, and what is kept;
// when that changes, the browser installs this file anew and register.js tells the page.
const BUILD = "build";
const KEPT = ["./"];
importScripts(`${BUILD}/engine.js`);
// Several pages may live on one origin, each with caches of its own.
const SCOPE = `violet ${new URL("./", self.location).pathname} `;
const CACHE = SCOPE + BUILD;
// Weights are large and checked by their sha256: they outlive a build.
const WEIGHTS = `${SCOPE}weights`;
// A network that does not answer within this time is none, if there is a copy.
const PATIENCE_MS = 4000;

const inScope = (name) => new URL(name, self.location).href;
// Of the engine's builds, those that this browser runs: one for the CPU, and the GPU's, if there is a real one.
async function keptNames() {
  const gpu = await self.navigator.gpu?.requestAdapter().catch(() => null);
  const engines = [self.violetEngine, ...(gpu && !gpu.info?.isFallbackAdapter ? ["worker-gpu"] : [])];
  return KEPT.filter((name) => {
    const [, engine] = /\/(worker|worker-relaxed|worker-gpu)(?:_bg\.wasm|\.js)$/.exec(name) ?? [];
    return !engine || engines.includes(engine);
  });
}

// All or nothing: if one file cannot be had, the build before stays whole. The build's own files never change,
// so what the page has just fetched is taken from the browser's own cache.
async function fill() {
  const cache = await caches.open(CACHE);
  const request = (name) =>
    new Request(inScope(name), { cache: name.startsWith(`${BUILD}/`) ? "default" : "no-cache" });
  await cache.addAll((await keptNames()).map(request));
  // Not of the build: which weights are there. A page that has none works too.
  await cache.add(request("weights/manifest.json")).catch(() => {});
}
self.addEventListener("install", (event) => event.waitUntil(fill()));

// A page asks whether all of it is still there, and names the weights that it used: browsers clear what is kept when
// room is scarce.
self.addEventListener("message", (event) => event.waitUntil((async () => {
  const [port] = event.ports;
  const lost = async (name, addresses) => {
    const cache = await caches.open(name);
    const there = await Promise.all(addresses.map((address) => cache.match(address)));
    return addresses.filter((_, k) => !there[k]);
  };
  const weights = await lost(WEIGHTS, event.data.filter((address) => address.startsWith(inScope("weights/"))));
  const build = await lost(CACHE, (await keptNames()).map(inScope));
  if (!build.length && !weights.length) return port.postMessage("all");
  const again = [build.length && fill(), weights.length && caches.open(WEIGHTS).then((cache) => cache.addAll(weights))];
  return port.postMessage(await Promise.all(again).then(() => "again", () => "nothing"));
})()));
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith(SCOPE) && ![CACHE, WEIGHTS].includes(name)) await caches.delete(name);
  }
  await self.clients.claim();
})()));

// What is asked for later. The build's own copies stay as they were installed: the page of a newer build
// beside the modules of this one would be dead without a network.
async function keep(request, response) {
  const url = new URL(request.url);
  url.search = ""; // settings in the address make no other page
  if (KEPT.some((name) => inScope(name) === url.href)) return;
  const cache = await caches.open(url.pathname.endsWith(".safetensors") ? WEIGHTS : CACHE);
  await cache.put(url.href, response);
}

async function kept(request) {
  if (request.headers.has("range")) return undefined;
  for (const name of [CACHE, WEIGHTS]) {
    const found = await (await caches.open(name)).match(request, { ignoreSearch: true });
    if (found) return found;
  }
  return undefined;
}

async function fetched(event) {
  const response = await fetch(event.request);
  if (response.ok && response.status === 200) event.waitUntil(keep(event.request, response.clone()));
  return response;
}

// The build's own files never change; of all else, what is shown is never older than what is served.
async function answer(event) {
  const { request } = event;
  const copy = await kept(request);
  if (!copy) return fetched(event);
  if (request.url.startsWith(inScope(`${BUILD}/`))) return copy;
  const patience = new Promise((done) => setTimeout(done, PATIENCE_MS, copy));
  return Promise.race([fetched(event).catch(() => copy), patience]);
}

// Another page may lie within this one's path, with a worker and files of its own: a folder that is none of these.
const FOLDERS = new Set([...KEPT.map((name) => name.split("/")[0]), "weights"]);
const isOwn = (url) => {
  if (!url.startsWith(inScope("./"))) return false;
  const [folder, ...rest] = url.slice(inScope("./").length).split(/[?#]/)[0].split("/");
  return !rest.length || FOLDERS.has(folder);
};
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && isOwn(url)) event.respondWith(answer(event));
});
