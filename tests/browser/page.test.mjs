// What a newcomer does with the page, on the built dist/, in Chromium.
import assert from "node:assert/strict";
import { crc32, deflateSync } from "node:zlib";
import {
  again, canvas, dies, drop, notice, number, open, sample, serve, status, suite, view, withRandomResnet18, skip,
} from "./harness.mjs";

const cpu = "device=cpu&model=efficientnet-lite0";
const shared = suite();
const { check } = shared;

check("drop a photo and its mask forms, by the CPU pool", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=6&workers=2`);
  await status(page, /is ready/);
  assert.match(await page.textContent("#engine"), /CPU, 2 workers/);

  await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  const before = page.waitForFunction(() => document.getElementById("progress").value > 0);
  await status(page, /^Done: 7 gradients/);
  await before;

  const answers = await page.locator("#predictions button").allInnerTexts();
  assert.equal(answers.length, 5);
  assert.match(answers.join(" "), /Egyptian cat|tabby|tiger cat|lynx/i);
  assert.ok((await page.textContent("#delta")).endsWith("%"));
  const [input, baseline, sum] = await Promise.all(
    ["#output-input", "#output-baseline", "#attribution-sum"].map(async (id) => number(await page.textContent(id))),
  );
  assert.ok(Number.isFinite(input) && Number.isFinite(baseline) && Number.isFinite(sum));

  // Mask: purple on white. Original: no purple. They differ, and so does the overlay.
  await view(page, "mask");
  const mask = await canvas(page);
  await view(page, "original");
  const original = await canvas(page);
  await view(page, "overlay");
  const overlay = await canvas(page);
  assert.ok(mask.purple > 0.01, `mask ${mask.purple}`);
  assert.ok(original.purple < 0.005, `original ${original.purple}`);
  assert.ok(overlay.purple > original.purple);
  await page.locator("#opacity").fill("0");
  assert.ok((await canvas(page)).purple < overlay.purple);
  assert.deepEqual(page.errors, []);

  // Another answer, another mask.
  await view(page, "mask");
  const first = await canvas(page);
  await again(page, () => page.locator("#predictions button").nth(3).click());
  assert.notEqual((await canvas(page)).hash, first.hash);
  assert.equal(await page.locator("#predictions button").nth(3).getAttribute("aria-pressed"), "true");

  // Nothing but the page's own files was asked for, by page or workers; nothing was sent.
  for (const url of [...page.requested.filter((url) => !url.startsWith("blob:")), ...shared.site.requests.map((path) => new URL(path, shared.site.url).href)]) {
    assert.ok(url.startsWith(shared.site.url), url);
  }
  await page.close();
});

check("auto settles the mask, says how far, and the sum adds up exactly", async () => {
  // It is what the page begins with.
  const page = await open(shared.browser, shared.site, `${cpu}&workers=2`);
  await status(page, /is ready/);
  assert.ok(await page.isChecked("#auto"));
  assert.ok(await page.isDisabled("#steps") && await page.isDisabled("#steps-range") && await page.isDisabled("#rule"));
  await drop(page, "astronaut.jpg", await sample("astronaut.jpg"), "image/jpeg");
  await status(page, /^Done: \d+ gradients/);
  const gradients = Number((await page.textContent("#status")).match(/Done: (\d+)/)[1]);
  assert.ok(gradients >= 8 && gradients <= 100, `${gradients} gradients`);
  // 50 uniform steps leave a quarter on this photo.
  assert.ok(Math.abs(number((await page.textContent("#delta")).replace("%", ""))) <= 0.1);
  assert.match(await page.textContent("#verdict"), /It adds up.* The mask is settled to [1-5]\s?%/);
  await view(page, "mask");
  assert.ok((await canvas(page)).purple > 0.01);
  assert.match(page.url(), /steps=auto/);

  // Without it: the paper's way.
  await page.locator("#auto").click();
  assert.ok(await page.isEnabled("#steps"));
  assert.deepEqual([await page.inputValue("#rule"), await page.inputValue("#steps")], ["trapezoid", "50"]);
  await page.locator("#steps").fill("4");
  await page.locator("#explain").click();
  await status(page, /^Done: 5 gradients/);
  assert.doesNotMatch(await page.textContent("#verdict"), /settled/);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("cancel keeps what is there, and explain goes on", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=500`);
  await status(page, /is ready/);
  await page.locator("[data-sample=coffee]").click();
  await status(page, /: [1-9]\d+ of 501/);
  await page.locator("#cancel").click();
  await status(page, /^Cancelled/);
  await view(page, "mask");
  const kept = await canvas(page);
  assert.ok(kept.purple > 0.01);
  await page.waitForTimeout(1500);
  assert.equal((await canvas(page)).hash, kept.hash, "nothing moves after cancel");
  await page.locator("#steps").fill("2");
  await page.locator("#steps").press("Enter");
  await page.locator("#explain").click();
  await status(page, /^Done: 3 gradients/);
  await page.close();
});

