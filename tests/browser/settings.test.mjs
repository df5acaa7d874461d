// Settings, links that restore them, files that are saved, and what the page is allowed to do.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import {
  again, canvas, drop, npyValues, number, open, root, sample, save, serve, status, suite,
} from "./harness.mjs";

const shared = suite();
const { check } = shared;

const changed = (page, id, before) =>
  page.waitForFunction(([id, before]) => document.getElementById(id).textContent !== before, [id, before]);

check("another baseline, another path: white, a colour, blurred, noise", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=60&scene=5");
  await status(page, /^Done/);
  const input = await page.textContent("#output-input");
  for (const name of ["white", "blurred", "noise", "colour"]) {
    const before = await page.textContent("#output-baseline");
    await page.selectOption("#baseline", name);
    await changed(page, "output-baseline", before);
    await status(page, /^Done/);
    assert.equal(await page.textContent("#output-input"), input, "F(x) is that of the photo");
    assert.ok(Math.abs(number(await page.textContent("#delta").then((text) => text.replace(/\s?%/, "")))) < 25, name);
  }
  assert.ok(await page.locator("#baseline-colour").isVisible());
  const grey = await page.textContent("#output-baseline");
  await page.locator("#baseline-colour").fill("#ff0000");
  await changed(page, "output-baseline", grey);
  await status(page, /^Done/);
  assert.match(page.url(), /baseline=%23ff0000/);
  await page.close();
});

check("a link restores model, scene, class, steps, baseline and view", async () => {
  const first = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=7");
  await status(first, /is ready/);
  await first.click("#draw");
  await status(first, /^Done: 8/);
  await again(first, () => first.selectOption("#tag", "misleading"));
  await first.selectOption("#baseline", "grey");
  await first.locator("#predictions button").nth(3).click();
  await first.waitForFunction(() => /output=/.test(location.search));
  await first.locator("input[name=view][value=mask]").check({ force: true });
  await status(first, /^Done: 8/);
  await first.waitForFunction(() => document.querySelectorAll("#predictions button")[3].ariaPressed === "true");
  await status(first, /^Done: 8/);
  const shown = async (page) => ({
    chosen: await page.locator("#predictions [aria-pressed=true]").innerText(),
    sum: await page.textContent("#attribution-sum"),
    baseline: await page.inputValue("#baseline"),
    view: await page.locator("input[name=view]:checked").inputValue(),
    tag: await page.inputValue("#tag"),
  });
  const [expected, query] = [await shown(first), new URL(first.url()).search.slice(1)];
  const second = await open(shared.browser, shared.site, query);
  await status(second, /^Done: 8/);
  assert.deepEqual(await shown(second), expected);
  assert.equal(expected.view, "mask");
  await first.close();
  await second.close();
});

check("the probability instead of the logit", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=200&scene=5&scale=probability");
  await status(page, /^Done/);
  const [share] = (await page.locator("#predictions [aria-pressed=true]").innerText()).match(/[\d.]+(?=\s?%)/);
  assert.ok(Math.abs(number(await page.textContent("#output-input")) - Number(share) / 100) < 0.006);
  await page.selectOption("#scale", "logit");
  await page.waitForFunction(() => !/scale=/.test(location.search));
  await status(page, /^Done/);
  await page.close();
});

check("what spoke for the answer, and what against it", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3&scene=5&view=mask");
  await status(page, /^Done/);
  const seen = new Set();
  for (const name of ["absolute", "positive", "negative", "signed"]) {
    await page.selectOption("#reduction", name);
    const { hash } = await canvas(page);
    assert.ok(!seen.has(hash), name);
    seen.add(hash);
  }
  assert.match(await page.textContent("#caption"), /orange: what spoke against/);
  assert.match(page.url(), /show=signed/);
  await page.close();
});

