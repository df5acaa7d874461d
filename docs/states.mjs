// Pictures of the page in every state and both languages, to be looked at: node docs/states.mjs FOLDER [NAME…]
// (needs dist/ and every network's weights)
import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { drop, launch, open, sample, serve, status, view } from "../tests/browser/harness.mjs";

const [folder, ...names] = process.argv.slice(2);
if (!folder) throw new Error("Say where to: node docs/states.mjs FOLDER");
await mkdir(folder, { recursive: true });

const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };
const photo = "device=cpu&model=efficientnet-lite0&steps=30";
const scene = "device=cpu&model=shapesnet&steps=40&scene=5";
const own = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "violet/checkpoints/own_checkpoints");
const ready = (page) => status(page, /is ready/);
const done = (page) => status(page, /^(Done|Terminé)/);
const coffee = async (page) => {
  await ready(page);
  await page.locator("[data-sample=coffee]").click();
  await done(page);
};

const compare = async (page) => {
  await coffee(page);
  await page.click("#pin");
  await page.locator("#steps").fill("29");
  await page.locator("#predictions button").nth(1).click();
  await status(page, /^Done: 30/);
};
/** A photo's mask, and a chapter below it, opened. */
const chapter = (name, opened) => async (page) => {
  await coffee(page);
  await page.click(`#${name}-start`);
  await status(page, opened);
};
const walk = chapter("walk", /drag α/);
const trust = chapter("trust", /tests are below/);

