#!/usr/bin/env python3
"""Gives files of a fresh checkout the time that they had in the one before, if they are the same:

    python3 scripts/keep_times.py            # before anything is built
    python3 scripts/keep_times.py --built    # once everything is

Cargo goes by the time of files, and a checkout gives all of them the present one: everything of Violet's own would be compiled
again, though the target folder was kept. What is new or has another hash, and what was written after the checkout, keeps
its own time, which is later than any build of what it was before. So does everything, if the last run did not come to
its end, or if something was compiled since: a checkout at another place may have done that, and what it compiled has its own
files' names in it, perhaps other contents too, and would pass for this one's.
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# One list for each place.
KEPT = TARGET / f"times-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]}.json"
# A checkout writes all of its files within this time.
CHECKOUT_NS = 60 * 10**9


def compiled_last():
    """When Cargo last began to compile anything into the target folder."""
    stamps = [*TARGET.glob("*/.fingerprint/*/invoked.timestamp"), *TARGET.glob("*/*/.fingerprint/*/invoked.timestamp")]
    return max((stamp.stat().st_mtime_ns for stamp in stamps), default=0)


def keep():
    before = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    files = before.get("files", {}) if compiled_last() <= before.get("built", -1) else {}
    # In a container the checkout may be another user's.
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    times = {name: (ROOT / name).stat().st_mtime_ns for name in listed.split("\0") if (ROOT / name).is_file()}
    end = min(times.values()) + CHECKOUT_NS
    for name, written in times.items():
        digest = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        was, then = files.get(name, (None, written))
        if was == digest and then < written <= end:
            os.utime(ROOT / name, ns=(then, then))
            written = then
        times[name] = digest, written
    write({"files": times})


def write(kept):
    TARGET.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps(kept))


if __name__ == "__main__":
    if sys.argv[1:] == ["--built"]:
        write({**json.loads(KEPT.read_text()), "built": time.time_ns()})
    else:
        keep()
