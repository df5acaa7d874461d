// The first minute: what one sees before the engine, on every size of screen, and where nothing can start.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { drop, notice, open, root, sample, save, serve, status, suite, types } from "./harness.mjs";

const shared = suite();
const { check } = shared;

check("before the engine: a finished example, samples in the drop zone, chapters, and no control without use", async () => {
  const never = new Promise(() => {});
  const page = await open(shared.browser, shared.site, "device=cpu", { engine: never, unfolded: false });
  await status(page, /^Starting/);
  assert.ok(await page.evaluate(() => document.querySelector(".example img").naturalWidth > 0));
  const box = (selector) => page.locator(selector).boundingBox();
  const [zone, samples] = [await box("#drop"), await box(".samples")];
  assert.ok(samples.y > zone.y && samples.y + samples.height <= zone.y + zone.height, "samples lie in the drop zone");
  // However narrow and in either language, what one can do stands beneath each other, inside of it.
  for (const language of ["fr", "en"]) {
    await page.selectOption("#language", language);
    for (const [width, height] of [[1024, 768], [970, 500], [1440, 900], [390, 844], [320, 640]]) {
      await page.setViewportSize({ width, height });
      const boxes = await Promise.all([".invite", ".invitation p:last-child", ".samples", ".scenes"].map(box));
      boxes.reduce((above, below) => {
        const lies = `${language}, ${width}: ${JSON.stringify([above, below])}`;
        assert.ok(above.y + above.height <= below.y + 1, lies);
        return below;
      });
      const around = await box(width > 960 ? "#drop" : ".easel-box");
      assert.ok(boxes[3].y + boxes[3].height <= around.y + around.height + 1, `${language}, ${width}: scenes run over`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  for (const chapter of ["walk", "trust", "baselines"]) {
    assert.ok(await page.isVisible(`#${chapter}-title`) && await page.isDisabled(`#${chapter}-start`));
  }
  const controls = await page.locator("select, input, button, summary").evaluateAll((all) => all
    .filter((one) => one.checkVisibility() && !one.disabled && one.getBoundingClientRect().width > 1)
    .map((one) => one.id || one.dataset.sample || one.textContent.trim()));
  assert.ok(controls.length <= 16, controls.join(", "));
  // How it is computed is folded away, and says in a line what it is.
  const folded = () => page.evaluate(() => ["how", "drawing"].map((id) => document.getElementById(id).open));
  assert.deepEqual(await folded(), [false, false]);
  await page.close();
});

check("the example is what the page makes of its sample", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=efficientnet-lite0&photo=coffee");
  await status(page, /^Done/);
  assert.match(await page.textContent("#stage-caption"), /espresso/);
  const overlay = (await save(page, "overlay")).bytes.toString("base64");
  const example = (await readFile(path.join(root, "www/example/coffee.jpg"))).toString("base64");
  const apart = await page.evaluate(async (urls) => {
    const pixels = await Promise.all(urls.map(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      canvas.getContext("2d").drawImage(image, 0, 0);
      return canvas.getContext("2d").getImageData(0, 0, image.width, image.height).data;
    }));
    const [a, b] = pixels;
    // What is saved has its caption beneath it.
    return a.length > b.length ? b.reduce((sum, value, k) => sum + Math.abs(value - a[k]), 0) / b.length : NaN;
  }, [`data:image/png;base64,${overlay}`, `data:image/jpeg;base64,${example}`]);
  assert.ok(apart < 3, `${apart} of 255 apart on average: node docs/example.mjs makes it anew`);
  await page.close();
});

check("what is clicked, chosen or dropped before the page's module is there is not lost", async () => {
  for (const [act, answer] of [
    [(page) => page.click("#draw"), /scene=/],
    [async (page) => {
      await page.selectOption("#language", "fr");
      await page.click("[data-sample=cat]");
    }, /lang=fr.*photo=cat/],
    [(page) => page.click("[data-sample=cat]"), /photo=cat/],
    [async (page) => drop(page, "early.jpg", await sample("coffee.jpg"), "image/jpeg"), /steps=2/],
  ]) {
    let come;
    const coming = new Promise((resolve) => (come = resolve));
    const page = await shared.browser.newPage();
    await page.route("**/app_bg.wasm", (route) => coming.then(() => route.continue()));
    await page.goto(`${shared.site.url}?device=cpu&model=shapesnet&steps=2`);
    await act(page);
    come();
    await status(page, /^(Done|Terminé)\s?: 3/);
    assert.match(page.url(), answer);
    await page.close();
  }
});

check("on a first visit nothing is sent twice, and what work without a network needs comes after the mask", async () => {
  const order = [];
  const [[held, release], [asking, asked], [beginning, begun]] = [0, 1, 2].map(() => {
    let resolve;
    return [new Promise((done) => (resolve = done)), (value) => resolve(value)];
  });
  const site = await serve(undefined, (name, bytes, request, response) => {
    const tag = `"${bytes.length}"`;
    const kept = { etag: tag, "cache-control": /^build-/.test(name) ? "public, max-age=31536000, immutable" : /safetensors$/.test(name) ? "max-age=86400" : "no-cache" };
    const same = request.headers["if-none-match"] === tag;
    if (!same) order.push(name);
    const isWeights = name.endsWith("/shapesnet.safetensors");
    if (isWeights) asked();
    if (/worker.*_bg\.wasm$/.test(name)) begun();
    response.writeHead(same ? 304 : 200, { ...kept, "content-type": types[path.extname(name)] ?? "application/octet-stream" });
    // Without its weights a network has no mask: until they are let go, whatever comes comes before.
    if (isWeights && !same) held.then(() => response.end(bytes));
    else response.end(same ? undefined : bytes);
    return true;
  });
  const page = await open(shared.browser, site, "device=cpu&model=shapesnet&steps=2&scene=5", { serviceWorkers: "allow" });
  await Promise.all([asking, beginning]);
  const isReader = (name) => name.endsWith("/reader_bg.wasm");
  assert.ok(!order.some(isReader), `before the mask: ${order.join(", ")}`);
  release();
  await status(page, /^Done: 3/);
  await page.waitForSelector("#kept-all:not([hidden])", { state: "attached" });
  assert.ok(order.some(isReader));
  // But for the page itself, which is kept under its address without settings.
  const twice = order.filter((name, k) => order.indexOf(name) !== k && name !== "index.html");
  assert.deepEqual(twice, []);
  await page.close();
  site.close();
});

check("the engine comes with a number", async () => {
  let release;
  const rest = new Promise((resolve) => (release = resolve));
  const slow = await serve((_name, bytes) => bytes, (name, bytes, _request, response) => {
    if (!/\/worker.*\.wasm$/.test(name)) return false;
    response.writeHead(200, { "content-type": "application/wasm", "content-length": bytes.length });
    response.write(bytes.subarray(0, 3_000_000));
    rest.then(() => response.end(bytes.subarray(3_000_000)));
    return true;
  });
  const page = await open(shared.browser, slow, "device=cpu&model=shapesnet&steps=2", { serviceWorkers: "block" });
  await status(page, /^Loading the engine: [1-3]\.\d of \d+\.\d MB/);
  release();
  await status(page, /is ready/);
  await page.close();
  slow.close();
});

/**
 * A page whose clock stands still: nothing in it that waits for a time goes on. What is said there is said because
 * something failed, and not because someone has waited; so it takes no longer than the failure, on any machine.
 */
async function timeless(address, init = () => {}) {
  const page = await shared.browser.newPage({ serviceWorkers: "block" });
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 3_600_000);
  await page.addInitScript(init);
  await page.goto(address);
  return page;
}

