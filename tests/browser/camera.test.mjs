// The camera that is explained as it runs, and a network that is taught by pictures of it or by files.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { again, drop, focus, npyValues, number, open, root, save, skip, status, suite } from "./harness.mjs";

const shared = suite();
const { check } = shared;
const lite = existsSync(path.join(root, "dist/weights/efficientnet-lite0.safetensors"));

/** A camera that sees a coloured shape, on a wall of some colour, move or stand; `window.scene` says which. */
const film = (page) => page.evaluate(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = canvas.getContext("2d");
  window.scene = { wall: "#334", moves: true, sides: 40 };
  window.streams = [];
  const draw = (time) => {
    const { wall, moves, sides } = window.scene;
    context.fillStyle = wall;
    context.fillRect(0, 0, 320, 240);
    context.fillStyle = "#fc3";
    context.beginPath();
    const [x, y] = moves ? [160 + 60 * Math.sin(time / 300), 120 + 30 * Math.cos(time / 200)] : [160, 120];
    for (let k = 0; k < sides; k += 1) {
      const angle = 2 * Math.PI * k / sides;
      context.lineTo(x + 60 * Math.cos(angle), y + 60 * Math.sin(angle));
    }
    context.fill();
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
  navigator.mediaDevices.getUserMedia = async () => {
    const stream = canvas.captureStream(30);
    window.streams.push(stream);
    return stream;
  };
});

/** Waits until an element's text matches. */
const says = (page, id, pattern) => page.waitForFunction(
  ([id, source]) => new RegExp(source).test(document.getElementById(id).textContent), [id, pattern.source]);

check("the camera is explained as it runs: the sum is exact in every picture, finer where it holds still, and nothing is kept", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&chapter=live");
  await page.waitForSelector("#live-body:not([hidden])");
  await film(page);
  assert.equal(await page.evaluate(() => window.streams.length), 0, "a link asks for no camera");
  await page.evaluate(() => {
    window.sums = [];
    const line = document.getElementById("live-sum");
    new MutationObserver(() => window.sums.push(line.textContent)).observe(line, { childList: true, characterData: true, subtree: true });
  });
  await focus(page, "#live-start");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => window.sums.length > 20);
  await says(page, "live-rate", /^[\d.]+ pictures a second$/);
  for (const text of await page.evaluate(() => window.sums.filter(Boolean))) {
    const [, sum, change] = text.match(/come to (−?[\d.]+), and F\(x\) − F\(x′\) is (−?[\d.]+)\.$/).map(number);
    assert.ok(Math.abs(sum - change) < 0.011, text);
  }
  await page.evaluate(() => { window.scene.moves = false; });
  await says(page, "live-rate", /^It holds still: 24 secants/);
  // In French, while it runs.
  await page.selectOption("#language", "fr");
  await says(page, "live-rate", /24 sécantes/);
  await page.selectOption("#language", "en");
  await page.evaluate(() => { window.scene.moves = true; });
  await says(page, "live-rate", /pictures a second$/);
  // Kept to, an answer stays whatever is seen.
  await page.click("#live-hold");
  const held = await page.evaluate(async () => {
    const classOf = () => document.getElementById("live-sum").textContent.match(/^“(.*)”/)[1];
    const before = classOf();
    window.scene = { wall: "#ddd", moves: true, sides: 3 };
    window.sums.length = 0;
    while (window.sums.length < 20) await new Promise((done) => setTimeout(done, 20));
    return [before, ...window.sums.filter(Boolean).map((text) => text.match(/^“(.*)”/)[1])];
  });
  assert.equal(new Set(held).size, 1, held.join());
  await page.click("#live-stop");
  await page.waitForFunction(() => document.getElementById("live-video").srcObject === null);
  assert.ok(await page.evaluate(() => window.streams.every((stream) => stream.getTracks().every(({ readyState }) => readyState === "ended"))));
  assert.equal(await page.locator("#strip-list li").count(), 0, "no picture was kept");
  // One that was wanted is a photo like any other.
  await page.click("#live-start");
  await page.waitForSelector("#live-take:enabled");
  await again(page, () => page.click("#live-take"));
  await page.waitForFunction(() => document.getElementById("live-video").srcObject === null, null, { timeout: 20_000 });
  assert.deepEqual(page.errors, []);
  await page.close();
});

/** Pictures of one thing, hardly ever the same, before a wall of bricks of some colour. */
const pictures = (page, wall, count) => page.evaluate(async ([wall, count]) => {
  const made = [];
  for (let k = 0; k < count; k += 1) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 300, height: 300 });
    const context = canvas.getContext("2d");
    context.fillStyle = wall;
    context.fillRect(0, 0, 300, 300);
    for (let brick = 0; brick < 13 * 8; brick += 1) {
      const [row, column] = [Math.floor(brick / 8), brick % 8 - 1];
      context.fillStyle = `rgb(0 0 0 / ${0.05 * ((3 * brick + k) % 7)})`;
      context.fillRect(50 * column + 25 * (row % 2) + (7 * k) % 50, 24 * row - (5 * k) % 24, 46, 20);
    }
    context.translate(150 + 5 * (k % 5) - 10, 150 + 4 * (k % 7) - 12);
    context.rotate(0.5 * k);
    context.fillStyle = `hsl(${(37 * k) % 360} 40% 45%)`;
    context.fillRect(-50, -40, 100, 80);
    context.fillStyle = "#222";
    context.fillRect(-20, -60, 12, 40);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    made.push(URL.createObjectURL(blob));
  }
  return made;
}, [wall, count]);

