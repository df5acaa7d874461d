// The camera explained as it runs, in Chromium with its simulated camera, 640 × 480, 20 pictures a second, always moving:
//
//   node benches/live.mjs [SECONDS]
//
// For each network, with one worker and with two: pictures a second on the wall's clock, what one took in its worker, and
// processor time for each of the page's process, whose threads the workers are, so drawing is in it. On a machine with
// neighbours only the last says something.
import { cpus } from "node:os";
import { launch, open, serve, status, withRandomResnet18 } from "../tests/browser/harness.mjs";

const seconds = Number(process.argv[2]) || 10;
const browser = await launch({ camera: true });
const site = await serve(withRandomResnet18() ?? undefined);
const session = await browser.newBrowserCDPSession();
console.log(`Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}, ${seconds} s each`);
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
