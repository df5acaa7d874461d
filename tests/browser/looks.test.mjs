// How every state of the page looks, beside stored pictures: a changed one fails and shows where.
// VIOLET_LOOKS=keep node --test tests/browser/looks.test.mjs stores the pictures as they are now, to be looked at.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { again, drop, open, root, sample, skip, status, suite, view } from "./harness.mjs";

const shared = suite();
const { check } = shared;
const kept = path.join(root, "tests/browser/looks");
const keeping = process.env.VIOLET_LOOKS === "keep";
const photo = "device=cpu&model=efficientnet-lite0&rule=secant&steps=12";
const detector = existsSync(path.join(root, "dist/weights/ssd-mobilenet-v2.safetensors"));

/** Opens the page and gives what takes its picture, by a name: of what one sees, or of an element. */
async function camera(query, { quality = 60, ...options } = {}) {
  const page = await open(shared.browser, shared.site, query, { unfolded: false, ...options });
  const take = async (name, part) => {
    await page.evaluate(async (fonts) => {
      for (const [kind, family] of Object.entries(fonts)) document.documentElement.style.setProperty(`--${kind}`, `"${family}"`);
      document.activeElement?.blur();
      await document.fonts.ready;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    }, FONTS);
    await page.evaluate((part) => {
      const dock = document.querySelector(".dock");
      if (dock) dock.style.visibility = part ? "hidden" : "";
      if (!part) return scrollTo(0, 0);
      // On whole pixels, however high what stands above it is.
      const box = document.querySelector(part);
      box.style.translate = "";
      const { left, top } = box.getBoundingClientRect();
      box.style.translate = `${Math.round(left) - left}px ${Math.round(top) - top}px`;
    }, part);
    await page.mouse.move(0, 0);
    // Seconds are never the same.
    const mask = part ? [] : [page.locator("#status"), page.locator("#left")];
    const taken = await (part ? page.locator(part) : page).screenshot({ type: "jpeg", quality, mask, maskColor: "#888", animations: "disabled" });
    await compare(name, taken);
  };
  return { page, take };
}

/** An empty page, in which pictures are compared. */
let empty;
const beside = () => (empty ??= shared.browser.newPage());

/** What pictures are taken in, whatever a machine has besides: Debian's fonts, which scripts/setup.sh installs. */
const FONTS = { sans: "DejaVu Sans", serif: "Liberation Serif" };

/** Widths of a sentence in these fonts, and in what is drawn on canvases: where one is missing, it is another's. */
const fonts = async () => (await beside()).evaluate((families) => families.map((family) => {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `40px ${family}`;
  return Math.round(context.measureText("Which pixels did the network use?").width);
}).join(), [...Object.values(FONTS).map((family) => `"${family}", monospace`), "system-ui, sans-serif"]);

/** A story: one page that goes from state to state. */
const story = (name, tell) => check(name, async (t) => {
  await mkdir(kept, { recursive: true });
  const [now, file] = [await fonts(), path.join(kept, "fonts.txt")];
  if (keeping) await writeFile(file, now);
  else if ((await readFile(file, "utf8")) !== now) return skip(t, "the stored pictures are of other fonts");
  await tell();
});

