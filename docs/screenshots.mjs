// Takes the pictures of the page in docs/: node docs/screenshots.mjs  (needs dist/)
import path from "node:path";
import { again, launch, open, root, serve, status, view } from "../tests/browser/harness.mjs";

const browser = await launch();
const site = await serve();
const query = "device=cpu&model=efficientnet-lite0";
/** As people find it: what is folded away is. */
const fold = (page) => page.evaluate(() => {
  document.querySelectorAll("#how, #drawing").forEach((box) => { box.open = false; });
  document.activeElement?.blur();
  scrollTo(0, 0);
  // Seconds are those of whatever machine takes the pictures.
  document.getElementById("status").style.visibility = "hidden";
});
/** An element by itself, without what lies over it. */
const part = async (page, selector, name) => {
  await page.evaluate(() => { document.querySelector(".dock").style.visibility = "hidden"; });
  await page.locator(selector).screenshot({ path: path.join(root, `docs/${name}.jpg`), quality: 85 });
};
for (const [name, options, what] of [
  ["page", {}, "overlay"],
  ["page-dark", { colorScheme: "dark" }, "mask"],
  ["page-phone", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }, "overlay"],
]) {
  const page = await open(browser, site, query, options);
  await status(page, /is ready/);
  if (what) {
    await page.locator("[data-sample=coffee]").click();
    await status(page, /^Done/);
    await view(page, what);
  }
  await page.mouse.move(0, 0);
  await fold(page);
  await page.screenshot({ path: path.join(root, `docs/${name}.jpg`), quality: 85 });
  await page.close();
}
{
  // The two ShapesNets on one scene whose tag betrays the class.
  const page = await open(browser, site, "device=cpu&model=shapesnet&scene=5&tag=telling");
  await status(page, /^Done/);
  await page.click("#pin");
  await again(page, () => page.selectOption("#model", "shapesnet-shortcut"));
  await page.mouse.move(0, 0);
  await fold(page);
  await page.screenshot({ path: path.join(root, "docs/compare.jpg"), quality: 85 });
  await page.close();
}
{
  const page = await open(browser, site, "device=cpu&model=ssd-mobilenet-v2&steps=auto");
  await status(page, /is ready/);
  await page.locator("[data-sample=coffee]").click();
  await status(page, /^Done/);
  await page.mouse.move(0, 0);
  await fold(page);
  await page.screenshot({ path: path.join(root, "docs/detector.jpg"), quality: 85 });
  await page.close();
}
{
  // The walk, half way; and the tests of trust, in French.
  const page = await open(browser, site, query);
  await status(page, /is ready/);
  await page.locator("[data-sample=coffee]").click();
  await status(page, /^Done/);
  await page.click("#walk-start");
  await status(page, /drag α/);
  await page.locator("#walk-alpha").fill("11");
  await page.locator("#walk-station-integral h3 button").click();
  await page.evaluate(() => document.activeElement?.blur());
  await part(page, "#walk", "walk");
  await page.selectOption("#language", "fr");
  await page.click("#trust-start");
  await status(page, /épreuves sont/);
  await part(page, "#trust", "trust-french");
  await page.close();
}
await browser.close();
site.close();
