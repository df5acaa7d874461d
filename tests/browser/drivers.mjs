// Chromium, Firefox and WebKit behind one face, so that a suite is written once: the first two by puppeteer, WebKit by
// WebDriver. Clicks, keys and drags are the browser's own input, not events that a script makes.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import puppeteer from "puppeteer-core";
import { Builder, By, Capabilities, Key, Origin } from "selenium-webdriver";

export const engines = ["Chromium", "Firefox", "WebKit"];

/** Where Debian and its kin install each, and which package that is. */
const programs = {
  Chromium: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
  Firefox: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
  WebKit: ["/usr/bin/WebKitWebDriver"],
};
const size = { width: 1280, height: 900 };
const patience = 120_000;

/** A browser of that engine with one page, or null where it is not installed. */
export async function drive(engine) {
  const program = programs[engine].find(existsSync);
  if (!program) return null;
  const folder = await mkdtemp(path.join(tmpdir(), "violet-driven-"));
  await mkdir(path.join(folder, "downloads"));
  const driven = engine === "WebKit" ? await webkit(program, folder) : await puppet(engine, program, folder);
  return Object.assign(Object.create(Driven), driven, { engine, folder });
}

/** What all of them can do, made of what each can. */
const Driven = {
  /** Asks until the answer is true, and gives it. */
  async until(ask, ...values) {
    const end = Date.now() + patience;
    for (;;) {
      const answer = await this.evaluate(ask, ...values).catch((error) => {
        // A page that is just being replaced cannot be asked.
        if (Date.now() > end) throw error;
      });
      if (answer) return answer;
      if (Date.now() > end) {
        throw new Error(`${ask} ${values.join()} has not come true; the page says: ${await this.text("#status")}`);
      }
      await sleep(50);
    }
  },
  /** Waits until the status line matches. */
  status(pattern) {
    return this.until(
      (source, flags) => new RegExp(source, flags).test(document.getElementById("status").textContent),
      pattern.source, pattern.flags);
  },
  /** Does something that makes the page explain, and waits until that has begun and is done, however quick it is. */
  async again(act) {
    await this.evaluate(() => {
      const line = document.getElementById("status");
      window.begun = false;
      new MutationObserver((_, observer) => {
        if (!/^(Opening|Looking|Explaining|Loading|Explication|Ouverture)/.test(line.textContent)) return;
        window.begun = true;
        observer.disconnect();
      }).observe(line, { childList: true, characterData: true, subtree: true });
    });
    await act();
    await this.until(() => window.begun && /^(Done|Terminé)/.test(document.getElementById("status").textContent));
  },
  text(selector) {
    return this.evaluate((selector) => document.querySelector(selector)?.textContent ?? "", selector);
  },
  /** Where an element's inner points are, given as shares of its width and height; it is scrolled into view. */
  places(selector, shares) {
    return this.evaluate((selector, shares) => {
      const element = document.querySelector(selector);
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const { left, top, width, height } = element.getBoundingClientRect();
      return shares.map(([x, y]) => [Math.round(left + x * width), Math.round(top + y * height)]);
    }, selector, shares);
  },
  /** A click on the middle of an element, or on another point of it. */
  async click(selector, share = [0.5, 0.5]) {
    await this.drag(await this.places(selector, [share]));
  },
  /** Goes on with the tabulator until an element has the focus. */
  async tabTo(selector) {
    for (let steps = 0; steps <= 120; steps += 1) {
      if (await this.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
      await this.press("Tab");
    }
    throw new Error(`the tabulator does not lead to ${selector}`);
  },
  /** A file that is saved by a click in the menu, once all of it has arrived. */
  async saved(what, name) {
    const file = path.join(this.folder, "downloads", name);
    await this.click("#save summary");
    await this.click(`[data-save=${what}]`);
    let before = -1;
    for (let tries = 0; tries < 200; tries += 1) {
      await sleep(50);
      const bytes = await readFile(file).catch(() => null);
      if (bytes?.length > 0 && bytes.length === before) return bytes;
      before = bytes?.length ?? -1;
    }
    throw new Error(`${name} has not arrived; there are: ${readdirSync(path.dirname(file))}`);
  },
  async close() {
    await this.quit();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  },
};

async function puppet(engine, executablePath, folder) {
  const downloads = path.join(folder, "downloads");
  const browser = await puppeteer.launch({
    browser: engine === "Firefox" ? "firefox" : "chrome",
    executablePath,
    headless: true,
    defaultViewport: size,
    protocolTimeout: patience,
    args: engine === "Firefox" ? [] : ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-sync"],
    ...(engine === "Firefox" ? {} : { downloadBehavior: { policy: "allow", downloadPath: downloads } }),
    extraPrefsFirefox: {
      "browser.download.dir": downloads,
      "browser.download.folderList": 2,
      "browser.download.alwaysOpenPanel": false,
      "intl.accept_languages": "en-US",
    },
  });
  // In Firefox's first one keys press no button: it has not the focus.
  const page = await browser.newPage();
  await page.setViewport(size);
  return {
    version: await browser.version(),
    goto: (url) => page.goto(url),
    reload: () => page.reload(),
    evaluate: (f, ...values) => page.evaluate(f, ...values),
    press: (key) => page.keyboard.press(key),
    resize: (width, height) => page.setViewport({ width, height }),
    choose: (selector, value) => page.select(selector, value),
    upload: async (selector, file) => (await page.$(selector)).uploadFile(file),
    async drag([[x, y], ...others]) {
      await page.mouse.move(x, y);
      await page.mouse.down();
      for (const [x, y] of others) await page.mouse.move(x, y);
      await page.mouse.up();
    },
    quit: () => browser.close(),
  };
}

async function webkit(program, folder) {
  const binary = readdirSync("/usr/lib").flatMap((libraries) => ["4.1", "4.0"].map(
    (version) => `/usr/lib/${libraries}/webkit2gtk-${version}/MiniBrowser`)).find(existsSync);
  // Downloads go to the folder that the desktop names.
  await writeFile(path.join(folder, "user-dirs.dirs"), `XDG_DOWNLOAD_DIR="${folder}/downloads"\n`);
  const port = await freePort();
  const command = [program, `--port=${port}`];
  if (!process.env.DISPLAY) command.unshift("xvfb-run", "-a");
  const server = spawn(command[0], command.slice(1), {
    detached: true,
    stdio: "ignore",
    env: {
      ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder, XDG_DATA_HOME: folder, LANG: "en_US.UTF-8",
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
      // Without a GPU, layers are put together by OpenGL in software, for as long as all else that it does takes.
      WEBKIT_DISABLE_COMPOSITING_MODE: "1",
    },
  });
  const stop = () => { try { process.kill(-server.pid); } catch { /* it has ended by itself */ } };
  // Whoever ends the test ends what it has started.
  process.once("exit", stop);
  process.once("SIGTERM", () => process.exit(143));
  const capabilities = new Capabilities({
    browserName: "MiniBrowser",
    "webkitgtk:browserOptions": { binary, args: ["--automation"] },
  });
  let driver;
  for (let tries = 0; !driver; tries += 1) {
    await sleep(100);
    driver = await new Builder().usingServer(`http://127.0.0.1:${port}`).withCapabilities(capabilities).build()
      .catch((error) => { if (tries === 100 || !/ECONNREFUSED/.test(error)) { stop(); throw error; } });
  }
  await driver.manage().setTimeouts({ script: patience, pageLoad: patience });
  await driver.manage().window().setRect({ x: 0, y: 0, ...size });
  const at = (selector) => driver.findElement(By.css(selector));
  const named = { Enter: Key.ENTER, Escape: Key.ESCAPE, ArrowRight: Key.ARROW_RIGHT, Tab: Key.TAB };
  return {
    version: `WebKitGTK ${(await driver.getCapabilities()).get("browserVersion")}`,
    goto: (url) => driver.get(url),
    reload: () => driver.navigate().refresh(),
    async evaluate(f, ...values) {
      const { value, error } = await driver.executeAsyncScript(
        `const done = arguments[arguments.length - 1];
        Promise.resolve().then(() => (${f})(...Array.from(arguments).slice(0, -1)))
          .then((value) => done({ value }), (error) => done({ error: String(error) }));`, ...values);
      if (error) throw new Error(error);
      return value;
    },
    press: (key) => driver.actions().sendKeys(named[key] ?? key).perform(),
    resize: (width, height) => driver.manage().window().setRect({ width, height }),
    choose: (selector, value) => at(`${selector} option[value="${value}"]`).click(),
    upload: (selector, file) => at(selector).sendKeys(file),
    async drag([[x, y], ...others]) {
      const at = (x, y) => ({ x, y, duration: 0, origin: Origin.VIEWPORT });
      const actions = driver.actions().move(at(x, y)).press();
      for (const [x, y] of others) actions.move(at(x, y));
      await actions.release().perform();
    },
    async quit() {
      await driver.quit().catch(() => {});
      stop();
    },
  };
}

function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}