/** A picture is as the stored one: of points that are as large as four pixels, next to none is another. */
async function compare(name, taken) {
  const file = path.join(kept, `${name}.jpg`);
  if (keeping) return writeFile(file, taken);
  const page = await beside();
  const urls = [await readFile(file), taken].map((bytes) => `data:image/jpeg;base64,${bytes.toString("base64")}`);
  const found = await page.evaluate(async (urls) => {
    const images = await Promise.all(urls.map(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      return image;
    }));
    const sizes = images.map(({ naturalWidth, naturalHeight }) => `${naturalWidth} × ${naturalHeight}`);
    const [width, height] = [images[0].naturalWidth, images[0].naturalHeight].map((length) => Math.ceil(length / 4));
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const [a, b] = images.map((image) => {
      context.drawImage(image, 0, 0, width, height);
      return context.getImageData(0, 0, width, height);
    });
    let others = 0;
    for (let at = 0; at < a.data.length; at += 4) {
      const apart = Math.max(...[0, 1, 2].map((k) => Math.abs(a.data[at + k] - b.data[at + k])));
      if (apart > 40) others += 1;
      // What is another is red, the rest pale.
      for (let k = 0; k < 3; k += 1) a.data[at + k] = apart > 40 ? [220, 0, 40][k] : 200 + b.data[at + k] / 5;
    }
    context.putImageData(a, 0, 0);
    return { sizes, share: others / (width * height), difference: canvas.toDataURL("image/png").split(",")[1] };
  }, urls);
  const same = found.sizes[0] === found.sizes[1] && found.share < 0.004;
  if (!same) {
    const folder = process.env.VIOLET_LOOKS_FOLDER ?? path.join(tmpdir(), "violet-looks");
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, `${name}-now.jpg`), taken);
    await writeFile(path.join(folder, `${name}-difference.png`), Buffer.from(found.difference, "base64"));
    assert.fail(`${name} looks different: ${found.sizes.join(" and ")}, ${(100 * found.share).toFixed(2)} % of it; see ${folder}`);
  }
}

story("the way from a cold page to everything that can be learnt", async () => {
  const { page, take } = await camera(photo);
  await status(page, /is ready/);
  await take("cold");
  await again(page, () => page.click("[data-sample=coffee]"));
  await take("done");
  for (const name of ["mask", "pixels", "regions", "spotlight", "contours"]) {
    await view(page, name);
    await take(`view-${name}`);
  }
  await view(page, "mask");
  await page.evaluate(() => { document.getElementById("drawing").open = true; });
  await page.selectOption("#reduction", "signed");
  await take("signed");
  await page.selectOption("#reduction", "absolute");
  await page.evaluate(() => { document.getElementById("drawing").open = false; });
  await view(page, "overlay");
  await page.click("#save summary");
  await take("menu");
  await page.click("#save summary");
  await drop(page, "notes.pdf", Buffer.from("%PDF-1.7 not a photo"));
  await page.waitForSelector("#notice:not([hidden])");
  await take("refused");
  await page.click("#notice-close");
  await page.click("#walk-start");
  await status(page, /drag α/);
  await take("walk", "#walk");
  await page.click("#pin");
  await again(page, () => page.locator("#predictions button").nth(1).click());
  await take("compare");
  await page.evaluate(() => { document.getElementById("how").open = true; });
  await page.locator("#how").scrollIntoViewIfNeeded();
  await take("how", "#how");
  // What is shown was made otherwise; and what was cancelled, which is never twice as far.
  await page.click("#pin");
  await page.locator("#steps").fill("500");
  await page.evaluate(() => { document.getElementById("how").open = false; });
  await take("stale");
  await page.click("#anew");
  await status(page, /: [1-9]\d* of 50\d/);
  await page.click("#cancel");
  await status(page, /^Cancelled/);
  await page.evaluate(() => { document.getElementById("stale-what").textContent = "Unfinished: 17 of 500 gradients."; });
  await take("cancelled", "#stale");
  await page.click("#back");
  await page.evaluate(() => { document.getElementById("how").open = true; });
  await page.locator("#steps").fill("12");
  await page.evaluate(() => { document.getElementById("how").open = false; });
  // Photos beside each other, one of them explained.
  const cups = await sample("coffee.jpg");
  await again(page, () => page.locator("#file").setInputFiles(["a.jpg", "b.jpg", "c.jpg"].map((name) => ({ name, mimeType: "image/jpeg", buffer: cups }))));
  await take("strip", "#strip");
  await page.locator("#own-file").setInputFiles([{
    name: "forest.onnx", mimeType: "", buffer: await readFile(path.join(root, "src/import/tests/data/onnx/float16.onnx")),
  }]);
  await page.waitForSelector("#network-look:not([hidden])");
  await status(page, /^Done/);
  await page.evaluate(() => { document.getElementById("network-input").open = true; });
  await take("own-network", "#network");
  await page.evaluate(() => dispatchEvent(new CustomEvent("violet-failed", { detail: "panicked at src/page/work.rs:120" })));
  await take("no-start", "#no-start");
  await page.close();
});

