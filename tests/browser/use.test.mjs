// How people work with the page: many photos, the camera, their language, a lecture hall, the keyboard.
import assert from "node:assert/strict";
import path from "node:path";
import { again, canvas, dies, drop, focus, notice, open, sample, save, serve, status, suite, types, view } from "./harness.mjs";

const shared = suite({ camera: true });
const { check } = shared;

const cpu = "device=cpu&model=efficientnet-lite0";

/** Photos as a person picks them, several at once. */
const photos = async (...names) => Promise.all(names.map(async (name) => ({
  name, mimeType: "image/jpeg", buffer: await sample(name),
})));

check("several photos become a strip, and all are explained one after the other", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=2`);
  await status(page, /is ready/);
  await page.locator("#file").setInputFiles(await photos("cat.jpg", "coffee.jpg", "rocket.jpg"));
  await status(page, /^Done/);
  assert.equal(await page.locator("#strip-list li").count(), 3);
  await page.click("#strip-all");
  await page.waitForFunction(() => document.querySelectorAll("#strip-list .done").length === 3);
  const answers = await page.locator("#strip-list .done").allInnerTexts();
  assert.match(answers[0], /cat/);
  assert.match(answers[1], /espresso|cup/);
  assert.match(answers[2], /missile|rocket|projectile/);
  await page.locator("#strip-list button").first().click();
  await page.waitForFunction(() => document.querySelector("#strip-list button").ariaPressed === "true");
  await status(page, /^Done/);
  assert.match(await page.textContent("#predictions"), /cat/);

  await page.click("#strip-clear");
  assert.equal(await page.locator("#strip-list li").count(), 0);
  await page.click("#strip-undo");
  assert.equal(await page.locator("#strip-list li").count(), 3);
  await page.close();
});

check("a file that waited for the engine and is no photo leaves the strip", async () => {
  let comes;
  const engine = new Promise((come) => (comes = come));
  const page = await open(shared.browser, shared.site, `${cpu}&steps=1`, { engine });
  await status(page, /^Starting/);
  await page.locator("#file").setInputFiles([
    { name: "notes.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no photo") },
    ...await photos("cat.jpg", "coffee.jpg"),
  ]);
  await status(page, /waits for the engine/);
  comes();
  await status(page, /^Stopped/);
  assert.equal(await page.locator("#strip-list li").count(), 2);
  await page.locator("#strip-list button").first().click();
  await status(page, /^Done/);
  assert.match(await page.textContent("#predictions"), /cat/);
  await page.close();
});

check("a queue is cancelled, and a file that is no photo does not join the strip", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=300`);
  await status(page, /is ready/);
  await page.locator("#file").setInputFiles([
    ...await photos("cat.jpg", "coffee.jpg"),
  ]);
  await status(page, /: [1-9]\d* of 301/);
  await page.click("#strip-all");
  await status(page, /: [1-9]\d* of 301/);
  await page.click("#cancel");
  await status(page, /^Cancelled/);
  await page.waitForTimeout(500);
  assert.match(await page.textContent("#status"), /^Cancelled/);
  await drop(page, "notes.txt", Buffer.from("no photo"));
  await page.waitForSelector("#notice:not([hidden])");
  assert.equal(await page.locator("#strip-list li").count(), 2);
  await page.close();
});

