// How fast the page is there, in headless Chromium: node benches/load.mjs [VISITS]
//
// First contentful paint, largest contentful paint, layout shift, the time that the main thread was blocked
// (long tasks beyond 50 ms), and when ShapesNet is ready, as Lighthouse would name them: on a first visit over a
// line of 10 Mbit/s and 40 ms, from a server that sends gzip; then without any network, from what the service
// worker kept. Needs dist/.
import { cpus } from "node:os";
import { gzipSync } from "node:zlib";
import { launch, serve, status } from "../tests/browser/harness.mjs";

const visits = Number(process.argv[2]) || 3;
const browser = await launch();
const packed = new Map();
const types = { wasm: "application/wasm", js: "text/javascript", css: "text/css", html: "text/html", safetensors: "application/octet-stream" };
const site = await serve(undefined, (name, bytes, _request, response) => {
  const type = types[name.split(".").at(-1)];
  if (!type) return false;
  if (!packed.has(name)) packed.set(name, gzipSync(bytes));
  response.writeHead(200, { "content-type": type, "content-encoding": "gzip", "content-length": packed.get(name).length });
  response.end(packed.get(name));
  return true;
});
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}, median of ${visits}`);
console.log("| visit | first paint | largest paint | layout shift | blocked | ready | transferred |");
console.log("|---|---|---|---|---|---|---|");

async function visit(context, throttled) {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  if (throttled) {
    await devtools.send("Network.emulateNetworkConditions", {
      offline: false, latency: 40, downloadThroughput: 10e6 / 8, uploadThroughput: 10e6 / 8,
    });
  }
  let transferred = 0;
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => (transferred += encodedDataLength));
  await page.addInitScript(() => {
    globalThis.seen = { paint: 0, largest: 0, shift: 0, blocked: 0 };
    const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
    watch("paint", ({ name, startTime }) => name === "first-contentful-paint" && (seen.paint = startTime));
    watch("largest-contentful-paint", ({ startTime }) => (seen.largest = startTime));
    watch("layout-shift", ({ value, hadRecentInput }) => hadRecentInput || (seen.shift += value));
    watch("longtask", ({ duration }) => (seen.blocked += duration - 50));
  });
  await page.goto(`${site.url}?device=cpu&model=shapesnet`);
  await status(page, /is ready/);
  const seen = await page.evaluate(() => ({ ...globalThis.seen, ready: performance.now() }));
  await page.close();
  return { ...seen, transferred };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const results = { "first, 10 Mbit/s": [], "without a network": [] };
for (let k = 0; k < visits; k += 1) {
  // A service worker that comes in the middle would fetch the rest past the throttle.
  const alone = await browser.newContext({ serviceWorkers: "block" });
  results["first, 10 Mbit/s"].push(await visit(alone, true));
  await alone.close();
  const context = await browser.newContext();
  await visit(context, false);
  const page = await context.newPage();
  await page.goto(site.url);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await status(page, /is ready/);
  await page.close();
  await context.setOffline(true);
  results["without a network"].push(await visit(context, false));
  await context.close();
}
for (const [name, seen] of Object.entries(results)) {
  const of = (key) => median(seen.map((one) => one[key]));
  console.log(`| ${name} | ${of("paint").toFixed(0)} ms | ${of("largest").toFixed(0)} ms | ${of("shift").toFixed(3)} | ${of("blocked").toFixed(0)} ms | ${(of("ready") / 1000).toFixed(1)} s | ${(of("transferred") / 1e6).toFixed(1)} MB |`);
}
await browser.close();
site.close();
