#!/usr/bin/env bash
# How long it takes from saving a file to the page being there anew: ./scripts/time-edits.sh [FILE …]
#
# In a clone of its own, with scripts/serve.sh --watch running as CONTRIBUTING.md says, and whatever has been compiled
# before. What is saved is a line more at the top, so that everything below it has moved; twice, because the first
# time more is compiled.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ $# -gt 0 ] || set -- www/style.css src/web/page/mod.rs src/engine/sweep.rs src/kernel/cpu/walk.rs
clone=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -- "-$server" 2>/dev/null; rm -rf "$clone"' EXIT
git clone -q "$root" "$clone/violet"
set -m
"$clone/violet/scripts/serve.sh" --watch >"$clone/address" 2>"$clone/log" &
server=$!
set +m
until grep -qs "Violet is at" "$clone/address"; do
  kill -0 "$server" 2>/dev/null || { cat "$clone/log" >&2; exit 1; }
  sleep 0.2
done
# Whoever edits looks at the page first, while it is compiled for edits.
sleep 30
address=$(grep -o 'http://[^ ]*' "$clone/address")
echo "| saved | page there after |"
echo "|---|---:|"
for file in "$@" "$@"; do
  before=$(curl -s "${address}reload/version")
  began=$(date +%s%N)
  sed -i '1i\\' "$clone/violet/$file"
  while [ "$(curl -s "${address}reload/version")" = "$before" ]; do
    kill -0 "$server" 2>/dev/null || { cat "$clone/log" >&2; exit 1; }
    ! grep -q "not built" "$clone/address" || { tail -20 "$clone/log" >&2; exit 1; }
    sleep 0.1
  done
  echo "| $file | $((($(date +%s%N) - began) / 100000000))e-1 s |" | sed -E 's/([0-9]*)([0-9])e-1/\1.\2/'
done
