// Three kinds of network: drawn shapes and two networks for them, a detector, and one's own.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { canvas, drop, notice, open, root, sample, serve, status, suite, view, skip } from "./harness.mjs";

const shared = suite();
const { check } = shared;

const percents = (text) => [...text.matchAll(/(\d+)\s?%/g)].map(([, number]) => Number(number));
const done = (page, gradients) => status(page, new RegExp(`^Done: ${gradients} gradients`));

check("read a scene's score, and catch the network that cheats", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=20&scene=5&tag=telling");
  await done(page, 21);
  const [honest, area] = percents(await page.textContent("#truth-inside"));
  assert.ok(honest > area, `the honest network: ${honest} % of the mass on ${area} % of the pixels`);
  const [, tagOfHonest] = percents(await page.textContent("#truth-more"));

  // The same scene, the other network, beside the pinned mask and on one scale.
  await page.click("#pin");
  await page.locator("#steps").fill("10");
  await page.selectOption("#model", "shapesnet-shortcut");
  await done(page, 11);
  const [, tagOfCheat] = percents(await page.textContent("#truth-more"));
  assert.ok(tagOfCheat > 2 * tagOfHonest + 5, `on the tag: ${tagOfHonest} % honest, ${tagOfCheat} % cheating`);
  assert.match(await page.textContent("#pinned-title"), /honest/);
  assert.match(await page.textContent("#current-title"), /cheating/);
  assert.match(await page.textContent("#caption"), /on one scale/);
  assert.ok(await page.locator("#pinned-canvas").isVisible());

  // The difference is one picture; zoom and opacity move both.
  await view(page, "difference");
  assert.match(await page.textContent("#caption"), /orange/);
  assert.ok(await page.locator("#pinned-canvas").isHidden());
  await view(page, "overlay");
  const both = () => page.evaluate(() => ["pinned-canvas", "canvas"].map((id) => {
    const canvas = document.getElementById(id);
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
      .reduce((hash, value) => (Math.imul(hash, 31) + value) | 0, 0);
  }));
  const before = await both();
  await page.hover("#canvas");
  await page.keyboard.down("Control"); // the wheel by itself scrolls the page
  await page.mouse.wheel(0, -400);
  await page.keyboard.up("Control");
  await page.waitForTimeout(200);
  const zoomed = await both();
  assert.ok(before.every((hash, k) => hash !== zoomed[k]), "both panes are enlarged");

  await page.click("#pin");
  assert.ok(await page.locator("#pinned-canvas").isHidden());
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("another tag, the same scene; a new one is another", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2");
  await status(page, /is ready/);
  await page.click("#draw");
  await done(page, 3);
  const shape = await page.textContent("#truth-inside");
  assert.match(shape, /^\d+\s?% of the attribution lies on the shape \(\w+\), which covers \d+\s?% of the scene\.$/);
  assert.doesNotMatch(await page.textContent("#truth-more"), /tag/);
  await page.selectOption("#tag", "misleading");
  await page.waitForFunction(() => /tag/.test(document.getElementById("truth-more").textContent));
  const name = (text) => text.match(/on the (\w+)/)[1];
  assert.equal(name(await page.textContent("#truth-inside")), name(shape));
  await page.close();
});

check("paint a scene by hand and have it looked at", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=efficientnet-lite0&steps=2");
  await status(page, /is ready/);
  await page.click("#paint");
  const area = await page.locator("#paint-canvas").boundingBox();
  await page.locator("#brush-size").fill("24");
  await page.mouse.move(area.x + 150, area.y + 200);
  await page.mouse.down();
  await page.mouse.move(area.x + 300, area.y + 220, { steps: 8 });
  await page.mouse.up();
  await page.click("#paint-use");
  await done(page, 3);
  assert.equal(await page.inputValue("#model"), "shapesnet");
  assert.equal(await page.locator("#predictions button").count(), 5);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("why this class and not that one", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=4");
  await status(page, /is ready/);
  await page.click("#draw");
  await done(page, 5);
  const alone = await page.textContent("#output-input");
  await page.selectOption("#against", { index: 2 });
  await page.waitForFunction((alone) => document.getElementById("output-input").textContent !== alone, alone);
  await done(page, 5);
  await page.click("#pin");
  assert.match(await page.textContent("#current-title"), /, not /);
  await page.close();
});

