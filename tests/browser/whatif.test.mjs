// What if? A part of the photo is covered: the answers follow, then the mask. And a ledger, by secants and by experiment.
import assert from "node:assert/strict";
import { again, focus, number, open, status, suite } from "./harness.mjs";

const shared = suite();
const { check } = shared;
const shapes = "device=cpu&model=shapesnet&steps=24&scene=5";

const fingerprint = (page, id) => page.evaluate((id) => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((hash, value) => (Math.imul(hash, 31) + value) | 0, 7);
}, id);

/** What the first answer was and is, in percent. */
const first = async (page) => (await page.textContent("#whatif-answers li .share")).match(/[\d.]+(?=\s?%)/g).map(Number);

async function opened(query = shapes) {
  const page = await open(shared.browser, shared.site, `${query}&chapter=whatif`);
  await page.waitForSelector("#whatif-body:not([hidden])");
  await status(page, /cover a part/);
  return page;
}

/** Does something that changes what is covered, and waits for the mask of what is left. */
const masked = (page, act, began = /The mask of what is left/) => again(page, act, began, /side by side/);

/** Where the pointer has to go, as shares of the canvas. */
async function places(page) {
  await page.locator("#whatif-canvas").scrollIntoViewIfNeeded();
  const box = await page.locator("#whatif-canvas").boundingBox();
  return ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
}

