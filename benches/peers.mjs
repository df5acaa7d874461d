// Violet, stock Burn and TensorFlow.js side by side in one Chromium session:
//
//   node benches/peers.mjs           on the CPU, two threads
//   node benches/peers.mjs gpu       WebGPU on SwiftShader, Chromium's software adapter
//
// Seconds a step of Integrated Gradients (forward and input gradient of one image), ResNet-18 with random
// weights. Needs dist/, Violet built with Burn's kernels beside it, and TensorFlow.js:
//
//   trunk build --release --features stock --dist target/stock
//   npm ci --prefix benches
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import path from "node:path";
import { drop, launch, open, root, sample, serve, status, withRandomResnet18 } from "../tests/browser/harness.mjs";

const gpu = process.argv.includes("gpu");
const setting = gpu ? "device=gpu&adapter=software" : "device=cpu&workers=2";
const steps = gpu ? 3 : 20;
const stock = path.join(root, "target/stock");
const packages = path.join(root, "benches/node_modules/@tensorflow");
const weights = withRandomResnet18();
if (!weights || !existsSync(stock) || !existsSync(packages)) {
  throw new Error("ResNet-18's random weights, target/stock or benches/node_modules is missing: see the first lines");
}

/** What each file of TensorFlow.js' page is. */
const tensorflow = {
  "tfjs.html": path.join(root, "benches/tfjs.html"),
  "tfjs.mjs": path.join(root, "benches/tfjs.mjs"),
  "tf.js": path.join(packages, "tfjs/dist/tf.min.js"),
  "wasm.js": path.join(packages, "tfjs-backend-wasm/dist/tf-backend-wasm.min.js"),
  "webgpu.js": path.join(packages, "tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js"),
};

/** A site of Violet's page from some folder. */
const violet = (folder) => serve(weights, (name, bytes, _request, response) => {
  if (!folder || name.startsWith("weights/")) return false;
  readFile(path.join(folder, name)).then((own) => response.end(own), () => response.end(bytes));
  response.writeHead(200, { "content-type": name.endsWith(".wasm") ? "application/wasm" : name.endsWith(".js") ? "text/javascript" : "text/html" });
  return true;
});

async function ofViolet(browser, folder) {
  const site = await violet(folder);
  // Trunk builds the engine with relaxed SIMD by features of its own: it has no Burn kernels.
  const engine = folder ? "&engine=worker" : "";
  const query = `${setting}&model=resnet18&steps=${steps}${engine}`;
  const page = await open(browser, site, query, { serviceWorkers: "block" });
  await status(page, /is ready/, 300_000);
  await drop(page, "cat.jpg", await sample("cat.jpg"));
  await status(page, /^Done/, 1_800_000);
  // The first pass compiles the pipelines: the second time counts.
  await page.click("#explain");
  await status(page, /^Explaining/);
  await status(page, /^Done/, 1_800_000);
  const seconds = Number((await page.textContent("#status")).match(/in ([\d.]+) s/)[1]);
  const device = await page.textContent("#engine");
  await page.close();
  site.close();
  return [seconds / (steps + 1), device];
}

async function ofTensorflow(browser, size) {
  const site = await serve(async (name, bytes) => {
    if (tensorflow[name]) return readFile(tensorflow[name]);
    if (name.endsWith(".wasm") && name.startsWith("tfjs")) return readFile(path.join(packages, "tfjs-backend-wasm/dist", name));
    return bytes;
  });
  const page = await browser.newPage();
  await page.goto(`${site.url}tfjs.html`);
  const result = await page.evaluate(
    ([backend, size, steps]) => globalThis.measure(backend, size, steps),
    [gpu ? "webgpu" : "wasm", size, gpu ? 1 : 2],
  );
  await page.close();
  site.close();
  return [result.seconds, `TensorFlow.js ${result.version}, ${result.backend}`];
}

const browser = await launch({ webgpu: gpu });
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}`);
console.log("| engine | input | seconds a step | times Violet's |");
console.log("|---|---|---|---|");
const [own, engine] = await ofViolet(browser, null);
const row = (name, size, seconds) =>
  console.log(`| ${name} | ${size} × ${size} | ${seconds.toFixed(3)} | ${size === 224 ? (seconds / own).toFixed(1) : ""} |`);
row(`Violet. ${engine.trim()}`, 224, own);
const [burn] = await ofViolet(browser, stock);
row("Burn 0.22, its own kernels", 224, burn);
for (const size of gpu ? [64] : [224]) {
  const [seconds, name] = await ofTensorflow(browser, size);
  row(name, size, seconds);
}
await browser.close();
