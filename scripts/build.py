#!/usr/bin/env python3
"""Builds dist/ as `trunk build --release` does, without Trunk: python3 scripts/build.py [--only MODULE,… [--alone]] [--compile]

What belongs into dist/ is said once, by the `<link data-trunk …>` lines of www/index.html. Trunk and
wasm-bindgen's command line take five minutes to compile on two cores; the library behind the latter
(scripts/bindgen) takes half a minute. tests/browser/dist.test.mjs compares both dist/.

With --only, the modules that are named are compiled again; the others are those of the last build, or with --alone left
out: then the engine for every browser stands in for the one with relaxed SIMD. With --compile nothing but compiling is done,
so that it can begin before the weights are there.
"""
import argparse
import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WASM = "wasm32-unknown-unknown"
LINK = re.compile(r"<link data-trunk [^>]*>")


class Link(html.parser.HTMLParser):
    """The attributes of one `<link …>`."""

    def __init__(self, text):
        super().__init__()
        self.attributes = {}
        self.feed(text)

    def handle_starttag(self, _tag, attributes):
        self.attributes = dict(attributes)


def run(*command):
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit(f"build.py: {' '.join(map(str, command[:4]))} … failed")


def compile_module(link, profile):
    """Compiles one module; returns its path."""
    features = ["--no-default-features"] * ("data-cargo-no-default-features" in link)
    if "data-cargo-features" in link:
        features += ["--features", link["data-cargo-features"]]
    name = link["data-bin"]
    run("cargo", "build", "--target", WASM, "--profile", profile, "--bin", name, *features)
    return TARGET / WASM / profile / f"{name}.wasm"


def bind(link, module, folder):
    """Writes NAME.js and NAME_bg.wasm."""
    target = link.get("data-bindgen-target", "web")
    bindgen = os.environ.get("VIOLET_BINDGEN")
    if bindgen:  # wasm-bindgen's own command line, of the right version
        run(bindgen, f"--target={target}", f"--out-dir={folder}", "--no-typescript", module)
    else:
        run("cargo", "run", "-q", "--profile", "tools", "-p", "bindgen", "--", target, module, folder)


def copy(source, target):
    if source.is_dir():
        shutil.copytree(source, target / source.name)
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="MODULE,…", help="compile these modules again, and no other")
    parser.add_argument("--alone", action="store_true", help="with --only: leave the others out")
    parser.add_argument("--compile", action="store_true", help="compile the modules, and leave dist/ alone")
    arguments = parser.parse_args()

    only = arguments.only.split(",") if arguments.only else None
    page = ROOT / "www/index.html"
    text = page.read_text()
    if arguments.compile:
        for link in map(lambda found: Link(found).attributes, LINK.findall(text)):
            if link["rel"] == "rust" and (only is None or link["data-bin"] in only):
                compile_module(link, link["data-cargo-profile-release"])
        return
    staging, bound = ROOT / "dist.staging", TARGET / "bindgen"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    for link in map(lambda found: Link(found).attributes, LINK.findall(text)):
        source = (page.parent / link["href"]).resolve()
        if link["rel"] != "rust":
            copy(source, staging / link.get("data-target-path", ""))
            continue
        name = link["data-bin"]
        if arguments.alone and name not in only:
            if name == "worker-relaxed" and "worker" in only:
                for ending in [".js", "_bg.wasm"]:
                    shutil.copy2(bound / f"worker{ending}", staging / f"{name}{ending}")
            continue
        made = [bound / f"{name}.js", bound / f"{name}_bg.wasm"]
        if only is None or name in only or not all(file.exists() for file in made):
            bind(link, compile_module(link, link["data-cargo-profile-release"]), bound)
        for file in made:
            copy(file, staging)
    (staging / "index.html").write_text(LINK.sub("", text))
    environment = os.environ | {"TRUNK_STAGING_DIR": str(staging)}
    stamp = [sys.executable, ROOT / "scripts/stamp.py"]
    if subprocess.run(stamp, cwd=ROOT, env=environment).returncode:
        sys.exit("build.py: stamp.py failed")
    # Whoever is served meanwhile finds one or the other.
    dist, before = ROOT / "dist", ROOT / "dist.before"
    shutil.rmtree(before, ignore_errors=True)
    if dist.exists():
        dist.rename(before)
    staging.rename(dist)
    shutil.rmtree(before, ignore_errors=True)


if __name__ == "__main__":
    main()
