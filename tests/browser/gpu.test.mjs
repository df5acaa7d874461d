// The WebGPU path, on the software adapter that Chromium carries.
import assert from "node:assert/strict";
import { test } from "node:test";
import { canvas, drop, launch, notice, number, open, sample, serve, status, view, skip } from "./harness.mjs";

/** What the page shows of one photo, by two gradients. */
async function explained(t, browser, site, query) {
  const page = await open(browser, site, `${query}&steps=1`, { patient: true });
  await status(page, /is ready/, 300_000);
  const engine = await page.textContent("#engine");
  const onGpu = /on the GPU/.test(engine);
  const compiled = () => page.workers()[0].evaluate(() => self.compiled);
  const atFirst = await compiled();
  await drop(page, "cat.jpg", await sample("cat.jpg"));
  await status(page, /^Done: 2 gradients/, 600_000);
  await view(page, "mask");
  const modules = page.requested.filter((url) => /worker.*\.wasm$/.test(url)).map((url) => url.split("/").pop());
  assert.deepEqual(modules, [onGpu ? "worker-gpu_bg.wasm" : "worker-relaxed_bg.wasm"], "one engine is enough");
  const result = {
    engine,
    onGpu,
    compiledLate: (await compiled()) - atFirst,
    sum: number(await page.textContent("#attribution-sum")),
    input: number(await page.textContent("#output-input")),
    purple: (await canvas(page)).purple,
  };
  t.diagnostic(`${JSON.stringify(result)} ${await page.textContent("#status")}`);
  await page.close();
  return result;
}

const counting = `self.compiled = 0;
  if (self.GPUDevice) {
    const compile = GPUDevice.prototype.createComputePipeline;
    GPUDevice.prototype.createComputePipeline = function (...how) {
      self.compiled += 1;
      return compile.apply(this, how);
    };
  }\n`;
/**
 * As Chromium is, by a small network, as nothing is quick there; and with its software adapter passing for a card, so
 * that it gets a card's kernels.
 */
const adapters = {
  "a software adapter": ["shapesnet", counting],
  "a card": ["efficientnet-lite0", `${counting} for (const info of [self.GPUAdapterInfo, self.GPUAdapter]) {
    if (info) Object.defineProperty(info.prototype, "isFallbackAdapter", { get: () => false });
  }\n`],
};
for (const [adapter, [model, before]] of Object.entries(adapters)) {
  const change = (name, bytes) => name.endsWith("/worker-loader.js") ? Buffer.concat([Buffer.from(before), bytes]) : bytes;
  test(`the mask by the kernels for ${adapter} is the CPU's`, async (t) => {
    const browser = await launch({ webgpu: true });
    if (!browser) return skip(t, "there is no Chromium here");
    const site = await serve(change);
    try {
      const gpu = await explained(t, browser, site, `device=gpu&adapter=software&model=${model}`);
      if (!gpu.onGpu) {
        // A self-test that fails sends the page to the CPU too, and is no reason to skip.
        assert.doesNotMatch(gpu.engine, /differ/);
        return skip(t, `this Chromium offers no software adapter: ${gpu.engine}`);
      }
      const cpu = await explained(t, browser, site, `device=cpu&model=${model}`);
      assert.equal(gpu.compiledLate, 0, "no kernel was compiled after the page was ready");
      assert.ok(Math.abs(gpu.input - cpu.input) <= 0.02, "same output");
      assert.ok(Math.abs(gpu.sum - cpu.sum) <= 0.02 + 1e-3 * Math.abs(cpu.sum), "same sum");
      assert.ok(cpu.purple > 0.01 && Math.abs(gpu.purple - cpu.purple) < 0.01, "same mask");
    } finally {
      await browser.close();
      site.close();
    }
  });
}

test("a software adapter is not taken unless the address asks for it", async (t) => {
  const browser = await launch({ webgpu: true });
  if (!browser) return skip(t, "there is no Chromium here");
  const site = await serve();
  try {
    const page = await open(browser, site, "model=efficientnet-lite0", { patient: true });
    await status(page, /is ready/);
    assert.match(await page.textContent("#engine"), /on the CPU.*(simulated in software|no GPU)/);
  } finally {
    await browser.close();
    site.close();
  }
});

test("the CPU makes the first mask; then the GPU is measured, and the faster one goes on", async (t) => {
  const browser = await launch({ webgpu: true });
  if (!browser) return skip(t, "there is no Chromium here");
  const site = await serve();
  try {
    const page = await open(browser, site, "adapter=software&model=shapesnet&steps=1&scene=5", { patient: true });
    const engines = () => page.requested.map((url) => url.match(/worker.*_bg\.wasm$/)?.[0]).filter(Boolean);
    await status(page, /^Done: 2 gradients/, 300_000);
    if (/No GPU/.test(await page.textContent("#engine"))) {
      return skip(t, `this Chromium offers no software adapter: ${await page.textContent("#engine")}`);
    }
    await page.waitForFunction(() => /Measured/.test(document.getElementById("engine").textContent), null, { timeout: 300_000 });
    const engine = await page.textContent("#engine");
    t.diagnostic(engine);
    // A GPU in software is slower than the CPU that it is made of.
    assert.match(engine, /on the CPU.*Measured: [\d.]+ s a gradient on the CPU, [\d.]+ s on the GPU/);
    assert.deepEqual(engines(), ["worker-relaxed_bg.wasm", "worker-gpu_bg.wasm"], "each is fetched once, the CPU's first");
    assert.ok(page.workers().length < 5, "the GPU's worker has ended");
    await page.click("#explain");
    await status(page, /^Done: 2 gradients/);
    assert.equal(engines().length, 2, "it is settled");
  } finally {
    await browser.close();
    site.close();
  }
});

