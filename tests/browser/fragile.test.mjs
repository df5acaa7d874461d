// Fragile: what turns an answer, what moves a mask; and the stage is left as it was.
import assert from "node:assert/strict";
import { again, canvas, number, open, status, suite } from "./harness.mjs";

const shared = suite();

shared.check("a link shows the answer turned, the mask moved, another zero and noise; the stage is left as it was", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=24&scene=5&chapter=fragile");
  await status(page, /what moves answer and mask/);
  const mask = await canvas(page);
  const text = (part) => page.textContent(`#fragile-${part}-note`);
  // A step that nobody sees, and another answer: it is not the one that it was.
  const [, levels, from, to] = (await text("turn")).match(/^A step of ([\d.]+) levels of 255, .*, turns “(\w+)” into “(\w+)”\./);
  assert.ok(Number(levels) > 0 && Number(levels) <= 32 && from !== to, `${levels} ${from} ${to}`);
  // The answer stays, and the mask's share of that quarter grows.
  const moved = (await text("move")).match(/moved by more than (\d+) levels .* answer is “(\w+)” as before.* from (\d+)\s?% to (\d+)\s?%/);
  assert.ok(Number(moved[1]) <= 8 && moved[2] === from && Number(moved[4]) > Number(moved[3]), moved[0]);
  // From the same colour the other network's mask is the same.
  const [, zero, colour] = (await text("shift")).match(/likeness of (−?[\d.]+); from the same colour, of ([\d.]+)\./);
  assert.ok(number(zero) < 0.9 && number(colour) > 0.99, `${zero} ${colour}`);
  const [, map, gradient] = (await text("noise")).match(/moved the map by (\d+)\s?% .* gradient moved by (\d+)\s?%/);
  assert.ok(Number(map) > 0 && Number(gradient) > 0, `${map} ${gradient}`);
  for (const [part, plates] of [["turn", 3], ["move", 3], ["shift", 3], ["noise", 2]]) {
    assert.equal(await page.locator(`#fragile-${part} li`).count(), plates);
  }
  // The path is the stage's again.
  const sum = await page.textContent("#attribution-sum");
  await again(page, () => page.click("#explain"));
  assert.equal(await page.textContent("#attribution-sum"), sum);
  assert.equal((await canvas(page)).hash, mask.hash);
  assert.deepEqual(page.errors, []);
  await page.close();
});

shared.check("an answer that is nearly a tie turns at the first step, and the page says why there is no mask to compare with", async () => {
  // Heart before square by 0.03 of a logit.
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=auto&scene=1145&chapter=fragile");
  await status(page, /what moves answer and mask/);
  const text = (part) => page.textContent(`#fragile-${part}-note`);
  const [, levels] = (await text("turn")).match(/^A step of (0\.\d+) levels of 255, less than a picture file can hold, turns “heart” into “square”\./);
  assert.ok(Number(levels) > 0 && Number(levels) < 0.1, levels);
  assert.equal(await text("move"), "Every step that was tried here turns “heart”, whose lead is too small: no mask to compare with.");
  assert.equal(await page.locator("#fragile-move li").count(), 0);
  // What follows is shown all the same.
  assert.match(await text("noise"), /^Max-sensitivity: of 8 photos/);
  assert.deepEqual(page.errors, []);
  await page.close();
});
