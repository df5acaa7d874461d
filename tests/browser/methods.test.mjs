// Methods side by side, judged on one photo.
import assert from "node:assert/strict";
import { again, canvas, number, open, status, suite } from "./harness.mjs";

const shared = suite();

shared.check("twelve methods side by side, scored; a best one is marked for each score; the stage is left as it was", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=24&scene=5&chapter=methods");
  await status(page, /methods are side by side/);
  const mask = await canvas(page);
  const cards = await page.locator("#methods-list li").all();
  assert.equal(cards.length, 12);
  const titles = await page.locator("#methods-list strong").allInnerTexts();
  assert.deepEqual(titles, [
    "Integrated Gradients", "Integrated Gradients from white", "Integrated Gradients from grey", "Expected Gradients", "IDGI", "Gradient", "Gradient × input", "SmoothGrad", "Guided backpropagation", "Grad-CAM",
    "Occlusion", "An edge detector",
  ]);
  const table = await Promise.all(cards.map(async (card) =>
    (await card.locator(".score").allInnerTexts()).map((text) => number(text.match(/−?[\d.]+$/)[0]))));
  // Deletion, insertion, single deletions, sparseness, last quarter forgot, and the truth of the scene.
  assert.ok(table.every((scores) => scores.length === 6));
  for (const [, , rank, sparse, forgot, truth] of table) {
    assert.ok(Math.abs(rank) <= 1 && sparse >= 0 && sparse < 1 && forgot <= 1 && truth >= 0 && truth <= 1, `${rank} ${sparse} ${truth}`);
  }
  // An edge detector is the same for every network, and guided backpropagation nearly.
  assert.equal(table[11][4], 1);
  assert.ok(table[8][4] > table[5][4], `${table[8][4]} ${table[5][4]}`);
  const pictures = await page.evaluate(() => [...document.querySelectorAll("#methods-list canvas")].map((canvas) => canvas.toDataURL()));
  assert.equal(new Set(pictures).size, 12);
  // The marked ones are the best: the least for deletion and for the last quarter forgot, the most for all others.
  const best = await Promise.all(cards.map((card) => card.locator(".score").evaluateAll((lines) => lines.map((line) => line.classList.contains("best")))));
  for (let score = 0; score < 6; score += 1) {
    const column = table.map((scores) => scores[score]);
    const winner = best.findIndex((marks) => marks[score]);
    assert.equal(best.filter((marks) => marks[score]).length, 1);
    assert.equal(column[winner], score === 0 || score === 4 ? Math.min(...column) : Math.max(...column));
  }
  assert.match(await page.textContent("#methods-note"), /disagree|On this photo/);
  // The path is the stage's again.
  const sum = await page.textContent("#attribution-sum");
  await again(page, () => page.click("#explain"));
  await status(page, /^Done: 25/);
  assert.equal(await page.textContent("#attribution-sum"), sum);
  assert.equal((await canvas(page)).hash, mask.hash);
  assert.deepEqual(page.errors, []);
  await page.close();
});
