// Accessibility, checked by axe-core on every state of the page: light and dark, desktop and phone.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { again, open, root, skip, status, suite } from "./harness.mjs";

const shared = suite({ camera: true });

const axe = readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** How people have the page: what axe-core looks at differs between them, what is done on the page does not. */
const modes = {
  light: { colorScheme: "light", forcedColors: "none" },
  dark: { colorScheme: "dark", forcedColors: "none" },
  "forced colours": { colorScheme: "light", forcedColors: "active" },
  "a phone": { colorScheme: "light", forcedColors: "none", viewport: { width: 390, height: 844 } },
};
const desk = { width: 1440, height: 900 };

/**
 * What axe-core finds by the rules of WCAG 2.2 and by best practice, edges that are too pale, and what cannot be seen
 * in forced colours, one line each: on all of the page or `within` a part of it, in each of the modes that are named.
 */
async function faults(page, { within = null, as = Object.keys(modes) } = {}) {
  if (!(await page.evaluate(() => Boolean(globalThis.axe)))) {
    await page.evaluate(await axe);
    await page.evaluate(colours);
  }
  const found = [];
  for (const mode of as) {
    const { viewport = desk, ...media } = modes[mode];
    await page.emulateMedia(media);
    await page.setViewportSize(viewport);
    // Put into lines there: all that axe-core has to say of a page is half a megabyte.
    const [named, checked] = await page.evaluate((within) => globalThis.axe.run(within ?? document, {
      runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
      rules: { "target-size": { enabled: true } },
      resultTypes: ["violations"],
    }).then(({ violations, passes }) => [violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any }) =>
      `${id}: ${help}: ${target.join(" ")} ${any[0]?.message ?? ""}`)), passes.length]), within);
    assert.ok(checked > (within ? 3 : 15), `only ${checked} rules were checked`);
    const lost = mode === "forced colours" ? await page.evaluate(unseen) : [];
    found.push(...[...named, ...await page.evaluate(paleEdges), ...lost].map((fault) => `${mode}: ${fault}`));
  }
  await page.emulateMedia(modes.light);
  await page.setViewportSize(desk);
  return found;
}