check("Cancel and another choice while a photo of the queue is decoded end the queue, and nothing else", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=2`);
  await status(page, /is ready/);
  await page.locator("#file").setInputFiles([...await photos("cat.jpg", "coffee.jpg", "rocket.jpg")]);
  await status(page, /^Done/);
  const photo = page.locator("#strip-list button[aria-pressed=true]");
  const [sum, first] = [await page.textContent("#attribution-sum"), await photo.getAttribute("data-photo")];
  // Clicks in the same task in which the page says that it opens a photo: before that is decoded.
  const clickOnOpening = (selector) => page.evaluate((selector) => {
    const status = document.getElementById("status");
    const seen = new MutationObserver(() => {
      if (!status.textContent.startsWith("Opening")) return;
      seen.disconnect();
      document.querySelector(selector).click();
    });
    seen.observe(status, { childList: true, characterData: true, subtree: true });
    document.getElementById("strip-all").click();
  }, selector);

  await clickOnOpening("#cancel");
  await status(page, /^Cancelled/);
  await page.waitForTimeout(500);
  assert.match(await page.textContent("#status"), /^Cancelled/);
  assert.equal(await page.locator("#cancel").isVisible(), false);
  assert.equal(await photo.getAttribute("data-photo"), first);
  assert.equal(await page.textContent("#attribution-sum"), sum);

  await clickOnOpening("#strip-list li:nth-child(3) button");
  await status(page, /^Done/);
  await page.waitForTimeout(500);
  assert.match(await page.textContent("#status"), /^Done/);
  assert.equal(await photo.getAttribute("data-photo"), "2");
  assert.match(await page.textContent("#predictions"), /missile/);
  assert.equal(await page.locator("#strip-list .done").count(), 2);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("an engine that was cancelled while it came comes with the next photo; one that comes stays, whatever is chosen", async () => {
  for (const cancelled of [true, false]) {
    let come;
    const engine = new Promise((done) => { come = done; });
    const page = await open(shared.browser, shared.site, `${cpu}&steps=2`, { engine });
    await drop(page, "rocket.jpg", await sample("rocket.jpg"), "image/jpeg");
    await status(page, /waits for the engine/);
    if (cancelled) {
      await page.click("#cancel");
      await status(page, /^Cancelled/);
      come();
    } else {
      await page.selectOption("#rule", "midpoint");
    }
    await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
    come();
    await status(page, /^Done/);
    assert.match(await page.textContent("#predictions"), /cat/);
    assert.deepEqual(page.errors, []);
    await page.close();
  }
});

check("a photo that comes before the page knows its networks waits for the engine, which is started once", async () => {
  const held = new Map();
  const site = await serve(undefined, (name, bytes, _request, response) => {
    const kind = /manifest\.json$/.test(name) ? "networks" : /worker.*_bg\.wasm$/.test(name) && "engine";
    if (!kind) return false;
    held.set(kind, [...(held.get(kind) ?? []), () => response.writeHead(200, { "content-type": types[path.extname(name)] }).end(bytes)]);
    return true;
  });
  const page = await open(shared.browser, site, `${cpu}&steps=2`);
  await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  await status(page, /waits for the engine/);
  assert.deepEqual([...held.keys()], ["networks"], "no engine yet");
  held.get("networks").forEach((send) => send());
  await page.waitForFunction(() => !document.getElementById("model").disabled);
  while (!held.has("engine")) await page.waitForTimeout(20);
  await status(page, /waits for the engine/);
  held.get("engine").forEach((send) => send());
  await status(page, /^Done/);
  assert.match(await page.textContent("#predictions"), /cat/);
  assert.deepEqual([...held.values()].map((all) => all.length), [1, 1]);
  await page.close();
  site.close();
});

check("ten photos in a row, classes and models changed in between: no mask of an older one is left", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=8`);
  await status(page, /is ready/);
  const names = ["cat.jpg", "rocket.jpg", "astronaut.jpg"];
  for (let k = 0; k < 9; k += 1) {
    await drop(page, names[k % 3], await sample(names[k % 3]), "image/jpeg");
    await page.waitForTimeout(k * 60);
    if (k === 4) await page.selectOption("#model", "shapesnet");
    if (k === 7) await page.selectOption("#model", "efficientnet-lite0");
    // At once or not at all: a click that waits for its turn might meet a photo after this one.
    if (k % 3 === 1) await page.evaluate(() => document.querySelector("#cancel:not([hidden])")?.click());
  }
  // None before it was of coffee: once its answers are there, nothing older is at work.
  await drop(page, "coffee.jpg", await sample("coffee.jpg"), "image/jpeg");
  await page.waitForFunction(() => /espresso|cup/.test(document.getElementById("predictions").textContent));
  await status(page, /^Done: 9 gradients/);
  await view(page, "mask");
  const [last, sum] = [await canvas(page), await page.textContent("#attribution-sum")];
  const fresh = await open(shared.browser, shared.site, `${cpu}&steps=8&view=mask`);
  await status(fresh, /is ready/);
  await drop(fresh, "coffee.jpg", await sample("coffee.jpg"), "image/jpeg");
  await status(fresh, /^Done: 9 gradients/);
  assert.equal(await fresh.textContent("#attribution-sum"), sum);
  // The strip takes room on the first page: the share of purple is compared, not the pixels.
  assert.ok(Math.abs((await canvas(fresh)).purple - last.purple) < 0.02);
  assert.deepEqual(page.errors, []);
  await page.close();
  await fresh.close();
});