story("a lesson with its task; with forced colours, and the link's code", async () => {
  const task = encodeURIComponent("1. Where does the network look?\n2. Choose “Regions”: which three account for most of the answer?");
  const { page, take } = await camera(`device=cpu&model=shapesnet&steps=auto&scene=5&hide=samples,scenes,controls&task=${task}`);
  await status(page, /^Done/);
  await take("lesson");
  await page.emulateMedia({ forcedColors: "active" });
  await view(page, "regions");
  await take("forced-colours");
  await page.emulateMedia({ forcedColors: "none" });
  await page.click("#qr-open");
  // The port, and with it the code, is another one each time.
  await page.evaluate(() => {
    const side = Number(document.getElementById("qr").getAttribute("viewBox").split(" ")[2]) - 8;
    const dark = Array.from({ length: side * side }, (_, k) => [k % side, Math.floor(k / side)]).filter(([x, y]) => (x * y + x + y) % 3 === 0);
    document.getElementById("qr-squares").setAttribute("d", dark.map(([x, y]) => `M${x + 4} ${y + 4}h1v1h-1z`).join(""));
    document.getElementById("qr-link").textContent = "https://example.org/violet/?model=shapesnet&steps=auto&scene=5";
  });
  await take("qr");
  await page.close();
});

story("on a phone, and in French", async () => {
  const { page, take } = await camera(photo, { viewport: { width: 390, height: 844 } });
  await status(page, /is ready/);
  await take("phone-cold");
  await again(page, () => page.click("[data-sample=coffee]"));
  await take("phone-done");
  await page.selectOption("#language", "fr");
  await take("phone-french");
  await page.close();
});

story("scenes, in the dark, on a projector, on paper", async () => {
  const { page, take } = await camera("device=cpu&model=shapesnet&steps=8&scene=5&tag=telling", { colorScheme: "dark" });
  await status(page, /^Done/);
  await take("scene-dark");
  await page.click("#paint");
  await take("paint");
  await page.click("#paint-close");
  await page.setViewportSize({ width: 1024, height: 768 });
  await page.click("#projector");
  await take("projector");
  await page.click("#projector");
  await page.selectOption("#language", "fr");
  await page.setViewportSize({ width: 794, height: 1123 });
  await page.evaluate(() => { window.print = () => { window.printed = true; }; });
  await page.click("#save summary");
  await page.click("[data-save=handout]");
  await page.waitForFunction(() => window.printed);
  await page.emulateMedia({ media: "print", colorScheme: "light" });
  await take("handout");
  await page.close();
});

/** A camera that sees a yellow square, which stands still. */
const standing = (page) => page.evaluate(() => {
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const context = canvas.getContext("2d");
    const draw = () => {
      context.fillStyle = "#334";
      context.fillRect(0, 0, 320, 240);
      context.fillStyle = "#fc3";
      context.fillRect(110, 70, 100, 100);
      requestAnimationFrame(draw);
    };
    draw();
    return canvas.captureStream(30);
  };
});

