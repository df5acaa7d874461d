// Links and lessons: what an address restores, shows and hides.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { decodeQR } from "qr/decode.js";
import { again, drop, notice, number, open, root, sample, status, suite } from "./harness.mjs";

const shared = suite();
const { check } = shared;
const shapes = "device=cpu&model=shapesnet&steps=24&scene=5";

check("a link with a task and hidden controls is just that exercise; the task is text and nothing else", async () => {
  const task = "1. Look.\n2. <img src=x onerror=alert(1)> Guess.";
  const page = await open(shared.browser, shared.site,
    `${shapes}&hide=controls,answers,sum,chapters,header&task=${encodeURIComponent(task)}`);
  await status(page, /^Done/);
  assert.deepEqual(await page.locator("#task-text p").allInnerTexts(), ["1. Look.", "2. <img src=x onerror=alert(1)> Guess."]);
  assert.equal(await page.locator("#task img").count(), 0);
  for (const id of ["how", "predictions", "meter", "projector", "walk"]) assert.ok(await page.isHidden(`#${id}`), id);
  for (const id of ["canvas", "views", "pin", "stage-caption"]) assert.ok(await page.isVisible(`#${id}`), id);
  // It stays a link to the same exercise.
  await page.locator("input[name=view][value=mask]").check({ force: true });
  const query = new URL(page.url()).searchParams;
  assert.equal(query.get("task"), task);
  assert.match(query.get("hide"), /controls/);
  assert.equal(query.get("view"), "mask");
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("a pinned mask comes back with the link", async () => {
  const page = await open(shared.browser, shared.site, shapes);
  await status(page, /^Done/);
  const pinned = await page.textContent("#attribution-sum");
  await page.click("#pin");
  await again(page, () => page.selectOption("#baseline", "white"));
  const shown = await page.textContent("#attribution-sum");
  assert.notEqual(shown, pinned);
  const titles = await Promise.all(["#pinned-title", "#current-title"].map((id) => page.textContent(id)));
  const back = await open(shared.browser, shared.site, new URL(page.url()).search.slice(1));
  await back.waitForFunction(() => !document.getElementById("pinned").hidden
    && /^Done/.test(document.getElementById("status").textContent), null, { timeout: 60_000 });
  assert.equal(await back.textContent("#attribution-sum"), shown);
  assert.deepEqual(await Promise.all(["#pinned-title", "#current-title"].map((id) => back.textContent(id))), titles);
  assert.equal(new URL(back.url()).search, new URL(page.url()).search);
  // Unpinned, it is no longer in the address.
  await back.click("#pin");
  assert.doesNotMatch(back.url(), /pin=/);
  assert.deepEqual([...page.errors, ...back.errors], []);
  await page.close();
  await back.close();
});

check("a chapter, its place on the path and the language come back with the link", async () => {
  const page = await open(shared.browser, shared.site, shapes);
  await status(page, /^Done/);
  await page.click("#walk-start");
  await status(page, /drag α/);
  await page.locator("#walk-alpha").focus();
  for (let k = 0; k < 4; k += 1) await page.keyboard.press("ArrowLeft");
  await page.locator("#walk-alpha").evaluate((slider) => slider.dispatchEvent(new Event("change")));
  await page.selectOption("#language", "fr");
  const alpha = await page.textContent("#walk-alpha-value");
  assert.match(page.url(), /chapter=walk.*alpha=0\.\d+.*lang=fr/);
  const back = await open(shared.browser, shared.site, new URL(page.url()).search.slice(1), { locale: "en-GB" });
  await back.waitForFunction(() => !document.getElementById("walk-body").hidden, null, { timeout: 60_000 });
  assert.equal(await back.textContent("#walk-alpha-value"), alpha);
  assert.equal(await back.getAttribute("html", "lang"), "fr");
  // Another photo has no chapter open.
  await again(back, () => back.click("#draw"));
  assert.doesNotMatch(back.url(), /chapter=|alpha=/);
  await page.close();
  await back.close();
});

check("a link to a photo of one's own restores everything but the photo, and says so", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=7&baseline=white");
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  await status(page, /^Done: 8/);
  assert.match(page.url(), /photo=own/);
  const back = await open(shared.browser, shared.site, new URL(page.url()).search.slice(1));
  await status(back, /is ready/);
  assert.match(await back.textContent("#lacks-photo"), /stayed with whoever made it/);
  assert.ok(await back.isVisible("#lacks-photo"));
  assert.equal(await back.inputValue("#baseline"), "white");
  await drop(back, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  await status(back, /^Done: 8/);
  assert.ok(await back.isHidden("#lacks-photo"));
  assert.equal(await back.textContent("#attribution-sum"), await page.textContent("#attribution-sum"));
  await page.close();
  await back.close();
});

check("a link to a network of one's own says that it stayed, and asks another for no class of it", async () => {
  const forest = {
    name: "forest.onnx", mimeType: "", buffer: await readFile(path.join(root, "src/import/tests/data/onnx/float16.onnx")),
  };
  const page = await open(shared.browser, shared.site, shapes);
  await status(page, /^Done/);
  await page.locator("#own-file").setInputFiles([forest]);
  await page.waitForFunction(() => document.getElementById("model").value === "own:forest.onnx");
  await status(page, /^Done/);
  await again(page, () => page.locator("#predictions button").nth(1).click());
  assert.match(page.url(), /model=own&|model=own$/);
  const back = await open(shared.browser, shared.site, new URL(page.url()).search.slice(1));
  await status(back, /^Done/);
  assert.match(await back.textContent("#lacks-network"), /stayed with whoever made it/);
  assert.ok(await back.isVisible("#lacks-network"));
  assert.equal(await back.locator("#predictions button").first().getAttribute("aria-pressed"), "true", "its likeliest class");
  await back.locator("#own-file").setInputFiles([forest]);
  await back.waitForFunction(() => document.getElementById("model").value === "own:forest.onnx");
  await status(back, /^Done/);
  assert.ok(await back.isHidden("#lacks-network"));
  assert.deepEqual([...page.errors, ...back.errors], []);
  await page.close();
  await back.close();
});

/** The page's address without its device: another machine has another. */
const sent = (page) => {
  const url = new URL(page.url());
  assert.equal(url.searchParams.get("device"), "cpu");
  url.searchParams.delete("device");
  return url.href;
};

check("the link is copied, and where the browser refuses that, a sentence says how", async () => {
  const context = await shared.browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await open(context, shared.site, shapes);
  await status(page, /^Done/);
  await page.click("#copy-link");
  await page.waitForFunction(async (url) => (await navigator.clipboard.readText()) === url, sent(page));
  await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError")); });
  await page.click("#copy-link");
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(page), /could not be copied.*address bar/);
  await context.close();
});

/** What a picture of a QR code says, to a reader that others have written. */
async function readCode(page, part) {
  const png = (await page.locator(part).screenshot()).toString("base64");
  const [width, height, rgba] = await page.evaluate(async (png) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const context = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height }).getContext("2d");
    context.drawImage(image, 0, 0);
    return [image.width, image.height, [...context.getImageData(0, 0, image.width, image.height).data]];
  }, png);
  return decodeQR({ width, height, data: Uint8ClampedArray.from(rgba) });
}

