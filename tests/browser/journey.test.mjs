// What a user does, in Chromium, Firefox and WebKit: one suite, one page, one step after the other.
// VIOLET_ENGINE=WebKit takes one of them.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { drive, engines } from "./drivers.mjs";
import { number, root, sample, serve, skip } from "./harness.mjs";

const detector = existsSync(path.join(root, "dist/weights/ssd-mobilenet-v2.safetensors"));
/** The overlay of one and the same mask, from each engine. */
const overlays = {};

for (const engine of engines.filter((name) => (process.env.VIOLET_ENGINE ?? name) === name)) {
  test(engine, async (t) => {
    const user = await drive(engine);
    if (!user) return skip(t, `there is no ${engine} here`);
    // Another origin, which hears of whatever gets through; and workers that try.
    const heard = [];
    const elsewhere = createServer((request, response) => {
      heard.push(request.url);
      response.end();
    }).on("upgrade", (request, socket) => {
      heard.push(request.url);
      socket.destroy();
    });
    await new Promise((done) => elsewhere.listen(0, "127.0.0.1", done));
    const address = `http://127.0.0.1:${elsewhere.address().port}/`;
    const site = await serve((name, bytes) => name.endsWith("/worker-loader.js")
      ? Buffer.concat([Buffer.from(`(${spy})("${address}", "${site.url}");\n`), bytes]) : bytes);
    t.after(async () => {
      await user.close();
      site.close();
      elsewhere.close();
      elsewhere.closeAllConnections();
    });
    t.diagnostic(user.version);
    let broken = false;
    const step = (name, body) => t.test(name, async (t) => {
      assert.ok(!broken, "the step before it failed");
      broken = true;
      await body(t);
      broken = false;
    });
    await journey(user, site, address, step);
    await step("nothing was heard elsewhere", async () => {
      assert.deepEqual(heard, []);
      await fetch(`${address}proof`);
      assert.deepEqual(heard, ["/proof"], "though it could have been");
    });
  });
}

/** In a worker: tries to speak with another origin in every way, and with its own. Whoever asks is told what came of it. */
function spy(elsewhere, own) {
  const event = (target) => new Promise((done, failed) => {
    target.onload = target.onopen = target.onmessage = done;
    target.onerror = target.onclose = failed;
  });
  const ways = {
    fetch: () => fetch(`${elsewhere}fetch`, { mode: "no-cors" }),
    post: () => fetch(`${elsewhere}post`, { method: "POST", body: "a photo", mode: "no-cors" }),
    request: () => {
      const request = new XMLHttpRequest();
      request.open("GET", `${elsewhere}request`);
      request.send();
      return event(request);
    },
    socket: () => event(new WebSocket(`${elsewhere.replace("http", "ws")}socket`)),
    events: () => event(new EventSource(`${elsewhere}events`)),
    script: async () => importScripts(`${elsewhere}script`),
    // Which no policy reaches where pages have it.
    calls: async () => new RTCPeerConnection(),
    own: () => fetch(`${own}icon.svg`),
  };
  const tried = Promise.all(Object.entries(ways).map(async ([name, way]) => {
    const sent = await Promise.resolve().then(way).then(() => true, () => false);
    return [name, sent];
  }));
  // Once: workers that answered what they hear would answer each other without end.
  const channel = new BroadcastChannel("spy");
  channel.onmessage = async () => {
    channel.onmessage = null;
    channel.postMessage(await tried);
    channel.close();
  };
}

