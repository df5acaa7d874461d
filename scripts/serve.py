#!/usr/bin/env python3
"""Serves dist/ on this machine, with the headers of its _headers: python3 scripts/serve.py [PORT] [--watch] [--finish]

With --watch, what changes in the sources is built again and an open page reloads by itself. With --finish, dist/ is a part of
the page, and the rest is built while it is served.
"""
import argparse
import fnmatch
import functools
import http.server
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
WATCHED = ["www", "src", "weights", "Cargo.toml", "Cargo.lock"]
# What only the page's own module is made of: the engine need not be compiled again.
PAGE = ["www/*", "src/page/*", "src/web/page/*", "src/web/french.json"]
PAGE_MODULES = ["app"]
# What a browser runs that knows relaxed SIMD, on the CPU.
FIRST_MODULES = ["app", "worker-relaxed"]
RELOAD = b"""
const asked = async () => (await fetch("/reload/version")).text();
const before = await asked();
setInterval(() => asked().then((now) => now !== before && location.reload(), () => {}), 400);
"""


def headers():
    """The rules of dist/_headers, (pattern, [(name, value)]) in their order; "!" takes a header away."""
    rules = []
    for line in (DIST / "_headers").read_text().splitlines():
        if line.startswith("/"):
            rules.append((line.strip(), []))
        elif line.startswith("  ") and rules:
            name, _, value = line.strip().partition(": ")
            rules[-1][1].append((name, value))
    return rules


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".wasm": "application/wasm",
        ".js": "text/javascript",
        ".md": "text/plain; charset=utf-8",
        ".webmanifest": "application/manifest+json",
    }
    watch = None

    def end_headers(self):
        found = {}
        for pattern, entries in headers():
            if fnmatch.fnmatch(self.path.split("?")[0], pattern):
                for name, value in entries:
                    if name.startswith("! "):
                        found.pop(name[2:], None)
                    else:
                        found[name] = value
        for name, value in found.items():
            self.send_header(name, value)
        super().end_headers()

    def do_GET(self):
        if self.watch and self.path.split("?")[0] in ("/", "/index.html"):
            page = (DIST / "index.html").read_bytes()
            script = b'<script type="module" src="/reload/script.js"></script></head>'
            self.answer("text/html", page.replace(b"</head>", script))
        elif self.watch and self.path == "/reload/script.js":
            self.answer("text/javascript", RELOAD)
        elif self.watch and self.path == "/reload/version":
            self.answer("text/plain", str(self.watch.version).encode())
        elif self.watch and self.path == "/service-worker.js":
            self.send_error(404)  # it would keep what is about to change
        else:
            super().do_GET()

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Watch(threading.Thread):
    """Builds again whenever a source has changed."""

    def __init__(self, stale):
        super().__init__(daemon=True)
        self.version = 0
        # Whether modules are missing or older than the sources, and the build of these, which an edit interrupts.
        self.stale, self.rest = stale, None

    @staticmethod
    def times():
        paths = [ROOT / name for name in WATCHED]
        files = [f for p in paths for f in ([p] if p.is_file() else p.rglob("*")) if f.is_file()]
        return {f.relative_to(ROOT).as_posix(): f.stat().st_mtime_ns for f in files}

    def build(self, modules=(), *more):
        only = ["--only", ",".join(modules), *more] if modules else []
        # What is older than the sources is no part of the page: it would not understand what it is asked.
        only += ["--alone"] * (self.stale and bool(modules))
        command = [sys.executable, ROOT / "scripts/build.py", *only]
        # What was compiled of a crate serves the next edit too.
        environment = os.environ | {"CARGO_INCREMENTAL": "1"}
        # What is interrupted is a group of its own, so that what it has started ends with it.
        return subprocess.Popen(command, env=environment, start_new_session=not modules)

    def run(self):
        before = self.times()
        if self.stale:
            self.rest = self.build()
        else:
            # Compiled so that the first edit compiles little: nothing changes by it.
            self.build(PAGE_MODULES, "--compile")
        while True:
            time.sleep(0.3)
            if self.rest and self.rest.poll() is not None:
                if self.rest.returncode == 0:
                    self.stale = False
                    self.version += 1
                    print("the other modules too; the page reloads", flush=True)
                self.rest = None
            try:
                now = self.times()
            except FileNotFoundError:  # an editor is replacing a file
                continue
            changed = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
            if not changed:
                continue
            before, start = now, time.monotonic()
            page = all(any(fnmatch.fnmatch(name, pattern) for pattern in PAGE) for name in changed)
            print(f"{', '.join(sorted(changed)[:3])} changed: building", flush=True)
            self.stale |= not page
            if self.rest:
                os.killpg(self.rest.pid, signal.SIGTERM)
                self.rest.wait()
                self.rest = None
            # First what most browsers run; then, if nothing else is saved, the modules for others.
            if self.build(FIRST_MODULES if self.stale else PAGE_MODULES).wait() == 0:
                self.version += 1
                print(f"built in {time.monotonic() - start:.1f} s; the page reloads", flush=True)
                if self.stale:
                    self.rest = self.build()
            else:
                print("not built; the page stays as it was", flush=True)


def finish():
    """Builds what dist/ lacks, and leaves the machine to the page meanwhile."""
    print("It explains photos already; for GPUs, faster engines and networks of your own, more is being built …", flush=True)
    built = subprocess.run(["nice", sys.executable, ROOT / "scripts/build.py"]).returncode == 0
    print("Everything is built: reload the page." if built else "That could not be built; the page stays as it is.", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", nargs="?", type=int, default=0, help="a free one, if none is named")
    parser.add_argument("--watch", action="store_true", help="build again what changes")
    parser.add_argument("--finish", action="store_true", help="build what dist/ lacks")
    arguments = parser.parse_args()
    if arguments.watch:
        Handler.watch = Watch(stale=arguments.finish)
        Handler.watch.start()
    handler = functools.partial(Handler, directory=DIST)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), handler)
    address = f"http://localhost:{server.server_port}/"
    print(f"Violet is at {address}  (Ctrl+C stops it)", flush=True)
    if arguments.finish and not arguments.watch:
        threading.Thread(target=finish, daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