check("the link as a QR code, which says the link to whoever reads it, in the dark as well", async () => {
  const page = await open(shared.browser, shared.site, `${shapes}&task=${encodeURIComponent("Où regarde-t-il ? Écrivez-le.")}`, { colorScheme: "dark" });
  await status(page, /^Done/);
  await page.click("#qr-open");
  assert.equal(await page.textContent("#qr-link"), sent(page));
  const read = await readCode(page, "#qr");
  assert.equal(read, sent(page));
  assert.match(new URL(read).searchParams.get("task"), /^Où regarde-t-il/);
  const side = Number((await page.getAttribute("#qr", "viewBox")).split(" ")[2]);
  assert.equal((side - 8 - 21) % 4, 0);
  // The three corners are dark, as far as four squares into the picture.
  const path = await page.getAttribute("#qr-squares", "d");
  for (const corner of ["M4 4h", `M${side - 5} 4h`, `M4 ${side - 5}h`]) assert.ok(path.includes(corner), corner);
  assert.match(await page.textContent("#qr-note"), /restores what you see/);
  await page.keyboard.press("Escape");
  assert.ok(await page.isHidden("#qr"));
  await page.close();
});

check("in a frame of another page the exercise runs, and the numbers are the same", async () => {
  const page = await shared.browser.newPage();
  await page.setContent(`<h1>My lesson</h1><iframe src="${shared.site.url}?${shapes}&hide=header,footer,chapters" width="1000" height="700"></iframe>`);
  const frame = await (await page.waitForSelector("iframe")).contentFrame();
  await frame.waitForFunction(() => /^Done/.test(document.getElementById("status")?.textContent ?? ""), null, { timeout: 60_000 });
  const alone = await open(shared.browser, shared.site, shapes);
  await status(alone, /^Done/);
  assert.equal(number(await frame.textContent("#attribution-sum")), number(await alone.textContent("#attribution-sum")));
  await page.close();
  await alone.close();
});

