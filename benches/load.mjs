// How fast the page is there, in headless Chromium: node benches/load.mjs [VISITS]
//
// First contentful paint, largest contentful paint, layout shift, the time that the main thread was blocked
// (long tasks beyond 50 ms), and when the network is ready, as Lighthouse would name them, over a line of
// 10 Mbit/s and 40 ms; then the same with everything in the browser's cache. Needs dist/.
import { cpus } from "node:os";
import { launch, serve, status } from "../tests/browser/harness.mjs";

const visits = Number(process.argv[2]) || 3;
const browser = await launch();
const site = await serve();
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}, median of ${visits}`);
console.log("| visit | first paint | largest paint | layout shift | blocked | network ready | transferred |");
console.log("|---|---|---|---|---|---|---|");

async function visit(context) {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", {
    offline: false, latency: 40, downloadThroughput: 10e6 / 8, uploadThroughput: 10e6 / 8,
  });
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
const results = { first: [], second: [] };
for (let k = 0; k < visits; k += 1) {
  const context = await browser.newContext();
  results.first.push(await visit(context));
  results.second.push(await visit(context));
  await context.close();
}
for (const [name, seen] of Object.entries(results)) {
  const of = (key) => median(seen.map((one) => one[key]));
  console.log(`| ${name} | ${of("paint").toFixed(0)} ms | ${of("largest").toFixed(0)} ms | ${of("shift").toFixed(3)} | ${of("blocked").toFixed(0)} ms | ${(of("ready") / 1000).toFixed(1)} s | ${(of("transferred") / 1e6).toFixed(1)} MB |`);
}
await browser.close();
site.close();