check("a photo by the camera", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3");
  await status(page, /is ready/);
  await page.context().grantPermissions(["camera"]);
  await page.click("#camera");
  await page.waitForSelector("#camera-take:enabled");
  await page.click("#camera-take");
  await status(page, /^Done: 4/);
  assert.ok(await page.evaluate(() => document.getElementById("camera-video").srcObject === null), "the camera is let go");
  await page.close();
});

check("without a camera the page says so", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet");
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error("Permission denied"));
  });
  await status(page, /is ready/);
  await page.click("#camera");
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(page), /camera cannot be used: Permission denied.*choose a photo/);
  await page.close();
});

check("the menu of what can be saved is on the page, whatever its width and language", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3&scene=5");
  await status(page, /^Done: 4/);
  await page.click("#save summary");
  for (const width of [1440, 1000, 700, 390]) {
    await page.setViewportSize({ width, height: 900 });
    for (const language of ["en", "fr"]) {
      await page.selectOption("#language", language);
      const box = await page.locator("#save ul").boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= width, `${language}, ${width}: ${JSON.stringify(box)}`);
    }
  }
  await page.close();
});

check("French, switched in place, and kept", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=7&scene=5");
  await status(page, /^Done: 8/);
  const english = await page.evaluate(() => document.body.innerText);
  const sum = await page.textContent("#attribution-sum");
  await page.selectOption("#language", "fr");
  assert.equal(await page.getAttribute("html", "lang"), "fr");
  assert.match(await page.textContent("#status"), /^Terminé\s: 8 gradients en \d+,\d s\.$/u);
  assert.equal(await page.textContent("#attribution-sum"), sum.replace(".", ","));
  assert.equal(await page.getAttribute("#canvas", "aria-label").then((label) => /^Votre photo/.test(label)), true);
  assert.match(await page.textContent("#truth-inside"), /de l’attribution se trouve sur la forme/);
  // Nothing of the English is left where French differs.
  const french = await page.evaluate(() => document.body.innerText);
  const left = english.split("\n").map((line) => line.trim()).filter((line) => line.length > 24 && french.includes(line));
  assert.deepEqual(left, []);
  // What comes from now on is French too, and so is the next visit.
  await page.click("#explain");
  await status(page, /^Terminé/);
  await page.reload();
  await status(page, /^Terminé/);
  assert.match(await page.textContent("h2"), /./);
  await page.selectOption("#language", "en");
  await status(page, /^Done: 8/);
  assert.equal(await page.evaluate(() => document.body.innerText.includes("réseau")), false);
  await page.close();

  const visitor = await open(shared.browser, shared.site, "device=cpu&model=efficientnet-lite0&steps=2", { locale: "fr-CH" });
  await status(visitor, /est prêt/);
  // The thousand classes have French names, and so has what went wrong.
  await drop(visitor, "coffee.jpg", await sample("coffee.jpg"), "image/jpeg");
  await status(visitor, /^Terminé/);
  assert.match(await visitor.textContent("#predictions"), /expresso|tasse/);
  await drop(visitor, "notes.pdf", Buffer.from("%PDF-1.7"));
  await visitor.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(visitor), /c’est un document PDF, pas une photo que Violet sait lire/);
  await visitor.selectOption("#language", "en");
  assert.match(await visitor.textContent("#predictions"), /espresso|cup/);
  assert.match(await notice(visitor), /this is a PDF document, not a photo that Violet can read/);
  await visitor.close();
});

