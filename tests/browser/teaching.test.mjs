// What a class is shown: the walk along the path, the tests of trust, the baselines side by side.
import assert from "node:assert/strict";
import { again, canvas, number, open, status, suite, view } from "./harness.mjs";

const shared = suite();
const { check } = shared;

/** A finished explanation of a drawn scene. */
async function explained(query = "", options = {}) {
  const page = await open(shared.browser, shared.site, `device=cpu&model=shapesnet&steps=60&scene=5${query}`, options);
  await status(page, /^Done: 61/);
  return page;
}

/** A fingerprint of any canvas of the page. */
const fingerprint = (page, id) =>
  page.evaluate((id) => {
    const canvas = document.getElementById(id);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((hash, value) => (Math.imul(hash, 31) + value) | 0, 7);
  }, id);

const numbers = (text) => text.match(/−?\d+(\.\d+)?/g).map(number);

check("the walk: drag α, and image, F, gradient and what is gathered follow", async () => {
  const page = await explained();
  await page.click("#walk-start");
  await status(page, /drag α/);
  const pictures = ["walk-image", "walk-gradient", "walk-gathered"];
  const seen = async () => Promise.all(pictures.map((id) => fingerprint(page, id)));
  const alpha = page.locator("#walk-alpha");
  const last = await alpha.getAttribute("max");
  let before = await seen();
  for (const stop of ["0", "5", last]) {
    await alpha.fill(stop);
    const now = await seen();
    now.forEach((picture, k) => assert.notEqual(picture, before[k], `${pictures[k]} at ${stop}`));
    before = now;
  }
  assert.equal(await fingerprint(page, "walk-image"), await page.evaluate(() => {
    const frames = document.querySelectorAll("#walk-strip canvas");
    const canvas = frames[frames.length - 1];
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((hash, value) => (Math.imul(hash, 31) + value) | 0, 7);
  }), "at α = 1 the image is the photo, as is the strip's last frame");
  // What is gathered at the end is the stage's sum, and F's change that beside the stage: the same digits.
  const [gathered, change, all] = numbers(await page.textContent("#walk-sum"));
  assert.equal(change, all);
  const [input, baseline, sum] = await Promise.all(["output-input", "output-baseline", "attribution-sum"].map(
    async (id) => number(await page.textContent(`#${id}`))));
  assert.ok(Math.abs(all - (input - baseline)) < 0.011, `${all} and ${input} − ${baseline}`);
  assert.equal(gathered, sum);
  await alpha.fill("0");
  assert.equal(numbers(await page.textContent("#walk-sum"))[0], 0, "nothing is gathered at the start");

  // Where F makes its way, of which saturation is the rest.
  const [from, to] = (await page.textContent("#walk-rise")).match(/α = \d\.\d+/g).map((text) => Number(text.slice(4)));
  assert.ok(from > 0 && from < to && to < 1, `${from} ${to}`);

  // By the keyboard, too.
  await alpha.focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await alpha.inputValue(), "1");
  const first = Number(await page.textContent("#walk-alpha-value"));
  assert.ok(first > 0 && first < 0.2, `${first}`);
  // The strip's frames lead there as well, and the plot's dot goes with them.
  const dot = () => page.getAttribute("#walk-plot .here", "cx").then(Number);
  const left = await dot();
  await page.locator("#walk-strip button").nth(3).click();
  assert.equal(await alpha.inputValue(), await page.locator("#walk-strip button").nth(3).getAttribute("data-stop"));
  assert.ok((await dot()) > left);
  await page.close();
});

check("the walk plays by itself, and stops where it is told", async () => {
  const page = await explained();
  await page.click("#walk-start");
  await status(page, /drag α/);
  await page.locator("#walk-alpha").fill(await page.getAttribute("#walk-alpha", "max"));
  await page.click("#walk-play");
  await page.waitForFunction(() => Number(document.getElementById("walk-alpha").value) === 3);
  assert.equal(await page.textContent("#walk-play"), "Pause");
  await page.click("#walk-play");
  await page.waitForFunction(() => document.getElementById("walk-play").textContent === "Play");
  const stopped = await page.inputValue("#walk-alpha");
  await page.waitForTimeout(600);
  assert.equal(await page.inputValue("#walk-alpha"), stopped);
  // Each station has its lesson, and lights its part of the formula.
  const lessons = new Set();
  for (const station of await page.locator(".stations h3 button").all()) {
    await station.click();
    lessons.add(await page.textContent("#walk-lesson"));
    assert.ok((await page.locator("#formula .lit").count()) > 0);
  }
  assert.equal(lessons.size, 6);
  await page.close();
});