/** Eight pictures of each of two things, gathered on their classes. */
const gather = (page) => page.evaluate(async () => {
  for (const [number, colour] of ["#c22", "#28c"].entries()) {
    const transfer = new DataTransfer();
    for (let k = 0; k < 8; k += 1) {
      const canvas = Object.assign(document.createElement("canvas"), { width: 300, height: 300 });
      const context = canvas.getContext("2d");
      context.fillStyle = `rgb(${150 + 10 * k} 160 150)`;
      context.fillRect(0, 0, 300, 300);
      context.fillStyle = colour;
      context.fillRect(60 + 8 * k, 80, 120, 60 + 60 * number);
      transfer.items.add(new File([await new Promise((done) => canvas.toBlob(done, "image/png"))], `${k}.png`, { type: "image/png" }));
    }
    const target = document.querySelector(`#teach-classes > li:nth-child(${number + 1})`);
    for (const kind of ["dragover", "drop"]) target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
});

/** A stroke on one of the canvases to paint on, between places that are shares of it. */
async function stroke(page, id, ...places) {
  await page.locator(`#${id}`).scrollIntoViewIfNeeded();
  const box = await page.locator(`#${id}`).boundingBox();
  for (const [k, [x, y]] of places.entries()) {
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 3 });
    if (k === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

story("what a class does with it, chapter by chapter, in English on a desk and in French on a phone", async () => {
  const { page, take } = await camera("device=cpu&model=shapesnet&steps=auto&scene=5&quiz=7", { quality: 30 });
  await status(page, /^Done/);
  await standing(page);
  await page.click("#guess-start");
  await stroke(page, "guess-canvas", [0.2, 0.3], [0.4, 0.35]);
  await page.click("#guess-next");
  await stroke(page, "guess-canvas", [0.65, 0.5], [0.75, 0.7], [0.55, 0.7], [0.65, 0.5]);
  await page.click("#guess-uncover");
  await page.click("#whatif-start");
  await status(page, /^Ready: cover/);
  await stroke(page, "whatif-canvas", [0.6, 0.6], [0.9, 0.85]);
  await status(page, /before and after/);
  await page.click("#ledger-start");
  await status(page, /^Ready: merge/);
  await page.click("#ledger-draw");
  await stroke(page, "ledger-draw-canvas", [0.1, 0.3], [0.5, 0.3]);
  await page.click("#ledger-keep");
  await page.click("#ledger-experiment");
  await status(page, /both columns/);
  await page.click("#methods-start");
  await status(page, /methods are side by side/);
  await page.click("#fragile-start");
  await status(page, /what moves answer and mask/);
  for (const [chapter, opened] of [["walk", /drag α/], ["trust", /tests are below/], ["baselines", /choose a baseline/]]) {
    await page.click(`#${chapter}-start`);
    await status(page, opened);
  }
  await page.click("#quiz-start");
  await status(page, /^Your turn/);
  await page.keyboard.press("1");
  await page.click("#live-start");
  await page.waitForFunction(() => /24 secants/.test(document.getElementById("live-rate").textContent));
  await page.click("#live-stop");
  const chapters = ["guess", "whatif", "ledger", "methods", "fragile", "quiz", "live"];
  for (const name of chapters) await take(`class-${name}`, `#${name}`);
  for (const name of ["trust", "baselines"]) await take(name, `#${name}`);
  // The tour stands over the page, and is left where it points.
  const tour = async (name) => {
    await page.click("#tour-start");
    await page.waitForFunction(() => document.querySelector(".toured"));
    await take(name, "#tour");
    await page.click("#tour-leave");
  };
  await tour("class-tour");
  await page.selectOption("#language", "fr");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.click("#ledger-draw");
  await stroke(page, "ledger-draw-canvas", [0.3, 0.8], [0.7, 0.8]);
  await take("class-draw-phone", "#ledger-drawing");
  await page.click("#ledger-leave");
  for (const name of chapters) await take(`class-${name}-phone`, `#${name}`);
  for (const name of ["walk", "trust", "baselines"]) await take(`${name}-phone`, `#${name}`);
  await tour("class-tour-phone");
  if (existsSync(path.join(root, "dist/weights/efficientnet-lite0.safetensors"))) {
    await page.click("#teach-start");
    await gather(page);
    await page.waitForFunction(() => document.querySelectorAll("#teach-classes img").length === 16);
    await page.click("#teach-train");
    await page.waitForFunction(() => document.querySelectorAll("#teach-marks li").length === 2);
    await status(page, /^Terminé/);
    await take("class-teach-phone", "#teach");
    await page.selectOption("#language", "en");
    await page.setViewportSize({ width: 1440, height: 900 });
    await take("class-teach", "#teach");
  }
  // The teacher's page, and on paper.
  await page.goto(`${shared.site.url}lessons/index.html`);
  await take("lessons");
  await page.goto(`${shared.site.url}lessons/fr.html`);
  await page.setViewportSize({ width: 390, height: 844 });
  await take("lessons-phone");
  await page.close();
});

check("what a detector finds", async (t) => {
  if (!detector) return skip(t, "the detector's weights are not here");
  if (!keeping && (await readFile(path.join(kept, "fonts.txt"), "utf8")) !== (await fonts())) {
    return skip(t, "the stored pictures are of other fonts");
  }
  const { page, take } = await camera("device=cpu&model=ssd-mobilenet-v2&rule=secant&steps=6&photo=coffee");
  await status(page, /^Done/);
  await take("detector");
  await page.close();
});
