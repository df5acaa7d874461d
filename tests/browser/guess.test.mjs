// Guess, then see: groups paint where they would look; then the mask is uncovered beside it.
import assert from "node:assert/strict";
import { again, canvas, open, suite, view } from "./harness.mjs";

const shared = suite();
const { check } = shared;
const shapes = "device=cpu&model=shapesnet&steps=24&scene=5&view=pixels";

/** Paints from one place to another, as shares of the canvas. */
export async function stroke(page, id, from, to) {
  await page.locator(`#${id}`).scrollIntoViewIfNeeded();
  const box = await page.locator(`#${id}`).boundingBox();
  const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(from));
  await page.mouse.down();
  await page.mouse.move(...at(to), { steps: 5 });
  await page.mouse.up();
}

/** Share of a canvas that is as green as paint. */
const green = (page, id) => page.evaluate((id) => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let k = 0; k < data.length; k += 4) count += data[k] === 0 && data[k + 1] === 158 && data[k + 2] === 115;
  return count / (data.length / 4);
}, id);

check("a link that begins with a guess shows no mask before it is uncovered; then guess and mask are compared", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&chapter=guess`);
  await page.waitForSelector("#guess-body:not([hidden])");
  const covered = await canvas(page);
  assert.match(await page.textContent("#stage-caption"), /covered until the guess is done/);
  assert.equal(await page.getAttribute("#guess-uncover", "aria-disabled"), "true");
  // The first group paints, takes it back, and paints elsewhere; its guess is kept.
  await stroke(page, "guess-canvas", [0.1, 0.1], [0.3, 0.1]);
  assert.ok((await green(page, "guess-canvas")) > 0.002);
  await page.click("#guess-undo");
  assert.equal(await green(page, "guess-canvas"), 0);
  await stroke(page, "guess-canvas", [0.1, 0.9], [0.3, 0.9]);
  await page.click("#guess-next");
  assert.equal(await green(page, "guess-canvas"), 0);
  assert.deepEqual(await page.locator("#guess-strip li").allInnerTexts(), ["Group 1"]);
  // The second by the keyboard: from the middle, where the shape is.
  await page.locator("#guess-size").fill("40");
  await page.locator("#guess-canvas").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Space");
  const stored = await page.evaluate(() => JSON.stringify(localStorage) + location.search);
  const asked = page.requested.length;
  await page.click("#guess-uncover");
  assert.notEqual((await canvas(page)).hash, covered.hash, "the stage shows the mask again");
  assert.ok(await page.isVisible("#guess-mask"));
  const [mass, area] = (await page.textContent("#guess-score")).match(/\d+(?=\s?%)/g).map(Number);
  assert.ok(mass > 0 && mass <= 100 && area > 5 && area < 40, `${mass} ${area}`);
  const strip = await page.locator("#guess-strip li").allInnerTexts();
  assert.equal(strip.length, 2);
  const [first, second] = strip.map((text) => Number(text.match(/(\d+)\s?% of the mask/)[1]));
  assert.equal(second, mass);
  assert.ok(first < second, `${strip}`);
  // None of it is kept or sent.
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage) + location.search), stored);
  assert.equal(page.requested.length, asked);
  await view(page, "original");
  assert.equal((await canvas(page)).hash, covered.hash, "nothing but the photo was to be seen before");
  // Another photo: the guess is gone, and nothing stays covered.
  await again(page, () => page.click("#draw"));
  assert.ok(await page.isHidden("#guess-body"));
  assert.match(await page.textContent("#stage-caption"), /^“/);
  assert.deepEqual(page.errors, []);
  await page.close();
});
