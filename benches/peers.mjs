// Violet beside onnxruntime-web and TensorFlow.js in one Chromium, one thread each:
//
//   node benches/peers.mjs [ROUNDS]         or ./benches/peers.sh, which sets up first
//
// Violet's gradient (trapezoids, drawing included) beside the others' forward passes and, where they have one, their
// gradients, of one image of 224 × 224. Every engine runs in each round, in turn, so that what else the machine does
// falls on all of them; what is printed is the least seconds of each, and the median of the ratios to Violet's gradient
// of the same round. What is missing is named.
//
// Needs dist/, `npm ci --prefix benches`, the ONNX files that benches/peers.py leaves, and, for ResNet-18, the random
// weights that scripts/test.sh makes: the time does not depend on them.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cpus, homedir } from "node:os";
import path from "node:path";
import { drop, launch, open, root, sample, serve, status, withRandomResnet18 } from "../tests/browser/harness.mjs";

const rounds = Number(process.argv[2]) || 5;
const STEPS = 40;
const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "violet");
const packages = path.join(root, "benches/node_modules");
const models = { "efficientnet-lite0": "EfficientNet-Lite0", resnet18: "ResNet-18, random weights" };
const missing = [];

/** The files of the peers' pages, by name. */
function peers(name) {
  const fixed = {
    "ort.html": "benches/ort.html", "ort-measure.mjs": "benches/ort.mjs",
    "tfjs.html": "benches/tfjs.html", "tfjs.mjs": "benches/tfjs.mjs",
    "tf.js": "benches/node_modules/@tensorflow/tfjs/dist/tf.min.js",
    "wasm.js": "benches/node_modules/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js",
    "webgpu.js": "benches/node_modules/@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js",
  };
  if (fixed[name]) return path.join(root, fixed[name]);
  if (name.startsWith("ort/")) return path.join(packages, "onnxruntime-web/dist", path.basename(name));
  if (/^tfjs.*\.wasm$/.test(name)) return path.join(packages, "@tensorflow/tfjs-backend-wasm/dist", name);
  return name.endsWith(".onnx") ? path.join(cache, "peers/models", name) : null;
}

const weights = withRandomResnet18();
const site = await serve((name, bytes) => (peers(name) ? readFile(peers(name)) : weights ? weights(name, bytes) : bytes));
const browser = await launch();
if (!browser) throw new Error("there is no Chromium here");

async function violet(model) {
  const page = await open(browser, site, `device=cpu&workers=1&rule=trapezoid&model=${model}&steps=${STEPS}`, { serviceWorkers: "block" });
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"));
  await status(page, /^Done/);
  return {
    page,
    kinds: ["gradient"],
    run: async () => {
      await page.evaluate(() => { document.getElementById("status").textContent = ""; });
      const start = Date.now();
      await page.click("#explain");
      await status(page, /^Done/);
      return (Date.now() - start) / 1000 / (STEPS + 1);
    },
  };
}

async function onnxruntime(model) {
  const page = await browser.newPage();
  await page.goto(`${site.url}ort.html`);
  const version = await page.evaluate((file) => globalThis.prepare(file), `${model}.onnx`);
  return { page, name: `onnxruntime-web ${version}`, kinds: ["forward"], run: () => page.evaluate((times) => globalThis.measure(times), STEPS) };
}

async function tensorflow(model) {
  const page = await browser.newPage();
  await page.goto(`${site.url}tfjs.html`);
  const { version, gradient } = await page.evaluate((name) => globalThis.prepare("wasm", name), model);
  return {
    page, name: `TensorFlow.js ${version}, wasm`, kinds: gradient ? ["forward", "gradient"] : ["forward"],
    run: (kind) => page.evaluate(([kind, times]) => globalThis.measure(kind, times), [kind, kind === "forward" ? 4 : 2]),
  };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}, one thread, ${rounds} rounds in turn\n`);
for (const [model, title] of Object.entries(models)) {
  if (model === "resnet18" && !weights) {
    missing.push("resnet18: the random weights that scripts/test.sh makes");
    continue;
  }
  const own = await violet(model);
  const found = [{ ...own, name: "Violet" }];
  for (const [name, start] of Object.entries({ onnxruntime, tensorflow })) {
    const engine = await start(model).catch((error) => void missing.push(`${model}, ${name}: ${String(error).split("\n")[0]}`));
    if (engine) found.push(engine);
  }
  const seconds = new Map();
  for (let round = 0; round < rounds; round += 1) {
    for (const { page, name, kinds, run } of found) {
      await page.bringToFront();
      for (const kind of kinds) {
        const key = `${name} | ${kind}`;
        seconds.set(key, [...(seconds.get(key) ?? []), await run(kind)]);
      }
    }
  }
  console.log(`| ${title} | pass | seconds | times Violet's gradient |\n|---|---|---:|---:|`);
  const gradients = seconds.get("Violet | gradient");
  for (const [key, taken] of seconds) {
    const ratios = taken.map((value, round) => value / gradients[round]);
    console.log(`| ${key} | ${Math.min(...taken).toFixed(4)} | ${median(ratios).toFixed(2)} |`);
  }
  console.log();
  for (const { page } of found) await page.close();
}
for (const what of missing) console.log(`missing here: ${what}`);
await browser.close();
site.close();
