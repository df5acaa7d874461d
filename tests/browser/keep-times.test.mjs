// scripts/keep_times.py: which files of a fresh checkout Cargo takes for those that it has compiled.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { root } from "./harness.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "violet-times-"));
const target = path.join(folder, "target");
const stamp = path.join(target, "page/release/.fingerprint/violet-1/invoked.timestamp");
const run = (...words) =>
  execFileSync("python3", ["scripts/keep_times.py", ...words], { cwd: folder, env: { ...process.env, CARGO_TARGET_DIR: target } });
const file = (name) => path.join(folder, name);
const time = (name) => Math.round(statSync(file(name)).mtimeMs / 1000);
const now = Math.round(Date.now() / 1000);
/** Minutes ago, in seconds. */
const ago = (minutes) => now - 60 * minutes;

/** A checkout of so many minutes ago, in place of the one before. */
function checkOut(minutes, changed) {
  for (const [name, text] of [["same.rs", "as ever"], ["changed.rs", changed], ["scripts/keep_times.py", null]]) {
    if (text !== null) writeFileSync(file(name), text);
    utimesSync(file(name), ago(minutes), ago(minutes));
  }
}

after(() => rmSync(folder, { recursive: true }));

test("only what is as it was, and was compiled here last, keeps its time", () => {
  for (const needed of ["scripts", path.relative(folder, path.dirname(stamp))]) mkdirSync(file(needed), { recursive: true });
  cpSync(path.join(root, "scripts/keep_times.py"), file("scripts/keep_times.py"));
  checkOut(50, "one");
  execFileSync("git", ["init", "-q"], { cwd: folder });
  execFileSync("git", ["add", "same.rs", "changed.rs", "scripts"], { cwd: folder });
  const first = time("same.rs");
  run();
  writeFileSync(stamp, "");
  run("--built");

  checkOut(40, "two");
  run();
  assert.deepEqual([time("same.rs") - first, time("changed.rs") - first], [0, 600]);

  // That run did not come to its end: nobody knows what it has compiled.
  checkOut(30, "two");
  run();
  assert.equal(time("same.rs") - first, 1200);
  run("--built");

  // Something else was compiled into the folder since.
  const later = Date.now() / 1000 + 5;
  utimesSync(stamp, later, later);
  checkOut(20, "two");
  run();
  assert.equal(time("same.rs") - first, 1800);
});