/** In the page: the same, and what only a document can. Elements that are refused say so, or say nothing. */
function leak(elsewhere) {
  const seen = (target) => new Promise((done, failed) => {
    target.onload = target.onopen = target.onloadeddata = target.onmessage = done;
    target.onerror = target.onclose = failed;
  });
  const insert = (tag, attributes, wait = seen) => {
    const element = Object.assign(document.createElement(tag), attributes);
    const came = wait(element);
    document.body.append(element);
    return came;
  };
  // Of what tells nobody whether it was sent, only the other end knows.
  const unheard = async () => { throw new Error("nobody says"); };
  const ways = {
    fetch: () => fetch(`${elsewhere}page-fetch`, { method: "POST", body: "a photo", mode: "no-cors" }),
    socket: () => seen(new WebSocket(`${elsewhere.replace("http", "ws")}page-socket`)),
    events: () => seen(new EventSource(`${elsewhere}page-events`)),
    calls: async () => new RTCPeerConnection(),
    image: () => insert("img", { src: `${elsewhere}page-image` }),
    script: () => insert("script", { src: `${elsewhere}page-script` }),
    module: () => import(`${elsewhere}page-module.js`),
    style: () => insert("link", { rel: "stylesheet", href: `${elsewhere}page-style` }),
    video: () => insert("video", { src: `${elsewhere}page-video` }),
    beacon: () => { navigator.sendBeacon(`${elsewhere}page-beacon`, "a photo"); return unheard(); },
    prefetch: () => { insert("link", { rel: "prefetch", href: `${elsewhere}page-prefetch` }); return unheard(); },
    frame: () => { insert("iframe", { src: `${elsewhere}page-frame` }, () => {}); return unheard(); },
    form: () => {
      insert("iframe", { name: "nowhere" }, () => {});
      const form = Object.assign(document.createElement("form"), { action: `${elsewhere}page-form`, method: "post", target: "nowhere" });
      document.body.append(form);
      form.submit();
      return unheard();
    },
  };
  return Promise.all(Object.entries(ways).map(async ([name, way]) => {
    const sent = await Promise.resolve().then(way).then(() => true, () => false);
    return [name, sent];
  })).then((all) => {
    document.querySelectorAll(`body > :is(img, script, link, video, iframe, form)[src^="${elsewhere}"], body > link, body > form, body > iframe`)
      .forEach((one) => one.remove());
    return Object.fromEntries(all);
  });
}

