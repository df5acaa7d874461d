// What is set and what is shown: nothing stands beside settings that it was not made with, and nothing is lost.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { deflateSync, crc32 } from "node:zlib";
import { again, canvas, drop, focus, notice, open, root, sample, save, skip, status, suite, view } from "./harness.mjs";

const shared = suite();
const { check } = shared;

const shapes = "device=cpu&model=shapesnet";
const photos = async (...names) => Promise.all(names.map(async (name) => ({
  name, mimeType: "image/jpeg", buffer: await sample(name),
})));

check("a class in a link, and no photo: the next photo is explained for its own likeliest class", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=2&output=5&against=1`);
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  await status(page, /^Done/);
  const pressed = await page.locator("#predictions button").evaluateAll((all) => all.map((one) => one.ariaPressed));
  assert.deepEqual(pressed, ["true", "false", "false", "false", "false"]);
  assert.doesNotMatch(page.url(), /output=/, "a link to a photo of one's own names no class");

  // After a choice, a reload and another photo: that photo's likeliest class.
  await again(page, () => page.locator("#predictions button").nth(2).click());
  await page.reload();
  await status(page, /is ready/);
  await drop(page, "rocket.jpg", await sample("rocket.jpg"), "image/jpeg");
  await status(page, /^Done/);
  assert.equal(await page.locator("#predictions button").first().getAttribute("aria-pressed"), "true");
  await page.close();
});

check("a link restores a sample, the class that was chosen and the one it is held against", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=2`);
  await status(page, /is ready/);
  await page.click("[data-sample=coffee]");
  await status(page, /^Done/);
  await again(page, () => page.locator("#predictions button").nth(3).click());
  await again(page, () => page.selectOption("#against", { index: 1 }));
  const shown = () => page.evaluate(() => ["attribution-sum", "stage-caption", "predictions"].map(
    (id) => document.getElementById(id).textContent));
  const before = await shown();
  assert.match(page.url(), /photo=coffee/);
  await page.reload();
  await status(page, /^Done/);
  assert.deepEqual(await shown(), before);
  // The explained class is not offered against itself.
  const explained = await page.getAttribute("#predictions [aria-pressed=true]", "data-output");
  const offered = await page.locator("#against option").evaluateAll((all) => all.map(({ value }) => value));
  assert.ok(!offered.includes(explained), `${explained} among ${offered}`);
  await page.close();
});