/** The share of the mask that lies away from the picture's middle, where the thing is. */
async function onTheWall(page) {
  const values = npyValues((await save(page, "attributions")).bytes, 3 * 224 * 224);
  let [wall, all] = [0, 0];
  for (let k = 0; k < values.length; k += 1) {
    all += Math.abs(values[k]);
    if (Math.hypot(k % 224 - 112, Math.floor(k / 224) % 224 - 112) > 85) wall += Math.abs(values[k]);
  }
  return wall / all;
}

/** Drops pictures on classes, as a person does: [class, pictures, other files], all of it before any of it is read. */
const dropOn = (page, ...drops) => page.evaluate(async (drops) => {
  const made = await Promise.all(drops.map(async ([number, urls, others]) => {
    const transfer = new DataTransfer();
    for (const [k, url] of urls.entries()) {
      transfer.items.add(new File([await (await fetch(url)).blob()], `${k}.png`, { type: "image/png" }));
    }
    for (const name of others) transfer.items.add(new File(["no picture"], name));
    return [document.querySelector(`#teach-classes > li:nth-child(${number})`), transfer];
  }));
  for (const [target, dataTransfer] of made) {
    for (const kind of ["dragover", "drop"]) target.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
  }
}, drops);

check("a network is taught before a red wall, looks at the wall, is saved, and opens again", async (t) => {
  if (!lite) return skip(t, "there are no weights of EfficientNet-Lite0");
  // Pictures are fetched from the page's own memory here, which its policy would rightly refuse.
  const page = await open(shared.browser, shared.site, "device=cpu&chapter=teach", { bypassCSP: true });
  await page.waitForSelector("#teach-train:enabled");
  // By the keyboard: names, and what is lacking.
  for (const [k, name] of ["before red", "before grey"].entries()) {
    const input = page.locator(`#teach-classes > li:nth-child(${k + 1}) input`);
    await input.fill(name);
    await input.press("Tab");
  }
  await focus(page, "#teach-train");
  await page.keyboard.press("Enter");
  await says(page, "teach-verdict", /^“before red” has 0 of the 5 pictures/);
  // The second class's come while the first one's are still being read: none is lost.
  const [red, grey] = [await pictures(page, "#c22", 15), await pictures(page, "#999", 15)];
  await dropOn(page, [1, red, ["notes.txt"]], [2, grey, []]);
  await says(page, "notice-what", /1 of 31 files were left out/);
  const counts = () => page.locator("#teach-classes .hint").allTextContents();
  await page.waitForFunction(() => document.querySelectorAll("#teach-classes img").length === 30);
  assert.deepEqual(await counts(), ["15 pictures", "15 pictures"]);
  await again(page, () => page.click("#teach-train"), /Looking at the pictures/);
  await says(page, "teach-verdict", /^Of 6 pictures that were held out, 6 are named right: 100\s?%/);
  assert.deepEqual(await page.locator("#teach-marks li").allTextContents(), ["before red: 3 of 3", "before grey: 3 of 3"]);
  assert.match(await page.locator("#model option:checked").textContent(), /^before_red-before_grey/);
  // One of the held-out pictures is explained, like any other.
  const top = await page.locator("#predictions li").first().textContent();
  assert.match(top, /before red/);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#teach-save")]);
  assert.equal(download.suggestedFilename(), "before_red-before_grey.safetensors");
  const file = await readFile(await download.path());
  // More of the mask lies on the wall than of the network's that has learnt things.
  await again(page, () => page.selectOption("#baseline", "grey"));
  const taught = await onTheWall(page);
  await again(page, () => page.selectOption("#model", "efficientnet-lite0"));
  const usual = await onTheWall(page);
  assert.ok(taught > 1.25 * usual, `${taught} and ${usual} of the masks lie on the wall`);
  assert.deepEqual(page.errors, []);
  await page.close();

  const other = await open(shared.browser, shared.site, "device=cpu&photo=coffee&rule=secant&steps=3");
  await status(other, /^Done/);
  await again(other, () => drop(other, download.suggestedFilename(), file), /^(Reading|Opening|Looking|Explaining|Loading)/);
  const answers = await other.locator("#predictions li").allTextContents();
  assert.ok(answers.length === 2 && answers.join().includes("before red") && answers.join().includes("before grey"), answers.join());
  assert.deepEqual(other.errors, []);
  await other.close();
});

check("the camera takes ten pictures of a class at a press, and is let go", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&chapter=teach");
  await page.waitForSelector("#teach-body:not([hidden])");
  await film(page);
  await page.click("[data-class='1'] [data-do=photograph]");
  await page.waitForFunction(() => document.querySelectorAll("#teach-classes img").length === 10);
  assert.deepEqual(await page.locator("#teach-classes .hint").allTextContents(), ["0 pictures", "10 pictures"]);
  await page.waitForSelector("#teach-sees:not([hidden])");
  await page.click("#teach-camera");
  await page.waitForSelector("#teach-sees", { state: "hidden" });
  assert.ok(await page.evaluate(() => window.streams[0].getTracks().every(({ readyState }) => readyState === "ended")));
  // Six classes are as many as there are; those that are taken away take their pictures along.
  for (let k = 0; k < 4; k += 1) await page.click("#teach-add");
  assert.ok(await page.locator("#teach-add").isDisabled());
  await page.click("[data-class='1'] [data-do=remove]");
  assert.equal(await page.locator("#teach-classes > li").count(), 5);
  assert.equal(await page.locator("#teach-classes img").count(), 0);
  assert.deepEqual(page.errors, []);
  await page.close();
});