const detector = existsSync(path.join(root, "dist/weights/ssd-mobilenet-v2.safetensors"));

check("click a box and its mask forms", async (t) => {
  if (!detector) return skip(t, "the detector's weights are not here");
  const page = await open(shared.browser, shared.site, "device=cpu&model=ssd-mobilenet-v2&steps=4");
  await status(page, /is ready/);
  await drop(page, "coffee.jpg", await sample("coffee.jpg"), "image/jpeg");
  await done(page, 5);
  const chosen = () => page.locator("#predictions [aria-pressed=true]").innerText();
  assert.match(await chosen(), /cup/);
  assert.match(await page.textContent("#truth-inside"), /inside the box, which covers/);
  const mask = await canvas(page);

  // The table's box is everywhere around the cup's.
  const area = await page.locator("#canvas").boundingBox();
  await page.mouse.click(area.x + area.width * 0.2, area.y + area.height * 0.8);
  await page.waitForFunction(() =>
    /table/.test(document.querySelector("#predictions [aria-pressed=true]")?.textContent ?? ""));
  await done(page, 5);
  assert.notEqual((await canvas(page)).hash, mask.hash);

  // A threshold above all scores says so and offers candidates.
  await page.locator("#threshold").fill("99");
  assert.match(await page.textContent("#detector-hint"), /Nothing here scores 99\s?% or more/);
  assert.equal(await page.locator("#predictions button").count(), 3);
  await page.locator("#threshold").fill("90");
  assert.ok(await page.locator("#detector-hint").isHidden());
  // The one that reaches it, and the one whose mask is shown.
  assert.equal(await page.locator("#predictions button").count(), 2);
  assert.match(await chosen(), /table/);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("a photo in which nothing is found says so, and its candidates can be explained", async (t) => {
  if (!detector) return skip(t, "the detector's weights are not here");
  const page = await open(shared.browser, shared.site, "device=cpu&model=ssd-mobilenet-v2&steps=2");
  await status(page, /is ready/);
  await drop(page, "coffee.jpg", await sample("coffee.jpg"), "image/jpeg");
  await done(page, 3);
  assert.ok(await page.locator("#save").isVisible());
  await drop(page, "rocket.jpg", await sample("rocket.jpg"), "image/jpeg");
  await status(page, /choose a box/);
  assert.ok(await page.locator("#save").isHidden(), "nothing of the photo before can be saved");
  assert.match(await page.textContent("#detector-hint"), /come closest/);
  await page.locator("#predictions button").first().click();
  await done(page, 3);
  await page.close();
});

const own = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "violet/checkpoints/own_checkpoints");

/** Arrays of zeros by name and shape, as safetensors keeps them. */
function safetensors(shapes) {
  let at = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = at;
    at += 4 * shape.reduce((a, b) => a * b);
    return [name, { dtype: "F32", shape, data_offsets: [begin, at] }];
  });
  const head = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, Buffer.alloc(at)]);
}