check("steps that are typed mark what is shown, one click makes it anew, and back again is not stale", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=5&scene=5`);
  await status(page, /^Done: 6/);
  assert.ok(await page.isHidden("#stale"));
  const sum = await page.textContent("#attribution-sum");
  await page.locator("#steps").fill("9");
  assert.ok(await page.isVisible("#stale"));
  assert.match(await page.textContent("#stale-what"), /other settings: 5 trapezoids/);
  assert.equal(await page.textContent("#attribution-sum"), sum);
  await page.locator("#steps").fill("5");
  assert.ok(await page.isHidden("#stale"));
  await page.locator("#steps-range").fill("8");
  assert.equal(await page.inputValue("#steps"), "8");
  await page.click("#anew");
  await status(page, /^Done: 9/);
  assert.ok(await page.isHidden("#stale"));
  // A rule or Auto that is chosen is meant.
  await page.selectOption("#rule", "midpoint");
  await status(page, /^Done: 8/);
  await page.click("#auto");
  await status(page, /^Done: (?!8 )\d+ gradients/);
  assert.match(await page.textContent("#verdict"), /settled to [1-5]\s?%/);
  // What has no meaning goes, and what was set stays.
  await page.click("#auto");
  await status(page, /^Done: 8/);
  await page.locator("#steps").fill("");
  await page.locator("#steps").blur();
  assert.equal(await page.inputValue("#steps"), "8");
  await page.close();
});

check("Cancel keeps the finished mask and what came, and both can be saved and pinned", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=efficientnet-lite0&steps=2&photo=cat");
  await status(page, /^Done: 3/);
  const [sum, mask] = [await page.textContent("#attribution-sum"), await canvas(page)];
  await page.locator("#steps").fill("500");
  await page.click("#explain");
  await status(page, /: [2-9]\d* of 501/);
  await page.click("#cancel");
  await status(page, /^Cancelled/);
  assert.match(await page.textContent("#stale-what"), /Unfinished: \d+ of 501/);
  assert.match(await page.textContent("#verdict"), /cancelled on the way/);
  assert.ok(await page.isVisible("#save") && await page.isEnabled("#pin"));
  const report = JSON.parse((await save(page, "report")).bytes);
  assert.ok(report.gradient_evaluations < 501 && report.alphas.length === report.gradient_evaluations);
  await page.click("#back");
  assert.equal(await page.textContent("#attribution-sum"), sum);
  assert.equal((await canvas(page)).hash, mask.hash);
  assert.match(await page.textContent("#stale-what"), /other settings: 2 trapezoids/);
  await page.close();
});

check("after Cancel and Back, Explain again explains what is set", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=efficientnet-lite0&steps=2&photo=cat");
  await status(page, /^Done: 3/);
  await page.locator("#steps").fill("500");
  await page.selectOption("#baseline", "white");
  await status(page, /: [2-9]\d* of 501/);
  assert.ok(await page.evaluate(() => document.body.classList.contains("superseded")), "what is shown is from black");
  await page.click("#cancel");
  await status(page, /^Cancelled/);
  await page.click("#back");
  await page.locator("#steps").fill("3");
  await page.click("#explain");
  await status(page, /^Done: 4/);
  assert.match(await page.textContent("#stage-caption"), /from white/);
  const fresh = await open(shared.browser, shared.site, "device=cpu&model=efficientnet-lite0&steps=3&photo=cat&baseline=white");
  await status(fresh, /^Done: 4/);
  for (const id of ["#attribution-sum", "#output-baseline", "#output-input", "#verdict", "#stage-caption"]) {
    const [again, made] = await Promise.all([page, fresh].map((page) => page.textContent(id)));
    assert.equal(again, made, id);
  }
  await Promise.all([page.close(), fresh.close()]);
});

check("what is saved does not depend on the view", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=3`);
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  await status(page, /^Done/);
  const saved = async () => {
    const files = [];
    for (const what of ["overlay", "mask", "both"]) files.push((await save(page, what)).bytes.toString("base64"));
    return files;
  };
  await view(page, "overlay");
  const expected = await saved();
  for (const name of ["spotlight", "contours", "mask", "original", "pixels", "regions"]) {
    await view(page, name);
    assert.ok((await saved()).every((file, k) => file === expected[k]), name);
  }
  await page.close();
});

