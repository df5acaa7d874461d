#!/usr/bin/env python3
"""Gives files of a fresh checkout the time that they had in the one before, if they are the same: python3 scripts/keep_times.py

Cargo goes by the time of files, and a checkout gives all of them the present one: everything of Violet's own would be compiled
again, though the target folder was kept. What is new or has another hash, and what was written after the checkout, keeps
its own time, which is later than any build of what it was before.
"""
import hashlib
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# A checkout writes all of its files within this time.
CHECKOUT_NS = 60 * 10**9


def main():
    # One list for each place: Cargo keeps them apart as well.
    kept = TARGET / f"times-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]}.json"
    before = json.loads(kept.read_text()) if kept.exists() else {}
    # In a container the checkout may be another user's.
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    times = {name: (ROOT / name).stat().st_mtime_ns for name in listed.split("\0") if (ROOT / name).is_file()}
    end = min(times.values()) + CHECKOUT_NS
    for name, time in times.items():
        digest = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        was, then = before.get(name, (None, time))
        if was == digest and then < time <= end:
            os.utime(ROOT / name, ns=(then, then))
            time = then
        times[name] = digest, time
    TARGET.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(times))


if __name__ == "__main__":
    main()
