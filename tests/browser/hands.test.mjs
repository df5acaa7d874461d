// Pointers, fingers, keys, and the browser's own buttons.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { again, canvas, drop, focus, notice, open, sample, status, suite, view } from "./harness.mjs";

const shared = suite({ camera: true });
const { check } = shared;
const scene = "device=cpu&model=shapesnet&steps=2&scene=5";

check("a crosshair tells values to keys and to a click, and the picture is enlarged and moved without dragging", async () => {
  const page = await open(shared.browser, shared.site, scene);
  await status(page, /^Done/);
  const whole = await canvas(page);
  await focus(page, "#canvas");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.textContent("#readout"), /^pixel 48, 48: /);
  await page.keyboard.press("ArrowUp");
  const [, x, y] = (await page.textContent("#said")).match(/^pixel (\d+), (\d+): [−\d]/);
  assert.ok(x === "48" && Number(y) < 48, "and it is said aloud");
  assert.notEqual((await canvas(page)).hash, whole.hash, "it is seen");
  await page.keyboard.press("Escape");
  assert.equal((await canvas(page)).hash, whole.hash);
  assert.equal(await page.textContent("#readout"), "");
  // By clicks alone: a point, and then a closer look at it.
  const area = await page.locator("#canvas").boundingBox();
  const at = [area.x + area.width / 2 - 100, area.y + area.height / 2 - 60];
  await page.mouse.click(...at);
  await page.mouse.move(area.x - 20, area.y + area.height + 20);
  const pointed = await page.textContent("#readout");
  assert.match(pointed, /^pixel \d+, \d+: /);
  await page.click("#zoom-in");
  await page.click("#zoom-in");
  // What was pointed at lies in the middle now, so that the picture has moved there.
  await page.mouse.move(area.x + area.width / 2, area.y + area.height / 2);
  const place = (text) => text.match(/\d+/g).slice(0, 2).map(Number);
  const [a, b] = [place(pointed), place(await page.textContent("#readout"))];
  assert.ok(Math.abs(a[0] - b[0]) <= 1 && Math.abs(a[1] - b[1]) <= 1, `${a} and ${b}`);
  await page.click("#zoom-all");
  assert.equal((await canvas(page)).hash, whole.hash);
  await page.close();
});