check("how many steps: the delta of fewer steps, from gradients that are there", async () => {
  const page = await explained();
  await page.click("#walk-start");
  await status(page, /drag α/);
  // 60 steps have the divisors 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60.
  assert.equal(await page.locator("#steps-plot .dot").count(), 12);
  const delta = number((await page.textContent("#delta")).replace(/\s?%/, ""));
  const note = numbers(await page.textContent("#steps-note"));
  assert.equal(note[1], 60);
  assert.ok(Math.abs(note[2] - delta) < 0.06, `${note[2]} and ${delta}`);
  await page.close();
});

check("5, 50 and 500 steps side by side: each reuses the gradients before it", async () => {
  const page = await explained();
  await page.click("#walk-start");
  await status(page, /drag α/);
  await page.click("#steps-start");
  await status(page, /of 501 gradients/);
  await status(page, /side by side/);
  const cards = await page.locator("#steps-list li").allInnerTexts();
  assert.deepEqual(cards.map((card) => card.match(/^\d+/)[0]), ["5", "50", "500"]);
  const missed = cards.map((card) => Math.abs(number(card.match(/(−?[\d.]+)\s?%/)[1])));
  assert.ok(missed[2] < 1 && missed[2] <= missed[0], `${missed}`);
  const [, five, , fifty] = numbers(await page.textContent("#steps-compared"));
  assert.ok(five > 0.3 && five <= fifty && fifty <= 1, `${five} ${fifty}`);
  // Another mask's walk takes them away.
  await again(page, () => page.locator("#predictions button").nth(1).click());
  assert.match(await page.textContent("#walk-of"), /belongs to the mask before/);
  await page.click("#walk-start");
  await status(page, /drag α/);
  assert.equal(await page.locator("#steps-list li").count(), 0);
  await page.close();
});

check("a chapter stays open where it is when another mask comes, says whose it is, and one click makes it anew", async () => {
  const page = await explained();
  for (const [chapter, done] of [["baselines", /choose a baseline/], ["trust", /tests are below/], ["walk", /drag α/]]) {
    await page.click(`#${chapter}-start`);
    await status(page, done);
  }
  await page.evaluate(() => document.getElementById("walk-plot").scrollIntoView({ block: "center" }));
  // Where what one looks at is, on the screen: what is above it may grow and shrink.
  const place = () => page.evaluate(() => document.getElementById("walk-plot").getBoundingClientRect().top);
  const before = await place();
  const what = () => page.evaluate(() => ["walk-sum", "deletion-note", "oblivion-note", "baselines-note"].map(
    (id) => document.getElementById(id).textContent));
  const shown = await what();
  assert.ok(await page.isHidden("#walk-of"));
  // Another class, another baseline, and a baseline's card, all by the keyboard, so that nothing scrolls to a pointer.
  for (const change of [
    () => page.evaluate(() => document.querySelectorAll("#predictions button")[1].click()),
    () => page.evaluate(() => {
      const select = document.getElementById("baseline");
      select.value = "white";
      select.dispatchEvent(new Event("change"));
    }),
    () => page.evaluate(() => document.querySelectorAll("#baselines-list button")[3].click()),
  ]) {
    await again(page, change);
    for (const chapter of ["walk", "trust", "baselines"]) {
      assert.ok(await page.isVisible(`#${chapter}-body`), chapter);
      assert.match(await page.textContent(`#${chapter}-of`), /belongs to the mask before: ShapesNet/);
    }
    assert.deepEqual(await what(), shown);
    assert.ok(Math.abs((await place()) - before) < 80, `nothing jumps: ${before}, ${await place()}`);
  }
  assert.match(page.url(), /baseline=blurred/);
  await page.click("#walk-start");
  await status(page, /drag α/);
  assert.ok(await page.isHidden("#walk-of"));
  assert.ok(await page.isVisible("#trust-of"), "the others still say whose they are");
  await page.locator("#walk-alpha").fill(await page.getAttribute("#walk-alpha", "max"));
  assert.equal(numbers(await page.textContent("#walk-sum"))[0], number(await page.textContent("#attribution-sum")));
  await page.close();
});

