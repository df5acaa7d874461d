#!/usr/bin/env python3
"""The last step of every build, Trunk's too: gives the files of one build a folder of their own.

Everything that belongs to one build and no other (modules, scripts, styles) moves to build-VERSION/, VERSION
being a hash of all of it. So no cache, in a browser, on a host or between them, can mix two builds: a name
always means the same bytes. The service worker gets the list of what it keeps, and _headers is
written for hosts that read it.
"""
import hashlib
import json
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import licences  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What www/index.html calls the folder.
BUILD = "build"
# Not kept before someone asks for it: weights that are fetched (large), and what nobody looks at offline.
LATER = re.compile(r"^(weights/(?!shapesnet).*|_headers|service-worker\.js|licences\.txt|bench\.html)$")


def version(folder):
    """A hash of every file's name and bytes, weights that have hashes of their own aside."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if not name.startswith("weights/"):
            total.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:12]


def sign(module, build):
    """Writes into a module which build it is of, as a section that nobody runs: a page starts no engine of another."""
    def lengthy(data):
        assert len(data) < 128  # its length fits into one byte of LEB128
        return bytes([len(data)]) + data
    with module.open("ab") as file:
        file.write(b"\0" + lengthy(lengthy(b"build") + build.encode()))


def headers(policy, build):
    """For Netlify, Cloudflare Pages and others that know the file; scripts/serve.py sends the same."""
    return f"""\
# Anybody may embed the page, in a lesson for example: nothing on it belongs to an account.
/*
  Content-Security-Policy: {policy}; frame-ancestors *
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
  Permissions-Policy: camera=(self), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()
  Cache-Control: no-cache

/{build}/*
  ! Cache-Control
  Cache-Control: public, max-age=31536000, immutable

/weights/*.safetensors
  ! Cache-Control
  Cache-Control: public, max-age=86400
"""


def main():
    folder = pathlib.Path(os.environ["TRUNK_STAGING_DIR"])
    for path in [*folder.glob("*.js"), *folder.glob("*.wasm")]:
        if path.name != "service-worker.js":
            path.rename(folder / BUILD / path.name)
    (folder / "licences.txt").write_text(licences.text())
    build = f"{BUILD}-{version(folder)}"
    for module in (folder / BUILD).glob("*.wasm"):
        sign(module, build)
    (folder / BUILD).rename(folder / build)

    for page in folder.rglob("*.html"):
        text = page.read_text()
        page.write_text(re.sub(rf'"((?:\.\./)*){BUILD}/', rf'"\1{build}/', text))
    text = (folder / "index.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    (folder / "_headers").write_text(headers(policy, build))

    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    kept = ["./", *(name for name in names if name != "index.html" and not LATER.match(name))]
    worker = folder / "service-worker.js"
    text = worker.read_text()
    for constant, value in {"BUILD": build, "KEPT": kept}.items():
        text, times = re.subn(
            rf"^const {constant} = .*;$", f"const {constant} = {json.dumps(value)};", text, flags=re.M
        )
        if times != 1:
            sys.exit(f"stamp.py: service-worker.js has no line “const {constant} = …;”")
    worker.write_text(text)


if __name__ == "__main__":
    main()
