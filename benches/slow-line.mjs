// A first visit on a slow line, in headless Chromium: node benches/slow-line.mjs [MBIT]
//
// The server sends all answers together at so many megabits a second, 1.6 if none is said (a browser's own throttle does
// not reach its service worker), compressed and kept as _headers says. A sample is clicked as soon as it is there, and
// waits. Seconds from the first request: the page is painted, the engine is there, the network is, the first of the mask
// is drawn, all of it is. Then what was sent, and what was sent twice. Needs dist/ with weights.
import { readFile, readdir } from "node:fs/promises";
import { cpus } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, gzipSync, constants } from "node:zlib";
import { launch, root, serve } from "../tests/browser/harness.mjs";

const megabits = Number(process.argv[2]) || 1.6;
const chunk = 4000;
const types = { wasm: "application/wasm", js: "text/javascript", css: "text/css", html: "text/html", json: "application/json", svg: "image/svg+xml", jpg: "image/jpeg" };
const packings = {
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: gzipSync,
  identity: (bytes) => bytes,
};

const browser = await launch();
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}, ${megabits} Mbit/s`);
console.log("| host | painted | engine | network | mask begins | mask done | sent | sent twice |");
console.log("|---|---|---|---|---|---|---|---|");
for (const packing of Object.keys(packings)) {
  // Hosts compress before anyone asks.
  const packed = new Map();
  const dist = path.join(root, "dist");
  for (const name of await readdir(dist, { recursive: true })) {
    if (/\.(wasm|js|css|html|json|svg)$/.test(name)) {
      packed.set(name, packings[packing](await readFile(path.join(dist, name))));
    }
  }
  const sent = new Map();
  let total = 0;
  let line = 0;
  const site = await serve(undefined, (name, bytes, request, response) => {
    const type = types[name.split(".").at(-1)];
    const small = packed.has(name);
    const body = packed.get(name) ?? bytes;
    const etag = `"${body.length}"`;
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304, { etag });
      response.end();
      return true;
    }
    sent.set(name, (sent.get(name) ?? 0) + 1);
    response.writeHead(200, {
      etag,
      "content-type": type ?? "application/octet-stream", "content-length": body.length,
      "content-encoding": small ? packing : "identity",
      "cache-control": /^build-/.test(name) ? "public, max-age=31536000, immutable" : /safetensors$/.test(name) ? "public, max-age=86400" : "no-cache",
    });
    (async () => {
      for (let at = 0; at < body.length && !response.destroyed; at += chunk) {
        const piece = body.subarray(at, at + chunk);
        // All answers share one line, piece by piece; by the clock, whatever else the machine does.
        line = Math.max(line, Date.now()) + (piece.length * 8) / (megabits * 1000);
        await sleep(line - Date.now());
        total += piece.length;
        response.write(piece);
      }
      response.end();
    })();
    return true;
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.seen = {};
    const note = (name) => { window.seen[name] ??= performance.now() / 1000; };
    new PerformanceObserver((list) => list.getEntries().forEach(({ name }) => name === "first-contentful-paint" && note("painted")))
      .observe({ type: "paint", buffered: true });
    addEventListener("DOMContentLoaded", () => {
      document.querySelector("[data-sample=coffee]").click();
      new MutationObserver(() => {
        const said = document.getElementById("status").textContent;
        if (/^(Starting|Fetching)/.test(said) && document.getElementById("engine").textContent) note("engine");
        if (/^(Looking|Opening)/.test(said)) note("network");
        if (/: [1-9]\d* of/.test(said)) note("begins");
        if (/^Done/.test(said)) note("done");
      }).observe(document.getElementById("status"), { childList: true, characterData: true, subtree: true });
    });
  });
  await page.goto(`${site.url}?device=cpu`, { timeout: 600_000 });
  await page.waitForFunction(() => window.seen.done, null, { timeout: 900_000, polling: 500 });
  const seen = await page.evaluate(() => window.seen);
  // What the service worker still fetches.
  await page.evaluate(() => navigator.serviceWorker.ready);
  const twice = [...sent].filter(([, times]) => times > 1).map(([name, times]) => `${name} × ${times}`);
  const of = (name) => (seen[name] === undefined ? "" : `${seen[name].toFixed(1)} s`);
  console.log(`| ${packing} | ${of("painted")} | ${of("engine")} | ${of("network")} | ${of("begins")} | ${of("done")} | ${(total / 1e6).toFixed(1)} MB | ${twice.join(", ")} |`);
  await context.close();
  site.close();
}
await browser.close();