check("whatever control is touched, the picture changes or says that it was made with other settings", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&rule=trapezoid&steps=3&scene=5&view=mask`);
  await status(page, /^Done/);
  // As a person does it; how is said where it is needed, as some are shown only beside others.
  const touch = (id, value) => page.evaluate(([id, value]) => {
    const control = document.getElementById(id);
    if (!control.checkVisibility() || control.matches(":disabled")) throw new Error(`#${id} cannot be used`);
    control.value = value;
    if (control.value !== value) throw new Error(`#${id} has no ${value}`);
    for (const kind of ["input", "change"]) control.dispatchEvent(new Event(kind, { bubbles: true }));
  }, [id, value]);
  const shown = async () => `${(await canvas(page)).hash} ${await page.isVisible("#stale")} ${await page.textContent("#stage-caption")}`;
  for (const [id, value] of [
    ["baseline", "white"], ["baseline", "colour"], ["baseline-colour", "#00ff00"], ["baseline", "noise"], ["baseline-seed", "7"],
    ["tag", "telling"], ["scale", "probability"], ["against", "2"], ["rule", "midpoint"], ["steps", "7"], ["reduction", "signed"],
    ["palette", "yellow"], ["clip", "85"],
  ]) {
    const before = await shown();
    await touch(id, value);
    for (let now = before; now === before; now = await shown()) await status(page, /^Done/);
    await status(page, /^Done/);
  }
  assert.ok(await page.isDisabled("#opacity"), "a mask by itself has none");
  await view(page, "pixels");
  const whole = await shown();
  await touch("opacity", "30");
  assert.notEqual(await shown(), whole);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("thirty photos at once: as many as there is room for, and a sentence", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=1`);
  await status(page, /is ready/);
  const [cat] = await photos("cat.jpg");
  const thirty = Array.from({ length: 30 }, (_, k) => ({ ...cat, name: `${k}.jpg` }));
  await page.locator("#file").setInputFiles(thirty);
  await status(page, /^Done/);
  assert.equal(await page.locator("#strip-list li").count(), 24);
  assert.match(await notice(page), /first 24 photos are here; 6 more were left out/);
  // What is none among them is left out, and the first photo is shown; bytes are read when they are looked at.
  await page.click("#strip-clear");
  await page.evaluate(() => {
    window.read = 0;
    const read = Blob.prototype.arrayBuffer;
    Blob.prototype.arrayBuffer = function () {
      if (this.size > 10_000) window.read += 1;
      return read.call(this);
    };
  });
  const notes = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("just words") };
  await again(page, () => page.locator("#file").setInputFiles([notes, notes, ...thirty.slice(0, 4)]));
  assert.match(await notice(page), /Files that are no photos were left out: 2/);
  assert.equal(await page.locator("#strip-list li").count(), 4);
  assert.equal(await page.evaluate(() => window.read), 1);
  await page.close();
});

check("a photo before ShapesNet gets a word, a painting none; and no photo keeps the other's zoom", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=1`);
  await status(page, /is ready/);
  await page.click("[data-sample=cat]");
  await status(page, /^Done/);
  assert.ok(await page.isVisible("#knows-shapes"));
  const whole = await canvas(page);
  await focus(page, "#canvas");
  for (let k = 0; k < 4; k += 1) await page.keyboard.press("+");
  assert.notEqual((await canvas(page)).hash, whole.hash);
  await again(page, () => page.click("[data-sample=cat]"));
  assert.equal((await canvas(page)).hash, whole.hash, "all of it");
  await page.click("#paint");
  await again(page, () => page.click("#paint-use"));
  assert.ok(await page.isHidden("#knows-shapes"));
  assert.equal(await notice(page), "", "a painting of 96 pixels is not small");
  await page.close();
});

check("pins say what differs, and a pin that goes with its photo says so", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=4&scene=5`);
  await status(page, /^Done/);
  await page.click("#pin");
  await again(page, () => page.selectOption("#scale", "probability"));
  const titles = () => Promise.all(["#pinned-title", "#current-title"].map((id) => page.textContent(id)));
  assert.deepEqual(await titles(), ["of the logit", "of the probability"]);
  await again(page, () => page.selectOption("#rule", "secant"));
  assert.deepEqual(await titles(), ["of the logit, 4 trapezoids", "of the probability, 4 secants"]);
  await again(page, () => page.click("#draw"));
  assert.match(await notice(page), /pinned mask was let go/);
  assert.equal(await page.textContent("#pin"), "Pin to compare");
  await page.close();
});

check("badges of another network go, and cards follow the colour", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=1`);
  await status(page, /is ready/);
  await page.locator("#file").setInputFiles(await photos("cat.jpg", "coffee.jpg"));
  await status(page, /^Done/);
  await page.click("#strip-all");
  await page.waitForFunction(() => document.querySelectorAll("#strip-list .done").length === 2);
  await status(page, /^Done/);
  await again(page, () => page.selectOption("#model", "shapesnet-shortcut"));
  assert.equal(await page.locator("#strip-list .done").count(), 1, "what the other network said");
  await page.click("#baselines-start");
  await status(page, /choose a baseline/);
  const card = () => page.evaluate(() => document.querySelectorAll("#baselines-list canvas")[1].toDataURL());
  const purple = await card();
  await page.selectOption("#palette", "blue");
  assert.notEqual(await card(), purple);
  await page.close();
});

