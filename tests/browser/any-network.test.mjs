// Any network, opened on the page: the small files of src/import/tests/data.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import zlib from "node:zlib";
import { again, canvas, dropAll, focus, notice, number, open, root, sample, skip, status, suite } from "./harness.mjs";

const shared = suite();
const { check } = shared;

const data = (name) => readFile(path.join(root, "src/import/tests/data", name));
const file = async (name, as = path.basename(name)) => ({ name: as, bytes: await data(name) });
const text = (name, words) => ({ name, bytes: Buffer.from(words) });
const cat = async () => ({ name: "cat.jpg", bytes: await sample("cat.jpg"), type: "image/jpeg" });
const done = (page) => status(page, /^Done/);

/** CRC-32, as PNG and zip have it. */
function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let k = 0; k < 8; k += 1) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
  }
  return ~sum >>> 0;
}

function numbers(size, ...values) {
  const bytes = Buffer.alloc(size * values.length);
  values.forEach((value, k) => bytes[size === 4 ? "writeUInt32LE" : "writeUInt16LE"](value, size * k));
  return bytes;
}

/** A PNG whose pixels are given by row and column, red, green and blue. */
function png(width, height, pixel) {
  const rows = Buffer.concat(Array.from({ length: height }, (_, row) =>
    Buffer.from([0, ...Array.from({ length: width }, (_, column) => pixel(row, column)).flat()])));
  const chunk = (kind, body) => {
    const named = Buffer.concat([Buffer.from(kind), body]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(body.length);
    sum.writeUInt32BE(crc(named));
    return Buffer.concat([length, named, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8);
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([magic, chunk("IHDR", head), chunk("IDAT", zlib.deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** A zip archive, as a site gives it: nothing compressed. */
function zip(files) {
  const parts = [];
  const entries = [];
  let at = 0;
  for (const { name, bytes } of files) {
    const sizes = numbers(4, crc(bytes), bytes.length, bytes.length);
    const both = Buffer.concat([numbers(2, 20, 0, 0, 0, 0x21), sizes, numbers(2, name.length, 0)]);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), both, Buffer.from(name), bytes]);
    entries.push(Buffer.concat([
      Buffer.from("PK\x01\x02"), numbers(2, 20), both, numbers(2, 0, 0, 0), numbers(4, 0, at), Buffer.from(name),
    ]));
    parts.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.concat([
    Buffer.from("PK\x05\x06"), numbers(2, 0, 0, files.length, files.length), numbers(4, directory.length, at), numbers(2, 0),
  ]);
  return Buffer.concat([...parts, directory, end]);
}

const machine = async () => zip(await Promise.all(
  ["model.json", "metadata.json", "weights.bin"].map((name) => file(`tensorflow/teachable-machine/${name}`))));

/** The picture of the models' expected numbers, in grey. */
const pattern = png(14, 14, (row, column) => Array(3).fill((7 * row + 3 * column) % 256));

const facts = (page) => page.locator("#network-facts").innerText();
const answers = (page) => page.locator("#network-answers li").allInnerTexts();
const tag = (page, field) => page.textContent(`#own-${field}-tag`);
const outputs = async (page) => [
  number(await page.textContent("#output-input")), number(await page.textContent("#output-baseline"))];

async function addsUp(page) {
  assert.match(await page.textContent("#verdict"), /^It adds up/);
  const [x, x0] = await outputs(page);
  const sum = number(await page.textContent("#attribution-sum"));
  assert.ok(Math.abs(sum - (x - x0)) < 0.02, `${sum} for ${x} − ${x0}`);
}

check("a network, its labels and a photo in one drop", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet");
  // Not even the engine is there yet.
  await page.waitForSelector("#model:not([disabled])", { state: "attached" });
  await dropAll(page, [await cat(), text("labels.txt", "lynx\nfox\nowl\n"), await file("onnx/float16.onnx", "forest.onnx")]);
  await done(page);
  assert.equal(await page.inputValue("#model"), "own:forest.onnx");
  assert.match((await page.locator("#predictions button").allInnerTexts()).join(), /lynx[^]*fox|fox[^]*lynx/);
  await addsUp(page);
  // The card: what was read, what is assumed, what it sees, what it says.
  assert.match(await facts(page), /ONNX[^]*layers? with weights[^]*parameters[^]*8 × 8 pixels in colour[^]*a mask here/);
  assert.match(await page.textContent("#network-assumed"), /^Assumed: .*ImageNet/);
  assert.match(await page.textContent("#network-notes"), /float16/);
  assert.equal((await answers(page)).length, 3);
  assert.match((await answers(page))[0], /(lynx|fox|owl)\s+\d/);
  const seen = await page.evaluate(() => {
    const { width, height } = document.getElementById("network-sees");
    return [width, height];
  });
  assert.deepEqual(seen, [8, 8]);
  assert.deepEqual(page.errors, []);
  assert.ok(shared.site.requests.every((url) => url.startsWith("/lessons/violet/")), "nothing was sent anywhere");
  await page.close();
});

check("a Teachable Machine zip answers as TensorFlow.js does", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet");
  await status(page, /is ready/);
  await dropAll(page, [{ name: "converted_tfjs.zip", bytes: await machine() }, { name: "pattern.png", bytes: pattern }]);
  await done(page);
  const expected = JSON.parse(await data("tensorflow/teachable-machine/expected.json"));
  const label = await page.locator("#predictions [aria-pressed=true]").innerText();
  assert.match(label, /cat[^]*79\.9\s?%|cat[^]*80\.0\s?%/);
  const found = await outputs(page);
  [expected.picture.logits[0], expected.black.logits[0]].forEach((logit, k) =>
    assert.ok(Math.abs(found[k] - logit) < 0.011, `${found} for ${logit}`));
  await addsUp(page);
  assert.match(await facts(page), /Teachable Machine 2\.4\.10[^]*14 × 14 pixels in grey/);
  assert.equal(await tag(page, "values"), "from the file");
  assert.equal(await page.inputValue("#own-values"), "signed");
  assert.ok(await page.locator("#own-channels").isDisabled());
  await page.close();
});

check("what is assumed can be changed, and is undone with one click", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet");
  await status(page, /is ready/);
  await dropAll(page, [await file("onnx/float16.onnx"), await cat()]);
  await done(page);
  const before = await outputs(page);
  const seen = () => page.evaluate(() => document.getElementById("network-sees").toDataURL());
  const middle = await seen();
  assert.equal(await tag(page, "framing"), "assumed");
  assert.ok(await page.locator("#own-undo").isHidden());
  const changed = async (act, field) => {
    const values = (await outputs(page)).join();
    await act();
    await page.waitForFunction((values) =>
      [..."input baseline".split(" ")].map((end) => Number(document.getElementById(`output-${end}`).textContent.replace("−", "-"))).join() !== values, values);
    await done(page);
    assert.equal(await tag(page, field), "yours");
    await addsUp(page);
  };
  await changed(() => page.selectOption("#own-framing", "squash"), "framing");
  assert.notEqual(await seen(), middle);
  await changed(() => page.selectOption("#own-values", "inverted"), "values");
  await changed(() => page.selectOption("#own-values", "bytes"), "values");
  await changed(() => page.selectOption("#own-channels", "bgr"), "channels");
  await changed(() => page.selectOption("#own-channels", "grey"), "channels");
  await page.selectOption("#own-values", "numbers");
  await changed(async () => {
    await page.locator("#own-std-1").fill("0.5");
    await page.locator("#own-std-1").blur();
  }, "values");
  // By keyboard, and focus goes where it came from.
  await focus(page, "#own-undo");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#own-undo", { state: "hidden" });
  await done(page);
  await page.waitForFunction((x) => Number(document.getElementById("output-input").textContent.replace("−", "-")) === x, before[0]);
  assert.deepEqual(await outputs(page), before);
  assert.equal(await seen(), middle);
  assert.equal(await tag(page, "framing"), "assumed");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "SUMMARY");
  // In French too.
  await page.selectOption("#language", "fr");
  assert.equal(await tag(page, "framing"), "supposé");
  assert.match(await page.textContent("#network-assumed"), /^Supposé/);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("a network that gives one number is asked about both sides", async (t) => {
  const folder = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "violet/checkpoints/layouts");
  const weights = path.join(folder, "head-sigmoid.pth");
  if (!existsSync(weights)) return skip(t, "there is no PyTorch here that could have written one");
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2&rule=secant");
  await status(page, /is ready/);
  // As a file, not as bytes: these would go to the browser as text.
  const beside = await mkdtemp(path.join(tmpdir(), "violet-"));
  t.after(() => rm(beside, { recursive: true }));
  const labels = path.join(beside, "labels.txt");
  await writeFile(labels, "dog\n");
  await page.locator("#own-file").setInputFiles([weights, labels]);
  await page.waitForFunction(() => document.getElementById("model").value.startsWith("own:"));
  await dropAll(page, [await cat()]);
  await done(page);
  const answers = await page.locator("#predictions button").allInnerTexts();
  assert.equal(answers.length, 2);
  assert.match(answers.join(), /not dog/);
  const shares = answers.map((text) => Number(text.match(/([\d.]+)%/)[1]));
  assert.ok(Math.abs(shares[0] + shares[1] - 100) < 0.11, `${shares}`);
  const one = await outputs(page);
  await again(page, () => page.locator("#predictions button").nth(1).click());
  const other = await outputs(page);
  one.forEach((value, k) => assert.equal(value, -other[k]));
  await addsUp(page);
  await page.close();
});

check("weights in a second file are asked for, and taken when they come", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2");
  await status(page, /is ready/);
  await page.click("#draw");
  await done(page);
  const mask = await canvas(page);
  await dropAll(page, [await file("onnx/second-file.onnx")]);
  await page.waitForFunction(() => /second file, “second-file\.onnx\.data”/.test(document.getElementById("notice").innerText));
  assert.equal((await canvas(page)).hash, mask.hash, "the mask stays");
  assert.equal(await page.inputValue("#model"), "shapesnet");
  await dropAll(page, [await file("onnx/second-file.onnx.data")]);
  await page.waitForFunction(() => document.getElementById("model").value === "own:second-file.onnx");
  await done(page);
  await page.waitForFunction(() => document.querySelectorAll("#predictions button").length === 3);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("not square, in grey, of several outputs; two networks side by side", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet");
  await status(page, /is ready/);
  await dropAll(page, [await cat(), await file("onnx/grey-three-heads.onnx")]);
  await done(page);
  assert.match(await facts(page), /10 × 6 pixels in grey/);
  assert.equal(await page.locator("#own-output option").count(), 2);
  const largest = await page.inputValue("#own-output");
  await page.selectOption("#own-output", "s");
  await page.waitForFunction(() => document.getElementById("own-output-tag").textContent === "yours");
  await page.waitForFunction(() => document.querySelectorAll("#predictions button").length === 2);
  await done(page);
  await addsUp(page);
  await page.click("#own-undo");
  await page.waitForFunction((largest) => document.getElementById("own-output").value === largest, largest);
  await done(page);
  // Another one, beside the pinned mask of the first; the list holds both.
  await page.click("#pin");
  await dropAll(page, [await file("onnx/tf2onnx-batch-64.onnx")]);
  await page.waitForFunction(() => /tf2onnx/.test(document.getElementById("current-title").textContent));
  await done(page);
  assert.match(await page.textContent("#pinned-title"), /grey-three-heads/);
  assert.match(await page.textContent("#own-order"), /pixel by pixel/);
  await page.selectOption("#model", "own:grey-three-heads.onnx");
  await page.waitForFunction(() => /grey-three-heads/.test(document.getElementById("network-file").textContent));
  // The same file once more takes its own place, another one that is called alike does not.
  await dropAll(page, [await file("onnx/float16.onnx", "grey-three-heads.onnx")]);
  await page.waitForFunction(() => document.getElementById("model").value === "own:grey-three-heads.onnx (2)");
  await done(page);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("boxes of a detector that somebody brings: a click explains one by its raw score", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet");
  await status(page, /is ready/);
  const square = png(64, 64, (r, c) => [7 * r + 3 * c, 5 * r + 11 * c, 13 * r + c].map((value) => value % 256));
  await dropAll(page, [await file("detectors/yolo-suppressed.onnx"), { name: "square.png", bytes: square }]);
  await done(page);
  const found = JSON.parse(await data("detectors/expected.json"))["yolo-suppressed"];
  const names = ["cat", "dog", "owl"];
  const chosen = () => page.locator("#predictions [aria-pressed=true]").innerText();
  const explains = async ([, , , , score, kind]) => {
    assert.match(await chosen(), new RegExp(`${names[kind]}[^]*${Math.round(100 * score)}`));
    const [raw] = await outputs(page);
    assert.ok(Math.abs(raw - Math.log(score / (1 - score))) < 0.011, `${raw} for ${score}`);
    await addsUp(page);
  };
  await explains(found[0]);
  assert.match(await page.textContent("#network-notes"), /NonMaxSuppression/);
  assert.match((await answers(page))[0], new RegExp(`${names[found[0][5]]}\\s+73`));
  const mask = await canvas(page);
  // Of boxes that lie above each other the smallest is meant, as this one is.
  const [left, top, right, bottom] = found[1];
  await page.locator("#canvas").scrollIntoViewIfNeeded();
  const area = await page.locator("#canvas").boundingBox();
  // The square picture lies in the middle of the canvas.
  const side = Math.min(area.width, area.height);
  const at = (low, high, start, length) => start + (length - side) / 2 + (side * (low + high)) / 2 / 64;
  const before = await chosen();
  await page.mouse.click(at(left, right, area.x, area.width), at(top, bottom, area.y, area.height));
  await page.waitForFunction((before) =>
    document.querySelector("#predictions [aria-pressed=true]")?.innerText !== before, before);
  await done(page);
  await explains(found[1]);
  assert.notEqual((await canvas(page)).hash, mask.hash);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("what cannot be opened is said with what to do, and everything stays", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2");
  await status(page, /is ready/);
  await dropAll(page, [await cat()]);
  await done(page);
  const mask = await canvas(page);
  const whole = await data("onnx/float16.onnx");
  for (const [files, said] of [
    [[await file("onnx/refused-operators.onnx")], /Violet cannot explain this network/],
    [[await file("onnx/refused-words.onnx")], /explains networks that take one picture/],
    [[text("model.onnx", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")], /run git lfs pull/i],
    [[text("model.pth", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")], /run git lfs pull/i],
    [[{ name: "cut.onnx", bytes: whole.subarray(0, 300) }], /damaged/],
    [[text("page.h5", "<!doctype html><html>")], /looks like no network/],
    [[await file("tensorflow/teachable-machine/weights.bin")], /without its model\.json/],
    [[await file("onnx/float16.onnx"), await file("onnx/bytes-input.onnx")], /several networks/],
    [[text("labels.txt", "one\ntwo\n")], /“labels\.txt” is not a photo, and came without a network.*together with the network/],
    [[{ name: "model.onnx.data", bytes: Buffer.from("weights") }], /“model\.onnx\.data” is not a photo, and came without a network/],
    // What was said of the network is not taken back by the photo that came with it.
    [[{ name: "cut.onnx", bytes: whole.subarray(0, 300) }, await cat()], /damaged/],
  ]) {
    await dropAll(page, files);
    await page.waitForFunction((said) => new RegExp(said, "i").test(document.getElementById("notice").innerText), said.source);
    await page.click("#notice-close");
    // The photo that came with it is explained anew.
    if (files.some(({ name }) => name === "cat.jpg")) await done(page);
    assert.equal((await canvas(page)).hash, mask.hash, `${files[0].name}: the mask stays`);
    assert.equal(await page.inputValue("#model"), "shapesnet");
  }
  assert.equal(await notice(page), "");
  // Labels that do not fit are no reason to lose the network that they came with.
  await dropAll(page, [await file("onnx/float16.onnx", "forest.onnx"), text("labels.txt", "one\ntwo\n")]);
  await page.waitForFunction(() => document.getElementById("model").value === "own:forest.onnx" &&
    /forest/.test(document.getElementById("stage-caption").textContent) && !document.getElementById("notice").hidden);
  assert.match(await notice(page), /labels name 2 classes, the network has 3/);
  // What was told goes when something else is taken.
  await dropAll(page, [await file("onnx/float16.onnx", "forest.onnx"), text("labels.txt", "lynx\nfox\nowl\n")]);
  await page.waitForFunction(() => /lynx|fox|owl/.test(document.getElementById("predictions").innerText));
  assert.equal(await notice(page), "");
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("a network that is too large for the device is refused before it is loaded", async () => {
  const page = await shared.browser.newPage();
  await page.addInitScript(() => Object.defineProperty(navigator, "deviceMemory", { value: 0.1 }));
  await page.goto(`${shared.site.url}?device=cpu&model=shapesnet&workers=1`);
  await status(page, /is ready/);
  await dropAll(page, [await file("onnx/float16.onnx")]);
  await page.waitForFunction(() => /too large for this device.*about 0\.1 GB/.test(document.getElementById("notice").innerText));
  assert.equal(await page.inputValue("#model"), "shapesnet");
  await page.close();
});