check("cancel draws what has come since the last drawing", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=500`);
  await status(page, /is ready/);
  await page.locator("[data-sample=coffee]").click();
  await status(page, /: [1-9]\d* of 501/);
  await view(page, "mask");
  // Time stands still: a page that rests between drawings does not wake up.
  await page.evaluate(() => {
    const now = performance.now();
    performance.now = () => now;
    const post = Worker.prototype.postMessage;
    window.asked = 0;
    Worker.prototype.postMessage = function (...message) {
      window.asked += 1;
      return post.apply(this, message);
    };
  });
  // A worker is asked for another gradient when its last one has come.
  const gradients = async (count) => {
    const all = count + (await page.evaluate(() => window.asked));
    await page.waitForFunction((all) => window.asked >= all, all, { polling: 20 });
  };
  await gradients(4);
  const drawn = await canvas(page);
  await gradients(8);
  assert.equal((await canvas(page)).hash, drawn.hash, "the page rests");
  await page.locator("#cancel").click();
  await status(page, /^Cancelled/);
  assert.notEqual((await canvas(page)).hash, drawn.hash);
  await page.close();
});

check("files that are no photos get a sentence, and the photo and its mask stay", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=2`);
  await status(page, /is ready/);
  const cat = await sample("cat.jpg");
  await drop(page, "cat.jpg", cat, "image/jpeg");
  await status(page, /^Done/);
  const shown = await canvas(page);
  const answers = await page.textContent("#predictions");
  for (const [name, bytes, sentence] of [
    ["empty.png", Buffer.alloc(0), /empty/i],
    ["notes.txt", Buffer.from("just words"), /not a photo.*PNG, JPEG/i],
    ["drawing.svg", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"), /SVG drawing/],
    ["cut.jpg", cat.subarray(0, cat.indexOf(Buffer.of(0xff, 0xda))), /JPEG image cannot be read.*damaged/],
    ["huge.png", png([50_000, 50_000], [8, 2], Buffer.alloc(0)), /too large.*100 megapixels.*smaller/],
  ]) {
    await drop(page, name, bytes);
    await page.waitForFunction(() => !document.getElementById("notice").hidden, null, { timeout: 20_000 });
    assert.match(await notice(page), sentence, name);
    await page.locator("#notice-close").click();
    assert.equal((await canvas(page)).hash, shown.hash, `${name}: the mask stays`);
    assert.equal(await page.textContent("#predictions"), answers);
  }
  assert.deepEqual(page.errors, []);
  await page.close();
});

