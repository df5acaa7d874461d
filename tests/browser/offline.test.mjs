// What the browser keeps: an update is all or nothing, what was cleared is noticed, and nothing mixes versions.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { notice, open, root, serve, skip, status, suite } from "./harness.mjs";

const shared = suite();
const { check } = shared;
const query = "device=cpu&model=shapesnet&steps=2&scene=5";

/** A visit after which the service worker serves the page. */
async function visited(site) {
  const page = await open(shared.browser, site, query, { serviceWorkers: "allow" });
  await status(page, /^Done: 3/);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  return page;
}
const missing = (page) => page.evaluate(async () => {
  const names = (await caches.keys()).filter((name) => /build-/.test(name));
  const kept = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).length));
  return { names, kept };
});

check("an update of which one file fails leaves the build before whole, and it goes on without a network", async () => {
  let newer = false;
  const dist = path.join(root, "dist");
  const build = (await readdir(dist)).find((name) => name.startsWith("build-"));
  const site = await serve((name, bytes) => {
    if (!newer) return bytes;
    if (name === "service-worker.js") return Buffer.from(String(bytes).replaceAll(build, "build-000000000000"));
    // Of the newer build, everything is there but one file.
    if (!name.startsWith("build-000000000000/")) return bytes;
    return name.endsWith("/style.css") ? null : readFile(path.join(dist, name.replace("build-000000000000", build)));
  });
  const page = await visited(site);
  const before = await missing(page);
  newer = true;
  const outcome = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    const installing = new Promise((found) => registration.addEventListener("updatefound", () => found(registration.installing)));
    await registration.update().catch(() => {});
    const worker = await installing;
    while (worker.state === "installing") await new Promise((done) => setTimeout(done, 20));
    return worker.state;
  });
  assert.equal(outcome, "redundant");
  const after = await missing(page);
  const [old] = before.names;
  assert.ok(after.names.includes(old));
  assert.equal(after.kept[after.names.indexOf(old)], before.kept[0]);
  site.close();
  await page.reload();
  await status(page, /^Done: 3/);
  await page.close();
});

check("the page says whether it works without a network, and what the browser has cleared is fetched again", async () => {
  const site = await serve();
  const page = await visited(site);
  await page.reload();
  const said = () => page.waitForFunction(() => ["all", "again"].find(
    (name) => !document.getElementById(`kept-${name}`).hidden)).then((handle) => handle.jsonValue());
  assert.equal(await said(), "all");
  await page.click(".private .why");
  assert.match(await page.innerText("#about-private"), /it works without a network now/);
  const before = await missing(page);
  // As a browser does that needs the room.
  await page.evaluate(async () => {
    for (const name of await caches.keys()) await caches.delete(name);
  });
  await page.reload();
  assert.equal(await said(), "again");
  await page.click(".private .why");
  assert.match(await page.innerText("#about-private"), /had let go of what was kept[\s\S]*fetched again/);
  assert.deepEqual(await missing(page), before);
  site.close();
  await page.reload();
  await status(page, /^Done: 3/);
  await page.close();
});

check("after one visit, the network that was used works without one, and the page says so", async (t) => {
  const site = await serve();
  const context = await shared.browser.newContext();
  const page = await open(context, site, "device=cpu&model=efficientnet-lite0&steps=2&photo=cat");
  await page.waitForFunction(() => /^(Done: 3|No network)/.test(document.getElementById("status").textContent));
  if (!/efficientnet/.test(page.url())) return skip(t, "scripts/weights.sh has not made efficientnet-lite0");
  await page.waitForSelector("#kept-all:not([hidden])", { state: "attached" });
  const sum = await page.textContent("#attribution-sum");
  site.close();
  await page.reload();
  await status(page, /^Done: 3/);
  assert.equal(await page.textContent("#attribution-sum"), sum);
  await context.close();
});

