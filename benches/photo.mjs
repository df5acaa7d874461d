// From the drop of a large photo to its mask, in Chromium, two workers:
//
//   node benches/photo.mjs [MEGAPIXELS]
//
// The sample of a cat, enlarged to 12 megapixels as a phone takes them, dropped four times: browsers compile
// better what they have run before. Milliseconds until the photo is shown, until the network has looked at it,
// and until two gradients are there. Needs dist/.
import { cpus } from "node:os";
import { drop, launch, open, serve, status } from "../tests/browser/harness.mjs";

const megapixels = Number(process.argv[2]) || 12;
const browser = await launch();
const site = await serve();
const page = await open(browser, site, "device=cpu&workers=2&model=efficientnet-lite0&steps=1");
await status(page, /is ready/);
const jpeg = await page.evaluate(async (pixels) => {
  const picture = await createImageBitmap(await (await fetch("samples/cat.jpg")).blob());
  const scale = Math.sqrt(pixels / (picture.width * picture.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width * scale, picture.height * scale];
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.92).split(",")[1];
}, megapixels * 1e6);
const bytes = Buffer.from(jpeg, "base64");
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}`);
console.log(`| ${megapixels} megapixels, ${(bytes.length / 1e6).toFixed(1)} MB | shown | looked at | explained |`);
console.log("|---|---|---|---|");
await page.evaluate(() => {
  const line = document.getElementById("status");
  new MutationObserver(() => seen.push([performance.now(), line.textContent])).observe(line, {
    childList: true, characterData: true, subtree: true,
  });
});
for (let turn = 1; turn <= 4; turn += 1) {
  await page.evaluate(() => {
    document.getElementById("status").textContent = "";
    globalThis.seen = [];
  });
  await drop(page, "large.jpg", bytes);
  await status(page, /^Done/);
  const seen = await page.evaluate(() => globalThis.seen);
  const since = (pattern) => seen.find(([, text]) => pattern.test(text))[0];
  const opening = since(/^Opening/);
  const times = [/^Looking/, /^Explaining/, /^Done/].map((pattern) => Math.round(since(pattern) - opening));
  console.log(`| drop ${turn} | ${times.join(" ms | ")} ms |`);
}
await browser.close();
site.close();