check("where nothing can start, a sentence says so, and what to do; nobody has to wait for it", async () => {
  const engine = /engine could not be loaded.*worker.*Reload the page/;
  for (const [name, box, sentence, change] of [
    ["the page's module", "no-start", /cannot go on here.*Reload the page.*app_bg\.wasm|cannot go on here.*Reload the page/, (file, bytes) => (file.endsWith("/app_bg.wasm") ? null : bytes)],
    ["its script", "no-start", /cannot go on here.*Reload the page/, (file, bytes) => (file.endsWith("/app.js") ? null : bytes)],
    ["a worker's script", "notice", engine, (file, bytes) => (/\/worker(-relaxed)?\.js$/.test(file) ? null : bytes)],
    ["the engine", "notice", engine, (file, bytes) => (/\/worker.*\.wasm$/.test(file) ? null : bytes)],
    ["a broken engine", "notice", engine, (file, bytes) => (/\/worker.*\.wasm$/.test(file) ? Buffer.from("no module") : bytes)],
  ]) {
    const broken = await serve(change);
    const page = await timeless(`${broken.url}?device=cpu&model=shapesnet`);
    await page.waitForSelector(`#${box}:not([hidden])`, { timeout: 60_000 }).catch(() => assert.fail(`${name} is missing, and nobody says so`));
    assert.match((await page.innerText(`#${box}`)).replaceAll(/\s+/g, " "), sentence, name);
    await page.close();
    broken.close();
  }
});