check("the teacher's pages: both languages have the same five lessons, and each link sets up what it says", async () => {
  const page = await shared.browser.newPage();
  const links = {};
  for (const [language, name] of [["en", "index.html"], ["fr", "fr.html"]]) {
    await page.goto(`${shared.site.url}lessons/${name}`);
    assert.equal(await page.getAttribute("html", "lang"), language);
    assert.equal(await page.locator("section").count(), 5);
    links[language] = await page.locator("a.open").evaluateAll((all) => all.map((link) => link.href));
  }
  await page.close();
  // The same exercises, but for the words of the task and the language.
  const exercise = (link) => {
    const query = new URL(link).searchParams;
    assert.ok(query.get("task").length > 10 && query.get("task").length <= 600);
    ["task", "lang"].forEach((name) => query.delete(name));
    return query.toString();
  };
  assert.deepEqual(links.fr.map(exercise), links.en.map(exercise));
  // Those of ShapesNet here, as its weights are always there; the chapters of the others by the same scene.
  for (const link of links.en) {
    const query = new URL(link).searchParams;
    query.set("device", "cpu");
    if (!/shapesnet/.test(query.get("model"))) {
      query.set("model", "shapesnet");
      query.delete("photo");
      query.set("scene", "5");
    }
    const lesson = await open(shared.browser, shared.site, query.toString());
    const chapter = query.get("chapter");
    if (chapter) await lesson.waitForSelector(`#${chapter}-body:not([hidden])`);
    else if (query.has("pin")) await lesson.waitForSelector("#pinned:not([hidden])");
    else await status(lesson, /^Done/);
    assert.ok((await lesson.textContent("#task-text")).includes(query.get("task").slice(0, 20)), link);
    assert.deepEqual(lesson.errors, [], link);
    await lesson.close();
  }
});

check("a lesson as it is given: from the teacher's page by its link to the task, the cheat is found, and a handout printed", async () => {
  const page = await open(shared.browser, { url: `${shared.site.url}lessons/index.html` }, "");
  await page.click("text=The cheat beside the honest network");
  await page.waitForSelector("#pinned:not([hidden])");
  await status(page, /^Done/);
  const task = await page.textContent("#task-text");
  assert.match(task, /Which one cheats, and by what/);
  // The cheat's mask lies in the corner, the honest one's on the shape.
  const inside = async () => Number((await page.textContent("#truth-inside")).match(/(\d+)\s?%/)[1]);
  assert.ok((await inside()) < 20, await page.textContent("#truth-inside"));
  assert.match(await page.textContent("#pinned-title"), /honest/);
  const first = () => page.locator("#predictions li").first().textContent();
  const right = await first();
  // Another tag: the cheat falls for it.
  await again(page, () => page.selectOption("#tag", "misleading"));
  assert.notEqual((await first()).match(/\p{L}+/u)[0], right.match(/\p{L}+/u)[0], "it reads the tag");
  await page.evaluate(() => { window.print = () => { window.printed = true; }; });
  await page.click("#save summary");
  await page.click("[data-save=handout]");
  await page.waitForFunction(() => window.printed);
  await page.emulateMedia({ media: "print" });
  const handout = await page.locator("#handout").innerText();
  assert.ok(handout.includes(task.trim()), "the task is on it");
  assert.match(handout, /ShapesNet[\s\S]*Sum of the attributions/);
  await page.emulateMedia({ media: null });
  const pdf = await page.pdf({ format: "A4" });
  assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page[^s]/g).length, 1);
  assert.deepEqual(page.errors, []);
  await page.close();
});