check("two fingers enlarge and move the picture, and one scrolls the page", async () => {
  const context = await shared.browser.newContext({ hasTouch: true, viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  await page.goto(`${shared.site.url}?${scene}`);
  await status(page, /^Done/);
  const whole = await canvas(page);
  const devtools = await context.newCDPSession(page);
  const area = await page.locator("#canvas").boundingBox();
  const [x, y] = [area.x + area.width / 2, area.y + area.height / 2];
  const touch = (type, ...points) => devtools.send("Input.dispatchTouchEvent", {
    type, touchPoints: points.map(([dx, dy], id) => ({ x: x + dx, y: y + dy, id })),
  });
  await touch("touchStart", [-40, 0]);
  await touch("touchStart", [-40, 0], [40, 0]);
  for (let k = 1; k <= 6; k += 1) await touch("touchMove", [-40 - 8 * k, 0], [40 + 8 * k, 0]);
  await touch("touchEnd");
  const enlarged = await canvas(page);
  assert.notEqual(enlarged.hash, whole.hash);
  assert.equal(await page.evaluate(() => scrollY + (visualViewport.scale - 1)), 0, "the page itself stays as it was");
  // One finger moves what is enlarged.
  await touch("touchStart", [0, 0]);
  for (let k = 1; k <= 6; k += 1) await touch("touchMove", [10 * k, 0]);
  await touch("touchEnd");
  assert.notEqual((await canvas(page)).hash, enlarged.hash);
  await page.evaluate(() => document.getElementById("zoom-all").click());
  await touch("touchStart", [0, 0]);
  for (let k = 1; k <= 10; k += 1) await touch("touchMove", [0, -14 * k]);
  await touch("touchEnd");
  await page.waitForFunction(() => scrollY > 0);
  assert.equal((await canvas(page)).hash, whole.hash);
  await context.close();
});

check("Back goes to the picture before, one's own photo too, and loses nothing", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2");
  await status(page, /is ready/);
  await again(page, () => page.click("[data-sample=coffee]"));
  const coffee = await page.textContent("#attribution-sum");
  const cat = await sample("cat.jpg");
  await again(page, () => drop(page, "cat.jpg", cat, "image/jpeg"));
  const own = await page.textContent("#attribution-sum");
  await again(page, () => page.locator("#predictions button").nth(1).click());
  await again(page, () => page.click("#draw"));
  assert.match(page.url(), /scene=/);
  await again(page, () => page.goBack());
  assert.match(page.url(), /photo=own/);
  assert.equal(await page.textContent("#attribution-sum"), own, "the photo is there, for its likeliest class");
  await again(page, () => page.goBack());
  assert.match(page.url(), /photo=coffee/);
  assert.equal(await page.textContent("#attribution-sum"), coffee);
  await again(page, () => page.goForward());
  assert.equal(await page.textContent("#attribution-sum"), own);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("links of the footer leave the page where it is", async () => {
  const page = await open(shared.browser, shared.site, scene);
  for (const link of await page.locator("footer a").all()) {
    assert.equal(await link.getAttribute("target"), "_blank");
  }
  await page.close();
});

check("two taps on the camera ask once, and closing it lets it go; it can be asked again", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2");
  await status(page, /is ready/);
  await page.context().grantPermissions(["camera"]);
  await page.evaluate(() => {
    window.streams = [];
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (wanted) => {
      const stream = await ask(wanted);
      window.streams.push(stream);
      return stream;
    };
    for (let k = 0; k < 2; k += 1) document.getElementById("camera").click();
  });
  const live = () => page.evaluate(() => window.streams.map((stream) => stream.getTracks().some((track) => track.readyState === "live")));
  await page.waitForSelector("#camera-take:enabled");
  assert.deepEqual(await live(), [true]);
  // A dialog says that it was closed in a task of its own.
  const letGo = () => page.waitForFunction(() => window.streams.every((stream) => stream.getTracks().every((track) => track.readyState === "ended")));
  await page.click("#camera-close");
  await letGo();
  await page.click("#camera");
  await page.waitForFunction(() => window.streams.length === 2);
  await page.waitForSelector("#camera-take:enabled");
  assert.deepEqual(await live(), [false, true]);
  await page.keyboard.press("Escape");
  await letGo();
  await page.close();
});

check("a gigabyte gets a sentence at once, and is not read", async () => {
  const page = await open(shared.browser, shared.site, scene);
  await status(page, /^Done/);
  const read = await page.evaluate(() => {
    let read = 0;
    const file = new File(["x"], "film.mov", { type: "video/quicktime" });
    Object.defineProperty(file, "size", { value: 2 ** 30 });
    const bytes = Blob.prototype.arrayBuffer;
    Blob.prototype.arrayBuffer = function () { read += Number(this.size > 4096); return bytes.call(this); };
    const transfer = { files: Object.assign([file], { item: (k) => [file][k] }) };
    const event = new Event("drop", { bubbles: true, cancelable: true });
    Object.defineProperty(event, "dataTransfer", { value: transfer });
    document.getElementById("drop").dispatchEvent(event);
    return new Promise((done) => setTimeout(() => done(read), 300));
  });
  assert.equal(read, 0);
  assert.match(await notice(page), /too large: film\.mov has 1024 MB, and files of up to 256 MB are read/);
  await page.close();
});

check("a picture that is saved has no more pixels than iOS draws, and is not decoded anew", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=1");
  await status(page, /is ready/);
  // 24 megapixels, made here: a file in the tree would be as large as that.
  const jpeg = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [6000, 4000];
    const context = canvas.getContext("2d");
    context.fillStyle = "#4a7";
    context.fillRect(1000, 500, 3000, 3000);
    [window.made, window.letGo] = [0, 0];
    const create = window.createImageBitmap;
    window.createImageBitmap = (...how) => { window.made += 1; return create(...how); };
    const close = ImageBitmap.prototype.close;
    ImageBitmap.prototype.close = function () { window.letGo += 1; return close.call(this); };
    window.sizes = [];
    const blob = HTMLCanvasElement.prototype.toBlob;
    HTMLCanvasElement.prototype.toBlob = function (...how) {
      window.sizes.push([this.width, this.height]);
      // As a file it is of no interest, and takes seconds to be packed.
      return blob.apply(document.createElement("canvas"), how);
    };
    return canvas.toDataURL("image/jpeg", 0.5).split(",")[1];
  });
  await again(page, () => drop(page, "large.jpg", Buffer.from(jpeg, "base64"), "image/jpeg"));
  for (const what of ["overlay", "both"]) {
    await page.click("#save summary");
    await Promise.all([page.waitForEvent("download"), page.click(`[data-save=${what}]`)]);
  }
  const [overlay, both] = await page.evaluate(() => window.sizes);
  assert.ok(overlay[0] * overlay[1] <= 16_777_216 && overlay[0] * overlay[1] > 16_000_000, `${overlay}`);
  assert.ok(both[0] * both[1] <= 16_777_216 && both[0] > 2 * both[1], `${both}`);
  assert.deepEqual(await page.evaluate(() => [window.made, window.letGo]), [0, 0]);
  await view(page, "mask");
  await page.close();
});

