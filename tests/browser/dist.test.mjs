// What is shipped: the same from both builds, whole in dist.zip, under any path of any static host.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { canvas, root, serving, skip, status, suite } from "./harness.mjs";

const shared = suite();
const dist = path.join(root, "dist");

/** Every file of a folder, with a hash of its bytes. */
async function files(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => entry.isFile()).map(async (entry) => {
    const file = path.join(entry.parentPath, entry.name);
    const hash = createHash("sha256").update(await readFile(file)).digest("hex");
    return [path.relative(folder, file), hash];
  });
  return Object.fromEntries((await Promise.all(found)).sort());
}

test("scripts/build.py makes what Trunk makes", async (t) => {
  const trunk = process.env.VIOLET_TRUNK_DIST;
  if (!trunk) return skip(t, "there is no build by Trunk to compare with");
  assert.deepEqual(await files(dist), await files(trunk));
});

shared.check("dist.zip on a plain static server, under a sub-path, explains a sample", async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), "violet-"));
  t.after(() => rm(folder, { recursive: true }));
  const zip = path.join(folder, "dist.zip");
  const site = path.join(folder, "lessons/violet");
  await mkdir(site, { recursive: true });
  execFileSync("python3", ["-m", "zipfile", "-c", zip, ...(await readdir(dist)).map((name) => path.join(dist, name))]);
  execFileSync("python3", ["-m", "zipfile", "-e", zip, site]);
  const [port] = await serving(
    t, ["python3", "-u", "-m", "http.server", "-b", "127.0.0.1", "-d", folder, "0"], /port (\d+)/,
  );
  const page = await shared.browser.newPage();
  const elsewhere = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(`http://localhost:${port}/lessons/violet/`)) elsewhere.push(request.url());
  });
  await page.goto(`http://localhost:${port}/lessons/violet/?device=cpu&model=shapesnet&steps=3`);
  await status(page, /is ready/);
  await page.locator("[data-sample=cat]").click();
  await status(page, /^Done/);
  assert.ok((await canvas(page)).purple > 0);
  assert.deepEqual(elsewhere.filter((url) => !/^(blob|data):/.test(url)), []);
  await page.close();
});

test("who brings a file fetches the reader of PyTorch's files, and nobody else does", async () => {
  const modules = Object.keys(await files(dist)).filter((name) => name.endsWith("_bg.wasm"));
  const reading = [];
  for (const name of modules) {
    // Where its code may panic, a module names the code's file.
    if ((await readFile(path.join(dist, name))).includes("weights/pytorch")) reading.push(path.basename(name));
  }
  assert.equal(modules.length, 5);
  assert.deepEqual(reading, ["reader_bg.wasm"]);
});

test("a name of a build's file means one build, and every page leads there", async () => {
  const names = Object.keys(await files(dist));
  const [build, ...others] = (await readdir(dist)).filter((name) => name.startsWith("build"));
  assert.match(build, /^build-[0-9a-f]{12}$/);
  assert.deepEqual(others, []);
  for (const name of names.filter((name) => /\.(js|wasm|css)$/.test(name))) {
    assert.ok(name.startsWith(`${build}/`) || name === "service-worker.js", name);
  }
  for (const name of names.filter((name) => name.endsWith(".html"))) {
    const page = await readFile(path.join(dist, name), "utf8");
    assert.doesNotMatch(page, /data-trunk|"(\.\.\/)*build\//);
    const led = [...page.matchAll(/(?:src|href)="((?:\.\.\/)*build-[^"]*)"/g)];
    assert.ok(led.length > 0, name);
    for (const [, to] of led) assert.ok(existsSync(path.join(dist, path.dirname(name), to)), to);
  }
});

test("serve.py sends what _headers says", async (t) => {
  const [address] = await serving(t, ["python3", "-u", path.join(root, "scripts/serve.py")], /(http:\S+\/)/);
  const index = await fetch(address);
  const policy = index.headers.get("content-security-policy");
  const page = await index.text();
  assert.ok(policy.startsWith(page.match(/Content-Security-Policy" content="([^"]*)"/)[1]));
  assert.match(policy, /connect-src 'self'.*frame-ancestors/);
  assert.equal(index.headers.get("x-content-type-options"), "nosniff");
  assert.match(index.headers.get("permissions-policy"), /camera=\(self\)/);
  assert.equal(index.headers.get("cache-control"), "no-cache");
  const [, name] = page.match(/src="(build-[^"]*)"/);
  const script = await fetch(address + name);
  assert.match(script.headers.get("cache-control"), /immutable/);
  assert.equal(script.headers.get("content-security-policy"), policy, "scripts of workers have it too");
});

test("the licences of what is compiled in are there", async () => {
  const text = await readFile(path.join(dist, "licences.txt"), "utf8");
  for (const name of ["burn", "burn-wgpu", "cubecl", "wgpu", "image", "serde", "wasm-bindgen"]) {
    assert.match(text, new RegExp(`^${name} \\d[^:]*: .*(MIT|Apache)`, "m"), name);
  }
  assert.match(text, /Permission is hereby granted/);
});