async function journey(user, site, elsewhere, step) {
  await step("load", async () => {
    await user.goto(`${site.url}?device=cpu&model=shapesnet&steps=2&workers=2`);
    await user.status(/is ready/);
    assert.match(await user.text("#engine"), /CPU, 2 workers/);
    assert.ok(await user.evaluate(() => document.querySelector(".example img").naturalWidth > 0));
  });

  await step("a worker cannot speak with anyone else", async () => {
    const tried = Object.fromEntries(await user.evaluate(() => new Promise((told) => {
      const channel = new BroadcastChannel("spy");
      channel.onmessage = ({ data }) => Array.isArray(data) && told(data);
      channel.postMessage("what came of it?");
    })));
    const { own, ...others } = tried;
    assert.ok(own, "its own server answers");
    assert.deepEqual(Object.entries(others).filter(([, sent]) => sent), []);
    assert.equal(Object.keys(others).length, 7);
  });

  await step("the page cannot, either", async () => {
    const tried = await user.evaluate(leak, elsewhere);
    assert.deepEqual(Object.entries(tried).filter(([, sent]) => sent), []);
    assert.equal(Object.keys(tried).length, 13);
  });

  await step("a sample", async () => {
    await user.again(() => user.click("[data-sample=coffee]"));
    assert.match(await user.text("#status"), /^Done: 3 gradients/);
    assert.ok((await stage(user)).purple > 0.005);
  });

  await step("a photo of one's own", async () => {
    await user.again(() => user.upload("#file", path.join(root, "www/samples/cat.jpg")));
    assert.match(await user.text("#stage-caption"), /ShapesNet/);
    assert.match(await address(user), /photo=own/);
  });

  await step("a file is saved, and its pixels are right", async () => {
    const png = (await user.saved("overlay", "overlay.png")).toString("base64");
    const jpeg = (await sample("cat.jpg")).toString("base64");
    const { size: [width, height], outside, kept, purple } = await user.evaluate(looked, png, jpeg);
    // The photo is 451 × 300; beneath it stand words.
    assert.ok(width === 451 && height > 320 && height < 420, `${width} × ${height}`);
    // Beside what the network sees, the photo is darkened; within, it has its own colours but where it is purple.
    assert.ok(outside < 2.5, `${outside} of 255 apart outside`);
    assert.ok(kept > 0.5 && purple > 0.02, `${kept} kept, ${purple} purple`);
    overlays[user.engine] = png;
    if (user.engine !== engines[0] && overlays[engines[0]]) {
      const apart = await user.evaluate(difference, png, overlays[engines[0]]);
      assert.ok(apart < 2.5, `${apart} of 255 from ${engines[0]}'s`);
    }
  });

  await step("another answer", async () => {
    const before = await stage(user);
    await user.again(() => user.click("#predictions li:nth-child(3) button"));
    const pressed = await user.evaluate(() => [...document.querySelectorAll("#predictions button")].map(
      (button) => button.getAttribute("aria-pressed")));
    assert.deepEqual(pressed, ["false", "false", "true", "false", "false"]);
    assert.notEqual((await stage(user)).hash, before.hash);
  });

  await step("the walk, by the keyboard", async () => {
    await user.click("#walk-start");
    await user.status(/drag α/);
    const before = await user.text("#walk-alpha-value");
    for (let k = 0; k < 4; k += 1) await user.press("ArrowRight");
    assert.notEqual(await user.text("#walk-alpha-value"), before);
    assert.equal(await user.text("#walk-alpha-value"), "1.00");
    const [gathered] = (await user.text("#walk-sum")).match(/−?[\d.]+\d/g).map(number);
    assert.equal(gathered, number(await user.text("#attribution-sum")), "at the end, the stage's sum");
  });

  await step("a scene, painted in one stroke", async () => {
    await user.click("#paint");
    const way = Array.from({ length: 9 }, (_, k) => [0.15 + 0.0875 * k, 0.3 + 0.05 * k]);
    await user.drag(await user.places("#paint-canvas", way));
    const gaps = await user.evaluate((way) => {
      const canvas = document.getElementById("paint-canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, 96, 96);
      const [[x0, y0], [x1, y1]] = [way[0], way.at(-1)].map((place) => place.map((share) => share * 96));
      // Every point of the way has the brush's colour, and nothing far from it has.
      const is = (x, y) => data[4 * (Math.round(y) * 96 + Math.round(x))] > 150;
      const between = (share) => [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
      const all = Array.from({ length: 60 }, (_, k) => between(k / 59));
      const painted = Array.from({ length: 96 * 96 }, (_, k) => is(k % 96, Math.floor(k / 96))).filter(Boolean).length;
      return { missed: all.filter(([x, y]) => !is(x, y)).length, painted };
    }, way);
    assert.equal(gaps.missed, 0, "the stroke has no gap");
    assert.ok(gaps.painted > 400 && gaps.painted < 1100, `${gaps.painted} pixels are painted`);
    await user.again(() => user.click("#paint-use"));
    assert.match(await user.text("#stage-caption"), /ShapesNet/);
  });

  await step("French", async () => {
    await user.choose("#language", "fr");
    assert.equal(await user.evaluate(() => document.documentElement.lang), "fr");
    assert.match(await user.text("#status"), /^Terminé/);
    assert.match(await user.text("#pin"), /comparer/);
  });

  await step("on a phone, by the keyboard alone, in French", async () => {
    await user.resize(390, 844);
    await user.goto(`${site.url}?device=cpu&workers=1&model=shapesnet&steps=4&lang=fr`);
    await user.status(/prêt/);
    await user.tabTo("#draw");
    await user.again(() => user.press("Enter"));
    const view = () => user.evaluate(() => document.querySelector("input[name=view]:checked").value);
    assert.equal(await view(), "overlay");
    await user.tabTo("input[name=view]");
    await user.press("ArrowRight");
    assert.equal(await view(), "pixels");
    await user.tabTo("#guess-start");
    await user.press("Enter");
    await user.until(() => !document.getElementById("guess-body").hidden);
    await user.tabTo("#guess-canvas");
    await user.press(" ");
    await user.tabTo("#guess-uncover");
    await user.press("Enter");
    await user.until(() => /%/.test(document.getElementById("guess-score").textContent));
    await user.tabTo("#walk-start");
    await user.press("Enter");
    await user.status(/α/);
    await user.tabTo("#walk-alpha");
    const before = await user.text("#walk-alpha-value");
    await user.press("ArrowRight");
    await user.until((before) => document.querySelector("#walk-alpha-value").textContent !== before, before);
    assert.deepEqual(await user.evaluate(() => [document.documentElement.lang, document.documentElement.scrollWidth <= innerWidth]), ["fr", true]);
    await user.resize(1280, 900);
  });
  await step("a detector's box", async (t) => {
    if (!detector) return skip(t, "the detector's weights are not here");
    await user.again(() => user.click("[data-sample=coffee]"));
    await user.click("#how summary");
    await user.again(() => user.choose("#model", "ssd-mobilenet-v2"));
    assert.match(await user.text("#predictions [aria-pressed=true]"), /tasse/);
    // The table's box is everywhere around the cup's.
    await user.again(() => user.click("#canvas", [0.2, 0.8]));
    assert.match(await user.text("#predictions [aria-pressed=true]"), /table/);
  });

  await step("reload without a network: what was set is there again, and all of it works", async () => {
    await user.again(() => user.choose("#model", "shapesnet"));
    const [before, sum] = [await address(user), await user.text("#attribution-sum")];
    assert.match(before, /photo=coffee/);
    await user.until(() => navigator.serviceWorker.controller !== null);
    site.close();
    await user.reload();
    await user.status(/^Terminé/);
    assert.deepEqual([await address(user), await user.text("#attribution-sum")], [before, sum]);
    await user.again(() => user.click("[data-sample=rocket]"));
    assert.ok((await stage(user)).purple > 0.005);
  });

  await step("opened as a file, it says what it needs", async () => {
    await user.goto(pathToFileURL(path.join(root, "dist/index.html")).href);
    await user.until(() => !document.getElementById("no-start").hidden);
    assert.match(await user.text("#no-start"), /cannot go on here[\s\S]*ne peut pas continuer/);
    assert.equal(await user.text("#no-start-why"), "file://");
  });
}

const address = (user) => user.evaluate(() => location.search);

/** Share of clearly purple pixels on the stage, and a fingerprint of all of them. */
const stage = (user) => user.evaluate(() => {
  const canvas = document.getElementById("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let [purple, hash] = [0, 0];
  for (let k = 0; k < data.length; k += 4) {
    const [r, g, b] = [data[k], data[k + 1], data[k + 2]];
    if (b > r + 30 && r > g + 10) purple += 1;
    hash = (Math.imul(hash, 31) + r + g * 3 + b * 7) | 0;
  }
  return { purple: purple / (data.length / 4), hash };
});

/** In the page: how an overlay differs from its photo. */
async function looked(png, jpeg) {
  const pixels = async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  };
  const overlay = await pixels(`data:image/png;base64,${png}`);
  const photo = await pixels(`data:image/jpeg;base64,${jpeg}`);
  const size = [overlay.width, overlay.height];
  let [apart, beside, kept, purple, within] = [0, 0, 0, 0, 0];
  for (let y = 0; y < photo.height; y += 1) {
    for (let x = 0; x < size[0]; x += 1) {
      const at = 4 * (y * size[0] + x);
      const [now, was] = [overlay, photo].map(({ data }) => [...data.slice(at, at + 3)]);
      if (x < 74 || x > 376) {
        beside += 3;
        [20, 18, 24].forEach((shade, k) => { apart += Math.abs(now[k] - (0.38 * was[k] + 0.62 * shade)); });
      } else if (x > 77 && x < 373) {
        within += 1;
        const change = now.map((value, k) => value - was[k]);
        if (change.every((by) => Math.abs(by) <= 6)) kept += 1;
        // More blue than green has come, and more red.
        if (change[2] > change[1] + 12 && change[0] > change[1] + 4) purple += 1;
      }
    }
  }
  return { size, outside: apart / beside, kept: kept / within, purple: purple / within };
}

/** In the page: how far two pictures of the cat are apart on average, words aside. */
async function difference(...pngs) {
  const [a, b] = await Promise.all(pngs.map(async (png) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, 300).data;
  }));
  return a.length === b.length ? a.reduce((sum, value, k) => sum + Math.abs(value - b[k]), 0) / a.length : NaN;
}