check("the walk of secants is the stage's too: at every stop its sum is what F has changed by", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=auto&scene=5");
  await status(page, /^Done: \d+ gradients/);
  await page.click("#walk-start");
  await status(page, /drag α/);
  const last = Number(await page.getAttribute("#walk-alpha", "max"));
  assert.ok(last >= 6 && last <= 24, `${last} stops`);
  for (const stop of [0, 3, Math.floor(last / 2), last]) {
    await page.locator("#walk-alpha").fill(String(stop));
    const [gathered, change] = numbers(await page.textContent("#walk-sum"));
    assert.ok(Math.abs(gathered - change) < 0.011, `${gathered} and ${change} at ${stop}`);
  }
  assert.equal(numbers(await page.textContent("#walk-sum"))[0], number(await page.textContent("#attribution-sum")));
  assert.match(await page.textContent("#steps-note"), /nothing of the sum is missed/);
  await page.close();
});

check("can I trust it: pixels go and come back, the network forgets, and is itself again", async () => {
  const page = await explained();
  const mask = await canvas(page);
  await page.click("#trust-start");
  await status(page, /tests are below/);
  for (const plot of ["deletion-plot", "insertion-plot"]) {
    for (const line of ["main", "other"]) {
      const points = (await page.getAttribute(`#${plot} polyline.${line}`, "points")).trim().split(" ");
      assert.equal(points.length, 21);
    }
  }
  // Deletion ends where insertion begins, and both ways cover the same span.
  const ends = async (plot) => {
    const points = (await page.getAttribute(`#${plot} polyline.main`, "points")).trim().split(" ");
    return [points[0], points.at(-1)].map((point) => Number(point.split(",")[1]));
  };
  const [deletion, insertion] = [await ends("deletion-plot"), await ends("insertion-plot")];
  assert.ok(deletion[0] < deletion[1] && insertion[0] > insertion[1], "down, and up again (y points down)");
  assert.match(await page.textContent("#insertion-note"), /^Passed/);

  const thumbs = await page.locator("#oblivion li").allInnerTexts();
  assert.equal(thumbs.length, 5);
  const likeness = thumbs.slice(1).map((text) => number(text.match(/likeness (.*)/)[1]));
  assert.ok(likeness.every((value) => value < 0.95), `${likeness}`);
  assert.match(await page.textContent("#oblivion-note"), /(Passed|Careful)/);

  // The network remembers everything again: the same mask.
  await again(page, () => page.click("#explain"), undefined, /^Done: 61/);
  assert.equal((await canvas(page)).hash, mask.hash);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("a test of trust that is cancelled leaves the network as it was", async () => {
  const page = await explained();
  const mask = await canvas(page);
  await cancelAndWalk(page, "trust-start", "forgot: [1-9]");
  assert.equal((await canvas(page)).hash, mask.hash);
  await page.close();
});

check("a comparison of baselines that is cancelled leaves the path as it was", async () => {
  const page = await explained();
  await cancelAndWalk(page, "baselines-start", "blurred: [1-9]");
  await page.close();
});

/**
 * Starts a test, cancels it when the status matches, and asks for the walk before the test could clear
 * up: the walk's ends are those of the mask.
 */
async function cancelAndWalk(page, start, pattern) {
  await page.evaluate(([start, pattern]) => {
    const click = (id) => document.getElementById(id).click();
    const line = document.getElementById("status");
    new MutationObserver((_, observer) => {
      if (!new RegExp(pattern).test(line.textContent)) return;
      observer.disconnect();
      ["cancel", "walk-start"].forEach(click);
    }).observe(line, { childList: true, characterData: true, subtree: true });
    click(start);
  }, [start, pattern]);
  await status(page, /drag α/);
  for (const [stop, id] of [["0", "output-baseline"], [await page.getAttribute("#walk-alpha", "max"), "output-input"]]) {
    const end = number(await page.textContent(`#${id}`));
    await page.locator("#walk-alpha").fill(stop);
    const walked = numbers(await page.textContent("#walk-output"))[0];
    assert.ok(Math.abs(walked - end) < 0.02, `F = ${walked} at stop ${stop}, ${end} beside the mask`);
  }
  assert.ok(await page.isVisible(`#${start}`) && await page.isEnabled(`#${start}`), "it can be started again");
}

check("every baseline side by side, and one of them chosen", async () => {
  const page = await explained();
  await page.click("#baselines-start");
  await status(page, /choose a baseline/);
  assert.equal(await page.locator("#baselines-list li").count(), 5);
  assert.match(await page.textContent("#baselines-note"), /as good as black.*No baseline can see/);
  // What is shown is still the mask from black.
  await page.click("#explain");
  await status(page, /^Done: 61/);
  assert.doesNotMatch(page.url(), /baseline=/);
  await page.click("#baselines-start");
  await status(page, /choose a baseline/);
  await page.locator("#baselines-list button").nth(3).click();
  await page.waitForFunction(() => /baseline=blurred/.test(location.search));
  assert.equal(await page.inputValue("#baseline"), "blurred");
  await page.close();
});

check("a baseline overtaken by another class is not forgotten", async () => {
  const page = await explained();
  await page.evaluate(() => {
    const select = document.getElementById("baseline");
    select.value = "grey";
    select.dispatchEvent(new Event("change"));
    document.querySelectorAll("#predictions button")[2].click();
  });
  await page.waitForFunction(() => /output=/.test(location.search) && /baseline=grey/.test(location.search));
  await status(page, /^Done: 61/);
  const [sum, query] = [await page.textContent("#attribution-sum"), new URL(page.url()).search.slice(1)];
  const fresh = await open(shared.browser, shared.site, query);
  await status(fresh, /^Done: 61/);
  assert.equal(await fresh.textContent("#attribution-sum"), sum);
  await page.close();
  await fresh.close();
});

check("spotlight, contours and other colours are other pictures, with a legend and a value under the pointer", async () => {
  const page = await explained();
  const seen = new Set();
  for (const name of ["original", "mask", "overlay", "pixels", "spotlight", "contours", "regions"]) {
    await view(page, name);
    seen.add((await canvas(page)).hash);
  }
  assert.equal(seen.size, 7);
  await view(page, "mask");
  assert.match(await page.textContent("#caption"), /Purple/);
  await page.selectOption("#palette", "blue");
  assert.match(await page.textContent("#caption"), /Blue/);
  assert.ok(!seen.has((await canvas(page)).hash));
  assert.match(await page.textContent("#legend-high"), /of the logit a pixel/);
  const box = await page.locator("#canvas").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  assert.match(await page.textContent("#readout"), /^pixel 4[78], 4[78]: \d/);
  await page.mouse.move(box.x - 20, box.y);
  assert.equal(await page.textContent("#readout"), "");
  await page.close();
});

check("the words of plots are as large as others, whatever their width", async () => {
  const page = await explained();
  await page.click("#walk-start");
  await status(page, /drag α/);
  await page.click("#trust-start");
  await status(page, /tests are below/);
  const sizes = () => page.evaluate(() => [...document.querySelectorAll(".plot")].filter((plot) => plot.checkVisibility()).map((plot) => {
    const { width } = plot.getBoundingClientRect();
    return (12 * width) / plot.viewBox.baseVal.width;
  }));
  const fit = (all) => all.length >= 4 && all.every((size) => size > 11.5 && size < 12.5);
  assert.ok(fit(await sizes()), (await sizes()).join());
  // A window that becomes narrow, or a phone that is turned.
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  assert.ok(fit(await sizes()), (await sizes()).join());
  await page.close();
});