check("a projector mode with large type, kept", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3");
  const size = () => page.evaluate(() => parseFloat(getComputedStyle(document.getElementById("status")).fontSize));
  await status(page, /is ready/);
  const small = await size();
  await page.click("#projector");
  assert.ok((await size()) > 1.3 * small);
  await page.reload();
  await status(page, /is ready/);
  assert.ok((await size()) > 1.3 * small);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 1440, `${wide} pixels wide`);
  await page.close();
});

check("the keyboard alone: a sample, a class, a view, zoom", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=2`);
  await status(page, /is ready/);
  const focused = () => page.evaluate(() => {
    const { id, dataset, name } = document.activeElement;
    return id || dataset.sample || name || document.activeElement.className;
  });
  const tabTo = async (wanted) => {
    for (let k = 0; k < 90; k += 1) {
      if ((await focused()) === wanted) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`Tab never came to ${wanted}`);
  };
  await tabTo("cat");
  await page.keyboard.press("Enter");
  await status(page, /^Done: 3/);
  await page.evaluate(() => document.activeElement.blur());
  await tabTo("canvas");
  const before = (await canvas(page)).hash;
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  const near = (await canvas(page)).hash;
  assert.notEqual(near, before);
  await page.keyboard.press("ArrowRight");
  assert.notEqual((await canvas(page)).hash, near);
  await page.keyboard.press("0");
  assert.equal((await canvas(page)).hash, before);
  await tabTo("view-overlay");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.locator("input[name=view]:checked").inputValue(), "pixels");
  await page.locator("#predictions button").nth(1).focus();
  await again(page, () => page.keyboard.press("Enter"), undefined, /^Done: 3/);
  assert.equal(await page.locator("#predictions button").nth(1).getAttribute("aria-pressed"), "true");
  await page.close();
});

/** In the page: how far each half of a picture is from another one, and how much ink is beneath them. */
async function sideBySide(urls) {
  const [both, photo, overlay] = await Promise.all(urls.map(async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const { width, height } = image;
    const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
    context.drawImage(image, 0, 0);
    return { width, height, at: (x, y, w, h) => context.getImageData(x, y, w, h).data };
  }));
  const { width, height } = photo;
  const far = (a, b) => a.reduce((sum, value, k) => sum + Math.abs(value - b[k]), 0) / a.length;
  const [left, right] = [0, width].map((x) => both.at(x, 0, width, height));
  const beneath = both.at(0, height, both.width, both.height - height);
  const ground = beneath.slice(0, 3);
  const inked = beneath.filter((value, k) => k % 4 === 0 && Math.abs(value - ground[0]) > 60);
  return {
    photo: far(left, photo.at(0, 0, width, height)), overlay: far(right, overlay.at(0, 0, width, height)),
    apart: far(left, right), ink: inked.length / (beneath.length / 4),
  };
}

check("photo and overlay side by side, and a handout of one page", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3");
  await status(page, /is ready/);
  await drop(page, "cat.jpg", await sample("cat.jpg"), "image/jpeg");
  await status(page, /^Done/);
  await page.click("#save summary");
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-save=both]")]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  // Two photos of 451 × 300, and a line or two of words beneath.
  const [width, height] = [16, 20].map((at) => bytes.readUInt32BE(at));
  assert.ok(width === 902 && height > 310 && height < 400, `${width} × ${height}`);
  // On the left the photo as it is, on the right the overlay as it is saved by itself, and words beneath.
  const [overlay, cat] = [(await save(page, "overlay")).bytes, await sample("cat.jpg")];
  const halves = await page.evaluate(sideBySide, [
    `data:image/png;base64,${bytes.toString("base64")}`, `data:image/jpeg;base64,${cat.toString("base64")}`,
    `data:image/png;base64,${overlay.toString("base64")}`,
  ]);
  assert.ok(halves.photo < 0.5, `${halves.photo} of 255 from the photo`);
  assert.equal(halves.overlay, 0, "the overlay's every pixel");
  assert.ok(halves.apart > 5, `${halves.apart} of 255 between the halves`);
  assert.ok(halves.ink > 0.005, `${halves.ink} of the rest is words`);

  // At the moment of printing both pictures are decoded, and they are those of this photo.
  await page.evaluate(() => {
    window.print = () => {
      window.printed = ["handout-photo", "handout-mask"].map((id) => {
        const image = document.getElementById(id);
        const canvas = new OffscreenCanvas(1, 1);
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0, 1, 1);
        return [image.complete, image.naturalWidth, context.getImageData(0, 0, 1, 1).data[3], image.src.length];
      });
    };
  });
  const handout = async () => {
    await page.click("#save summary");
    await page.click("[data-save=handout]");
    await page.waitForFunction(() => window.printed);
    return page.evaluate(() => { const { printed } = window; window.printed = null; return printed; });
  };
  const first = await handout();
  assert.ok(first.every(([complete, width, alpha]) => complete && width === 451 && alpha === 255), `${first}`);
  const rocket = await sample("rocket.jpg");
  await again(page, () => drop(page, "rocket.jpg", rocket, "image/jpeg"));
  const second = await handout();
  assert.notDeepEqual(second, first, "the next photo's handout has the next photo's pictures");
  assert.ok(second.every(([complete, width]) => complete && width === 640), `${second}`);
  await page.emulateMedia({ media: "print" });
  assert.ok(await page.isVisible("#handout") && await page.isHidden("main"));
  const text = await page.locator("#handout").innerText();
  assert.match(text, /ShapesNet[\s\S]*Baseline[\s\S]*Sum of the attributions[\s\S]*Sundararajan/);
  await page.emulateMedia({ media: null });
  const pdf = await page.pdf({ format: "A4" }); // which ends as printing does
  assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page[^s]/g).length, 1);
  assert.ok(await page.isVisible("main") && await page.isHidden("#handout"));
  await page.close();
});

check("less motion where people ask for it", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3&scene=5", { reducedMotion: "reduce" });
  await status(page, /^Done/);
  const moving = await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) => {
    const { transitionDuration, animationName } = getComputedStyle(element);
    return parseFloat(transitionDuration) > 0 || animationName !== "none";
  }).map(({ className }) => className));
  assert.deepEqual(moving, []);
  await page.close();
});

check("a download that breaks off goes on where it stopped", async () => {
  const file = "weights/efficientnet-lite0.safetensors";
  const asked = [];
  let breakOff;
  const seen = new Promise((resolve) => (breakOff = resolve));
  const breaking = await serve((name, bytes) => bytes, (name, bytes, request, response) => {
    if (name !== file) return false;
    const from = Number((request.headers.range ?? "bytes=0-").match(/\d+/)[0]);
    asked.push(from);
    response.writeHead(from ? 206 : 200, { "content-length": bytes.length - from });
    // Twice a third of the file, and then the line is dead.
    const end = asked.length < 3 ? from + Math.floor(bytes.length / 3) : bytes.length;
    const last = asked.length === 3;
    response.write(bytes.subarray(from, end), () => seen.then(() => (last ? response.end() : response.destroy())));
    return true;
  });
  const page = await open(shared.browser, breaking, `${cpu}&steps=2`, { serviceWorkers: "block" });
  // How much has come is said in megabytes: a third of all.
  await status(page, /^Fetching EfficientNet-Lite0: \d+\.\d of \d+\.\d MB/);
  const read = () => page.evaluate(() => document.getElementById("status").textContent.match(/[\d.]+(?= )/g).slice(-2).map(Number));
  await page.waitForFunction(() => document.getElementById("progress").value > 0.3);
  const [come, all] = await read();
  assert.ok(all > 5 && Math.abs(come / all - 1 / 3) < 0.02, `${come} of ${all} MB`);
  breakOff();
  await status(page, /is ready/);
  assert.equal(asked.length, 3);
  assert.ok(asked[0] === 0 && asked[1] > 0 && asked[2] > asked[1], `${asked}`);
  await page.locator("[data-sample=cat]").click();
  await status(page, /^Done/);
  assert.match(await page.textContent("#predictions"), /cat/);
  assert.match(await page.locator("#model option").first().innerText(), /, \d+\.\d MB$/);
  await page.close();
  breaking.close();
});

check("a newer version is announced, and nothing changes in the middle of work", async () => {
  let newer = false;
  const deploying = await serve((name, bytes) =>
    newer && name === "service-worker.js" ? Buffer.concat([bytes, Buffer.from("// newer\n")]) : bytes);
  const page = await open(shared.browser, deploying, "device=cpu&model=shapesnet&steps=3&scene=5", { serviceWorkers: "allow" });
  await status(page, /^Done/);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  assert.equal(await notice(page), "", "the first one is no news");
  newer = true;
  const mask = await canvas(page);
  await page.evaluate(() => navigator.serviceWorker.getRegistration().then((one) => one.update()));
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(page), /newer Violet.*until then nothing changes/);
  await again(page, () => page.click("[data-sample=cat]"));
  assert.match(await notice(page), /newer Violet/, "the next photo does not hide it");
  assert.equal((await canvas(page)).hash === mask.hash || (await page.textContent("#status")).startsWith("Done"), true);
  await page.close();
  deploying.close();
});

check("a tab that was put to sleep goes on when it is woken", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=80`);
  await status(page, /is ready/);
  await page.locator("[data-sample=cat]").click();
  await status(page, /: [1-9]\d* of 81/);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  await new Promise((done) => setTimeout(done, 1500));
  await devtools.send("Page.setWebLifecycleState", { state: "active" });
  await status(page, /^Done: 81/);
  assert.deepEqual(page.errors, []);
  await page.close();
});

