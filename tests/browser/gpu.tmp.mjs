import { drop, launch, open, sample, serve, status, withRandomResnet18 } from "./harness.mjs";
const browser = await launch({ webgpu: true });
const site = await serve(withRandomResnet18());
for (const model of process.argv.slice(2)) {
const page = await open(browser, site, `device=gpu&adapter=software&model=${model}&steps=4`);
await status(page, /is ready/, 120000);
await drop(page, "cat.jpg", await sample("cat.jpg"));
await status(page, /^Done/, 600000);
console.log(model, await page.textContent("#status"), await page.textContent("#device").catch(()=>""));
await page.close();
}
await browser.close(); site.close();