check("a photo that is its baseline has nothing to attribute, and the page says so", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=3`);
  await status(page, /is ready/);
  await drop(page, "black.png", blackPicture(), "image/png");
  await status(page, /^Done/);
  assert.match(await page.textContent("#verdict"), /one image: there is nothing to attribute.*another baseline/);
  assert.equal(await page.textContent("#delta"), "—");
  assert.ok(!(await page.evaluate(() => document.getElementById("verdict").classList.contains("good"))));
  await again(page, () => page.selectOption("#baseline", "white"));
  assert.doesNotMatch(await page.textContent("#verdict"), /nothing to attribute/);
  await page.close();
});

check("dragging a detector's picture chooses no box, and a threshold above the explained box keeps it listed", async (t) => {
  if (!existsSync(path.join(root, "dist/weights/ssd-mobilenet-v2.safetensors"))) {
    return skip(t, "the detector's weights are not here");
  }
  const page = await open(shared.browser, shared.site, "device=cpu&model=ssd-mobilenet-v2&steps=2");
  await status(page, /is ready/);
  await page.click("[data-sample=coffee]");
  await status(page, /^Done/);
  const chosen = () => page.locator("#predictions [aria-pressed=true]").innerText();
  const before = await chosen();
  const area = await page.locator("#canvas").boundingBox();
  await page.mouse.move(area.x + area.width * 0.2, area.y + area.height * 0.8);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * 0.3, area.y + area.height * 0.7, { steps: 6 });
  await page.mouse.up();
  await page.waitForTimeout(300);
  assert.match(await page.textContent("#status"), /^Done/);
  assert.equal(await chosen(), before);
  await again(page, () => page.locator("#predictions button").last().click());
  const last = await chosen();
  await page.locator("#threshold").fill("99");
  assert.equal(await chosen(), last);
  await page.close();
});

check("any class can be asked for, in the page's language, and held against another", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=efficientnet-lite0&steps=2&photo=cat");
  await status(page, /^Done/);
  await page.locator("#class-search").fill("teapot");
  assert.equal(await page.locator("#predictions button").count(), 2, "the teapot, and what is explained");
  await again(page, () => page.locator("#predictions button").first().click());
  assert.match(await page.textContent("#stage-caption"), /“teapot”/);
  assert.match(page.url(), /output=849/);
  await page.locator("#class-search").fill("goldfish");
  await again(page, () => page.selectOption("#against", { label: "why not goldfish?" }));
  assert.match(await page.textContent("#stage-caption"), /teapot, not goldfish/);
  await page.selectOption("#language", "fr");
  await page.locator("#class-search").fill("théière");
  assert.match(await page.locator("#predictions button").first().innerText(), /théière/);
  await page.locator("#class-search").fill("xyz");
  assert.ok(await page.isVisible("#class-none"));
  await page.locator("#class-search").fill("");
  assert.equal(await page.locator("#predictions button").count(), 6, "the five likeliest, and what is explained");
  await page.close();
});

check("focus stays with whoever uses the keyboard", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=2&scene=5`);
  await status(page, /^Done/);
  const focused = () => page.evaluate(() => document.activeElement === document.body ? "nowhere"
    : document.activeElement.id || document.activeElement.dataset.output || document.activeElement.className);
  const press = async (selector, done = /^Done/) => {
    await focus(page, selector);
    await page.evaluate(() => { document.getElementById("status").textContent = ""; });
    await page.keyboard.press("Enter");
    if (done) await status(page, done, 20_000);
    return focused();
  };
  // As soon as it is there, and in one go: what it cancels may be over a moment later.
  const cancel = () => page.waitForFunction(() => {
    const button = document.getElementById("cancel");
    button.focus();
    if (document.activeElement !== button) return false;
    button.click();
    return true;
  });
  const output = await page.locator("#predictions button").nth(2).getAttribute("data-output");
  assert.equal(await press(`[data-output='${output}']`), output);
  assert.equal(await press("#explain"), "explain");
  assert.equal(await press("#pin", null), "pin");
  assert.equal(await press("#walk-start", /drag α/), "walk-alpha");
  for (const [start, done] of [["trust-start", /tests are below/], ["baselines-start", /choose a baseline/], ["steps-start", /side by side/]]) {
    assert.notEqual(await press(`#${start}`, done), "nowhere", start);
  }
  await focus(page, "#steps");
  await page.locator("#steps").fill("500");
  await focus(page, "#explain");
  await page.keyboard.press("Enter");
  await status(page, /: [1-9]\d* of 501/);
  await cancel();
  await status(page, /^Cancelled/);
  assert.equal(await focused(), "explain", "after Cancel, what began it");
  await focus(page, "#back");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "explain", "the finished mask is back, and its button gone");
  // Where the settings are folded, too; and a chapter's work that is cancelled leaves one in the chapter.
  await page.evaluate(() => { document.getElementById("how").open = false; });
  await focus(page, "#trust-start");
  // It says “Cancelled” of what was cancelled before.
  await page.evaluate(() => { document.getElementById("status").textContent = ""; });
  await page.keyboard.press("Enter");
  await cancel();
  await status(page, /^Cancelled/);
  assert.equal(await focused(), "trust-start");
  await drop(page, "notes.txt", Buffer.from("no photo"));
  await page.waitForSelector("#notice:not([hidden])");
  await focus(page, "#notice-close");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "trust-start", "a message that was read");
  const two = await photos("cat.jpg", "coffee.jpg");
  await again(page, () => page.locator("#file").setInputFiles(two));
  await page.waitForSelector("#strip:not([hidden])");
  await focus(page, "#strip-clear");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "strip-undo");
  await page.keyboard.press("Enter");
  assert.match(await focused(), /^strip-/);
  // A menu goes by Escape, and leaves the focus where it was opened.
  await focus(page, "#save summary");
  await page.keyboard.press("Enter");
  assert.ok(await page.isVisible("#save ul"));
  await page.keyboard.press("Escape");
  assert.ok(await page.isHidden("#save ul"));
  assert.equal(await focused(), "save-menu");
  await page.close();
});