check("mask, overlay, attributions and report are saved, at the photo's own size", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3");
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  await status(page, /^Done/);
  const overlay = await save(page, "overlay");
  // PNG: width and height are at bytes 16 and 20. The cat is 451 × 300; words stand beneath it.
  const size = ({ bytes }) => [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const [width, height] = size(overlay);
  assert.ok(width === 451 && height > 320 && height < 450, `${width} × ${height}`);
  const [maskWidth, maskHeight] = size(await save(page, "mask"));
  assert.ok(maskWidth === 300 && maskHeight > 320 && maskHeight < 450, `${maskWidth} × ${maskHeight}`);

  const report = JSON.parse((await save(page, "report")).bytes);
  assert.equal(report.model, "shapesnet");
  assert.ok(Math.abs(report.step_sizes.reduce((a, b) => a + b) - 1) < 1e-9);
  const array = await save(page, "attributions");
  assert.equal(array.name, "attributions.npy");
  assert.ok(array.bytes.includes("(3, 96, 96"));
  const values = npyValues(array.bytes, 3 * 96 * 96);
  const sum = values.reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - report.attribution_sum) < 1e-2, `${sum} and ${report.attribution_sum}`);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("the page may speak with nobody but itself, and does not", async () => {
  const html = await readFile(path.join(root, "dist/index.html"), "utf8");
  const policy = html.match(/Content-Security-Policy" content="([^"]+)"/)[1];
  for (const [, script] of html.matchAll(/<script(?![^>]* src=)[^>]*>([\s\S]+?)<\/script>/g)) {
    const hash = createHash("sha256").update(script).digest("base64");
    assert.ok(policy.includes(`'sha256-${hash}'`), `www/index.html must allow 'sha256-${hash}'`);
  }
  assert.match(policy, /connect-src 'self';/);

  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2");
  const violations = [];
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && violations.push(message.text()));
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  await status(page, /^Done/);
  assert.ok((await canvas(page)).purple > 0);
  assert.deepEqual(violations, []);
  const { origin } = new URL(shared.site.url);
  assert.ok(page.requested.length > 5 && page.requested.every((url) => /^(blob|data):/.test(url) || new URL(url).origin === origin));
  const outside = await page.evaluate(() => fetch("https://example.com/").then(() => "sent", () => "refused"));
  assert.equal(outside, "refused");
  await page.close();
});

check("after the first visit the page works without a network", async () => {
  const leaving = await serve();
  const page = await open(shared.browser, leaving, "device=cpu&model=efficientnet-lite0&steps=2", { serviceWorkers: "allow" });
  await status(page, /is ready/);
  await page.evaluate(() => navigator.serviceWorker.ready);
  // A second visit asks by way of the service worker, which then has everything.
  await page.reload();
  await status(page, /is ready/);
  await page.waitForFunction(async () => {
    const names = [];
    for (const cache of await caches.keys()) {
      names.push(...(await (await caches.open(cache)).keys()).map(({ url }) => url));
    }
    return ["worker-relaxed_bg.wasm", "efficientnet-lite0.safetensors", "manifest.json", "samples/cat.jpg"]
      .every((name) => names.some((url) => url.endsWith(name)));
  });
  await page.context().setOffline(true);
  leaving.close();
  await page.goto(`${leaving.url}?device=cpu&model=efficientnet-lite0&steps=3`);
  await status(page, /is ready/);
  await page.locator("[data-sample=cat]").click();
  await status(page, /^Done: 4/);
  assert.match((await page.locator("#predictions button").allInnerTexts()).join(" "), /cat/);
  await page.close();
});

check("a colour picked from the photo, a seed, a rule and the clipping: each restored by the link", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=7&scene=5");
  await status(page, /^Done: 8/);
  await page.selectOption("#baseline", "colour");
  await page.waitForFunction(() => /baseline=%237f7f7f/.test(location.search));
  await page.click("#pick-colour");
  await page.locator("#canvas").click();
  await page.waitForFunction(() => !/baseline=%237f7f7f/.test(location.search));
  const picked = new URL(page.url()).searchParams.get("baseline");
  assert.match(picked, /^#[0-9a-f]{6}$/);
  assert.equal(await page.inputValue("#baseline-colour"), picked);
  assert.equal(await page.getAttribute("#pick-colour", "aria-pressed"), "false");

  await page.selectOption("#baseline", "noise");
  await page.locator("#baseline-seed").fill("42");
  await page.locator("#baseline-seed").press("Enter");
  await page.waitForFunction(() => /baseline=noise%3A42/.test(location.search));
  await page.selectOption("#rule", "gauss-legendre");
  await page.waitForFunction(() => /rule=gauss-legendre/.test(location.search));
  await status(page, /^Done: 7 gradients/); // as many as steps
  const full = await page.textContent("#legend-high");
  await page.locator("#clip").fill("85");
  assert.notEqual(await page.textContent("#legend-high"), full);
  assert.match(await page.textContent("#caption"), /below which lies 85\s?%/);
  const [sum, legend] = [await page.textContent("#attribution-sum"), await page.textContent("#legend-high")];
  const again = await open(shared.browser, shared.site, new URL(page.url()).search.slice(1));
  await status(again, /^Done: 7 gradients/);
  assert.deepEqual([await again.textContent("#attribution-sum"), await again.textContent("#legend-high")], [sum, legend]);
  assert.equal(await again.inputValue("#baseline-seed"), "42");
  assert.deepEqual([...page.errors, ...again.errors], []);
  await page.close();
  await again.close();
});
