// The engine's builds for the CPU: with relaxed SIMD and without.
import assert from "node:assert/strict";
import { npyValues, open, save, status, suite } from "./harness.mjs";

const shared = suite();
const { check } = shared;

/** One drawn scene's attributions by ShapesNet, and the modules that were fetched for it. */
async function explained(engine) {
  const page = await open(shared.browser, shared.site, `device=cpu&model=shapesnet&steps=10&scene=5${engine}`);
  await status(page, /^Done: 11/);
  const values = npyValues((await save(page, "attributions")).bytes, 3 * 96 * 96);
  const modules = page.requested.filter((url) => url.endsWith(".wasm")).map((url) => url.split("/").pop());
  assert.deepEqual(page.errors, []);
  await page.close();
  return { values, modules };
}

check("this browser takes relaxed SIMD, and both builds compute the same", async () => {
  const relaxed = await explained("");
  assert.ok(relaxed.modules.includes("worker-relaxed_bg.wasm"), relaxed.modules.join());
  assert.ok(!relaxed.modules.includes("worker_bg.wasm"), "one of them is enough");
  assert.ok(!relaxed.modules.includes("worker-gpu_bg.wasm"), "the GPU's is for who has one");
  const plain = await explained("&engine=worker");
  assert.ok(plain.modules.includes("worker_bg.wasm"), plain.modules.join());
  const other = await explained("&engine=//elsewhere.example/worker");
  assert.deepEqual(other.modules, relaxed.modules, "an address brings no engine from elsewhere");
  const length = (of) => Math.sqrt(of.reduce((sum, v) => sum + v * v, 0));
  const error = length(plain.values.map((v, k) => v - relaxed.values[k])) / length(plain.values);
  assert.ok(error < 1e-3, `they differ by ${error}`);
  // Fused, a sum is rounded once where it is rounded twice elsewhere.
  assert.ok(error > 0, "both round alike: are there two?");
});