check("two pages of one origin, one within the other's path and of another build, keep what is theirs", async () => {
  const dist = path.join(root, "dist");
  const build = (await readdir(dist)).find((name) => name.startsWith("build-"));
  const other = "build-000000000000";
  const site = await serve();
  // In front of it: /a/ is the page as it was built, /a/b/ the same as another build.
  const pass = async (request, response) => {
    const [, page, name] = /^\/(a\/b|a)\/(.*)$/.exec(request.url) ?? [];
    const renamed = page === "a/b";
    const answer = page && await fetch(site.url + (renamed ? name.replaceAll(other, build) : name));
    let bytes = Buffer.from(answer ? await answer.arrayBuffer() : "");
    if (renamed && /html|javascript/.test(answer.headers.get("content-type"))) {
      bytes = Buffer.from(String(bytes).replaceAll(build, other));
    } else if (renamed && /_bg\.wasm$/.test(name)) {
      bytes.write(other, bytes.length - other.length);
    }
    response.writeHead(answer?.status ?? 404, { "content-type": answer?.headers.get("content-type") ?? "text/plain" });
    response.end(bytes);
  };
  // What is still asked for when both are closed gets no answer.
  const front = createServer((request, response) => pass(request, response).catch(() => response.destroy()));
  await new Promise((done) => front.listen(0, "127.0.0.1", done));
  const origin = `http://localhost:${front.address().port}`;
  const context = await shared.browser.newContext();
  const pages = [];
  for (const [place, folder] of [["/a/", build], ["/a/b/", other]]) {
    const page = await open(context, { url: origin + place }, query);
    await page.waitForSelector("#kept-all:not([hidden])", { state: "attached" });
    pages.push([page, place, folder]);
  }
  const kept = () => pages[0][0].evaluate(async () => Object.fromEntries(await Promise.all((await caches.keys()).map(async (name) => [
    name, (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)]))));
  const before = await kept();
  // One is visited again, which is when a service worker clears what is old.
  await pages[0][0].reload();
  await pages[0][0].waitForSelector("#kept-all:not([hidden])", { state: "attached" });
  const after = await kept();
  assert.deepEqual(Object.keys(after).sort(), Object.keys(before).sort());
  for (const [name, files] of Object.entries(after)) {
    const [, place] = name.split(" ");
    const inner = place === "/a/b/";
    assert.ok(files.length > 0 && files.every((file) => file.startsWith("/a/b/") === inner), `${name}: ${files}`);
    assert.equal(files.length, before[name].length, name);
  }
  front.close();
  front.closeAllConnections();
  site.close();
  for (const [page, place, folder] of pages) {
    await page.goto(`${origin}${place}?${query}`);
    await status(page, /^Done: 3/);
    assert.match(await page.getAttribute("script[src$='early.js']", "src"), new RegExp(folder), place);
  }
  await context.close();
});

check("page and engine of different builds never speak with each other: a sentence asks to reload", async () => {
  const site = await serve((name, bytes) => {
    if (!/\/worker.*\.wasm$/.test(name)) return bytes;
    const other = Buffer.from(bytes);
    other.write("000000000000", other.length - 12);
    return other;
  });
  const page = await open(shared.browser, site, query, { serviceWorkers: "block" });
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(page), /different versions.*Reload the page/);
  assert.match(await page.textContent("#status"), /engine is not running/);
  assert.equal(page.workers().length, 0);
  await page.close();
  site.close();
});

check("a machine without memory for the engine gets a sentence", async () => {
  const site = await serve((name, bytes) => name.endsWith("/worker-loader.js")
    ? Buffer.concat([Buffer.from(`wasm_bindgen = () => Promise.reject(new RangeError(
      "WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance"));\n`), bytes])
    : bytes);
  const page = await open(shared.browser, site, query, { serviceWorkers: "block" });
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(page), /engine stopped.*Cannot allocate Wasm memory.*other tabs closed/);
  // In French, what the browser says stays English, and is read aloud as English.
  await page.selectOption("#language", "fr");
  assert.match(await page.locator("#notice-what [lang=en]").innerText(), /^(?!.*moteur).*Cannot allocate Wasm memory/);
  assert.match(await notice(page), /moteur/);
  await page.selectOption("#language", "en");
  assert.equal(await page.locator("#notice-what [lang]").count(), 0);
  await page.close();
  site.close();
});

check("where a browser allows no service worker, the page starts all the same", async () => {
  const page = await shared.browser.newPage();
  await page.addInitScript(() => {
    ServiceWorkerContainer.prototype.register = () => Promise.reject(new DOMException("The operation is insecure.", "SecurityError"));
  });
  await page.goto(`${shared.site.url}?${query}`);
  await status(page, /^Done: 3/);
  assert.ok(await page.isHidden("#no-start"));
  await page.close();
});

check("a network that never answers is none: the page comes from what is kept", async () => {
  let silent = false;
  const site = await serve(undefined, (name) => silent && name === "index.html");
  const page = await visited(site);
  silent = true;
  await page.reload();
  await status(page, /^Done: 3/);
  await page.close();
  site.close();
});
