// Accessibility, checked by axe-core on every state of the page: light and dark, desktop and phone.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { open, status, suite } from "./harness.mjs";

const shared = suite();

const axe = readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What axe-core finds, one line each. */
async function faults(page) {
  await page.evaluate(await axe);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
  assert.ok(passes.length > 15, `only ${passes.length} rules were checked`);
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any }) =>
    `${id}: ${help}: ${target.join(" ")} ${any[0]?.message ?? ""}`));
}

for (const [name, options] of [
  ["light", {}],
  ["dark", { colorScheme: "dark" }],
  ["a phone", { viewport: { width: 390, height: 844 } }],
]) {
  shared.check(`no fault that axe-core knows, ${name}`, async () => {
    // axe-core is written into the page, which its policy would rightly refuse.
    const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3", { ...options, bypassCSP: true });
    await status(page, /is ready/);
    assert.deepEqual(await faults(page), [], "before a photo");
    await page.click("#draw");
    await status(page, /^Done/);
    assert.deepEqual(await faults(page), [], "with a mask");
    await page.click("#walk-start");
    await status(page, /drag α/);
    await page.click("#trust-start");
    await status(page, /tests are below/);
    await page.click("#baselines-start");
    await status(page, /choose a baseline/);
    assert.deepEqual(await faults(page), [], "with everything below the photo");
    await page.selectOption("#language", "fr");
    assert.deepEqual(await faults(page), [], "in French");
    await page.selectOption("#language", "en");
    const scene = { mimeType: "image/png", buffer: await page.locator("#canvas").screenshot() };
    await page.locator("#file").setInputFiles([{ name: "a.png", ...scene }, { name: "b.png", ...scene }]);
    await page.waitForSelector("#strip:not([hidden])");
    await status(page, /^Done/);
    assert.deepEqual(await faults(page), [], "with a strip of photos");
    await page.click("#pin");
    await page.selectOption("#baseline", "colour");
    await status(page, /^Done/);
    await page.click("#save summary");
    assert.deepEqual(await faults(page), [], "with a pinned mask and a menu open");
    await page.click("#save summary");
    await page.locator("#own-file").setInputFiles([{
      name: "broken.pth", mimeType: "application/octet-stream", buffer: Buffer.from("PK\x03\x04"),
    }]);
    await page.waitForSelector("#notice:not([hidden])");
    assert.deepEqual(await faults(page), [], "with a message");
    assert.match((await page.evaluate(() => {
      document.querySelector("[data-sample] img").removeAttribute("alt");
      return globalThis.axe.run().then(({ violations }) => violations.map(({ id }) => id).join());
    })), /image-alt/, "a fault made on purpose is found");
    await page.click("#paint");
    const withBrush = (await faults(page)).filter((fault) => !fault.includes("data-sample"));
    assert.deepEqual(withBrush, [], "with the brush");
    await page.close();
  });
}