check("when the page's own code breaks down, it says so in both languages, and what is kept", async () => {
  const page = await timeless(`${shared.site.url}?device=cpu&model=shapesnet`);
  await status(page, /is ready/);
  // An invariant that does not hold: what the page is sure to have is gone.
  await page.evaluate(() => document.getElementById("status").remove());
  await page.click("#draw");
  await page.waitForSelector("#no-start:not([hidden])");
  const said = (await page.innerText("#no-start")).replaceAll(/\s+/g, " ");
  assert.match(said, /Violet has stopped.*Reload the page: its address restores.*s’est arrêté.*Rechargez.*panicked at src\/web\/dom\.rs.*#status/);
  assert.doesNotMatch(said, /cannot go on here/);
  await page.close();
});

check("without WebAssembly or its vectors, a sentence in both languages", async () => {
  for (const take of [
    () => { delete window.WebAssembly; },
    () => { WebAssembly.validate = () => false; },
  ]) {
    const page = await timeless(`${shared.site.url}?device=cpu`, take);
    await page.waitForSelector("#no-start:not([hidden])", { timeout: 60_000 });
    assert.match(await page.innerText("#no-start"), /cannot go on here[\s\S]*ne peut pas continuer/);
    assert.doesNotMatch(await page.innerText("#no-start"), /has stopped/);
    await page.close();
  }
});

check("nothing lies over anything: every view can be clicked, whatever the width, language, mode and pin", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2&scene=5");
  await status(page, /^Done/);
  await page.click("#pin");
  for (const projector of [false, true]) {
    if (projector) await page.click("#projector");
    for (const language of ["en", "fr"]) {
      await page.selectOption("#language", language);
      for (const width of [320, 390, 768, 1024, 1280, 1440]) {
        await page.setViewportSize({ width, height: 768 });
        const covered = await page.evaluate(() => [...document.querySelectorAll("#views label, .keep button, #predictions button")]
          .filter((control) => control.checkVisibility())
          .filter((control) => {
            control.scrollIntoView({ block: "center" });
            const { left, top, width, height } = control.getBoundingClientRect();
            const hit = document.elementFromPoint(left + width / 2, top + height / 2);
            return !(hit && (control.contains(hit) || hit.contains(control)));
          }).map((control) => control.textContent.trim()));
        assert.deepEqual(covered, [], `${width}, ${language}, projector: ${projector}`);
        const alone = await page.evaluate(() => [...document.querySelectorAll(".why")].filter((mark) => mark.checkVisibility()).filter((mark) => {
          const before = document.createRange();
          before.setStart(mark.parentElement, 0);
          before.setEndBefore(mark);
          const { top, bottom, left } = mark.getBoundingClientRect();
          return ![...before.getClientRects()].some((word) => word.width > 0 && word.top < bottom && word.bottom > top && word.right <= left + 1);
        }).map((mark) => mark.ariaLabel));
        assert.deepEqual(alone, [], `question marks on a line of their own: ${width}, ${language}, projector: ${projector}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${wide} pixels wide on ${width}, ${language}, projector: ${projector}`);
      }
    }
  }
  // A desk at 400 %, with a message: what has the focus is seen, and nothing has to be scrolled sideways.
  await page.click("#projector");
  await page.click("#walk-start");
  await page.waitForSelector("#walk-body:not([hidden])");
  await drop(page, "notes.txt", Buffer.from("no photo"));
  await page.waitForSelector("#notice:not([hidden])");
  await page.setViewportSize({ width: 320, height: 256 });
  assert.deepEqual(await page.evaluate(covered), []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 320);
  const [integral, measure] = await Promise.all(["#formula-integral", "#formula-measure"].map((id) => page.locator(id).boundingBox()));
  assert.equal(Math.round(integral.y), Math.round(measure.y), "an integral and its dα stand on one line");
  await page.close();
});

