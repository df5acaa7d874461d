// What the chapters of the page take, in Chromium on the CPU, two workers:
//
//   node benches/chapters.mjs [ROUNDS [WHICH]]
//
// WHICH is a pattern of titles of chapters; without it all are taken.
// For each network and chapter, from the click to its last sentence: seconds on the wall's clock, the least of the rounds,
// and processor time of the page's process, whose threads the workers are. On a machine with neighbours only the last says
// something. Needs dist/ and the weights of EfficientNet-Lite0.
import { cpus, loadavg } from "node:os";
import { launch, open, serve, status } from "../tests/browser/harness.mjs";

const rounds = Number(process.argv[2]) || 3;
const which = new RegExp(process.argv[3] ?? "");
const browser = await launch();
const site = await serve();
const session = await browser.newBrowserCDPSession();
const processor = async () => {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  return processInfo.filter(({ type }) => type === "renderer").reduce((sum, { cpuTime }) => sum + cpuTime, 0);
};

/** A stroke on a canvas to paint on. */
async function stroke(page, id) {
  await page.locator(`#${id}`).scrollIntoViewIfNeeded();
  const box = await page.locator(`#${id}`).boundingBox();
  await page.mouse.move(box.x + 0.4 * box.width, box.y + 0.5 * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + 0.6 * box.width, box.y + 0.5 * box.height);
  await page.mouse.up();
}

/** Thirty pictures of each of two things, on their classes. */
async function gather(page) {
  await page.click("#teach-start");
  await page.evaluate(async () => {
    for (const [number, colour] of ["#c22", "#28c"].entries()) {
      const transfer = new DataTransfer();
      for (let k = 0; k < 30; k += 1) {
        const canvas = Object.assign(document.createElement("canvas"), { width: 300, height: 300 });
        const context = canvas.getContext("2d");
        context.fillStyle = `rgb(${100 + 4 * k} 160 150)`;
        context.fillRect(0, 0, 300, 300);
        context.fillStyle = colour;
        context.fillRect(40 + 3 * k, 80, 120, 60 + 60 * number);
        const blob = await new Promise((done) => canvas.toBlob(done));
        transfer.items.add(new File([blob], `${k}.png`, { type: "image/png" }));
      }
      const target = document.querySelector(`#teach-classes > li:nth-child(${number + 1})`);
      target.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
    }
  });
  await page.waitForFunction(() => document.querySelectorAll("#teach-classes img").length === 60);
  await status(page, /^Done: the pictures/);
}

/** Title, what comes before, what is timed, and what the status line says when it is done. */
const chapters = [
  ["Guess: uncovered and scored", async (page) => {
    await page.click("#guess-start");
    await stroke(page, "guess-canvas");
  }, (page) => page.click("#guess-uncover"), /^Done: the mask is beside/],
  ["What if?: the mask after a stroke", async (page) => {
    await page.click("#whatif-start");
    await status(page, /^Ready: cover/);
  }, (page) => stroke(page, "whatif-canvas"), /^Done: before and after/],
  ["What if?: which regions are enough", () => {}, (page) => page.click("#whatif-keep"), /^Done: before and after/],
  ["Ledger: opened", () => {}, (page) => page.click("#ledger-start"), /^Ready: merge/],
  ["Ledger: exact Shapley values, 8 regions, 256 combinations", () => {}, (page) => page.click("#ledger-experiment"), /^Done: both columns/],
  ["Methods side by side: 12 and a guess, 6 scores", () => {}, (page) => page.click("#methods-start"), /^Done: the methods/],
  ["Fragile", () => {}, (page) => page.click("#fragile-start"), /^Done: what moves/],
  ["Step by step", () => {}, (page) => page.click("#walk-start"), /^Done: drag α/],
  ["Can I trust it?", () => {}, (page) => page.click("#trust-start"), /^Done: the tests/],
  ["Where should the path start?", () => {}, (page) => page.click("#baselines-start"), /^Done: choose a baseline/],
  ["Find the cheat: a question", () => {}, (page) => page.click("#quiz-start"), /^Your turn/],
  // Until the network that came of it explains a picture.
  ["Teach it: 60 pictures, a layer of two classes", gather, (page) => page.click("#teach-train"), /^Explaining/],
].filter(([title]) => which.test(title));

console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}, load before ${loadavg()[0].toFixed(1)}, ${rounds} rounds`);
for (const query of ["model=efficientnet-lite0&photo=coffee", "model=shapesnet&scene=5"]) {
  const least = chapters.map(() => [Infinity, Infinity]);
  for (let round = 0; round < rounds; round += 1) {
    const page = await open(browser, site, `device=cpu&workers=2&steps=auto&${query}`);
    await status(page, /^Done/);
    for (const [k, [, prepare, act, done]] of chapters.entries()) {
      await prepare(page);
      // Timed within the page: what waits for the sentence out here looks only now and then.
      await page.evaluate((done) => {
        const line = document.getElementById("status");
        line.textContent = "";
        const started = performance.now();
        window.took = new Promise((resolve) => {
          new MutationObserver((_, observer) => {
            if (!new RegExp(done).test(line.textContent)) return;
            observer.disconnect();
            resolve((performance.now() - started) / 1000);
          }).observe(line, { childList: true, characterData: true, subtree: true });
        });
      }, done.source);
      const before = await processor();
      await act(page);
      const took = [await page.evaluate(() => window.took), (await processor()) - before];
      least[k] = least[k].map((seconds, at) => Math.min(seconds, took[at]));
    }
    await page.close();
  }
  console.log(`\n| ${query.match(/model=([^&]+)/)[1]}: seconds | on the clock | of processor |\n|---|---|---|`);
  for (const [k, [title]] of chapters.entries()) console.log(`| ${title} | ${least[k].map((v) => v.toFixed(2)).join(" | ")} |`);
}
await browser.close();
site.close();