check("bring a network of one's own, with labels", async (t) => {
  if (!existsSync(path.join(own, "expected.json"))) return skip(t, "there is no PyTorch here that could have written one");
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2&workers=2");
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  await done(page, 3);
  // As files, not as bytes: these would go to the browser as text, 45 megabytes of it.
  const folder = await mkdtemp(path.join(tmpdir(), "violet-"));
  t.after(() => rm(folder, { recursive: true }));
  const [weights, labels] = ["mine.pt", "labels.txt"].map((name) => path.join(folder, name));
  await copyFile(path.join(own, "resnet18-whole-module.pt"), weights);
  await writeFile(labels, "lynx\ncat\nsofa\n");
  await page.locator("#own-file").setInputFiles([weights, labels]);
  await page.waitForFunction(() => /of 3/.test(document.getElementById("own-found").textContent));
  assert.equal(await page.inputValue("#own-classes"), "3");
  await page.waitForFunction(() => document.querySelectorAll("#predictions button").length === 3);
  await done(page, 3);
  assert.match((await page.locator("#predictions button").allInnerTexts()).join(" "), /lynx|cat|sofa/);
  assert.equal(await page.inputValue("#own-mean-0"), "0.485");

  // Another normalisation, another answer.
  const before = await page.textContent("#output-input");
  await page.selectOption("#own-values", "numbers");
  await page.locator("#own-mean-0").fill("0.1");
  await page.locator("#own-mean-0").blur();
  await page.waitForFunction((before) => document.getElementById("output-input").textContent !== before, before);
  await done(page, 3);

  // The first two classes alone: they share the probability between them, and each keeps its logit.
  const logit = await page.textContent("#output-input");
  const answers = () => page.locator("#predictions button").allInnerTexts();
  assert.equal((await answers()).length, 3);
  await page.locator("#own-classes").fill("2");
  await page.locator("#own-classes").blur();
  await page.waitForFunction(() => document.querySelectorAll("#predictions button").length === 2);
  await done(page, 3);
  assert.ok(!/sofa/.test((await answers()).join()));
  // None, or more than there are: a sentence, and the number before stays.
  for (const wrong of ["0", "4", ""]) {
    await page.locator("#own-classes").fill(wrong);
    await page.locator("#own-classes").blur();
    await page.waitForFunction(() => /number of classes does not fit.*3 classes/.test(document.getElementById("notice").innerText));
    await page.click("#notice-close");
    assert.equal(await page.inputValue("#own-classes"), "2");
  }
  await page.locator("#own-classes").fill("3");
  await page.locator("#own-classes").blur();
  await page.waitForFunction(() => document.querySelectorAll("#predictions button").length === 3);
  await done(page, 3);
  assert.match((await answers()).join(" "), /sofa/, "its name is back");
  assert.equal(await page.textContent("#output-input"), logit);

  // Broken ones: a sentence, and everything stays.
  const mask = await canvas(page);
  for (const [name, bytes, said] of [
    ["broken.pth", (await readFile(path.join(own, "mobilenet.pth"))).subarray(0, 5000), /no weights that can be read/],
    ["other.safetensors", safetensors({ "encoder.first": [4, 4], "encoder.second": [2, 4] }), /of no layout that Violet knows.*Export it to ONNX/],
    ["labels.txt", Buffer.from("one\ntwo\n"), /labels name 2 classes, the network has 3/],
  ]) {
    await page.locator("#own-file").setInputFiles([{ name, mimeType: "application/octet-stream", buffer: bytes }]);
    await page.waitForFunction((said) => new RegExp(said).test(document.getElementById("notice").innerText), said.source);
    await page.click("#notice-close");
    assert.equal((await canvas(page)).hash, mask.hash, `${name}: the mask stays`);
  }
  assert.equal(await notice(page), "");
  assert.deepEqual(page.errors, []);
  // Nothing was sent anywhere.
  assert.ok(shared.site.requests.every((url) => url.startsWith("/lessons/violet/")));
  await page.close();
});

check("without any fetched weights, the page works with what comes with it", async () => {
  const bare = await serve((name, bytes) =>
    /^weights\/(manifest\.json|efficientnet|ssd|resnet)/.test(name) ? null : bytes);
  const page = await open(shared.browser, bare, "device=cpu&steps=2");
  await status(page, /ShapesNet.*is ready/);
  assert.equal(await notice(page), "");
  await page.click("#draw");
  await done(page, 3);
  await page.close();
  bare.close();
});