test("a GPU that is faster takes over when nothing is being done; when it is lost, the CPU goes on; photo and settings stay", async (t) => {
  const browser = await launch({ webgpu: true });
  if (!browser) return skip(t, "there is no Chromium here");
  // The CPU's clock runs a thousand times as fast, so that its workers seem slow.
  const late = Buffer.from("{ const now = performance.now.bind(performance); performance.now = () => 1000 * now(); }\n");
  // The GPU's device is remembered, so that the test can take it away.
  const spy = Buffer.from(`if (self.GPUAdapter) {
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...how) {
      return (self.lendDevice = await request.apply(this, how));
    };
  }\n`);
  const site = await serve((name, bytes) => {
    if (/\/worker(-relaxed)?\.js$/.test(name)) return Buffer.concat([late, bytes]);
    return name.endsWith("/worker-loader.js") ? Buffer.concat([spy, bytes]) : bytes;
  });
  try {
    const page = await open(browser, site, "adapter=software&model=shapesnet&steps=1&scene=5", { patient: true });
    await status(page, /^Done: 2 gradients/, 300_000);
    const said = await page.textContent("#engine");
    if (/No GPU/.test(said)) return skip(t, `this Chromium offers no software adapter: ${said}`);
    const input = number(await page.textContent("#output-input"));
    await page.waitForFunction(() => /^Now on the GPU.*Measured/.test(document.getElementById("engine").textContent), null, { timeout: 300_000 });
    t.diagnostic(await page.textContent("#engine"));
    assert.ok(await page.isHidden("#stale"), "what is shown is still as it is set");
    await page.fill("#steps", "3");
    await page.click("#explain");
    await status(page, /^Done: 4 gradients/, 300_000);
    assert.ok(Math.abs(number(await page.textContent("#output-input")) - input) <= 0.02, "same output");
    assert.match(page.url(), /scene=5/);
    assert.equal(page.requested.filter((url) => /worker.*_bg\.wasm$/.test(url)).length, 2, "nothing is fetched twice");
    await page.waitForFunction(() => document.documentElement.dataset.device === "gpu");

    // Another network would have to be compiled while someone waits: the CPU makes its first mask, too.
    await page.fill("#steps", "5");
    await page.selectOption("#model", "shapesnet-shortcut");
    await status(page, /^Done: 6 gradients/, 300_000);
    assert.match(await page.textContent("#engine"), /on the CPU.*(tried once there is a mask|Trying the GPU)/);
    await page.waitForFunction(() => /^Now on the GPU.*Measured/.test(document.getElementById("engine").textContent), null, { timeout: 300_000 });
    await page.waitForFunction(() => document.documentElement.dataset.device === "gpu");
    assert.equal(page.requested.filter((url) => /worker.*_bg\.wasm$/.test(url)).length, 2, "nor is it then");

    await page.fill("#steps", "400");
    await page.click("#explain");
    await status(page, /: [1-9]\d* of 401/, 300_000);
    assert.match(await page.textContent("#engine"), /on the GPU/);
    const lent = await Promise.all(page.workers().map((worker) => worker.evaluate(() => {
      self.lendDevice?.destroy();
      return Boolean(self.lendDevice);
    })));
    assert.deepEqual(lent, [true]);
    await page.waitForFunction(() => /on the CPU/.test(document.getElementById("engine").textContent), null, { timeout: 300_000 });
    await status(page, /^Done: 401/, 300_000);
    assert.match(await notice(page), /GPU is not used.*CPU instead/);
    assert.equal(await page.inputValue("#steps"), "400");
    assert.match(page.url(), /scene=5/);
  } finally {
    await browser.close();
    site.close();
  }
});

test("WebGPU in pages but not in their workers: a sentence, and nothing is fetched for it", async (t) => {
  const browser = await launch({ webgpu: true });
  if (!browser) return skip(t, "there is no Chromium here");
  const without = Buffer.from('Object.defineProperty(WorkerNavigator.prototype, "gpu", { get: () => undefined });\n');
  const site = await serve((name, bytes) => /adapter\.js|worker-loader\.js/.test(name) ? Buffer.concat([without, bytes]) : bytes);
  try {
    const page = await open(browser, site, "device=gpu&adapter=software&model=shapesnet", { patient: true });
    await status(page, /is ready/, 300_000);
    if (!(await page.evaluate(() => Boolean(navigator.gpu)))) return skip(t, "this Chromium has no WebGPU");
    const sentence = /this browser has WebGPU for pages, but not yet for their workers/;
    assert.match(await page.textContent("#engine"), sentence);
    assert.match(await notice(page), sentence);
    assert.match(await page.textContent("#engine"), /^Now on the CPU/);
    assert.ok(!page.requested.some((url) => /worker-gpu/.test(url)));
  } finally {
    await browser.close();
    site.close();
  }
});
