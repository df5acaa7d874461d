// What scripts/serve.sh does the first time: a page of two modules is served while the other three are built, and then
// replaced. With modules that were compiled before in the compiler's place, which takes its time when it is told to.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { again, dropAll, notice, open, root, serving, skip, status, suite } from "./harness.mjs";

const shared = suite();
const bound = path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "bindgen");

/** Violet's sources without Rust's, and what stands in for its tools. */
async function workshop(t) {
  const folder = await mkdtemp(path.join(tmpdir(), "violet-"));
  t.after(() => rm(folder, { recursive: true, maxRetries: 5 }));
  for (const name of ["www", "scripts"]) await cp(path.join(root, name), path.join(folder, name), { recursive: true });
  const filter = (name) => !/safetensors$|manifest/.test(name) || /shapesnet/.test(name);
  await cp(path.join(root, "weights"), path.join(folder, "weights"), { recursive: true, filter });
  const tools = path.join(folder, "tools");
  await mkdir(tools);
  const cargo = execFileSync("sh", ["-c", "command -v cargo"], { encoding: "utf8" }).trim();
  await writeFile(path.join(tools, "cargo"), `#!/bin/sh
[ "$1" = build ] || { cd "${root}" && exec "${cargo}" "$@"; }
case "$*" in *"--bin reader"*) until [ -e "${folder}/go" ] || [ ! -d "${folder}" ]; do sleep 0.05; done ;; esac
`, { mode: 0o755 });
  await writeFile(path.join(tools, "bindgen"), `#!/bin/sh
for given; do case $given in --out-dir=*) out=\${given#*=} ;; *.wasm) name=$(basename "$given" .wasm) ;; esac; done
mkdir -p "$out" && cp "${bound}/$name.js" "${bound}/\${name}_bg.wasm" "$out"
`, { mode: 0o755 });
  const env = {
    ...process.env, PATH: `${tools}:${process.env.PATH}`, CARGO_TARGET_DIR: path.join(folder, "target"),
    VIOLET_BINDGEN: path.join(tools, "bindgen"),
  };
  return { folder, env };
}

shared.check("the page explains before all of it is built; what was opened goes on, and a reload is all of the new build", async (t) => {
  if (!existsSync(path.join(bound, "reader_bg.wasm"))) return skip(t, "scripts/build.py has built nothing here");
  const { folder, env } = await workshop(t);
  const script = (name) => path.join(folder, "scripts", name);
  execFileSync("python3", [script("build.py"), "--only", "app,worker", "--alone"], { env });
  const dist = path.join(folder, "dist");
  const builds = async () => (await readdir(dist)).filter((name) => name.startsWith("build-"));
  const modules = async (build) => (await readdir(path.join(dist, build))).filter((name) => name.endsWith(".wasm")).sort();
  const [first, ...others] = await builds();
  assert.deepEqual(others, []);
  assert.deepEqual(await modules(first), ["app_bg.wasm", "worker-relaxed_bg.wasm", "worker_bg.wasm"]);

  const [address, server] = await serving(t, ["python3", "-u", script("serve.py"), "--finish"], /(http:\S+\/)/, { env });
  const whole = new Promise((done) => server.stdout.on("data", (said) => /Everything is built/.test(said) && done()));
  const page = await open(shared.browser, { url: address }, "device=cpu&model=shapesnet&steps=2&scene=5");
  await status(page, /^Done: 3/);
  // What is not there yet is missed in a sentence.
  const network = await readFile(path.join(root, "src/import/tests/data/onnx/float16.onnx"));
  await dropAll(page, [{ name: "forest.onnx", bytes: network }]);
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(page), /could not be loaded.*[Rr]eload the page/);

  await writeFile(path.join(folder, "go"), "");
  await whole;
  const [second, ...more] = await builds();
  assert.deepEqual(more, []);
  assert.notEqual(second, first);
  assert.equal((await modules(second)).length, 5);
  assert.equal((await fetch(`${address}${first}/app.js`)).status, 404, "nothing of the first is left to be mixed in");
  await page.fill("#steps", "3");
  await again(page, () => page.click("#explain"));
  assert.match(await page.textContent("#status"), /^Done: 4/);
  page.requested.length = 0;
  await page.reload();
  await status(page, /^Done: 4/);
  await dropAll(page, [{ name: "forest.onnx", bytes: network }]);
  await page.waitForFunction(() => document.getElementById("model").value === "own:forest.onnx");
  await status(page, /^Done: 4/);
  const asked = page.requested.map((url) => url.match(/build-[^/]+/)?.[0]).filter(Boolean);
  assert.deepEqual([...new Set(asked)], [second]);
  assert.deepEqual(page.errors, []);
  await page.close();
});
