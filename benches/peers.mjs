// Violet beside onnxruntime-web and TensorFlow.js in one Chromium, one thread each:
//
//   node benches/peers.mjs [ROUNDS] [FILE.onnx …]      or ./benches/peers.sh, which sets up first
//
// Violet's gradient, as the page takes it by trapezoids and by secants, beside the others' forward passes and, where they have one, their
// gradients, of one image, of the networks of benches/peers.py, or of ONNX files of single images, which TensorFlow.js does
// not read; `python3 scripts/networks.py --export FOLDER NAME …` makes such. Every engine runs in each round, in turn, so
// that what else the machine does falls on all of them. Seconds are those that the processor spends on the thread that
// computes (Linux counts them): the same as seconds on a machine that does nothing else. What is printed is the least of
// each, the median of the ratios to Violet's gradient of the same round, and how many of onnxruntime-web's forward passes a
// gradient takes. What is missing is named.
//
// Needs dist/, `npm ci --prefix benches`, and without files the ONNX files that benches/peers.py leaves and, for
// ResNet-18, the random weights that scripts/test.sh makes: the time does not depend on them.
import { statSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { cpus, homedir } from "node:os";
import path from "node:path";
import { drop, launch, open, root, sample, serve, status, withRandomResnet18 } from "../tests/browser/harness.mjs";

const files = process.argv.slice(2).filter((word) => word.endsWith(".onnx"));
const rounds = Number(process.argv[2]) || 5;
const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "violet");
const packages = path.join(root, "benches/node_modules");
const shipped = (name, title) => ({ title, name, file: path.join(cache, `peers/models/${name}.onnx`), steps: 40 });
// Fewer steps of the large ones, some of which take a second each.
const LARGE = 50e6;
const networks = files.length
  ? files.map((file) => ({ title: path.basename(file, ".onnx"), file, steps: statSync(file).size > LARGE ? 20 : 60 }))
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
const session = await browser.newBrowserCDPSession();

/** Seconds of the processor that each thread of the pages has taken. */
async function threads() {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const taken = new Map();
  for (const { id } of processInfo.filter(({ type }) => type === "renderer")) {
    for (const thread of await readdir(`/proc/${id}/task`)) {
      // One that has ended meanwhile has no file.
      const spent = await readFile(`/proc/${id}/task/${thread}/schedstat`, "utf8").catch(() => "");
      taken.set(thread, parseInt(spent, 10) / 1e9 || 0);
    }
  }
  return taken;
}

/** Seconds a pass of the thread that computes, which is the busiest. */
async function timed(run, kind) {
  const before = await threads();
  const passes = await run(kind);
  const taken = [...await threads()].map(([thread, seconds]) => seconds - (before.get(thread) ?? 0));
  return Math.max(...taken) / passes;
}

async function violet({ name, file, steps }, rule) {
  const query = `device=cpu&workers=1&rule=${rule}&model=${name ?? "shapesnet"}&steps=${steps}`;
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
    name: "Violet",
    kinds: [rule === "secant" ? "secant" : "gradient"],
    run: async () => {
      await page.evaluate(() => { document.getElementById("status").textContent = ""; });
      await page.click("#explain");
      await status(page, /^Done/);
      return rule === "secant" ? steps : steps + 1;
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
console.log("Seconds of the processor at least; in brackets times Violet's gradient of the same round, median\n");
const forwards = [];
for (const network of networks) {
  if (network.name === "resnet18" && !weights) {
    missing.push("resnet18: the random weights that scripts/test.sh makes");
    continue;
  }
  const found = [await violet(network, "trapezoid"), await violet(network, "secant")];
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
        seconds.set(key, [...(seconds.get(key) ?? []), await timed(run, kind)]);
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
