// What the browser tests share: a static server that logs, and a Chromium that meets it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const dist = path.join(root, "dist");

export const types = {
  ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm",
  ".json": "application/json", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json", ".jpg": "image/jpeg",
};

/**
 * Serves dist/ under a sub-path, as a project page is. `change(name, bytes)` may answer with other bytes,
 * `answer(name, bytes, request, response)` in its own way.
 */
export async function serve(change = (_name, bytes) => bytes, answer = () => false) {
  const requests = [];
  const server = createServer(async (request, response) => {
    requests.push(request.url);
    const { pathname } = new URL(request.url, "http://localhost");
    const name = pathname.replace(/^\/lessons\/violet\//, "").replace(/^$/, "index.html");
    const bytes = pathname.startsWith("/lessons/violet/")
      ? await change(name, await readFile(path.join(dist, name)).catch(() => null))
      : null;
    if (bytes && answer(name, bytes, request, response)) return;
    response.writeHead(bytes ? 200 : 404, {
      "content-type": types[path.extname(name)] ?? "application/octet-stream",
    });
    response.end(bytes ?? "");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  // A test that fails closes nothing: what it has left must not keep the others' end waiting.
  server.unref();
  return {
    requests,
    url: `http://localhost:${server.address().port}/lessons/violet/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Starts a server that prints where it is when it is ready; gives that, and the process, which is killed when the test is over. */
export async function serving(t, [program, ...others], ready, options = {}) {
  const server = spawn(program, others, { stdio: ["ignore", "pipe", "pipe"], ...options });
  t.after(() => server.kill());
  const where = await new Promise((found, failed) => {
    let said = "";
    const read = (bytes) => {
      said += bytes;
      const match = said.match(ready);
      if (match) found(match[1]);
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    server.on("exit", () => failed(new Error(said)));
  });
  return [where, server];
}

/**
 * For `serve`: ResNet-18 with random weights beside the models that are there, or null where
 * scripts/test.sh has not made them. Its official weights cannot be had everywhere.
 */
export function withRandomResnet18() {
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "violet");
  const folder = path.join(cache, "checkpoints/converted");
  if (!existsSync(path.join(folder, "manifest.json"))) return null;
  const random = JSON.parse(readFileSync(path.join(folder, "manifest.json")));
  return (name, bytes) => {
    if (name === "weights/resnet18.safetensors") return readFileSync(path.join(folder, "resnet18.safetensors"));
    if (name !== "weights/manifest.json") return bytes;
    const models = bytes ? JSON.parse(bytes).models.filter(({ name }) => name !== "resnet18") : [];
    return Buffer.from(JSON.stringify({ models: [...models, ...random.models] }));
  };
}

/**
 * Says that a test cannot run here, and why, in the file that `VIOLET_SKIPPED` names too, one a line; where every test is
 * required, that is a failure.
 */
export function skip(t, reason) {
  if (process.env.VIOLET_REQUIRE === "all") throw new Error(`VIOLET_REQUIRE=all, but ${reason}`);
  if (process.env.VIOLET_SKIPPED) appendFileSync(process.env.VIOLET_SKIPPED, `${reason}\n`);
  t.skip(reason);
}

/**
 * A file of tests: one browser and one site for all of them. Without a browser, they say that they are
 * skipped. Call `check(name, body)` for each; `browser` and `site` are there while they run.
 */
export function suite(options = {}) {
  const shared = {
    check: (name, body) =>
      test(name, async (t) => {
        if (!shared.browser) return skip(t, "there is no Chromium here");
        await body(t).catch(async (error) => {
          const pages = shared.browser.contexts().flatMap((context) => context.pages());
          for (const page of pages) t.diagnostic(await said(page));
          throw error;
        });
      }),
  };
  before(async () => {
    shared.browser = await launch(options);
    if (shared.browser) left.set(shared.browser, []);
    shared.site = await serve();
  });
  after(async () => {
    await shared.browser?.close();
    shared.site?.close();
  });
  return shared;
}

/** What a page said last, for whoever asks why its test failed. */
const said = (page) =>
  page.evaluate(() => ["status", "notice", "predictions"].map((id) => document.getElementById(id)?.textContent.trim() ?? "").join(" | "))
    .then((text) => `${page.url()} says: ${text}`, (error) => `${page.url()} says nothing: ${error.message}`);

/** Chromium, or null where there is none: then the tests say that they are skipped. */
export async function launch({ webgpu = false, card = false, camera = false } = {}) {
  const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
    .find(existsSync);
  if (!executablePath) return null;
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
      // Pages of one context share a process.
      "--process-per-site",
      ...(camera ? ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"] : []),
      ...(webgpu ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : []),
      // A real GPU, by Vulkan, where there is no screen.
      ...(card
        ? ["--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-angle=vulkan", "--disable-vulkan-surface",
          "--ignore-gpu-blocklist"]
        : []),
    ],
  });
}

/** Of the browsers of suites: contexts that a page has left. */
const left = new WeakMap();

/**
 * A page that knows nothing of others, in a context that one before it has left, if there is one: its process goes on, and
 * starting another takes a third of what a page takes. Whatever was kept is cleared when the page is closed.
 */
async function clean(browser, site) {
  const idle = left.get(browser);
  const context = idle.pop() ?? await browser.newContext({ serviceWorkers: "block" });
  // A tab that stays keeps the process.
  if (!context.pages().length) {
    const tab = await context.newPage();
    await tab.route("http://localhost/", (route) => route.fulfill({ contentType: "text/html", body: "" }));
    await tab.goto("http://localhost/");
  }
  const [tab] = context.pages();
  const page = await context.newPage();
  const close = page.close.bind(page);
  page.close = async () => {
    await close();
    const devtools = await context.newCDPSession(tab);
    const { origin } = new URL(site.url);
    await devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
    await devtools.send("Network.clearBrowserCache");
    await devtools.detach();
    await context.clearPermissions();
    await context.setOffline(false);
    if (context.pages().length === 1) idle.push(context);
    else await context.close();
  };
  return page;
}

/** What a page can be told after it was opened; what else there is takes a context of its own. */
const EMULATED = ["viewport", "colorScheme", "forcedColors", "reducedMotion"];

/**
 * The page at an address, unfolded or as people find it. Given a promise `engine`, its engine comes when that is kept, and
 * not before. A `patient` page gives a GPU twenty times as long for its driver and its kernels: a busy machine takes its time.
 */
export async function open(browser, site, query, { engine, unfolded = true, patient = false, ...options } = {}) {
  const { viewport = { width: 1440, height: 900 }, ...media } = options;
  const shareable = left.has(browser) && Object.keys(options).every((name) => EMULATED.includes(name));
  const page = shareable ? await clean(browser, site) : await browser.newPage({ ...media, viewport });
  if (shareable) {
    await page.setViewportSize(viewport);
    if (Object.keys(media).length) await page.emulateMedia(media);
  }
  // A busy machine takes its time, and no test depends on it.
  page.setDefaultTimeout(120_000);
  page.requested = [];
  page.errors = [];
  page.on("request", (request) => page.requested.push(request.url()));
  page.on("pageerror", (error) => page.errors.push(String(error)));
  if (engine) await page.route("**/worker*_bg.wasm", (route) => engine.then(() => route.continue()));
  if (patient) {
    await page.addInitScript(() => {
      const later = window.setTimeout;
      window.setTimeout = (act, ms, ...rest) => later.call(window, act, ms >= 5_000 ? 20 * ms : ms, ...rest);
    });
  }
  await page.goto(`${site.url}?${query}`);
  // What is folded away can be used by name.
  if (unfolded) await page.evaluate(() => document.querySelectorAll("#how, #drawing, #network-input").forEach((box) => { box.open = true; }));
  return page;
}

/** Waits until the status line matches. */
export async function status(page, pattern, timeout = Number(process.env.VIOLET_TEST_TIMEOUT_MS ?? 180_000)) {
  await page.waitForFunction(
    ([source, flags]) => new RegExp(source, flags).test(document.getElementById("status").textContent),
    [pattern.source, pattern.flags],
    { timeout, polling: 100 },
  );
}

/** Puts the focus where a person could put it: what is hidden is waited for, and what cannot take the focus is told. */
export async function focus(page, selector) {
  const there = page.locator(selector).first();
  await there.waitFor();
  await there.focus();
  assert.ok(await there.evaluate((one) => one === document.activeElement), `${selector} does not take the focus`);
}

/**
 * Does something that makes the page work, and waits until that has begun and is done, however quick it is: `began`
 * and `done` are what the status line says, of an explanation if nothing else is said.
 */
export async function again(page, act, began = /^(Opening|Looking|Explaining|Loading|Explication)/, done = /^(Done|Terminé)/) {
  await page.evaluate((began) => {
    const line = document.getElementById("status");
    window.begun = false;
    new MutationObserver((_, observer) => {
      if (!new RegExp(began).test(line.textContent)) return;
      window.begun = true;
      observer.disconnect();
    }).observe(line, { childList: true, characterData: true, subtree: true });
  }, began.source);
  await act();
  await page.waitForFunction(
    (done) => window.begun && new RegExp(done).test(document.getElementById("status").textContent), done.source, { timeout: 180_000 });
}

/** Lets a worker break down with its sixth answer from now: in the middle of the work, however fast that is. */
export const dies = (worker, kind, why) => worker.evaluate(([kind, why]) => {
  const answer = self.postMessage.bind(self);
  let left = 6;
  self.postMessage = (...what) => {
    answer(...what);
    left -= 1;
    if (left === 0) setTimeout(() => { throw new self[kind](why); });
  };
}, [kind, why]);

/** Drops a file on the page, as a person does. */
export async function drop(page, name, bytes, type = "application/octet-stream") {
  await page.evaluate(
    async ([name, base64, type]) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name, { type }));
      const target = document.getElementById("drop");
      for (const kind of ["dragover", "drop"]) {
        target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      }
    },
    [name, Buffer.from(bytes).toString("base64"), type],
  );
}

/** Drops files together: each has a name, bytes, and perhaps a type. */
export async function dropAll(page, files) {
  const sent = files.map(({ name, bytes, type = "" }) => [name, Buffer.from(bytes).toString("base64"), type]);
  await page.evaluate(async (files) => {
    const transfer = new DataTransfer();
    for (const [name, base64, type] of files) {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type }));
    }
    const target = document.getElementById("drop");
    for (const kind of ["dragover", "drop"]) {
      target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
  }, sent);
}

export const sample = (name) => readFile(path.join(root, "www/samples", name));

/** Saves one of the things that the page offers, by its name in the menu. */
export async function save(page, what) {
  await page.click("#save summary");
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(`[data-save=${what}]`)]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** The last `count` values, all f32, of a file in NumPy's format. */
export function npyValues(bytes, count) {
  const values = new Float32Array(count);
  Buffer.from(values.buffer).set(bytes.subarray(bytes.length - values.byteLength));
  return values;
}

/** The notice's text, or "" while it is hidden. */
export const notice = (page) =>
  page.evaluate(() => {
    const box = document.getElementById("notice");
    return box.hidden ? "" : box.innerText.replaceAll(/\s+/g, " ");
  });

/** Share of clearly purple pixels on the canvas, and a fingerprint of all of them. */
export const canvas = (page) =>
  page.evaluate(() => {
    const canvas = document.getElementById("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let purple = 0;
    let hash = 0;
    for (let k = 0; k < data.length; k += 4) {
      const [r, g, b, a] = data.slice(k, k + 4);
      if (a > 0 && b > r + 30 && r > g + 10) purple += 1;
      hash = (Math.imul(hash, 31) + r + g * 3 + b * 7) | 0;
    }
    return { purple: purple / (data.length / 4), hash };
  });

export const view = (page, name) => page.locator(`input[name=view][value=${name}]`).check({ force: true });

/** A number as the page writes it. */
export const number = (text) => Number(text.replace("−", "-").replaceAll(/[,\s]/gu, ""));
