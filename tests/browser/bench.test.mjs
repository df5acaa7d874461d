// The page that measures: in both languages, with a table to pass on.
import assert from "node:assert/strict";
import { suite } from "./harness.mjs";

const shared = suite();

shared.check("a visitor measures his machine, stops, and has a table", async () => {
  const page = await shared.browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(`${shared.site.url}bench.html?lang=fr`);
  await page.waitForFunction(() => document.documentElement.lang === "fr" && !document.getElementById("run").disabled);
  assert.match(await page.textContent("h1"), /^Quelle est la vitesse de cette machine\s\?$/);
  assert.equal((await page.textContent("#run")).trim(), "Mesurer");
  await page.click("#run");
  // Each network, first on the CPU by one worker.
  await page.waitForFunction(() => /\| CPU \| 1 \| 0\.\d{4} \|/.test(document.getElementById("result").textContent), null, { timeout: 180_000 });
  await page.click("#run");
  await page.waitForFunction(() => /Arrêté|Terminé/.test(document.getElementById("status").textContent), null, { timeout: 120_000 });
  const result = await page.textContent("#result");
  assert.match(result, /^Violet, build-[0-9a-f]{12}\n.*Chrome.*\n\d+ cores, .*\n\n\| network \| device \| workers \| seconds a gradient \|\n/);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.click("#copy");
  await page.waitForFunction((text) => navigator.clipboard.readText().then((copied) => copied.trim() === text.trim()), result);
  assert.deepEqual(errors, []);
  await page.close();
});
