#!/usr/bin/env python3
"""The licences of everything that is compiled into the page's modules: python3 scripts/licences.py

Read from the packages themselves, as the lock file names them, so that the text cannot grow old.
"""
import collections
import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = re.compile(r"^(licen[cs]e|copying|notice|unlicense)", re.IGNORECASE)
HEAD = """\
The modules of this page are compiled from Violet (MIT or Apache-2.0), from Rust's standard library
(MIT or Apache-2.0, https://www.rust-lang.org) and from the packages below. Sources of weights,
labels and photos are in weights/NOTICES.md.
"""


def packages():
    """What is linked into the modules: normal dependencies for the browser's target, transitively."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    command += ["--filter-platform", "wasm32-unknown-unknown"]
    data = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    package = {package["id"]: package for package in data["packages"]}
    [root] = [p["id"] for p in data["packages"] if p["name"] == "violet"]
    found, waiting = set(), [root]
    while waiting:
        here = waiting.pop()
        if here in found:
            continue
        found.add(here)
        for dependency in nodes[here]["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            macro = any("proc-macro" in t["kind"] for t in package[dependency["pkg"]]["targets"])
            if normal and not macro:
                waiting.append(dependency["pkg"])
    ours = set(data["workspace_members"])
    return sorted((package[id] for id in found - ours), key=lambda p: (p["name"], p["version"]))


def text():
    """One document: the list, then each text once, with the packages that have it."""
    listed, texts = [], collections.defaultdict(list)
    for package in packages():
        name = f"{package['name']} {package['version']}"
        source = package.get("repository") or "no repository named"
        listed.append(f"{name}: {package['license'] or 'see its file'} ({source})")
        folder = pathlib.Path(package["manifest_path"]).parent
        for file in sorted(folder.iterdir()):
            if file.is_file() and FILE.match(file.name):
                content = file.read_text(errors="replace").strip()
                texts["\n".join(line.rstrip() for line in content.splitlines())].append(name)
    line = "\n" + "-" * 80 + "\n"
    parts = [f"{', '.join(names)}:\n\n{content}\n" for content, names in texts.items()]
    return HEAD + "\n" + "\n".join(listed) + "\n" + "".join(line + part for part in parts)


if __name__ == "__main__":
    print(text(), end="")
