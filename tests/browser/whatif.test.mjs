// What if? A part of the photo is covered: the answers follow, then the mask. And a ledger, by secants and by experiment.
import assert from "node:assert/strict";
import { again, number, open, status, suite } from "./harness.mjs";

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

check("by the keyboard: arrows move, the space bar covers, the eraser uncovers", async () => {
  const page = await opened();
  await page.locator("#whatif-size").fill("40");
  await page.locator("#whatif-canvas").focus();
  await page.keyboard.press("Space");
  await status(page, /side by side/);
  const covered = Number((await page.textContent("#whatif-note")).match(/^\d+/)[0]);
  assert.ok(covered > 8 && covered < 16, `${covered} %`);
  await page.click("#whatif-erase");
  await page.locator("#whatif-canvas").focus();
  await masked(page, () => page.keyboard.press("Space"));
  assert.match(await page.textContent("#whatif-note"), /Nothing is covered/);
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

check("the ledger adds up by secants and by experiment; merged regions keep the sum", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=auto&scene=5&chapter=ledger");
  await page.waitForSelector("#ledger-body:not([hidden])");
  await status(page, /Ready/);
  const change = number(await page.textContent("#output-input")) - number(await page.textContent("#output-baseline"));
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const before = await column(page, 0);
  assert.ok(before.length >= 3 && before.length <= 8);
  assert.ok(Math.abs(sum(before) - change) < 0.006 * (before.length + 2), `${before} and ${change}`);
  // Merge two of them, chosen in the list and on the picture.
  await page.locator("#ledger-list button").first().click();
  await page.locator("#ledger-list button").last().click();
  assert.equal(await page.locator("#ledger-list [aria-pressed=true]").count(), 2);
  await page.click("#ledger-merge");
  const merged = await column(page, 0);
  assert.equal(merged.length, before.length - 1);
  assert.ok(Math.abs(sum(merged) - sum(before)) < 0.006 * before.length);
  await page.locator("#ledger-canvas").click();
  assert.equal(await page.locator("#ledger-list [aria-pressed=true]").count(), 1);
  // Every combination of them.
  assert.match(await page.textContent("#ledger-experiment"), new RegExp(`all ${2 ** merged.length} combinations`));
  await page.click("#ledger-experiment");
  await status(page, /both columns/);
  const shapley = await column(page, 1);
  assert.ok(Math.abs(sum(shapley) - change) < 0.006 * (shapley.length + 2), `${shapley} and ${change}`);
  assert.notDeepEqual(shapley, await column(page, 0));
  assert.match(await page.textContent("#ledger-note"), /disagree|far from/);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("an experiment can be cancelled and begun again", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&chapter=ledger`);
  await status(page, /Ready/);
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
