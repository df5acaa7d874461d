// The camera explained as it runs, in Chromium, 640 × 480, always moving: by its simulated camera, 20 pictures a second, or with
// `film` a canvas of 60 a second, which the page draws itself:
//
//   node benches/live.mjs [SECONDS] [film]
//
// For each network, with one worker and with two: pictures a second on the wall's clock, what one took in its worker, and
// processor time for each of the page's process, whose threads the workers are, so drawing is in it. On a machine with
// neighbours only the last says something.
import { cpus } from "node:os";
import { launch, open, serve, status, withRandomResnet18 } from "../tests/browser/harness.mjs";

const seconds = Number(process.argv[2]) || 10;
const film = process.argv.includes("film");

/** A camera of 60 pictures a second, each another one. */
function filmed() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const context = canvas.getContext("2d");
  const draw = (time) => {
    context.fillStyle = "#334";
    context.fillRect(0, 0, 640, 480);
    context.fillStyle = "#fc3";
    context.fillRect(220 + 200 * Math.sin(time / 300), 140 + 100 * Math.cos(time / 200), 200, 200);
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(60);
}
const browser = await launch({ camera: true });
const site = await serve(withRandomResnet18() ?? undefined);
const session = await browser.newBrowserCDPSession();
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}, ${seconds} s each${film ? ", a film of 60 pictures a second" : ""}`);
console.log("| network | workers | pictures a second | in a worker, median | processor, a picture |");
console.log("|---|---|---|---|---|");
const processor = async () => {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  return processInfo.filter(({ type }) => type === "renderer").reduce((sum, { cpuTime }) => sum + cpuTime, 0);
};
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const fetched = await (await fetch(`${site.url}weights/manifest.json`)).json();
const names = [...fetched.models.map(({ name }) => name).filter((name) => !name.startsWith("ssd")), "shapesnet"];
for (const name of names) {
  for (const workers of [1, 2]) {
    const page = await open(browser, site, `device=cpu&workers=${workers}&model=${name}&chapter=live`);
    await page.context().grantPermissions(["camera"]);
    if (film) await page.evaluate(filmed);
    await status(page, /is ready/);
    await page.evaluate(() => {
      window.taken = [];
      const line = document.getElementById("live-sum");
      new MutationObserver(() => window.taken.push(Number(line.dataset.milliseconds)))
        .observe(line, { attributes: true, attributeFilter: ["data-milliseconds"] });
    });
    await page.click("#live-start");
    // What is compiled when it is first used is not counted.
    await page.waitForFunction(() => window.taken.length > 20);
    const before = await processor();
    const started = await page.evaluate(() => { window.taken.length = 0; return performance.now(); });
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    const [taken, ended] = await page.evaluate(() => [window.taken, performance.now()]);
    const spent = (await processor()) - before;
    const rate = (1000 * taken.length) / (ended - started);
    console.log(`| ${name} | ${workers} | ${rate.toFixed(1)} | ${median(taken).toFixed(0)} ms | ${((1000 * spent) / taken.length).toFixed(0)} ms |`);
    await page.close();
  }
}
await browser.close();
site.close();