/** In the page: controls that, once they have the focus, are beneath something that stays where it is, or out of view. */
function covered() {
  const stays = (one) => one && ["fixed", "sticky"].includes(getComputedStyle(one).position);
  const controls = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
    .filter((one) => one.tabIndex >= 0 && !one.matches(":disabled") && one.checkVisibility());
  return controls.flatMap((one) => {
    one.focus();
    // Of a choice that is drawn by its label, the label.
    const { left, top, width, height } = (one.closest("label") ?? one).getBoundingClientRect();
    const shares = [0.05, 0.5, 0.95];
    const points = shares.flatMap((x) => shares.map((y) => [left + x * width, top + y * height]));
    const over = points.map(([x, y]) => {
      if (x < 0 || y < 0 || x > innerWidth || y > innerHeight) return "the window's edge";
      let hit = document.elementFromPoint(x, y);
      while (hit && !stays(hit)) hit = hit.parentElement;
      return hit && !hit.contains(one) ? hit.className : "";
    }).find(Boolean);
    const place = [left, top, width, height].map(Math.round);
    return over ? [`${one.id || one.textContent.trim()} at ${place} beneath ${over}`] : [];
  });
}

check("on a phone, photo, answer and status are on the first screen, and so is what went wrong", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=efficientnet-lite0&steps=2&photo=cat",
    { viewport: { width: 390, height: 844 }, unfolded: false });
  await status(page, /^Done/);
  assert.ok(!(await page.evaluate(() => document.getElementById("how").open)), "with a mask, it is still folded");
  await page.evaluate(() => scrollTo(0, 0));
  for (const selector of ["#canvas", "#predictions button", "#status"]) {
    const box = await page.locator(selector).first().boundingBox();
    assert.ok(box.y >= 0 && box.y + box.height <= 844, `${selector}: ${JSON.stringify(box)}`);
  }
  // While something long is done, how far it is and the way to stop it are in view, wherever one is; and nothing lies over them.
  // By this network it is long on any machine: a click that comes late still comes before the end.
  await page.evaluate(() => { document.getElementById("how").open = true; });
  await page.locator("#steps").fill("500");
  await page.click("#explain");
  await status(page, /of 501/);
  const unseen = await page.evaluate(() => [0, 0.3, 0.7, 1].flatMap((share) => {
    scrollTo(0, share * document.body.scrollHeight);
    return ["status", "progress", "cancel"].filter((id) => {
      const { left, top, width, height } = document.getElementById(id).getBoundingClientRect();
      const hit = document.elementFromPoint(left + width / 2, top + height / 2);
      return !(width > 0 && left >= 0 && left + width <= innerWidth && top + height <= innerHeight && hit?.id === id);
    }).map((id) => `${id} at ${share}`);
  }));
  assert.deepEqual(unseen, []);
  await page.click("#cancel");
  await status(page, /^Cancelled/);
  // A phone that was turned: the caption still stands beneath the picture.
  await page.setViewportSize({ width: 1024, height: 768 });
  await page.setViewportSize({ width: 390, height: 844 });
  const [picture, caption] = await Promise.all(["#canvas", "#stage-caption"].map((id) => page.locator(id).boundingBox()));
  assert.ok(picture.y + picture.height <= caption.y + 1, JSON.stringify([picture, caption]));
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await drop(page, "notes.txt", Buffer.from("no photo"));
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await notice(page), /not a photo/);
  const seen = async (id) => {
    const box = await page.locator(id).boundingBox();
    return box.y + box.height > 0 && box.y < 844;
  };
  assert.ok(await seen("#notice") && await seen("#status"));
  await page.close();
});

check("a projector is light, and its stage is larger than without", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=2&scene=5",
    { viewport: { width: 1024, height: 768 }, colorScheme: "dark", unfolded: false });
  await status(page, /^Done/);
  const stage = async () => {
    const { width, height } = await page.locator("#canvas").boundingBox();
    return width * height;
  };
  const before = await stage();
  await page.click("#projector");
  assert.ok((await stage()) > 1.2 * before, `${await stage()} after ${before}`);
  const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.equal(background, "rgb(255, 255, 255)");
  await page.close();
});