check("a picture that is dragged from another page gets a sentence", async () => {
  const page = await open(shared.browser, shared.site, scene);
  await status(page, /^Done/);
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData("text/uri-list", "https://elsewhere.example/cat.jpg");
    document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  });
  assert.match(await notice(page), /no file.*copy it and paste it here/);
  assert.match(await page.textContent("#status"), /^Done/);
  await page.close();
});

check("folders are dropped as people drop them: their photos come, a class for each folder too, and an empty one is told", async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), "violet-dropped-"));
  t.after(() => rm(folder, { recursive: true }));
  const [cat, coffee] = await Promise.all(["cat.jpg", "coffee.jpg"].map(sample));
  for (const [name, bytes] of [
    ["holiday/inner/deep/coffee.jpg", coffee], ["holiday/cat.jpg", cat], ["holiday/.DS_Store", "a system's"],
    ["holiday/__MACOSX/cat.jpg", "a system's"], ["cats/1.jpg", cat], ["cats/2.jpg", cat], ["cups/1.jpg", coffee], ["cups/notes.txt", "no photo"],
  ]) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), bytes);
  }
  await mkdir(path.join(folder, "empty/inner"), { recursive: true });
  const page = await open(shared.browser, shared.site, scene);
  await status(page, /^Done/);
  // The browser's own drag of files on a disk, with the folders' entries that it makes of them.
  const session = await page.context().newCDPSession(page);
  const dropFiles = async (selector, ...names) => {
    await page.locator(selector).scrollIntoViewIfNeeded();
    const { x, y, width } = await page.locator(selector).boundingBox();
    const data = { items: [], files: names.map((name) => path.join(folder, name)), dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await session.send("Input.dispatchDragEvent", { type, x: x + width / 2, y: y + 20, data });
    }
  };
  await again(page, () => dropFiles("#drop", "holiday"));
  // What lies in a folder comes before what lies deeper; what systems leave behind does not come.
  assert.equal(await page.locator("#strip-list li").count(), 2);
  assert.deepEqual(await page.locator("#strip-list button").evaluateAll((all) => all.map((one) => one.ariaPressed)), ["true", "false"]);
  assert.match(await page.locator("#strip-list img").first().getAttribute("alt"), /cat\.jpg/);
  assert.equal(await notice(page), "");
  await dropFiles("#drop", "empty");
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(page), /no files in what was dropped.*Drop a photo/);
  await page.click("#notice-close");
  await page.click("#teach-start");
  await dropFiles("#teach-body", "cats", "cups");
  await page.waitForFunction(() => document.querySelectorAll("#teach-classes img").length === 3);
  const classes = await page.evaluate(() => [...document.querySelectorAll("#teach-classes > li")].map(
    (one) => [one.querySelector("input").value, one.querySelectorAll("img").length]));
  assert.deepEqual(classes, [["cats", 2], ["cups", 1]]);
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(page), /1 of 4 files were left out/);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("choosing devices in turn, faster than they start, ends with the last", async () => {
  const page = await open(shared.browser, shared.site, scene);
  await status(page, /^Done/);
  await page.evaluate(() => {
    const select = document.getElementById("device");
    for (const device of ["gpu", "cpu", "gpu", "auto", "cpu"]) {
      select.value = device;
      select.dispatchEvent(new Event("change"));
    }
  });
  await page.waitForFunction(() => /^Done/.test(document.getElementById("status").textContent)
    && /on the CPU/.test(document.getElementById("engine").textContent));
  await page.waitForTimeout(500);
  assert.match(await page.textContent("#engine"), /^Now on the CPU, \d workers\.\s*$/);
  assert.match(await page.textContent("#status"), /^Done: 3/);
  assert.deepEqual(page.errors, []);
  await page.close();
});
