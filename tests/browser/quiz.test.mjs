// Find the cheat: the same five questions for everyone who has the link; and the guided tour.
import assert from "node:assert/strict";
import { again, canvas, focus, open, status, suite } from "./harness.mjs";

const shared = suite();
const { check } = shared;

/** What is asked, and what is shown. */
const asked = (page) => page.evaluate(() => ({
  round: document.getElementById("quiz-round").textContent,
  question: document.getElementById("quiz-question").textContent,
  choices: [0, 1].map((k) => document.getElementById(`quiz-${k}`).textContent),
  pictures: [...document.querySelectorAll("#quiz-masks canvas")].map((canvas) => canvas.toDataURL()),
}));

/** Answers by a key, and says whether that was right. */
async function answer(page, key) {
  await status(page, /^Your turn/);
  const question = await asked(page);
  await page.keyboard.press(key);
  assert.ok(await page.isHidden("#quiz-choices"));
  const truth = await page.textContent("#quiz-truth");
  assert.match(truth, /^(Right|Wrong)\. .*\d/, "with its reason");
  return { ...question, right: truth.startsWith("Right") };
}

check("two pupils with one link are asked the same, by the keyboard alone, and add up their answers", async () => {
  const link = "device=cpu&model=shapesnet&chapter=quiz&quiz=7";
  const games = [];
  for (const key of ["1", "2"]) {
    const page = await open(shared.browser, shared.site, link);
    const game = [];
    for (let round = 1; round <= 5; round += 1) {
      game.push(await answer(page, key));
      assert.match(game.at(-1).round, new RegExp(`^Question ${round} of 5`));
      // Nobody has to look for what comes next: it has the focus.
      const focused = await page.evaluate(() => document.activeElement.id);
      assert.equal(focused, round < 5 ? "quiz-next" : "quiz-again");
      if (round < 5) await again(page, () => page.keyboard.press("Enter"), /Making the masks/, /^Your turn/);
    }
    const right = game.filter(({ right }) => right).length;
    assert.match(await page.textContent("#quiz-round"), new RegExp(`^${right} of 5 answers were right`));
    assert.equal(await page.locator("#quiz-results .good").count(), right);
    games.push(game);
    assert.deepEqual(page.errors, []);
    if (key === "1") {
      await page.close();
      continue;
    }
    // A photo afterwards is explained by the network that is set, and another game is another one.
    await again(page, () => page.click("#draw"));
    assert.match(await page.textContent("#stage-caption"), /ShapesNet \(honest\)/);
    const before = await canvas(page);
    await again(page, () => page.click("#quiz-again"), /Making the masks/, /^Your turn/);
    assert.notEqual(new URL(page.url()).searchParams.get("quiz"), "7");
    await again(page, () => page.click("#explain"));
    assert.equal((await canvas(page)).hash, before.hash, "the quiz has left no network behind");
    await page.close();
  }
  for (let round = 0; round < 5; round += 1) {
    const [first, second] = games.map((game) => game[round]);
    assert.deepEqual({ ...first, right: 0 }, { ...second, right: 0 });
    assert.notEqual(first.right, second.right, "one of two choices is right");
  }
});

check("the tour points at things, notices what was done, is left, and is resumed where it was", async () => {
  const page = await open(shared.browser, shared.site, "device=cpu&model=shapesnet&steps=24&tour=1", { unfolded: false });
  const says = () => page.textContent("#tour [data-step]:not([hidden])");
  const offers = (text) => page.waitForFunction((text) => document.getElementById("tour-start").textContent === text, text);
  const toured = () => page.evaluate(() => document.querySelector(".toured").id || document.querySelector(".toured").className);
  const reaches = (text) => page.waitForFunction((text) => document.querySelector("#tour [data-step]:not([hidden])").textContent.includes(text), text);
  await reaches("choose one of these photos");
  assert.match(await toured(), /samples/);
  // It is no barrier: the page beside it is used as always.
  await page.click("[data-sample=cat]");
  await reaches("Choose another view");
  assert.equal(await toured(), "views");
  await page.click("#views label:has([value=regions])");
  await reaches("Choose another one");
  // Left by Escape, and resumed another day.
  await focus(page, "#tour-next");
  await page.keyboard.press("Escape");
  // Browsers say a little later that it was closed.
  await page.waitForFunction(() => !document.getElementById("tour").open && !document.querySelector(".toured"));
  await page.reload();
  await status(page, /^Done|is ready/);
  await reaches("Choose another one");
  await page.click("#tour-leave");
  await page.selectOption("#language", "fr");
  await offers("Continuer la visite guidée");
  await page.click("#tour-start");
  await reaches("Choisissez-en une autre");
  // Whoever goes back finds what was done before, said to be so, and is not pushed on.
  while (await page.getAttribute("#tour-back", "aria-disabled") !== "true") await page.click("#tour-back");
  await reaches("choisissez une de ces photos");
  assert.match(await page.textContent("#tour-done"), /déjà fait/);
  while (await page.isVisible("#tour")) await page.click("#tour-next");
  await offers("Visite guidée");
  assert.deepEqual(page.errors, []);
  await page.close();
});
