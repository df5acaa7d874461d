// Accessibility, checked by axe-core on every state of the page: light and dark, desktop and phone.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { open, status, suite } from "./harness.mjs";

const shared = suite();

const axe = readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What axe-core finds by the rules of WCAG 2.2 and by best practice, and edges that are too pale, one line each. */
async function faultsAsItIs(page) {
  if (!(await page.evaluate(() => Boolean(globalThis.axe)))) await page.evaluate(await axe);
  // Put into lines there: all that axe-core has to say of a page is half a megabyte.
  const [found, checked] = await page.evaluate(() => globalThis.axe.run({
    runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
    rules: { "target-size": { enabled: true } },
    resultTypes: ["violations"],
  }).then(({ violations, passes }) => [violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any }) =>
    `${id}: ${help}: ${target.join(" ")} ${any[0]?.message ?? ""}`)), passes.length]));
  assert.ok(checked > 15, `only ${checked} rules were checked`);
  return [...found, ...await page.evaluate(paleEdges)];
}

const PHONE = { width: 390, height: 844 };
/** How the page is looked at in each of its states, one after the other; in the first one it is used. */
const MODES = {
  "a phone": { viewport: PHONE },
  light: {},
  dark: { colorScheme: "dark" },
  "forced colours": { forcedColors: "active" },
};

/** What is found in one of them at least. */
async function faults(page) {
  const found = [];
  const look = async ({ viewport = { width: 1440, height: 900 }, colorScheme = "light", forcedColors = "none" }) => {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme, forcedColors });
  };
  for (const [name, mode] of Object.entries(MODES)) {
    await look(mode);
    found.push(...(await faultsAsItIs(page)).map((fault) => `${name}: ${fault}`));
  }
  await look(MODES["a phone"]);
  return found;
}

/** Controls whose edge has less than 3 : 1 with what lies around it (WCAG 1.4.11). */
function paleEdges() {
  const rgba = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = (element) => {
    for (let one = element.parentElement; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if ((colour[3] ?? 1) > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const controls = document.querySelectorAll(
    "select, input[type=number], input[type=search], .quiet, .primary, .why, .zoom button, .segments, .strip li button, .thumbs button, .filmstrip button");
  return [...controls].filter((control) => control.checkVisibility() && !control.matches(":disabled, fieldset:disabled *"))
    .filter((control) => !control.closest("[inert]") && !(document.querySelector("dialog[open]") && !control.closest("dialog")))
    .map((control) => {
      const [a, b] = [rgba(getComputedStyle(control).borderTopColor), behind(control)].map(luminance);
      return [control, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    })
    .filter(([, contrast]) => contrast < 3)
    .map(([{ id, className, tagName }, contrast]) => `pale edge: ${tagName}#${id}.${className} ${contrast.toFixed(2)} : 1`);
}

/** Controls that leave whoever has the focus nowhere when they are hidden, disabled or taken away. */
async function lostFocus() {
  const lost = [];
  const controls = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
    .filter((one) => one.tabIndex >= 0 && !one.matches(":disabled") && one.checkVisibility());
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

shared.check("no fault that axe-core knows, in any state: light, dark, in forced colours, on a phone", async () => {
  // axe-core is written into the page, which its policy would rightly refuse.
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3", { bypassCSP: true, viewport: PHONE });
  await status(page, /is ready/);
  await page.click("#tour-start");
  assert.deepEqual(await faults(page), [], "before a photo, on the tour");
  await page.click("#tour-leave");
  await page.click("#draw");
  await status(page, /^Done/);
  assert.deepEqual(await faults(page), [], "with a mask");
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
  await page.click("#teach-start");
  await page.click("#guess-start");
  await page.locator("#guess-canvas").press("Space");
  assert.deepEqual(await faults(page), [], "with everything below the photo, and a guess to be made");
  assert.deepEqual(await page.evaluate(lostFocus), []);
  await page.click("#guess-uncover");
  await page.locator("input[name=view][value=regions]").check({ force: true });
  await page.click("#split-toggle");
  assert.deepEqual(await faults(page), [], "with regions, a slider, and a guess that was made");
  await page.selectOption("#language", "fr");
  assert.deepEqual(await faults(page), [], "in French");
  await page.selectOption("#language", "en");
  const scene = { mimeType: "image/png", buffer: await page.locator("#canvas").screenshot() };
  await page.locator("#file").setInputFiles([{ name: "a.png", ...scene }, { name: "b.png", ...scene }]);
  await page.waitForSelector("#strip:not([hidden])");
  await status(page, /^Done/);
  assert.deepEqual(await faults(page), [], "with a strip of photos");
  await page.click("#pin");
  await page.selectOption("#baseline", "colour");
  await status(page, /^Done/);
  // What the menu lies over is folded away: a control that is half covered is too small.
  await page.evaluate(() => { document.getElementById("drawing").open = false; });
  await page.click("#save summary");
  assert.deepEqual(await faults(page), [], "with a pinned mask and a menu open");
  await page.click("#save summary");
  await page.evaluate(() => { document.getElementById("drawing").open = true; });
  const network = await readFile(new URL("../../src/import/tests/data/onnx/float16.onnx", import.meta.url));
  await page.locator("#own-file").setInputFiles([{ name: "forest.onnx", mimeType: "", buffer: network }]);
  await page.waitForSelector("#network-look:not([hidden])");
  await status(page, /^Done/);
  assert.deepEqual(await faults(page), [], "with a network of one's own");
  await page.locator("#own-file").setInputFiles([{
    name: "broken.pth", mimeType: "application/octet-stream", buffer: Buffer.from("PK\x03\x04"),
  }]);
  await page.waitForSelector("#notice:not([hidden])");
  assert.deepEqual(await faults(page), [], "with a message");
  await page.evaluate(() => document.documentElement.classList.add("projector"));
  assert.deepEqual(await faults(page), [], "on a projector");
  await page.evaluate(() => document.documentElement.classList.remove("projector"));
  assert.match((await page.evaluate(() => {
    document.querySelector("[data-sample] img").removeAttribute("alt");
    return globalThis.axe.run({ runOnly: ["image-alt"] }).then(({ violations }) => violations.map(({ id }) => id).join());
  })), /image-alt/, "a fault made on purpose is found");
  await page.click("#qr-open");
  assert.deepEqual((await faults(page)).filter((fault) => !fault.includes("data-sample")), [], "with the QR code");
  await page.click("#qr-close");
  await page.click("#paint");
  const withBrush = (await faults(page)).filter((fault) => !fault.includes("data-sample"));
  assert.deepEqual(withBrush, [], "with the brush");
  await page.close();
});
