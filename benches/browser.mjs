// Seconds a step of Integrated Gradients in Chromium:
//
//   node benches/browser.mjs [STEPS]        the CPU pool with one and two workers
//   node benches/browser.mjs [STEPS] gpu    WebGPU on SwiftShader, Chromium's software adapter
//   node benches/browser.mjs [STEPS] builds one worker, the engine without relaxed SIMD and with it
//
// Needs dist/ and, for ResNet-18, the random weights that scripts/test.sh makes: the time does not
// depend on them.
import { cpus } from "node:os";
import { drop, launch, open, sample, serve, status, withRandomResnet18 } from "../tests/browser/harness.mjs";

const gpu = process.argv.includes("gpu");
const steps = Number(process.argv[2]) || 20;
const settings = gpu
  ? ["device=gpu&adapter=software"]
  : process.argv.includes("builds")
    ? ["device=cpu&workers=1&engine=worker", "device=cpu&workers=1&engine=worker-relaxed"]
    : ["device=cpu&workers=1", "device=cpu&workers=2"];
const browser = await launch({ webgpu: gpu });
const site = await serve(withRandomResnet18() ?? undefined);
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}, ${steps + 1} gradients each`);
console.log("| model | by | seconds a step | first mask after the drop |");
console.log("|---|---|---|---|");
const fetched = await (await fetch(`${site.url}weights/manifest.json`)).json();
for (const name of [...fetched.models.map(({ name }) => name), "shapesnet"]) {
  for (const setting of settings) {
    const page = await open(browser, site, `${setting}&model=${name}&steps=${steps}`);
    await status(page, /is ready/);
    const dropped = Date.now();
    await drop(page, "cat.jpg", await sample("cat.jpg"));
    await status(page, /: [1-9]\d* of|^Done/, 600_000);
    const first = (Date.now() - dropped) / 1000;
    await status(page, /^Done/, 600_000);
    const seconds = Number((await page.textContent("#status")).match(/in ([\d.]+) s/)[1]);
    console.log(`| ${name} | ${setting} | ${(seconds / (steps + 1)).toFixed(3)} | ${first.toFixed(1)} s |`);
    await page.close();
  }
}
await browser.close();
site.close();
