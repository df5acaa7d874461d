// Seconds a step of Integrated Gradients in Chromium:
//
//   node benches/browser.mjs [STEPS]        the CPU pool with one and two workers
//   node benches/browser.mjs [STEPS] gpu    WebGPU on SwiftShader, Chromium's software adapter
//   node benches/browser.mjs [STEPS] card   WebGPU on a real GPU, and the CPU pool with all workers
//   node benches/browser.mjs [STEPS] builds one worker, the engine without relaxed SIMD and with it
//   node benches/browser.mjs [STEPS] secants one and two workers, trapezoids and secants
//
// The settings in turn, three runs each, of which the shortest counts: machines have neighbours.
// Needs dist/ and, for ResNet-18, the random weights that scripts/test.sh makes: the time does not
// depend on them.
import { cpus } from "node:os";
import { drop, launch, open, sample, serve, status, withRandomResnet18 } from "../tests/browser/harness.mjs";

const gpu = process.argv.includes("gpu");
const ROUNDS = 3;
const steps = Number(process.argv[2]) || 20;
const card = process.argv.includes("card");
const settings = gpu
  ? ["device=gpu&adapter=software"]
  : card
    ? ["trapezoid", "secant"].flatMap((rule) => ["gpu", "cpu"].map((device) => `device=${device}&rule=${rule}`))
  : process.argv.includes("builds")
    ? ["device=cpu&workers=1&engine=worker", "device=cpu&workers=1&engine=worker-relaxed"]
    : process.argv.includes("secants")
      ? [1, 2].flatMap((workers) => ["trapezoid", "secant"].map((rule) => `device=cpu&workers=${workers}&rule=${rule}`))
      : ["device=cpu&workers=1", "device=cpu&workers=2"];
const browser = await launch({ webgpu: gpu, card });
const site = await serve(withRandomResnet18() ?? undefined);
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}`);
console.log("| model | by | gradients | seconds | seconds a gradient | ready after opening the page | first mask after the drop |");
console.log("|---|---|---|---|---|---|---|");
const fetched = await (await fetch(`${site.url}weights/manifest.json`)).json();
const done = async (page) => {
  await status(page, /^Done/, 600_000);
  return (await page.textContent("#status")).match(/(\d+) gradients in ([\d.]+) s/).slice(1).map(Number);
};
for (const name of [...fetched.models.map(({ name }) => name), "shapesnet"]) {
  const runs = [];
  for (const setting of settings) {
    const opened = Date.now();
    const page = await open(browser, site, `${setting}&model=${name}&steps=${steps}`);
    await status(page, /is ready/);
    const dropped = Date.now();
    const ready = (dropped - opened) / 1000;
    await drop(page, "cat.jpg", await sample("cat.jpg"));
    await status(page, /: [1-9]\d* of|^Done/, 600_000);
    const first = (Date.now() - dropped) / 1000;
    runs.push({ setting, page, ready, first, results: [await done(page)] });
  }
  for (let round = 1; round < ROUNDS; round++) {
    for (const { page, results } of runs) {
      await page.bringToFront();
      await page.evaluate(() => {
        document.getElementById("status").textContent = "";
      });
      await page.click("#explain");
      results.push(await done(page));
    }
  }
  for (const { setting, page, ready, first, results } of runs) {
    const [gradients] = results[0];
    const seconds = Math.min(...results.map((result) => result[1]));
    const each = (seconds / gradients).toFixed(4);
    console.log(`| ${name} | ${setting} | ${gradients} | ${seconds} | ${each} | ${ready.toFixed(1)} s | ${first.toFixed(1)} s |`);
    await page.close();
  }
}
await browser.close();
site.close();