// The cat in a format that the engine has no decoder for and browsers have.
const avif = Buffer.from(
  "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAA" +
  "AAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAABEQAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEA" +
  "AGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAQAAAADAAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwA" +
  "AAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAABGW1kYXQSAAoJGBV/vaICGg0IMoECGseHheHMMMMC" +
  "hUGAzbGOK0MDzC78mClNZZeRqgbGog98FuofvTxpwZHkWSxne4Om7yQGGmxhcUNt7aehsMEus7fCVnhjtb2Oa2rUIrWJ2yue66uH" +
  "V8qnV3jluB6kSQNVuJazZvoctfByncyix+j/RaYxAUh3AFaQN8brE7/EPcAIQMhgSZ/Tt5ptAo7hJO/BkIrt35FxaE5zF1h//EUc" +
  "8DDZc1hxrphoMt2agNNcAXX7T3cHwCPPNMzHFkTR0dfWwb5pYAz3OlUAjJQfB7Ci6tTgBbWT8E95YBZFKqHV5nbkhjNLtBfzSO3g" +
  "pKctOkkCwbP7NePgDiwBhJrPKsI2jlA=", "base64");

check("a photo is pasted, one is picked, and one that only the browser can decode", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=1`);
  await status(page, /is ready/);
  await page.evaluate(async (url) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([await (await fetch(url)).blob()], "pasted.jpg", { type: "image/jpeg" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  }, "samples/rocket.jpg");
  await status(page, /^Done/);
  assert.match(await page.textContent("#predictions"), /missile|projectile/);
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.locator("#another").click()]);
  await chooser.setFiles({ name: "coffee.jpg", mimeType: "image/jpeg", buffer: await sample("coffee.jpg") });
  await page.waitForFunction(() => /espresso/.test(document.getElementById("predictions").textContent));
  await status(page, /^Done/);
  await drop(page, "cat.avif", avif, "image/avif");
  await page.waitForFunction(() => /cat/.test(document.getElementById("predictions").textContent));
  await status(page, /^Done/);
  assert.match(await notice(page), /small \(64 × 48\)/);
  // More than the engine decodes, and taller than wide: the browser makes it smaller.
  await page.evaluate(() => {
    const create = window.createImageBitmap;
    window.createImageBitmap = async (...how) => {
      const bitmap = await create(...how);
      window.decoded = [bitmap.width, bitmap.height];
      return bitmap;
    };
  });
  await again(page, () => drop(page, "tall.png", grey(4000, 26_000), "image/png"));
  assert.deepEqual(await page.evaluate(() => window.decoded), [630, 4096]);
  // What is there of a photo that is cut off; and one that lacks its end marker only, as many do.
  const cat = await sample("cat.jpg");
  await again(page, () => drop(page, "cut.jpg", cat.subarray(0, Math.round(0.7 * cat.length)), "image/jpeg"));
  assert.match(await notice(page), /ends early or is damaged.*the rest is grey/);
  assert.match(await page.textContent("#predictions"), /cat|tabby/);
  await again(page, () => drop(page, "unended.jpg", cat.subarray(0, cat.length - 2), "image/jpeg"));
  assert.equal(await page.isVisible("#notice"), false);
  await page.close();
});

check("a photo that comes before the engine waits for it", async () => {
  for (const [bytes, outcome] of [
    [await sample("cat.jpg"), /^Done/],
    [Buffer.from("no photo"), /^Stopped/],
  ]) {
    let comes;
    const engine = new Promise((come) => (comes = come));
    const page = await open(shared.browser, shared.site, `${cpu}&steps=1`, { engine });
    await status(page, /^Starting/);
    await drop(page, "early", bytes);
    await status(page, /waits for the engine/);
    comes();
    await status(page, outcome);
    assert.equal(await page.locator("#explain").isDisabled(), outcome.source === "^Stopped");
    await page.close();
  }
});

check("a small photo is enlarged, and the page says so", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=1`);
  await status(page, /is ready/);
  await drop(page, "tiny.bmp", tinyBitmap());
  await status(page, /^Done/);
  assert.match(await notice(page), /small.*enlarged/);
  await page.close();
});

