// Makes the finished example that the page shows before anything else: node docs/example.mjs  (needs dist/)
// It is what the page itself saves as the overlay of its sample; tests/browser/first-minute.test.mjs compares them.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { launch, open, root, save, serve, status } from "../tests/browser/harness.mjs";

const browser = await launch();
const site = await serve();
const page = await open(browser, site, "device=cpu&model=efficientnet-lite0&photo=coffee");
await status(page, /^Done/);
const { bytes } = await save(page, "overlay");
const jpeg = await page.evaluate(async (base64) => {
  const image = new Image();
  image.src = `data:image/png;base64,${base64}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  // Without the caption beneath it, which the page has a place of its own for.
  const photo = document.querySelector("[data-sample=coffee] img");
  [canvas.width, canvas.height] = [photo.naturalWidth, photo.naturalHeight];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/jpeg", 0.86).split(",")[1];
}, bytes.toString("base64"));
await writeFile(path.join(root, "www/example/coffee.jpg"), Buffer.from(jpeg, "base64"));
console.log(await page.textContent("#stage-caption"));
await browser.close();
site.close();