check("a worker without memory is replaced; photo, settings and the mask stay", async () => {
  const page = await open(shared.browser, shared.site, `${cpu}&steps=24&workers=2`);
  await status(page, /is ready/);
  // As browsers say it.
  await dies(page.workers()[0], "RangeError", "WebAssembly.Memory.grow(): Unable to grow instance memory");
  await page.locator("[data-sample=cat]").click();
  await status(page, /^Done: 25/);
  assert.match(await notice(page), /replaced.*grow instance memory.*Nothing is lost/);
  assert.equal(await page.inputValue("#steps"), "24");
  // Both die, again and again: the page gives up with a sentence, and Explain starts anew.
  await page.locator("#steps").fill("300");
  await page.click("#explain");
  const killing = setInterval(() => {
    for (const worker of page.workers()) {
      worker.evaluate(() => setTimeout(() => { throw new RangeError("out of memory"); })).catch(() => {});
    }
  }, 150);
  await status(page, /^Stopped/);
  clearInterval(killing);
  assert.match(await notice(page), /engine stopped.*Press Explain/);
  assert.ok((await canvas(page)).hash !== 0);
  await page.waitForTimeout(500);
  await page.locator("#steps").fill("3");
  await page.locator("#steps").press("Enter");
  await page.click("#explain");
  await status(page, /^Done: 4/);
  await page.close();
});

check("a scene painted by the keyboard", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=3");
  await status(page, /is ready/);
  await focus(page, "#paint");
  await page.keyboard.press("Enter");
  await focus(page, "#paint-canvas");
  const purple = () => page.evaluate(() => {
    const { data } = document.getElementById("paint-canvas").getContext("2d").getImageData(0, 0, 96, 96);
    return data.filter((value, k) => k % 4 === 0 && value > 150).length;
  });
  assert.equal(await purple(), 0);
  await page.keyboard.press("Space");
  const dot = await purple();
  assert.ok(dot > 20, `${dot}`);
  for (let k = 0; k < 6; k += 1) {
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Space");
  }
  assert.ok((await purple()) > 2 * dot);
  await focus(page, "#paint-use");
  await page.keyboard.press("Enter");
  await status(page, /^Done: 4/);
  await page.close();
});
