"""Prints the peak memory of `violet explain` at several numbers of steps.

    python3 scripts/peak-memory.py [MODEL [RULE]]
    python3 scripts/peak-memory.py WEIGHTS.pth [RULE]
"""

import os
import resource
import subprocess
import sys
import tempfile

cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
model = sys.argv[1] if len(sys.argv) > 1 else "efficientnet-lite0"
rule = sys.argv[2] if len(sys.argv) > 2 else "trapezoid"
violet = f"{cache}/violet/target/release/violet"
network = ["--weights" if os.path.exists(model) else "--model", model]
photo = os.path.join(os.path.dirname(__file__), "../www/samples/cat.jpg")
for steps in (10, 50, 1000):
    child = os.fork()
    if child == 0:
        with tempfile.TemporaryDirectory() as out:
            subprocess.run(
                [violet, "explain", photo, *network, "--steps", str(steps), "--rule", rule, "--threads", "1", "--out", out],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{steps:4} steps: {peak:.0f} MiB", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