check("a worker that dies is replaced, and the work goes on", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=24&workers=2`);
  await status(page, /is ready/);
  await dies(page.workers()[1], "Error", "killed by the test");
  await drop(page, "cat.jpg", await sample("cat.jpg"));
  await status(page, /^Done: 25 gradients/);
  await page.waitForFunction(() => !document.getElementById("notice").hidden);
  assert.match(await notice(page), /worker stopped and was replaced.*killed by the test/i);
  assert.ok((await canvas(page)).purple > 0.001);
  await page.close();
});

check("another network explains the same photo", async (t) => {
  const change = withRandomResnet18();
  if (!change) return skip(t, "scripts/test.sh makes the weights");
  const both = await serve(change);
  const page = await open(shared.browser, both, `${cpu}&steps=2`);
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"));
  await status(page, /^Done/);
  await view(page, "mask");
  const [first, answers] = [await canvas(page), await page.textContent("#predictions")];
  await again(page, () => page.locator("#model").selectOption("resnet18"), undefined, /^Done: 3 gradients/);
  assert.notEqual(await page.textContent("#predictions"), answers);
  const second = await canvas(page);
  assert.ok(second.purple > 0.01);
  assert.notEqual(second.hash, first.hash);
  assert.deepEqual(page.errors, []);
  await page.close();
  both.close();
});

check("weights that are missing or damaged get a sentence", async () => {
  const without = await serve((name, bytes) => (name.endsWith(".safetensors") ? null : bytes));
  const page = await open(shared.browser, without, cpu);
  await page.waitForFunction(() => !document.getElementById("notice").hidden, null, { timeout: 60_000 });
  assert.match(await notice(page), /weights could not be fetched.*weights\.sh/);
  await page.close();
  without.close();

  const damaged = await serve((name, bytes) => {
    if (!name.endsWith(".safetensors") || !bytes) return bytes;
    const copy = Buffer.from(bytes);
    copy[copy.length >> 1] ^= 1;
    return copy;
  });
  const second = await open(shared.browser, damaged, cpu);
  await second.waitForFunction(() => !document.getElementById("notice").hidden, null, { timeout: 60_000 });
  assert.match(await notice(second), /cannot be used.*sha256/);
  await second.close();
  damaged.close();
});

check("without WebGPU the page computes on the CPU and says why", async () => {
  const page = await open(shared.browser, shared.site, "model=efficientnet-lite0");
  await status(page, /is ready/);
  assert.match(await page.textContent("#engine"), /on the CPU.*(no WebGPU|no GPU|simulated)/);
  await page.close();
});

check("the page fits a phone", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=1`, { viewport: { width: 390, height: 844 } });
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"));
  await status(page, /^Done/);
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok((await wide()) <= 390, `${await wide()} pixels wide`);
  await page.click("#walk-start");
  await status(page, /drag α/);
  await page.selectOption("#language", "fr");
  assert.ok((await wide()) <= 390, `${await wide()} pixels wide in French`);
  await page.close();
});

/** A PNG of a bit depth and colour type. */
function png([width, height], kind, pixels) {
  const chunk = (name, data) => {
    const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(name), data, Buffer.alloc(4)]);
    bytes.writeUInt32BE(data.length, 0);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
    return bytes;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set(kind, 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Grey, one bit a pixel: its upper half is black, its lower one white. */
function grey(width, height) {
  const rows = Buffer.alloc((1 + width / 8) * height);
  const row = 1 + width / 8;
  for (let y = height / 2; y < height; y += 1) rows.fill(0xff, y * row + 1, (y + 1) * row);
  return png([width, height], [1, 0], deflateSync(rows));
}

/** 20 × 16 pixels of grey. */
function tinyBitmap() {
  const bytes = Buffer.alloc(54 + 60 * 16, 128);
  bytes.fill(0, 0, 54);
  bytes.write("BM");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(20, 18);
  bytes.writeInt32LE(16, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}
