// Reading a mask: regions with their sums, the slider between before and after, and captions that go with a picture.
import assert from "node:assert/strict";
import { again, canvas, number, open, save, status, suite, view } from "./harness.mjs";

const shared = suite();
const { check } = shared;

/** A finished explanation of a drawn scene. */
async function explained(query = "", options = {}) {
  const page = await open(shared.browser, shared.site, `device=cpu&model=shapesnet&steps=auto&scene=5${query}`, options);
  await status(page, /^Done/);
  return page;
}

const amounts = (page) => page.locator("#regions-list .amount").allInnerTexts().then((all) => all.map((text) => number(text.replace("+", ""))));

check("regions: ranked, with amounts that add up to what F changes by", async () => {
  const page = await explained("&view=regions");
  const listed = await amounts(page);
  assert.ok(listed.length >= 3 && listed.length <= 16, `${listed.length} regions`);
  assert.deepEqual(listed, [...listed].sort((a, b) => b - a));
  const [input, baseline] = await Promise.all(["output-input", "output-baseline"].map(
    async (id) => number(await page.textContent(`#${id}`))));
  const together = listed.reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(together - (input - baseline)) < 0.006 * (listed.length + 2), `${together} and ${input} − ${baseline}`);
  // The report has them, too, in every digit.
  const report = JSON.parse((await save(page, "report")).bytes);
  const sum = report.regions.reduce((total, region) => total + region.attribution_sum, 0);
  assert.ok(Math.abs(sum - report.attribution_sum) < 1e-4 * Math.abs(report.attribution_sum), `${sum} and ${report.attribution_sum}`);
  assert.ok(Math.abs(report.regions.reduce((total, region) => total + region.area, 0) - 1) < 1e-9);
  // For another class they are the same regions, with other amounts.
  await again(page, () => page.locator("#predictions button").nth(1).click());
  const other = await amounts(page);
  assert.equal(other.length, listed.length);
  assert.notDeepEqual(other, listed);
  assert.match(page.url(), /view=regions/);
  await view(page, "overlay");
  assert.ok(await page.isHidden("#regions"));
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("a region that is pointed at, in the list or on the stage, is pointed out on the other, also by the keyboard", async () => {
  const page = await explained("&view=regions");
  const plain = await canvas(page);
  const first = page.locator("#regions-list button").first();
  await first.hover();
  const pointed = await canvas(page);
  assert.notEqual(pointed.hash, plain.hash);
  await page.mouse.move(5, 5);
  assert.equal((await canvas(page)).hash, plain.hash);
  // By the keyboard: focus points out, Enter keeps, Escape lets go.
  await first.focus();
  assert.equal((await canvas(page)).hash, pointed.hash);
  await page.keyboard.press("Tab");
  assert.notEqual((await canvas(page)).hash, pointed.hash);
  await page.keyboard.press("Enter");
  await page.locator("#regions-list button").nth(1).evaluate((button) => button.blur());
  assert.equal(await page.getAttribute("#regions-list li:nth-child(2) button", "aria-pressed"), "true");
  assert.notEqual((await canvas(page)).hash, plain.hash);
  await page.locator("#regions-list button").nth(1).press("Escape");
  assert.equal(await page.getAttribute("#regions-list li:nth-child(2) button", "aria-pressed"), "false");
  // On the stage: the list's row lights up, and the readout names it.
  await page.locator("#regions-list button").nth(1).evaluate((button) => button.blur());
  await page.locator("#canvas").hover();
  assert.equal(await page.locator("#regions-list .pointed").count(), 1);
  assert.match(await page.textContent("#readout"), /^region \d+$/);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("the slider between before and after: by a button, by pointer, by the keyboard, and in the link", async () => {
  const page = await explained("&view=original");
  /** A fingerprint of the canvas from one share of its width to another. */
  const part = (from, to) => page.evaluate(([from, to]) => {
    const canvas = document.getElementById("canvas");
    const [left, right] = [from, to].map((share) => Math.round(share * canvas.width));
    const { data } = canvas.getContext("2d").getImageData(left, 0, right - left, canvas.height);
    return data.reduce((hash, value) => (Math.imul(hash, 31) + value) | 0, 7);
  }, [from, to]);
  const halves = () => Promise.all([part(0, 0.48), part(0.52, 1)]);
  const before = await halves();
  await view(page, "pixels");
  const after = await halves();
  assert.ok(before[0] !== after[0] && before[1] !== after[1]);
  assert.ok(await page.isHidden("#split"));
  await page.click("#split-toggle");
  assert.equal(await page.evaluate(() => document.activeElement.id), "split");
  assert.equal(await page.inputValue("#split"), "50");
  assert.deepEqual(await halves(), [before[0], after[1]]);
  // All the way to the right it is the photo, all the way to the left the mask.
  await page.keyboard.press("End");
  assert.equal(await part(0, 0.98), await view(page, "original").then(() => part(0, 0.98)));
  await view(page, "pixels");
  await page.locator("#split").focus();
  await page.keyboard.press("Home");
  assert.deepEqual(await halves(), after);
  await page.click("#split-toggle");
  const box = await page.locator("#canvas").boundingBox();
  const [middle, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(middle, y);
  await page.mouse.down();
  await page.mouse.move(middle - box.width / 4, y, { steps: 4 });
  await page.mouse.up();
  const split = Number(await page.inputValue("#split"));
  assert.ok(Math.abs(split - 25) <= 2, `${split}`);
  // Beside the slider the picture can still be touched.
  assert.equal(await page.evaluate(([x, y]) => document.elementFromPoint(x, y).id, [box.x + box.width * 0.8, y]), "canvas");
  assert.match(page.url(), new RegExp(`split=${split}`));
  await page.close();
});

check("every saved picture says what it shows, beneath it", async () => {
  const page = await explained();
  const caption = await page.textContent("#stage-caption");
  for (const part of [/ShapesNet/, /Auto/, /from black/, /of the logit/, /the sum is 0\.\d\d\s?% off/, /settled to \d+\s?%/]) {
    assert.match(caption, part);
  }
  for (const [what, beside] of [["mask", 1], ["overlay", 1], ["both", 2]]) {
    const { bytes } = await save(page, what);
    const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
    assert.equal(width, 96 * beside);
    assert.ok(height > 96, `${height}`);
    const ink = await page.evaluate(async ([url, top]) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, top, image.width, image.height - top);
      let dark = 0;
      for (let k = 0; k < data.length; k += 4) dark += data[k] < 120 && data[k + 3] === 255;
      return dark / (data.length / 4);
    }, [`data:image/png;base64,${bytes.toString("base64")}`, 96]);
    assert.ok(ink > 0.02 && ink < 0.4, `${what}: ${ink} of what is beneath it is ink`);
  }
  await page.close();
});
