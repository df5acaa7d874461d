// Violet beside onnxruntime-web and TensorFlow.js in one Chromium, one thread each:
//
//   node benches/peers.mjs [ROUNDS] [FILE.onnx …]      or ./benches/peers.sh, which sets up first
//
// Violet's gradient (trapezoids, drawing included) beside the others' forward passes and, where they have one, their
// gradients, of one image, of the networks of benches/peers.py, or of ONNX files of single images, which TensorFlow.js does
// not read; `python3 scripts/networks.py --export FOLDER NAME …` makes such. Every engine runs in each round, in turn, so
// that what else the machine does falls on all of them; what is printed is the least seconds of each, the median of the
// ratios to Violet's gradient of the same round, and how many of onnxruntime-web's forward passes a gradient takes.
// What is missing is named.
//
// Needs dist/, `npm ci --prefix benches`, and without files the ONNX files that benches/peers.py leaves and, for
// ResNet-18, the random weights that scripts/test.sh makes: the time does not depend on them.
import { readFile } from "node:fs/promises";
import { cpus, homedir } from "node:os";
import path from "node:path";
import { drop, launch, open, root, sample, serve, status, withRandomResnet18 } from "../tests/browser/harness.mjs";

const files = process.argv.slice(2).filter((word) => word.endsWith(".onnx"));
const rounds = Number(process.argv[2]) || 5;
const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "violet");
const packages = path.join(root, "benches/node_modules");
const shipped = (name, title) => ({ title, name, file: path.join(cache, `peers/models/${name}.onnx`), steps: 40 });
// Fewer steps of people's networks, some of which take a second each.
const networks = files.length
  ? files.map((file) => ({ title: path.basename(file, ".onnx"), file, steps: 20 }))
  : [shipped("efficientnet-lite0", "EfficientNet-Lite0"), shipped("resnet18", "ResNet-18, random weights")];
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
  return networks.find(({ file }) => path.basename(file) === name)?.file ?? null;
}

const weights = withRandomResnet18();
const site = await serve((name, bytes) => (peers(name) ? readFile(peers(name)) : weights ? weights(name, bytes) : bytes));
const browser = await launch();
if (!browser) throw new Error("there is no Chromium here");

async function violet({ name, file, steps }) {
  const query = `device=cpu&workers=1&rule=trapezoid&model=${name ?? "shapesnet"}&steps=${steps}`;
  const page = await open(browser, site, query, { serviceWorkers: "block" });
  await status(page, /is ready/);
  if (!name) {
    await page.locator("#own-file").setInputFiles(file);
    await page.waitForFunction(() => document.getElementById("model").value.startsWith("own:"));
    await status(page, /is ready/);
  }
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
      return (Date.now() - start) / 1000 / (steps + 1);
    },
  };
}

async function onnxruntime({ file, steps }) {
  const page = await browser.newPage();
  await page.goto(`${site.url}ort.html`);
  const version = await page.evaluate((file) => globalThis.prepare(file), path.basename(file));
  return {
    page, name: `onnxruntime-web ${version}`, kinds: ["forward"],
    run: () => page.evaluate((times) => globalThis.measure(times), steps),
  };
}

async function tensorflow({ name: model }) {
  const page = await browser.newPage();
  await page.goto(`${site.url}tfjs.html`);
  const { version, gradient } = await page.evaluate((name) => globalThis.prepare("wasm", name), model);
  return {
    page, name: `TensorFlow.js ${version}, wasm`, kinds: gradient ? ["forward", "gradient"] : ["forward"],
    run: (kind) => page.evaluate(([kind, times]) => globalThis.measure(kind, times), [kind, kind === "forward" ? 4 : 2]),
  };
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}, one thread, ${rounds} rounds in turn`);
console.log("Seconds at least; in brackets times Violet's gradient of the same round, median\n");
const forwards = [];
for (const network of networks) {
  if (network.name === "resnet18" && !weights) {
    missing.push("resnet18: the random weights that scripts/test.sh makes");
    continue;
  }
  const own = await violet(network);
  const found = [{ ...own, name: "Violet" }];
  for (const [name, start] of Object.entries(network.name ? { onnxruntime, tensorflow } : { onnxruntime })) {
    const engine = await start(network).catch((error) => void missing.push(`${network.title}, ${name}: ${String(error).split("\n")[0]}`));
    if (engine) found.push(engine);
  }
  const seconds = new Map();
  for (let round = 0; round < rounds; round += 1) {
    for (const { page, name, kinds, run } of found) {
      await page.bringToFront();
      for (const kind of kinds) {
        const key = `${name}, ${kind}`;
        seconds.set(key, [...(seconds.get(key) ?? []), await run(kind)]);
      }
    }
  }
  const gradients = seconds.get("Violet, gradient");
  const cells = [network.title];
  for (const [key, taken] of seconds) {
    const ratio = median(taken.map((value, round) => value / gradients[round]));
    cells.push(`${key} ${Math.min(...taken).toFixed(4)} (${ratio.toFixed(2)})`);
    if (key.startsWith("onnxruntime")) {
      forwards.push(1 / ratio);
      cells.push(`${(1 / ratio).toFixed(2)} forward passes a gradient`);
    }
  }
  console.log(`| ${cells.join(" | ")} |`);
  for (const { page } of found) await page.close();
}
if (forwards.length) {
  const many = median(forwards).toFixed(2);
  console.log(`\nA gradient takes ${many} of onnxruntime-web's forward passes, median of ${forwards.length} networks`);
}
for (const what of missing) console.log(`missing here: ${what}`);
await browser.close();
site.close();