check("what is covered changes the answers while one paints, and the mask when one stops; taken back, all is as before", async () => {
  const page = await opened();
  const [was, is] = await first(page);
  assert.equal(was, is, "nothing is covered yet");
  const untouched = await fingerprint(page, "whatif-canvas");
  assert.equal(await fingerprint(page, "whatif-before"), untouched);
  const at = await places(page);
  await page.locator("#whatif-size").fill("40");
  await page.mouse.move(...at([0.3, 0.4]));
  await page.mouse.down();
  for (const y of [0.4, 0.6]) await page.mouse.move(...at([0.7, y]), { steps: 6 });
  // The button is still down: the answers follow all the same.
  await page.waitForFunction((was) => {
    const numbers = document.querySelector("#whatif-answers li .share").textContent.match(/[\d.]+(?=\s?%)/g).map(Number);
    return numbers[1] !== was;
  }, was, { timeout: 20_000 });
  assert.equal((await first(page))[0], was);
  await page.mouse.up();
  await status(page, /side by side/);
  assert.notEqual(await fingerprint(page, "whatif-canvas"), untouched);
  assert.match(await page.textContent("#whatif-note"), /^\d+\s?% are covered/);
  // Other things can cover it: blur covers less than black, and says something else.
  const black = (await first(page))[1];
  await masked(page, () => page.selectOption("#whatif-covering", "noise"));
  assert.notEqual((await first(page))[1], black);
  const contrast = () => page.evaluate(() => {
    // What lies along the line that was painted: how much neighbours differ.
    const canvas = document.getElementById("whatif-canvas");
    const [x, y, w, h] = [0.68, 0.42, 0.04, 0.16].map((share, k) => Math.round(share * (k % 2 ? canvas.height : canvas.width)));
    const { data } = canvas.getContext("2d").getImageData(x, y, w, h);
    let sum = 0;
    for (let k = 4 * w; k < data.length; k += 4) sum += Math.abs(data[k] - data[k - 4 * w]);
    return sum / (data.length / 4);
  });
  const noisy = await contrast();
  await masked(page, () => page.selectOption("#whatif-covering", "blur"));
  assert.notEqual((await first(page))[1], black);
  const blurred = await contrast();
  assert.ok(blurred < noisy / 4, `${blurred} where noise has ${noisy}`);
  await masked(page, () => page.selectOption("#whatif-covering", "baseline"));
  assert.equal((await first(page))[1], black);
  await masked(page, () => page.click("#whatif-undo"));
  assert.equal((await first(page))[1], was);
  assert.match(await page.textContent("#whatif-note"), /Nothing is covered/);
  // The stage was left alone: explained again, it has the same sum.
  const sum = await page.textContent("#attribution-sum");
  await again(page, () => page.click("#explain"));
  await status(page, /^Done: 25/);
  assert.equal(await page.textContent("#attribution-sum"), sum);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("which regions are enough, and which would change the answer", async () => {
  const page = await opened();
  await masked(page, () => page.click("#whatif-keep"), /Trying regions/);
  const enough = await page.textContent("#whatif-decided");
  const [n, all, area] = enough.match(/\d+/g).map(Number);
  assert.ok(n >= 1 && n < all && area > 0 && area < 100, enough);
  // With just these regions shown the network still says so.
  assert.doesNotMatch(await page.textContent("#whatif-note"), /now says/);
  await masked(page, () => page.click("#whatif-flip"), /Trying regions/);
  assert.match(await page.textContent("#whatif-decided"), /gives the answer to “|comes? before/);
  if (/gives the answer/.test(await page.textContent("#whatif-decided"))) {
    const [was, is] = await first(page);
    assert.ok(is < was, `${was} → ${is}`);
  }
  assert.deepEqual(page.errors, []);
  await page.close();
});

const column = (page, which) => page.evaluate((which) => [...document.querySelectorAll("#ledger-list button")]
  .map((row) => row.querySelectorAll(".amount")[which].textContent.replace("−", "-").replace("+", "")).map(Number), which);

/** What printed amounts come to, in hundredths: to the last digit. */
const hundredths = (values) => values.reduce((sum, value) => sum + Math.round(100 * value), 0);

check("the ledger adds up to the last digit, by secants and by experiment, merged and drawn by hand", async () => {
  // The mask is of trapezoids, whose sum is not exact: the ledger takes secants all the same.
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&rule=trapezoid&steps=8&scene=5&chapter=ledger");
  await page.waitForSelector("#ledger-body:not([hidden])");
  await status(page, /^Ready: merge/);
  const change = hundredths([number(await page.textContent("#output-input"))]) - hundredths([number(await page.textContent("#output-baseline"))]);
  assert.notEqual(hundredths([number(await page.textContent("#attribution-sum"))]), change, "trapezoids miss it");
  const adds = async (count, which = 0) => {
    const values = await column(page, which);
    assert.equal(values.length, count);
    assert.equal(hundredths(values), change, `${values}`);
    const [together, , , said] = (await page.textContent("#ledger-sum")).match(/−?\d+\.\d\d/g).map(number);
    assert.deepEqual([together, said].map((value) => hundredths([value])), [change, change]);
    return values;
  };
  const count = (await column(page, 0)).length;
  assert.ok(count >= 3 && count <= 8);
  await adds(count);
  // Merge two of them, chosen in the list.
  await page.locator("#ledger-list button").first().click();
  await page.locator("#ledger-list button").last().click();
  assert.equal(await page.locator("#ledger-list [aria-pressed=true]").count(), 2);
  await page.click("#ledger-merge");
  await adds(count - 1);
  // Draw one by pointer, which is the chosen one then; and by the keyboard alone, with a way back.
  await page.click("#ledger-draw");
  assert.ok(await page.isHidden("#ledger-canvas"));
  await page.click("#ledger-keep");
  assert.match(await page.textContent("#ledger-drawn"), /Nothing is painted yet/);
  const box = await page.locator("#ledger-draw-canvas").boundingBox();
  await page.mouse.move(box.x + 0.1 * box.width, box.y + 0.1 * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + 0.4 * box.width, box.y + 0.1 * box.height, { steps: 4 });
  await page.mouse.up();
  await page.click("#ledger-keep");
  const drawn = await adds(count);
  assert.equal(await page.locator("#ledger-list [aria-pressed=true]").count(), 1);
  await focus(page, "#ledger-draw");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "ledger-draw-canvas");
  await page.keyboard.press("Space");
  await page.keyboard.press("Control+z");
  for (let k = 0; k < 3; k += 1) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await focus(page, "#ledger-keep");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "ledger-draw");
  assert.notDeepEqual(await adds(count + 1), drawn);
  // Ten at most; what was painted stays, until there is room for it.
  const dots = [[0.9, 0.1], [0.9, 0.9], [0.1, 0.9], [0.9, 0.5]];
  const paint = async ([x, y]) => {
    await page.locator("#ledger-draw-canvas").click({ position: { x: x * box.width, y: y * box.height } });
    await page.click("#ledger-keep");
  };
  for (const dot of dots.slice(0, 10 - count - 1)) {
    await page.click("#ledger-draw");
    await paint(dot);
  }
  await adds(10);
  await page.click("#ledger-draw");
  await paint([0.5, 0.9]);
  assert.match(await page.textContent("#ledger-drawn"), /More than 10 regions.*stays/);
  await page.locator("#ledger-list button").first().click();
  await page.locator("#ledger-list button").nth(1).click();
  await page.click("#ledger-merge");
  await page.click("#ledger-keep");
  await adds(10);
  // A region is chosen on the picture too; cut anew it is as it was.
  await page.locator("#ledger-canvas").click();
  assert.ok((await page.locator("#ledger-list [aria-pressed=true]").count()) >= 1);
  await page.click("#ledger-anew");
  await adds(count);
  // Every combination of them.
  assert.match(await page.textContent("#ledger-experiment"), new RegExp(`all ${2 ** count} combinations`));
  await page.click("#ledger-experiment");
  await status(page, /both columns/);
  const shapley = await adds(count, 1);
  assert.notDeepEqual(shapley, await column(page, 0));
  assert.match(await page.textContent("#ledger-note"), /disagree on [\d, ]+: what a region is worth depends/);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("an experiment can be cancelled and begun again", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&chapter=ledger`);
  await status(page, /^Ready: merge/);
  await page.evaluate(() => {
    const line = document.getElementById("status");
    new MutationObserver((_, observer) => {
      if (!/^Combinations: \d+/.test(line.textContent)) return;
      observer.disconnect();
      document.getElementById("cancel").click();
    }).observe(line, { childList: true, characterData: true, subtree: true });
    document.getElementById("ledger-experiment").click();
  });
  await status(page, /^Cancelled/);
  assert.equal(await page.locator("#ledger-list li:first-child .amount").count(), 1);
  await page.click("#ledger-experiment");
  await status(page, /both columns/);
  await page.close();
});
