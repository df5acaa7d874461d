// Whether memory stays flat, in headless Chromium: node benches/heap.mjs [EXPLANATIONS] [SAVES] [TICKS]
//
// 200 explanations of a scene, 20 saves, 200 ticks of the detector's threshold, if no other numbers are given. After each
// tenth: the page's JavaScript heap after a collection, its DOM nodes and listeners, and the WebAssembly memory of the page
// and of its workers together. Needs dist/ with the detector's weights.
import { cpus } from "node:os";
import { again, launch, open, save, serve, status } from "../tests/browser/harness.mjs";

const [explanations, saves, ticks] = [200, 20, 200].map((usual, k) => Number(process.argv[2 + k]) || usual);
const browser = await launch();
// Each memory is noted when a module is instantiated.
const noting = `(() => {
  const note = (instance) => { (self.memories ??= []).push(instance.exports.memory); return instance; };
  const plain = WebAssembly.instantiate;
  WebAssembly.instantiate = async (...how) => { const made = await plain(...how); note(made.instance ?? made); return made; };
  const streaming = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...how) => { const made = await streaming(...how); note(made.instance); return made; };
})();`;
const site = await serve((name, bytes) => name.endsWith("/worker-loader.js") ? Buffer.concat([Buffer.from(noting), bytes]) : bytes);
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}`);

const context = await browser.newContext();
await context.addInitScript(noting);
async function opened(query) {
  const page = await open({ newPage: () => context.newPage() }, site, query);
  const devtools = await context.newCDPSession(page);
  await devtools.send("HeapProfiler.enable");
  return { page, devtools };
}
async function memory({ page, devtools }) {
  await devtools.send("HeapProfiler.collectGarbage");
  await devtools.send("Performance.enable");
  const { metrics } = await devtools.send("Performance.getMetrics");
  const of = (wanted) => metrics.find(({ name }) => name === wanted).value;
  const wasm = () => (self.memories ?? []).reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  const workers = await Promise.all(page.workers().map((worker) => worker.evaluate(wasm)));
  return {
    heap: of("JSHeapUsedSize") / 1e6, nodes: of("Nodes"), listeners: of("JSEventListeners"),
    page: (await page.evaluate(wasm)) / 1e6, workers: workers.reduce((a, b) => a + b, 0) / 1e6,
  };
}
async function repeat(name, times, opening, act) {
  console.log(`\n| ${name} | heap, MB | DOM nodes | listeners | page's module, MB | workers', MB |\n|---|---|---|---|---|---|`);
  for (let k = 0; k <= times; k += 1) {
    if (k > 0) await act(opening.page, k);
    if (k % Math.max(1, times / 10) === 0) {
      const { heap, nodes, listeners, page, workers } = await memory(opening);
      console.log(`| ${k} | ${heap.toFixed(2)} | ${nodes} | ${listeners} | ${page.toFixed(1)} | ${workers.toFixed(1)} |`);
    }
  }
}

const scene = await opened("device=cpu&workers=2&model=shapesnet&steps=2&scene=5");
await status(scene.page, /^Done/);
await repeat("explanations", explanations, scene, (page, k) => again(page, () => page.locator("#predictions button").nth(k % 5).click()));
await repeat("saves", saves, scene, (page) => save(page, "overlay"));
await scene.page.close();
const detector = await opened("device=cpu&workers=2&model=ssd-mobilenet-v2&steps=2&photo=coffee");
await status(detector.page, /^Done/);
await repeat("ticks of the threshold", ticks, detector, (page, k) => page.locator("#threshold").fill(String(2 + (k * 7) % 97)));
await browser.close();
site.close();