/** Name, address, what to do, options of the page; `part` is the element that is pictured, else all. */
const states = [
  ["cold", photo, ready],
  ["cold-phone", photo, ready, phone],
  ["cold-dark", photo, ready, { colorScheme: "dark" }],
  ["over", photo, async (page) => {
    await ready(page);
    await page.evaluate(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["x"], "x.png", { type: "image/png" }));
      document.getElementById("drop").dispatchEvent(new DragEvent("dragover", { dataTransfer, bubbles: true, cancelable: true }));
    });
  }],
  ["working", "device=cpu&model=efficientnet-lite0&steps=500", async (page) => {
    await ready(page);
    await page.locator("[data-sample=coffee]").click();
    await page.waitForFunction(() => document.getElementById("progress").value > 0.02);
  }],
  ["done", photo, coffee],
  ["done-phone", photo, coffee, phone],
  ["done-dark", photo, coffee, { colorScheme: "dark" }],
  ...["mask", "spotlight", "contours"].map((name) => [`view-${name}`, photo, async (page) => {
    await coffee(page);
    await view(page, name);
  }]),
  ["signed", photo, async (page) => {
    await coffee(page);
    await view(page, "mask");
    await page.selectOption("#reduction", "signed");
  }],
  ["settings", `${photo}&baseline=noise`, async (page) => {
    await coffee(page);
    await page.selectOption("#scale", "probability");
    await page.selectOption("#baseline", "colour");
    await done(page);
  }],
  ["compare", photo, async (page) => {
    await compare(page);
    await view(page, "difference");
  }],
  ["compare-phone", photo, compare, phone],
  ["detector", "device=cpu&model=ssd-mobilenet-v2&steps=10", coffee],
  ["nothing-found", "device=cpu&model=ssd-mobilenet-v2&steps=10", async (page) => {
    await ready(page);
    await page.locator("[data-sample=rocket]").click();
    await status(page, /choose a box/);
  }],
  ["own-model", "device=cpu&model=shapesnet&steps=4", async (page) => {
    await ready(page);
    await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
    await done(page);
    const buffer = await readFile(path.join(own, "resnet18-whole-module.pt"));
    await page.locator("#own-file").setInputFiles([{ name: "mine.pt", mimeType: "application/octet-stream", buffer }]);
    await page.waitForSelector("#own-model:not([hidden])");
    await page.waitForFunction(() => document.querySelectorAll("#predictions button").length === 3);
    await done(page);
  }],
  ["own-model-refused", "device=cpu&model=shapesnet&steps=4&scene=5", async (page) => {
    await done(page);
    const buffer = await readFile(path.join(own, "mobilenet.pth"));
    await page.locator("#own-file").setInputFiles([{ name: "other.pth", mimeType: "application/octet-stream", buffer }]);
    await page.waitForSelector("#notice:not([hidden])");
  }],
  ["no-photo", photo, async (page) => {
    await coffee(page);
    await drop(page, "notes.pdf", Buffer.from("%PDF-1.7 not a photo"));
    await page.waitForSelector("#notice:not([hidden])");
  }],
  ["menu", photo, async (page) => {
    await coffee(page);
    await page.click("#save summary");
  }],
  ["strip", photo, async (page) => {
    await ready(page);
    const files = ["cat.jpg", "rocket.jpg", "astronaut.jpg", "coffee.jpg"];
    await page.locator("#file").setInputFiles(await Promise.all(files.map(async (name) => ({ name, mimeType: "image/jpeg", buffer: await sample(name) }))));
    await status(page, /^Done/);
    await page.click("#strip-all");
    await page.waitForFunction(() => document.querySelectorAll("#strip .done").length >= 2);
  }],
  ["scene", `${scene}&tag=telling`, done],
  ["scene-shortcut", `${scene}&tag=telling`.replace("shapesnet", "shapesnet-shortcut"), done],
  ["walk", photo, async (page) => {
    await walk(page);
    await page.locator("#walk-alpha").fill("4");
  }, { part: "#walk" }],
  ["walk-phone", photo, walk, { ...phone, part: "#walk" }],
  ["trust", photo, trust, { part: "#trust" }],
  ["trust-phone", photo, trust, { ...phone, part: "#trust" }],
  ["baselines", photo, chapter("baselines", /choose a baseline/), { part: "#baselines" }],
  ["paint", scene, async (page) => {
    await done(page);
    await page.click("#paint");
    const box = await page.locator("#paint-canvas").boundingBox();
    await page.mouse.move(box.x + 80, box.y + 80);
    await page.mouse.down();
    await page.mouse.move(box.x + 160, box.y + 120, { steps: 5 });
    await page.mouse.up();
  }],
  ["camera", photo, async (page) => {
    await ready(page);
    await page.click("#camera");
    await page.waitForSelector("#camera-dialog[open]");
  }],
  ["projector", photo, async (page) => {
    await coffee(page);
    await page.click("#projector");
  }],
  ["handout", photo, async (page) => {
    await coffee(page);
    await page.click("#save summary");
    await page.evaluate(() => { window.print = () => {}; });
    await page.click("[data-save=handout]");
    await page.waitForFunction(() => document.getElementById("handout-photo").src.length > 100);
    await page.emulateMedia({ media: "print" });
  }, { viewport: { width: 794, height: 1123 } }],
];

const browser = await launch({ camera: true });
const site = await serve();
for (const [name, query, act, { part, ...options } = {}] of states) {
  if (names.length > 0 && !names.includes(name)) continue;
  const page = await open(browser, site, query, options);
  try {
    await act(page);
    for (const language of ["en", "fr"]) {
      await page.selectOption("#language", language, { force: true, timeout: 2000 }).catch(async () => {
        // Behind a dialog, or not on paper: as a script would.
        await page.evaluate((language) => {
          const select = document.getElementById("language");
          select.value = language;
          select.dispatchEvent(new Event("change", { bubbles: true }));
        }, language);
      });
      await page.evaluate(() => document.activeElement?.blur());
      await page.mouse.move(0, 0);
      const to = path.join(folder, `${name}-${language}.png`);
      await (part ? page.locator(part).screenshot({ path: to }) : page.screenshot({ path: to, fullPage: true }));
    }
    console.log(name, page.errors.join("; "));
  } catch (error) {
    console.log(name, "FAILED", String(error).split("\n")[0], await page.textContent("#status"));
    process.exitCode = 1;
  }
  await page.close();
}
await browser.close();
site.close();