check("a long explanation is announced three times, not with every gradient", async () => {
  // By a network that takes its time on any machine: the half is told where it is drawn, a few times a second.
  const page = await open(shared.browser, shared.site, "device=cpu&model=efficientnet-lite0&steps=2&photo=coffee");
  await status(page, /^Done/);
  await page.evaluate(() => {
    window.said = [];
    new MutationObserver(() => window.said.push(document.getElementById("said").textContent))
      .observe(document.getElementById("said"), { childList: true, characterData: true, subtree: true });
  });
  await page.locator("#steps").fill("60");
  await page.click("#explain");
  await status(page, /^Done: 61/);
  const said = await page.evaluate(() => window.said);
  assert.equal(said.length, 3, said.join(" | "));
  const [begun, half, done] = said;
  assert.match(begun, /: \d of 61/);
  assert.match(half, /: [345]\d of 61/);
  assert.match(done, /^Done/);
  await page.close();
});

check("the wheel scrolls the page, with Ctrl it enlarges; an address starts no forty workers", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&steps=2&scene=5&workers=40`);
  await status(page, /^Done/);
  // Half of the memory, a quarter of a GiB each.
  const most = await page.evaluate(() => Math.min(16, 2 * (navigator.deviceMemory ?? 2)));
  assert.match(await page.textContent("#engine"), new RegExp(`CPU, ${most} workers`));
  const before = await canvas(page);
  await page.hover("#canvas");
  await page.mouse.wheel(0, 300);
  await page.waitForFunction(() => scrollY > 0);
  assert.equal((await canvas(page)).hash, before.hash);
  await page.evaluate(() => scrollTo(0, 0));
  await page.hover("#canvas");
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -300);
  await page.waitForTimeout(200);
  assert.notEqual((await canvas(page)).hash, before.hash);
  await page.close();
});

/** 120 × 120 pixels of black, as a PNG. */
function blackPicture() {
  const chunk = (name, data) => {
    const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(name), data, Buffer.alloc(4)]);
    bytes.writeUInt32BE(data.length, 0);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
    return bytes;
  };
  const header = Buffer.from([0, 0, 0, 120, 0, 0, 0, 120, 8, 0, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(121 * 120))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