/** In the page: what the others tell colours with: their numbers, what lies behind an element, and how two differ (WCAG 2.2). */
function colours() {
  const rgba = (colour) => (colour.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = (element) => {
    for (let one = element.parentElement; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if ((colour[3] ?? 1) > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const contrast = (...pair) => {
    const [a, b] = pair.map(luminance);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  globalThis.colours = { rgba, behind, contrast };
}

/** In the page, with forced colours: what is measured by a bar or a line, chosen, or lit, and looks like what is not. */
function unseen() {
  const { rgba, behind, contrast } = globalThis.colours;
  const shown = (selector) => [...document.querySelectorAll(selector)]
    .filter((one) => one.checkVisibility() && !one.matches(":disabled, fieldset:disabled *"));
  const told = (one, colour) => {
    const [ground, share] = [behind(one), colour[3] ?? 1];
    return contrast(ground.map((value, k) => share * colour[k] + (1 - share) * value), ground);
  };
  const drawn = [
    [".meter .sum, .meter .goal, .predictions .track span, .before-after .track span, .two-way span", "backgroundColor"],
    [".plot .main, .plot .here", "stroke"], [".plot .dot, .plot text", "fill"],
  ].flatMap(([selector, property]) => shown(selector).filter((one) => one.getBoundingClientRect().width > 1)
    .filter((one) => told(one, rgba(getComputedStyle(one)[property])) < 3)
    .map((one) => `${one.className.baseVal ?? one.className} in ${one.closest("[id]").id} is not seen`));
  const marked = shown(".segments label:has(:checked), [aria-pressed=true], [aria-current=step], .formula .lit").filter((one) => {
    const { outlineStyle, textDecorationLine } = getComputedStyle(one);
    return outlineStyle === "none" && textDecorationLine === "none";
  }).map((one) => `${one.textContent.trim() || one.id} is not told from what is not chosen`);
  return [...new Set([...drawn, ...marked])];
}

/** Controls whose edge has less than 3 : 1 with what lies around it (WCAG 1.4.11). */
function paleEdges() {
  const { rgba, behind, contrast } = globalThis.colours;
  const controls = document.querySelectorAll(
    "select, input[type=number], input[type=search], .quiet, .primary, .why, .zoom button, .segments, .strip li button, .thumbs button, .filmstrip button");
  return [...controls].filter((control) => control.checkVisibility() && !control.matches(":disabled, fieldset:disabled *"))
    .filter((control) => !control.closest("[inert]") && !(document.querySelector("dialog[open]") && !control.closest("dialog")))
    .map((control) => [control, contrast(rgba(getComputedStyle(control).borderTopColor), behind(control))])
    .filter(([, told]) => told < 3)
    .map(([{ id, className, tagName }, told]) => `pale edge: ${tagName}#${id}.${className} ${told.toFixed(2)} : 1`);
}

/** In the page: how a note that is open is told from its ground, and whether all of it is in the window. */
function legible(id) {
  const note = document.getElementById(id);
  const { rgba, contrast } = globalThis.colours;
  const { color, backgroundColor } = getComputedStyle(note);
  const { left, top, right, bottom, width } = note.getBoundingClientRect();
  return {
    contrast: note.matches(":popover-open") && note.innerText.length > 20 ? contrast(rgba(color), rgba(backgroundColor)) : 0,
    inside: width > 0 && left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight,
  };
}

/** Controls that leave whoever has the focus nowhere when they are hidden, disabled or taken away. */
async function lostFocus() {
  const lost = [];
  const controls = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
    .filter((one) => one.tabIndex >= 0 && !one.matches(":disabled") && one.checkVisibility({ visibilityProperty: true }));
  for (const one of controls) {
    for (const way of ["hidden", "disabled", "taken away"].filter((way) => way !== "disabled" || way in one)) {
      one.focus();
      if (document.activeElement !== one) lost.push(`${one.outerHTML.slice(0, 80)} cannot have it`);
      const place = document.createComment("");
      one.before(place);
      if (way === "taken away") one.remove();
      else one[way] = true;
      await null;
      const now = document.activeElement;
      if (!now || now === document.body || now === one || !now.checkVisibility() || now.matches(":disabled")) {
        lost.push(`${one.outerHTML.slice(0, 80)} ${way}`);
      }
      if (way === "taken away") place.before(one);
      else one[way] = false;
      place.remove();
    }
  }
  return controls.length > 100 ? lost : [`only ${controls.length} controls`];
}

shared.check("no fault that axe-core knows in any state: light and dark, with forced colours, on a phone", async (t) => {
  // axe-core is written into the page, which its policy would rightly refuse.
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3", { bypassCSP: true });
  await status(page, /is ready/);
  await page.click("#tour-start");
  assert.deepEqual(await faults(page), [], "before a photo, on the tour");
  await page.click("#tour-leave");
  await page.click("#draw");
  await status(page, /^Done/);
  assert.deepEqual(await faults(page), [], "with a mask");
  for (const mark of await page.locator(".why:visible").all()) {
    const note = await mark.getAttribute("popovertarget");
    await mark.click();
    // Of what lies over everything axe-core cannot tell the ground.
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const { contrast, inside } = await page.evaluate(legible, note);
      assert.ok(contrast >= 4.5 && inside, `${note}, ${colorScheme}: ${contrast} : 1`);
    }
    await page.keyboard.press("Escape");
    assert.ok(await mark.evaluate((mark) => mark === document.activeElement), `after ${note}`);
  }
  await page.evaluate(() => {
    window.said = [];
    const voice = document.getElementById("said");
    new MutationObserver(() => window.said.push(voice.textContent)).observe(voice, { childList: true });
  });
  for (const [button, done] of [
    ["walk-start", /drag α/], ["trust-start", /tests are below/], ["baselines-start", /choose a baseline/],
    ["steps-start", /side by side/], ["whatif-start", /cover a part/], ["whatif-keep", /^Done/], ["methods-start", /methods are side by side/],
    ["fragile-start", /what moves answer and mask/], ["quiz-start", /^Your turn/], ["ledger-start", /merge/],
    ["ledger-experiment", /both columns/],
  ]) {
    await page.evaluate(() => { document.getElementById("status").textContent = ""; });
    await page.click(`#${button}`);
    await status(page, done);
    // Who listens hears that it has begun, that it is done, and little more; what is done at once only that.
    const said = await page.evaluate(() => window.said.splice(0));
    assert.match(said.at(-1), done, button);
    const few = button === "whatif-start" ? [1, 1] : [2, 4];
    assert.ok(said.length >= few[0] && said.length <= few[1], `${button}: ${said.join(" | ")}`);
  }
  await page.click("#live-start");
  await page.waitForFunction(() => /secants|a second/.test(document.getElementById("live-rate").textContent));
  assert.deepEqual(await faults(page, { within: "#live" }), [], "with the camera on");
  await page.click("#live-stop");
  for (let round = 1; round <= 5; round += 1) {
    await page.click("#quiz-0");
    if (round < 5) await again(page, () => page.click("#quiz-next"), /Making the masks/, /^Your turn/);
  }
  assert.ok(await page.isVisible("#quiz-again"));
  await page.click("#teach-start");
  await page.click("#guess-start");
  await page.locator("#guess-canvas").press("Space");
  assert.deepEqual(await faults(page), [], "with everything below the photo, a game that is over, and a guess to be made");
  assert.deepEqual(await page.evaluate(lostFocus), []);
  await page.click("#guess-uncover");
  await page.locator("input[name=view][value=regions]").check({ force: true });
  await page.click("#split-toggle");
  assert.deepEqual(await faults(page), [], "with regions, a slider, and a guess that was made");
  await page.selectOption("#language", "fr");
  assert.deepEqual(await faults(page, { as: ["light", "a phone"] }), [], "in French");
  await page.selectOption("#language", "en");
  const scene = { mimeType: "image/png", buffer: await page.locator("#canvas").screenshot() };
  await again(page, () => page.locator("#file").setInputFiles([{ name: "a.png", ...scene }, { name: "b.png", ...scene }]));
  await page.waitForSelector("#strip:not([hidden])");
  assert.deepEqual(await faults(page, { within: ".stage" }), [], "with a strip of photos");
  await page.click("#pin");
  await again(page, () => page.selectOption("#baseline", "colour"));
  assert.deepEqual(await faults(page, { within: ".workbench" }), [], "with a pinned mask");
  await page.click("#save summary");
  assert.deepEqual(await faults(page, { within: ".bar" }), [], "with a menu open");
  await page.click("#save summary");
  const network = await readFile(new URL("../../src/import/tests/data/onnx/float16.onnx", import.meta.url));
  await page.locator("#own-file").setInputFiles([{ name: "forest.onnx", mimeType: "", buffer: network }]);
  await page.waitForSelector("#network-look:not([hidden])");
  await status(page, /^Done/);
  assert.deepEqual(await faults(page, { within: "#network" }), [], "with a network of one's own");
  await page.locator("#own-file").setInputFiles([{
    name: "broken.pth", mimeType: "application/octet-stream", buffer: Buffer.from("PK\x03\x04"),
  }]);
  await page.waitForSelector("#notice:not([hidden])");
  assert.deepEqual(await faults(page, { within: "#notice" }), [], "with a message");
  await page.evaluate(() => document.documentElement.classList.add("projector"));
  assert.deepEqual(await faults(page, { as: ["light", "dark"] }), [], "on a projector");
  await page.evaluate(() => document.documentElement.classList.remove("projector"));
  for (const [opener, dialog, closer] of [
    ["#qr-open", "#qr-dialog", "#qr-close"], ["#paint", "#paint-dialog", "#paint-close"], ["#camera-again", "#camera-dialog", "#camera-close"],
  ]) {
    await page.click(opener);
    await page.waitForSelector(dialog);
    assert.deepEqual(await faults(page, { within: dialog }), [], dialog);
    await page.click(closer);
    assert.ok(await page.evaluate((opener) => document.activeElement.matches(opener), opener), `after ${dialog}`);
  }
  if (existsSync(path.join(root, "dist/weights/ssd-mobilenet-v2.safetensors"))) {
    await again(page, () => page.click("[data-sample=coffee]"));
    await again(page, () => page.selectOption("#model", "ssd-mobilenet-v2"));
    assert.deepEqual(await faults(page, { within: ".workbench" }), [], "with what a detector has found");
  } else skip(t, "the detector's weights are not here");
  assert.match((await page.evaluate(() => {
    document.querySelector("[data-sample] img").removeAttribute("alt");
    return globalThis.axe.run().then(({ violations }) => violations.map(({ id }) => id).join());
  })), /image-alt/, "a fault made on purpose is found");
  for (const other of ["lessons/index.html", "lessons/fr.html", "bench.html"]) {
    await page.goto(`${shared.site.url}${other}`);
    if (other === "bench.html") await page.waitForSelector("#run:enabled");
    assert.deepEqual(await faults(page), [], other);
  }
  await page.close();
});
